# SPDX-License-Identifier: MIT
"""What the tests of refusals stand on: a gateway, the server inside, a good server outside whose streams were verified
before the first case, and a bad one. After each case a stanza passes each way on those very streams, nothing of the
bad one has come through, and an event says in words whom and what was refused.
"""
import contextlib
import json
import os
import shutil
import socket
import xml.etree.ElementTree as ET

from s2s_peer import Closed, Peer, Stream, condition, q
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, World, local_domain, profiles, skip, \
    until

C, D = "127.0.0.40", "127.0.0.41"
MESSAGE = "<message from='u@%s' to='%s' id='%s'><body>%s</body></message>"
ABSENT = ("nowhere", "refused", "noaddress", "ourselves", "closed")


def show(element):
    return "the end of the stream" if element is None else ET.tostring(element, encoding="unicode")


def from_d(port=5269):
    """A connection from the bad server's address, on which nothing was said."""
    return Stream(socket.create_connection((OUTSIDE, port), 30, source_address=(D, 0)))


def plain(to="a.test", own="d.test"):
    """A stream whose header is answered, before TLS."""
    stream = from_d()
    stream.header(own, to)
    stream.expect_header()
    stream.expect_features()
    return stream


def is_error(answer, name):
    """A dialback error (XEP-0220, 2.4) with that condition."""
    assert answer.get("type") == "error", f"{show(answer)}, and the error {name} was expected"
    assert condition(answer.find(q("server", "error"))) == name, f"{show(answer)}, not {name}"


def event(line):
    """(level, rest of the line) of a line of the log, in either format; the rest begins with the module."""
    if not line.startswith("{"):
        _, level, rest = line.split(" ", 2)
        return level, rest
    parts = json.loads(line)
    return parts["level"], f"{parts['module']} {parts.get('object', '')}: {parts['message']}"


def is_said(gateway, before, words):
    """Behind `before` lines an event of the gateway's names the bad one, or a domain, and then says `words`."""
    lines = gateway.log().split("\n")[before:-1]  # the last may not be whole
    for level, rest in map(event, lines):
        module, named, _ = rest.partition(words)
        if level != "debug" and module.startswith("XMPPFederation ") and named and \
                (D in module or ".test" in module):
            return True
    return False


class Refused:
    def __init__(self, gateway, inside, good, bad):
        self.gateway, self.inside, self.good, self.bad = gateway, inside, good, bad
        self.count = 0
        self.inward = good.verified("a.test", OUTSIDE)
        self.outward = inside.verified("c.test", INSIDE)

    def still_up(self):
        """The good server's streams are as they were, and nothing else has arrived."""
        self.count += 1
        for stream, own, to, peer in (
                (self.inward, "c.test", "alice@a.test", self.inside),
                (self.outward, "a.test", "bob@c.test", self.good)):
            stream.send(MESSAGE % (own, to, f"good{self.count}", "still here"))
            stanza = peer.next_stanza()
            assert stanza.get("id") == f"good{self.count}", "came through: " + show(stanza)

    def stays(self, stream):
        """A question that needs no verified pair is answered on it: this stream has not ended."""
        stream.send("<db:verify from='d.test' to='nobody.test' id='stays'>00</db:verify>")
        answer = stream.expect(q("db", "verify"))
        assert answer.get("id") == "stays", show(answer)
        is_error(answer, "item-not-found")
        stream.close()

    def result_error(self, stream, name, **names):
        """The pair is refused so, and the stream stays for others."""
        is_error(self.bad.ask(stream, **names), name)
        self.stays(stream)

    def as_d(self, file):
        """The bad server with another certificate."""
        peer = Peer(self.bad.certs, D, "d.test", file=file or "d.test", listen=False)
        peer.secret = self.bad.secret
        return peer

    @staticmethod
    def send_all(stream, text):
        try:
            stream.send(text)
        except OSError:
            pass  # it was closed on the way


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


@contextlib.contextmanager
def scene(kind=Refused, **parts):
    """Yields a `kind` of Refused; `parts` are of the gateway. Listed are d.test and names below it that cannot be
    reached, unlisted.test is not."""
    if shutil.which("dnsmasq") is None and not os.path.exists("/usr/sbin/dnsmasq"):
        skip("dnsmasq is not installed")
    certs = make_certificates()
    inside = Peer(certs, A_ADDRESS, "a.test")
    good, bad = Peer(certs, C, "c.test"), Peer(certs, D, "d.test")
    with World({"c.test": (C, 5269), "d.test": (D, 5269), "here.d.test": (D, 5269), "unlisted.test": (D, 5269),
                "refused.d.test": None, "ourselves.d.test": (OUTSIDE, 5269),
                "closed.d.test": (D, 9)},
               extra=["srv-host=_xmpp-server._tcp.noaddress.d.test,nobody.d.test,5269"]), \
            Gateway(broker=profiles(certs, crl=certs.revocation_list("revoked")),
                    local=local_domain("a.test", (A_ADDRESS, 5269)),
                    security="<security mode='tls-required' require-client-certificates='yes'/>",
                    lists="mode='allow-list'", inside_dns=False,
                    domains="".join(f"<domain name='{n}'/>" for n in (
                        "c.test", "d.test", "here.d.test", *(a + ".d.test" for a in ABSENT))),
                    more="<timeouts negotiation='5' dialback='3' connect='3'/>"
                         "<backoff minimum='100ms' maximum='100ms'/>", **parts) as gateway:
        refused = kind(gateway, inside, good, bad)
        refused.still_up()
        yield refused


def run(refused, cases):
    """A case is its name, itself, and the words of the event that it makes."""
    failed = 0
    for name, case, words in cases:
        try:
            before = refused.gateway.log().count("\n")
            case()
            refused.still_up()
            until(lambda n=before, w=words: is_said(refused.gateway, n, w), f"the log says: {words}",
                  refused.gateway.alive)
            print("refused:", name)
        except (AssertionError, Closed, OSError, ET.ParseError) as e:
            failed += 1
            print("FAILED:", name, repr(e)[:300])
    assert failed == 0, f"{failed} cases failed"
