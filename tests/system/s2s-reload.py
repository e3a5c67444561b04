#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Federation settings change live: what a reload denies ends at once, in both directions, with the right error; what it
does not touch stays up, on the same connection. Lists, static routes, local domains, limits, the master switch.
"""
import xml.etree.ElementTree as ET

from s2s_peer import Closed, Peer, condition, q
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

C, D = "127.0.0.40", "127.0.0.41"
LISTED = "<domain name='%s'/>"
number = 0


def message(stream, own, to):
    global number
    number += 1
    stream.send(f"<message from='u@{own}' to='v@{to}' id='m{number}'><body>x</body></message>")
    return f"m{number}"


def passes(stream, own, to, receiver):
    identity = message(stream, own, to)
    stanza = receiver.next_stanza()
    assert stanza.get("id") == identity and stanza.get("type") != "error", ET.tostring(stanza)


def bounces(stream, own, to, sender, name):
    identity = message(stream, own, to)
    stanza = sender.next_stanza()
    assert stanza.get("id") == identity and stanza.get("type") == "error", ET.tostring(stanza)
    assert stanza.get("from") == f"v@{to}" and stanza.get("to") == f"u@{own}", ET.tostring(stanza)
    assert condition(stanza.find(q("server", "error"))) == name, ET.tostring(stanza)


def ended(stream, *names):
    """The gateway ended it, with a stream error of `names`."""
    try:
        while (element := stream.read()) is not None:
            if element.tag == q("stream", "error"):
                assert condition(element) in names, f"{condition(element)} is not of {names}"
                return
    except Closed:
        pass
    raise AssertionError("it ended without an error of " + str(names))


def refused(peer):
    """It gets no stream at all, for what its header says."""
    try:
        peer.connect("a.test", OUTSIDE)
    except AssertionError as e:
        assert "policy-violation" in str(e), e
    else:
        raise AssertionError("a denied domain has a stream")


def incoming(gateway, address):
    return sorted(c["id"] for c in gateway.connections()
                  if c["direction"] == "incoming" and c["address"] == address)


def main():
    certs = Certificates()
    certs.make("a.test", names="DNS:a.test,DNS:x.test")
    for domain in ("c.test", "d.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside = Peer(certs, A_ADDRESS, "a.test", "x.test")
    c, d = Peer(certs, C, "c.test"), Peer(certs, D, "d.test")
    routes = f"<route domain='c.test' address='{C}'/>"
    route_d = f"<route domain='d.test' address='{D}'/>"
    local_a, local_x = (local_domain(n, (A_ADDRESS, 5269)) for n in ("a.test", "x.test"))
    with Gateway(broker=profiles(certs), local=local_a + local_x, routes=routes + route_d, dns=None,
                 inside_dns=False, lists="mode='deny-list'") as gateway:
        from_c, from_d = c.verified("a.test", OUTSIDE), d.verified("a.test", OUTSIDE)
        to_x = c.verified("x.test", OUTSIDE)
        from_a = inside.connect("c.test", INSIDE)
        for target in ("c.test", "d.test"):
            assert inside.ask(from_a, to=target).get("type") == "valid"
        passes(from_c, "c.test", "a.test", inside)
        passes(from_d, "d.test", "a.test", inside)
        passes(to_x, "c.test", "x.test", inside)
        passes(from_a, "a.test", "c.test", c)
        passes(from_a, "a.test", "d.test", d)
        same = incoming(gateway, C), incoming(gateway, A_ADDRESS)

        print("a domain is denied")
        gateway.reload(domains=LISTED % "d.test")
        ended(from_d, "policy-violation")
        bounces(from_a, "a.test", "d.test", inside, "not-allowed")
        passes(from_c, "c.test", "a.test", inside)
        passes(from_a, "a.test", "c.test", c)
        refused(d)

        print("and allowed again")
        gateway.reload(domains="")
        from_d = d.verified("a.test", OUTSIDE)
        passes(from_d, "d.test", "a.test", inside)
        passes(from_a, "a.test", "d.test", d)

        print("an allow list; a static route is an entry in it")
        gateway.reload(lists="mode='allow-list'", routes=routes)
        ended(from_d, "policy-violation")
        passes(from_c, "c.test", "a.test", inside)
        bounces(from_a, "a.test", "d.test", inside, "not-allowed")
        gateway.reload(routes=routes + route_d)
        passes(from_a, "a.test", "d.test", d)

        print("a local domain goes")
        gateway.reload(local=local_a)
        ended(to_x, "host-gone")
        passes(from_c, "c.test", "a.test", inside)

        print("limits and times")
        gateway.reload(more="<limits stanza='100k'/><idle-timeout seconds='300'/>")
        passes(from_c, "c.test", "a.test", inside)
        passes(from_a, "a.test", "c.test", c)
        now = incoming(gateway, C), incoming(gateway, A_ADDRESS)
        assert now[1] == same[1] and set(now[0]) <= set(same[0]), (same, now)

        print("a fault changes nothing")
        try:
            gateway.reload(more="<limits stanza='1'/>")
        except AssertionError as e:
            assert "stanza" in str(e), e
        else:
            raise AssertionError("a limit out of range was accepted")
        passes(from_c, "c.test", "a.test", inside)

        print("an operator ends a stream, and the master switch all")
        gateway.reload(more="")
        one = incoming(gateway, C)[0]
        assert gateway.control(f"clear federation connection {one}")["cleared"] == 1
        until(lambda: one not in incoming(gateway, C), "the stream has ended", gateway.alive)
        gateway.reload(more="<federation use='no'/>")
        until(lambda: not gateway.connections(), "all streams have ended", gateway.alive)
        status = gateway.control("show federation status")
        assert status["status"] == "inactive" and status["reason"], status


if __name__ == "__main__":
    main()
