#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What must not come through, from a scripted peer: each is refused with the error that the RFC or XEP names, and
the stream of a good peer stays up and carries a stanza after each.

Identity: unlisted domain, wrong name, expired, revoked, self-signed, unknown CA, no certificate, wrong key, spoofed
`from`, a local domain from outside, plain text where TLS is required, octets behind <starttls/>. A verification that
cannot even start (no such name, no address, a closed port, SRV ".", ourselves) is answered and not left in silence;
an unhosted db:verify gets an error for itself; a certificate with XmppAddr names is read. XML: oversized, deep,
billion laughs, endless attribute, too many attributes, comment, processing instruction, text between stanzas, another
encoding, broken UTF-8, half a stanza for ever.
And what a user inside is told when a stanza of his cannot be delivered.
"""
import socket
import xml.etree.ElementTree as ET

from s2s_peer import NS, Closed, Peer, Stream, condition, q
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, World, local_domain, profiles, skip

C, D = "127.0.0.40", "127.0.0.41"
MESSAGE = "<message from='u@%s' to='alice@a.test' id='%s'><body>%s</body></message>"
counter = 0


def plain(to="a.test", own="d.test"):
    """A stream whose header is answered, before TLS."""
    stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
    stream.header(own, to)
    stream.expect_header()
    stream.expect_features()
    return stream


class Refused:
    def __init__(self, gateway, inside, good, bad):
        self.gateway, self.inside, self.bad = gateway, inside, bad
        self.stream = good.verified("a.test", OUTSIDE)
        self.good = good

    def still_up(self):
        global counter
        counter += 1
        self.stream.send(MESSAGE % ("c.test", f"good{counter}", "still here"))
        while True:
            stanza = self.inside.next_stanza()
            if stanza.get("id") == f"good{counter}":
                return
            raise AssertionError("came through: " + ET.tostring(stanza, encoding="unicode"))

    # --- who

    def result_error(self, stream, name, **names):
        answer = self.bad.ask(stream, **names)
        assert answer.get("type") == "error", ET.tostring(answer)
        assert condition(answer.find(q("server", "error"))) == name, ET.tostring(answer)

    def unlisted(self):
        peer = Peer(self.bad.certs, D, "unlisted.test", file="d.test", listen=False)
        try:
            stream = peer.connect("a.test", OUTSIDE)
        except (AssertionError, Closed):
            return
        try:
            answer = peer.ask(stream)
            assert answer.get("type") == "error", ET.tostring(answer)
        except (Closed, AssertionError):
            pass

    def not_hosted(self):
        """An unhosted db:result gets a dialback error, and the stream stays."""
        stream = self.bad.connect("a.test", OUTSIDE)
        self.result_error(stream, "item-not-found", to="nobody.test")
        assert self.bad.ask(stream).get("type") == "valid"
        stream.close()

    def wrong_key(self):
        stream = self.bad.connect("a.test", OUTSIDE)
        answer = self.bad.ask(stream, key="0" * 64)
        assert answer.get("type") in ("invalid", "error"), ET.tostring(answer)

    def cannot_start(self, own, *names):
        """There is an answer for that pair, in its time, and the stream stays for the others."""
        stream = self.bad.connect("a.test", OUTSIDE, cert="many")
        answer = self.bad.ask(stream, own=own)
        assert answer.get("type") == "error", ET.tostring(answer)
        assert condition(answer.find(q("server", "error"))) in names, ET.tostring(answer)
        assert self.bad.ask(stream).get("type") == "valid"
        stream.close()

    def verify(self, names, identity, key, kind, name=None):
        """db:verify with these, before anybody is verified."""
        stream = self.bad.connect("a.test", OUTSIDE)
        own, to = names
        stream.send(f"<db:verify from='{own}' to='{to}' id='{identity}'>{key}</db:verify>")
        answer = stream.expect(q("db", "verify"))
        assert (answer.get("from"), answer.get("to"), answer.get("id"), answer.get("type")) == \
            (to, own, identity, kind), ET.tostring(answer)
        if name is not None:
            assert condition(answer.find(q("server", "error"))) == name, ET.tostring(answer)
        assert self.bad.ask(stream).get("type") == "valid"
        stream.close()

    def authority(self, verify, name):
        self.bad.verify = verify
        try:
            self.result_error(self.bad.connect("a.test", OUTSIDE), name)
        finally:
            self.bad.verify = "right"

    def local_from_outside(self):
        stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
        stream.header("a.test", "a.test")
        stream.expect_error("invalid-from")

    def local_in_result(self):
        self.result_error(self.bad.connect("a.test", OUTSIDE), "not-allowed", own="a.test")

    def spoofed_from(self):
        stream = self.bad.verified("a.test", OUTSIDE)
        stream.send(MESSAGE % ("c.test", "spoof", "x"))
        stream.expect_error("invalid-from")

    def spoofed_to(self):
        stream = self.bad.verified("a.test", OUTSIDE)
        stream.send("<message from='u@d.test' to='x@elsewhere.test'><body>x</body></message>")
        stream.expect_error("host-unknown")

    def without_addresses(self):
        stream = self.bad.verified("a.test", OUTSIDE)
        stream.send("<message to='alice@a.test'><body>x</body></message>")
        stream.expect_error("improper-addressing")

    def unverified(self):
        stream = self.bad.connect("a.test", OUTSIDE)
        stream.send(MESSAGE % ("d.test", "unverified", "x"))
        stream.expect_error("not-authorized")

    def unknown_host(self):
        stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
        stream.header("d.test", "nobody.test")
        stream.expect_error("host-unknown")

    # --- TLS

    def plain_text(self):
        stream = plain()
        stream.send(MESSAGE % ("d.test", "plain", "x"))
        try:
            element = stream.read()
        except Closed:
            return
        assert element.tag == q("stream", "error"), ET.tostring(element)
        assert condition(element) in ("not-authorized", "policy-violation"), ET.tostring(element)

    def plain_result(self):
        stream = plain()
        stream.send(f"<db:result from='d.test' to='a.test'>{'0' * 64}</db:result>")
        element = stream.read()
        name = condition(element) if element.tag == q("stream", "error") else \
            condition(element.find(q("server", "error")))
        assert name == "policy-violation", ET.tostring(element)

    def behind_starttls(self):
        """Plain octets behind <starttls/> never reach the encrypted stream."""
        stream = plain()
        stream.send("<starttls xmlns='%s'/><stream:stream xmlns='jabber:server' "
                    "xmlns:stream='http://etherx.jabber.org/streams' from='d.test' to='a.test' "
                    "version='1.0'>" % NS["tls"])
        try:
            while True:
                element = stream.read()
                if element is None:
                    break
                assert element.tag != q("tls", "proceed"), "TLS goes on behind injected octets"
        except Closed:
            pass

    def wrong_name(self):
        peer = Peer(self.bad.certs, D, "d.test", file="c.test", listen=False)
        peer.secret = self.bad.secret
        self.result_error_of(peer, "not-authorized")

    def result_error_of(self, peer, name, cert=True):
        stream = peer.connect("a.test", OUTSIDE, cert=cert)
        answer = peer.ask(stream)
        assert answer.get("type") == "error", ET.tostring(answer)
        assert condition(answer.find(q("server", "error"))) == name, ET.tostring(answer)

    def certificate(self, file):
        peer = Peer(self.bad.certs, D, "d.test", file=file or "d.test", listen=False)
        peer.secret = self.bad.secret
        self.result_error_of(peer, "not-authorized", cert=file is not None)

    def xmpp_addr(self, file, kind):
        """ejabberd dies over such a name."""
        peer = Peer(self.bad.certs, D, "d.test", file=file, listen=False)
        peer.secret = self.bad.secret
        answer = peer.ask(peer.connect("a.test", OUTSIDE))
        assert answer.get("type") == kind, ET.tostring(answer)

    # --- what comes back to a user inside

    def comes_back(self, domain, name, kind, **behaviour):
        """A message to `domain`, whose server behaves so, returns with the error `name` of that type."""
        global counter
        counter += 1
        usual = {key: getattr(self.bad, key) for key in behaviour}
        stream = self.inside.verified(domain, INSIDE)
        for key, value in behaviour.items():
            setattr(self.bad, key, value)
        try:
            stream.send(f"<message from='alice@a.test' to='u@{domain}' id='out{counter}'><body>x</body>"
                        "</message>")
            stanza = self.inside.next_stanza()
        finally:
            for key, value in usual.items():
                setattr(self.bad, key, value)
            stream.close()
        error = stanza.find(q("server", "error"))
        assert (stanza.get("id"), stanza.get("type")) == (f"out{counter}", "error")
        assert (stanza.get("from"), stanza.get("to")) == (f"u@{domain}", "alice@a.test")
        assert (condition(error), error.get("type")) == (name, kind), ET.tostring(stanza)

    # --- XML

    def xml(self, text, *names):
        """On a verified stream, so that the wide limits are in force."""
        stream = self.bad.verified("a.test", OUTSIDE)
        self.send_all(stream, text)
        self.expect_one(stream, names)

    def send_all(self, stream, text):
        try:
            stream.send(text)
        except OSError:
            pass  # it was closed on the way

    def expect_one(self, stream, names):
        while True:
            element = stream.read()
            assert element is not None, f"the end, and one of {names} was expected"
            if element.tag == q("stream", "error"):
                assert condition(element) in names, f"{condition(element)}, not of {names}"
                return

    def prologue(self, text, *names):
        stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
        self.send_all(stream, text)
        self.expect_one(stream, names)

    def unverified_big(self):
        """Before anybody is verified, little is enough."""
        stream = self.bad.connect("a.test", OUTSIDE)
        self.send_all(stream, "<db:result from='d.test' to='a.test'>" + "0" * 20000)
        self.expect_one(stream, ["policy-violation"])


LAUGHS = ("<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'lol'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{('&%c;' % (97 + i)) * 10}'>" for i in range(9)) + "]>"
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
    "from='d.test' to='&j;' version='1.0'>")
START = "<message from='u@d.test' to='alice@a.test'>"


def cases(r):
    yield "unlisted domain", r.unlisted
    yield "unhosted domain in db:result", r.not_hosted
    yield "wrong dialback key", r.wrong_key
    yield "the authority does not answer for the domain", lambda: r.authority(
        "error", "remote-server-not-found")
    yield "the authority closes", lambda: r.authority("close", "remote-server-timeout")
    for own, names in (("nowhere.d.test", ("remote-server-not-found",)),
                       ("refused.d.test", ("remote-server-not-found",)),
                       ("noaddress.d.test", ("remote-server-not-found",)),
                       ("ourselves.d.test", ("remote-server-not-found",)),
                       ("closed.d.test", ("remote-server-timeout",))):
        yield f"verification cannot start: {own}", lambda o=own, n=names: r.cannot_start(o, *n)
    yield "unhosted domain in db:verify", lambda: r.verify(
        ("d.test", "nobody.test"), "i", "0" * 64, "error", "item-not-found")
    yield "wrong key in db:verify", lambda: r.verify(("d.test", "a.test"), "i", "0" * 64, "invalid")
    yield "local domain from outside", r.local_from_outside
    yield "local domain in db:result", r.local_in_result
    yield "spoofed from", r.spoofed_from
    yield "another to", r.spoofed_to
    yield "no from", r.without_addresses
    yield "stanza before dialback", r.unverified
    yield "domain that is not served", r.unknown_host
    yield "plain text", r.plain_text
    yield "dialback in plain", r.plain_result
    yield "octets behind starttls", r.behind_starttls
    yield "certificate with another name", r.wrong_name
    for file in ("expired", "revoked", "selfsigned", "unknown", None):
        yield f"certificate: {file}", lambda f=file: r.certificate(f)
    yield "certificate: XmppAddr alone", lambda: r.xmpp_addr("xmppaddr", "valid")
    yield "certificate: XmppAddr of another", lambda: r.xmpp_addr("xmppaddr-c", "error")
    yield "certificate: XmppAddr of a user", lambda: r.xmpp_addr("xmppaddr-user", "error")
    yield "certificate: XmppAddr that is none", lambda: r.xmpp_addr("xmppaddr-odd", "error")
    for domain, name, kind in (("nowhere.d.test", "remote-server-not-found", "cancel"),
                               ("refused.d.test", "remote-server-not-found", "cancel"),
                               ("ourselves.d.test", "remote-server-not-found", "cancel"),
                               ("closed.d.test", "remote-server-timeout", "wait"),
                               ("unlisted.test", "not-allowed", "cancel")):
        yield f"back from {domain}: {name}", lambda d=domain, n=name, k=kind: r.comes_back(d, n, k)
    for name, kind, behaviour in (("internal-server-error", "cancel", {"accept": "invalid"}),
                                  ("remote-server-timeout", "wait", {"accept": "error"}),
                                  ("remote-server-timeout", "wait", {"accept": "close"}),
                                  ("remote-server-timeout", "wait", {"accept": "silent"}),
                                  ("remote-server-timeout", "wait", {"file": "expired"}),
                                  ("remote-server-timeout", "wait", {"file": "c.test"}),
                                  ("remote-server-timeout", "wait", {"tls": "only-say"}),
                                  ("remote-server-timeout", "wait", {"tls": False})):
        yield f"back from d.test, {behaviour}: {name}", \
            lambda n=name, k=kind, b=behaviour: r.comes_back("d.test", n, k, **b)
    yield "oversized stanza", lambda: r.xml(START + "<body>" + "x" * 300000, "policy-violation")
    yield "deep nesting", lambda: r.xml(START + "<a>" * 60000, "policy-violation")
    yield "endless attribute", lambda: r.xml("<message a='" + "x" * 300000, "policy-violation")
    yield "many attributes", lambda: r.xml(
        START + "<a " + " ".join(f"a{i}=''" for i in range(5000)) + "/>", "policy-violation")
    yield "many elements", lambda: r.xml(START + "<a/>" * 50000, "policy-violation")
    yield "endless name", lambda: r.xml("<" + "x" * 300000, "policy-violation")
    yield "comment", lambda: r.xml(START + "<!-- c --></message>", "restricted-xml")
    yield "processing instruction", lambda: r.xml(START + "<?p i?></message>", "restricted-xml")
    yield "entity", lambda: r.xml(START + "&nbsp;</message>", "restricted-xml", "not-well-formed")
    yield "text between stanzas", lambda: r.xml("text ", "bad-format", "not-well-formed")
    yield "not well-formed", lambda: r.xml(START + "</presence>", "not-well-formed")
    yield "unbound prefix", lambda: r.xml(START + "<x:y/></message>", "not-well-formed",
                                          "bad-namespace-prefix")
    yield "broken UTF-8", lambda: r.xml(START.encode() + b"<body>\xff\xfe</body></message>",
                                        "not-well-formed", "unsupported-encoding")
    yield "unknown element", lambda: r.xml("<unknown xmlns='urn:x'/>", "unsupported-stanza-type")
    yield "billion laughs", lambda: r.prologue(LAUGHS, "restricted-xml", "not-well-formed")
    yield "latin-1", lambda: r.prologue(
        "<?xml version='1.0' encoding='iso-8859-1'?><stream:stream xmlns='jabber:server' "
        "xmlns:stream='http://etherx.jabber.org/streams' to='a.test' version='1.0'>",
        "unsupported-encoding")
    yield "another namespace", lambda: r.prologue(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "from='d.test' to='a.test' version='1.0'>", "invalid-namespace")
    yield "HTTP", lambda: r.prologue("GET / HTTP/1.0\r\n\r\n", "not-well-formed", "bad-format")
    yield "big before dialback", r.unverified_big
    yield "half a stanza for ever", lambda: r.xml(START + "<body>", "connection-timeout",
                                                  "policy-violation")


def make_certificates():
    certs = Certificates()
    for domain in ("a.test", "c.test", "d.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    certs.make("d.test", file="expired", days="-1")
    certs.make("d.test", file="revoked")
    certs.make("d.test", file="selfsigned", self_signed=True)
    addr = "otherName:1.3.6.1.5.5.7.8.5;"
    certs.make("d.test", file="xmppaddr", names=addr + "UTF8:d.test")
    certs.make("d.test", file="xmppaddr-c", names=addr + "UTF8:c.test")
    certs.make("d.test", file="xmppaddr-user", names=addr + "UTF8:u@d.test")
    certs.make("d.test", file="xmppaddr-odd", names=f"{addr}INT:7,{addr}UTF8:")
    certs.make("d.test", file="many", names="DNS:d.test,DNS:*.d.test")
    unknown = Certificates("unknown")
    unknown.make("d.test", file="unknown")
    for end in (".crt", ".key"):
        with open(unknown.path("unknown" + end), "rb") as f, \
                open(certs.path("unknown" + end), "wb") as out:
            out.write(f.read())
    return certs


def main():
    certs = make_certificates()
    inside = Peer(certs, A_ADDRESS, "a.test")
    good, bad = Peer(certs, C, "c.test"), Peer(certs, D, "d.test")
    security = "<security mode='tls-required' require-client-certificates='yes'/>"
    absent = ("nowhere", "refused", "noaddress", "ourselves", "closed")
    with World({"c.test": (C, 5269), "d.test": (D, 5269), "unlisted.test": (D, 5269),
                "refused.d.test": None, "ourselves.d.test": (OUTSIDE, 5269),
                "closed.d.test": (D, 9)},
               extra=["srv-host=_xmpp-server._tcp.noaddress.d.test,nobody.d.test,5269"]), \
            Gateway(broker=profiles(certs, crl=certs.revocation_list("revoked")),
                    local=local_domain("a.test", (A_ADDRESS, 5269)), security=security,
                    lists="mode='allow-list'", inside_dns=False,
                    domains="".join(f"<domain name='{n}'/>" for n in (
                        "c.test", "d.test", *(a + ".d.test" for a in absent))),
                    more="<timeouts negotiation='5' dialback='3' connect='3'/>"
                         "<backoff minimum='100ms' maximum='100ms'/>") as gateway:
        r = Refused(gateway, inside, good, bad)
        r.still_up()
        failed = 0
        for name, case in cases(r):
            try:
                case()
                r.still_up()
                print("refused:", name)
            except (AssertionError, Closed, OSError, ET.ParseError) as e:
                failed += 1
                print("FAILED:", name, repr(e)[:300])
        assert failed == 0, f"{failed} cases failed"


if __name__ == "__main__":
    import shutil
    if shutil.which("dnsmasq") is None and not __import__("os").path.exists("/usr/sbin/dnsmasq"):
        skip("dnsmasq is not installed")
    main()
