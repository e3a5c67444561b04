#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Certificates while streams are open. A reload brings a revocation list, or takes an authority away: streams that were
proved by what holds no more end with `reset`, both ways, and are not made again; what dialback proved stands, unless
certificates are required; all others go on. And our own: what is shown for a local domain and does not name it is told
at a reload, also of files alone, and in the status, and nothing is refused for it.
"""
import os
import re
import subprocess

from s2s_peer import Closed, Peer, condition, q
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until)

C, D, E = "127.0.0.40", "127.0.0.41", "127.0.0.42"
number = 0


def message(stream, own, to):
    global number
    number += 1
    stream.send(f"<message from='u@{own}' to='v@{to}' id='m{number}'><body>x</body></message>")
    return f"m{number}"


def passes(stream, own, to, receiver):
    identity = message(stream, own, to)
    stanza = receiver.next_stanza()
    assert stanza.get("id") == identity and stanza.get("type") != "error", stanza.attrib


def bounces(stream, own, to, sender, name):
    identity = message(stream, own, to)
    stanza = sender.next_stanza()
    assert stanza.get("id") == identity and stanza.get("type") == "error", stanza.attrib
    assert condition(stanza.find(q("server", "error"))) == name, stanza.attrib


def ended(stream):
    try:
        while (element := stream.read()) is not None:
            if element.tag == q("stream", "error"):
                assert condition(element) == "reset", condition(element)
                return
    except Closed:
        pass
    raise AssertionError("it ended without a reset")


def proved(peer, expected="success"):
    stream = peer.connect("a.test", OUTSIDE)
    answer = peer.external(stream)
    assert answer.tag == q("sasl", expected), answer.tag
    if expected == "success":
        stream.restart()
        stream.header(stream.own, "a.test")
        stream.expect_header()
        stream.expect_features()
        peer.reverse[stream.own, "a.test"] = stream  # pings are answered there
    return stream


def refused(peer):
    """It gets no pair, whatever it tries."""
    try:
        stream = proved(peer, "failure")
        assert peer.ask(stream).get("type") != "valid"
    except Closed:
        pass


def settled(gateway):
    """What was sent is confirmed, so nothing of it comes back when a stream ends."""
    until(lambda: not gateway.control("show federation status")["unconfirmed"], "all is confirmed",
          gateway.alive)


def count_outgoing(gateway, address):
    return sum(c["direction"] == "outgoing" and c["address"] == address
               for c in gateway.connections())


def revoked(gateway, certs, from_a, inside, c, d, e):
    from_c, from_d, by_key = proved(c), proved(d), e.verified("a.test", OUTSIDE)
    for peer, stream in ((c, from_c), (d, from_d), (e, by_key)):
        passes(stream, peer.domains[0], "a.test", inside)
        passes(from_a, "a.test", peer.domains[0], peer)

    settled(gateway)
    print("two are revoked; one of them was proved by its certificate alone")
    certs.revocation_list("c.test", "e.test")
    assert gateway.reload()["changed"] == [], "nothing but a file has changed"
    ended(from_c)
    passes(from_d, "d.test", "a.test", inside)
    passes(by_key, "e.test", "a.test", inside)
    passes(from_a, "a.test", "c.test", c)
    by_key_c = proved(c, "failure")
    assert c.ask(by_key_c).get("type") == "valid"
    passes(by_key_c, "c.test", "a.test", inside)

    print("certificates are required")
    out = c.in_use()
    settled(gateway)
    gateway.reload(security="<security require-client-certificates='yes'/>")
    ended(by_key)
    ended(by_key_c)
    until(lambda: b"<reset" in out.raw, "our stream to c.test is ended, too", gateway.alive)
    passes(from_d, "d.test", "a.test", inside)
    passes(from_a, "a.test", "d.test", d)
    bounces(from_a, "a.test", "c.test", inside, "remote-server-timeout")
    refused(c)

    print("and another is revoked")
    out = d.in_use()
    settled(gateway)
    certs.revocation_list("c.test", "d.test", "e.test")
    gateway.reload()
    ended(from_d)
    until(lambda: b"<reset" in out.raw, "our stream to d.test is ended", gateway.alive)
    until(lambda: not count_outgoing(gateway, D), "and it is gone", gateway.alive)
    bounces(from_a, "a.test", "d.test", inside, "remote-server-timeout")
    refused(d)


def authority_goes(gateway, certs, other, from_a, inside, d):
    print("nobody is revoked any more")
    certs.revocation_list()
    gateway.reload()
    from_d = proved(d)
    passes(from_d, "d.test", "a.test", inside)

    print("the authority is trusted no more")
    gateway.reload(broker=profiles(certs, ca=other.ca))
    ended(from_d)
    refused(d)
    gateway.reload(broker=profiles(certs), security="")
    passes(proved(d), "d.test", "a.test", inside)


def certificates_check(gateway):
    checks = gateway.control("show federation status")["checks"]
    return next(c for c in checks if c["check"] == "certificates")


def test(gateway):
    return subprocess.run([os.environ["XMBD"], "-t", "-c", gateway.config, "-p",
                           os.environ["XMB_PLUGINS"]], capture_output=True, text=True, check=False)


def ours(gateway, certs):
    """`x.test` is another local domain, and stands in no certificate."""
    local = gateway.parts["local"]
    assert certificates_check(gateway)["result"] == "ok", certificates_check(gateway)
    assert "does not name the domain" not in gateway.log()

    print("a local domain that the certificate does not name")
    gateway.reload(local=local + local_domain("x.test", (A_ADDRESS, 5269)))
    assert f"x.test: certificate {certs.path('a.test.crt')} of TLS profile outside (names: a.test, " \
        "conference.a.test) does not name the domain: peers that want" in gateway.log()
    assert certificates_check(gateway)["what"].startswith("x.test is not named by "), \
        certificates_check(gateway)
    run = test(gateway)
    assert run.returncode == 0, run

    print("a new certificate names it, and one that follows does not; nothing but files changed")
    certs.make("a.test", names="DNS:a.test,DNS:x.test")
    gateway.reload()
    assert certificates_check(gateway)["result"] == "ok", certificates_check(gateway)
    before = gateway.log().count("does not name the domain")
    certs.make("a.test", days="10")
    gateway.reload()
    until(lambda: gateway.log().count("does not name the domain") == before + 1, "it is told once",
          gateway.alive)
    assert re.search(r"a.test.crt: this certificate expires in (9|10) days", gateway.log())
    gateway.reload(local=local)
    assert re.search(r"a.test.crt expires in (9|10) days$", certificates_check(gateway)["what"]), \
        certificates_check(gateway)

    print("profiles that are not there")
    for element in ("<security side='inside' tls='nowhere'/>",
                    "<local-domain name='y.test' tls='nowhere'><server address='10.0.0.5'/></local-domain>"):
        try:
            gateway.reload(more=element)
        except AssertionError as error:
            assert 'there is no <tls name=\\"nowhere\\"/>' in str(error), error
        else:
            raise AssertionError("a profile that is not there was accepted")
    gateway.reload(more="")


def main():
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "c.test", "d.test", "e.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside = Peer(certs, A_ADDRESS, "a.test")
    peers = [Peer(certs, at, name) for at, name in ((C, "c.test"), (D, "d.test"), (E, "e.test"))]
    routes = "".join(f"<route domain='{p.domains[0]}' address='{p.address}'/>" for p in peers)
    with Gateway(broker=profiles(certs, crl=certs.revocation_list()), routes=routes, dns=None,
                 inside_dns=False, local=local_domain("a.test", (A_ADDRESS, 5269)),
                 more="<backoff minimum='1' maximum='1'/><delivery interval='100ms'/>") as gateway:
        from_a = inside.connect("c.test", INSIDE)
        for peer in peers:
            assert inside.ask(from_a, to=peer.domains[0]).get("type") == "valid"
        revoked(gateway, certs, from_a, inside, *peers)
        authority_goes(gateway, certs, other, from_a, inside, peers[1])
        gateway.reload(more="")
        ours(gateway, certs)


if __name__ == "__main__":
    main()
