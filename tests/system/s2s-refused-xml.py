#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What must not come through as XML, from a scripted peer, most of it on a verified stream, where the wide limits
are in force: each is refused with the one stream error that RFC 6120 (4.9.3, 11) names for it, the stream ends, and
the streams of a good peer stay up and carry a stanza each way after each.

Oversized, deep, billion laughs, endless attribute, too many attributes, comment, processing instruction, text between
stanzas, another encoding, broken UTF-8, half a stanza for ever.
"""
from s2s_refuse import Refused, from_d, run, scene
from s2s_rig import OUTSIDE

START = "<message from='u@d.test' to='alice@a.test'>"
STREAM = "<stream:stream xmlns='%s' xmlns:stream='%s' from='d.test' to='%s' version='1.0'>"
STREAMS = "http://etherx.jabber.org/streams"
LAUGHS = ("<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'lol'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{('&%c;' % (97 + i)) * 10}'>" for i in range(9)) + "]>" +
    STREAM % ("jabber:server", STREAMS, "&j;"))


class Xml(Refused):
    def refused(self, stream, text, name):
        """`name` and the end. More may have been sent than was read until then."""
        self.send_all(stream, text)
        stream.expect_error(name)

    def stanza(self, text, name):
        self.refused(self.bad.verified("a.test", OUTSIDE), text, name)

    def prologue(self, text, name):
        """The first octets of a connection; the answer begins with a header of the gateway's own."""
        stream = from_d()
        self.send_all(stream, text)
        stream.expect_header()
        stream.expect_error(name)

    def unverified_big(self):
        """Before anybody is verified, little is enough."""
        self.refused(self.bad.connect("a.test", OUTSIDE),
                     "<db:result from='d.test' to='a.test'>" + "0" * 20000, "policy-violation")


def stanzas():
    yield "oversized stanza", START + "<body>" + "x" * 300000, "policy-violation"
    yield "deep nesting", START + "<a>" * 60000, "policy-violation"
    yield "endless attribute", "<message a='" + "x" * 300000, "policy-violation"
    yield "long attribute", START + "<a b='" + "x" * 70000 + "'/></message>", "policy-violation"
    yield "many attributes", START + "<a " + " ".join(f"a{i}=''" for i in range(5000)) + "/>", \
        "policy-violation"
    yield "many elements", START + "<a/>" * 50000, "policy-violation"
    yield "endless name", "<" + "x" * 300000, "policy-violation"
    yield "comment", START + "<!-- c --></message>", "restricted-xml"
    yield "processing instruction", START + "<?p i?></message>", "restricted-xml"
    yield "entity", START + "&nbsp;</message>", "restricted-xml"
    yield "text between stanzas", "text ", "bad-format"
    yield "not well-formed", START + "</presence>", "not-well-formed"
    yield "unbound prefix", START + "<x:y/></message>", "not-well-formed"
    yield "broken UTF-8", START.encode() + b"<body>\xff\xfe</body></message>", "unsupported-encoding"
    yield "unknown element", "<unknown xmlns='urn:x'/>", "unsupported-stanza-type"
    yield "half a stanza for ever", START + "<body>", "connection-timeout"


def prologues():
    yield "billion laughs", LAUGHS, "restricted-xml"
    yield "latin-1", "<?xml version='1.0' encoding='iso-8859-1'?>" + STREAM % (
        "jabber:server", STREAMS, "a.test"), "unsupported-encoding"
    yield "another namespace", STREAM % ("jabber:client", STREAMS, "a.test"), "invalid-namespace"
    yield "another namespace of streams", STREAM % ("jabber:server", "urn:x", "a.test"), \
        "invalid-namespace"
    yield "HTTP", "GET / HTTP/1.0\r\n\r\n", "not-well-formed"


def cases(r):
    for name, text, error in stanzas():
        yield name, lambda t=text, e=error: r.stanza(t, e), f"ends with the error {error}: "
    for name, text, error in prologues():
        yield name, lambda t=text, e=error: r.prologue(t, e), f"ends with the error {error}: "
    yield "big before dialback", r.unverified_big, "policy-violation: an element is over a limit"


if __name__ == "__main__":
    with scene(Xml, log_format="json") as xml:
        run(xml, cases(xml))
