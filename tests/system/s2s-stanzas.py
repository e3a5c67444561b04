#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stanzas pass the gateway octet for octet, whatever is inside and however it was cut on the way; what they take from
the header of their stream (prefixes, language, another default namespace) goes with them; they keep their order. Both
ways, and towards a slow reader.
"""
import re
import socket
import xml.etree.ElementTree as ET

from s2s_peer import NS, Peer, q
from s2s_rig import A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, \
    profiles, until

A, B = "u@a.test/r", "v@b.test"
ADDRESSES = f"from='{A}' to='{B}'"

# Octets of whole stanzas; %s is the id.
SAME = [
    f"<message {ADDRESSES} id='%s'><body>plain</body></message>",
    f'<message to="{B}"   from="{A}"\n\tid="%s" ><body>quotes and blanks</body ></message >',
    f"<message {ADDRESSES} id='%s'><body>&lt;&amp;&gt;&apos;&quot;&#65;&#x1F600;</body></message>",
    f"<message {ADDRESSES} id='%s'><body><![CDATA[<not> & markup]]></body></message>",
    f"<message {ADDRESSES} id='%s' xml:lang='de'><subject xml:lang='fr'>x</subject></message>",
    f"<message {ADDRESSES} id='%s'><body>Grüße \U0001f600 ſ\u0301 \u2028</body></message>",
    f"<presence {ADDRESSES} id='%s'/>",
    f"<presence {ADDRESSES} id='%s' type='subscribe'><status/></presence>",
    f"<iq {ADDRESSES} id='%s' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    f"<iq {ADDRESSES} id='%s' type='set'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' "
    "sid='a'><content creator='initiator' name='f'><description "
    "xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></content></jingle></iq>",
    f"<iq {ADDRESSES} id='%s' type='result'/>",
    f"<message {ADDRESSES} id='%s' type='error'><error type='cancel'><gone "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    f"<message {ADDRESSES} id='%s'><event xmlns='http://jabber.org/protocol/pubsub#event'><items "
    "node='urn:xmpp:avatar:data'><item id='1'><p:x xmlns:p='urn:p' p:a='1'><p:y/></p:x></item>"
    "</items></event></message>",
    f"<message {ADDRESSES} id='%s'><x:a xmlns:x='urn:1'><x:a xmlns:x='urn:2'/></x:a></message>",
    f"<message {ADDRESSES} id='%s'><empty xmlns=''/><body>\r\n\ttext\n</body></message>",
    f"<message {ADDRESSES} id='%s'><body>" + "0123456789" * 20000 + "</body></message>",
]
number = 0


def next_id():
    global number
    number += 1
    return f"s{number}"


class Way:
    """One direction: `stream` of the sender into the gateway, and the receiver's end behind it."""

    def __init__(self, sender, receiver, gateway_address, swap=False):
        self.swap = swap
        self.receiver = receiver
        self.stream = sender.verified(receiver.domains[0], gateway_address)
        self.pongs = sender.verified(receiver.domains[0], gateway_address)  # answers to pings

    def turn(self, text):
        if not self.swap:
            return text
        return text.replace("a.test", "X").replace("b.test", "a.test").replace("X", "b.test")

    def arrived(self, identity):
        """The octets of the stanza with that id, as the receiver saw them."""
        stanza = self.receiver.next_stanza()
        assert stanza.get("id") == identity, ET.tostring(stanza)[:300]
        raw = b"".join(s.raw for s in list(self.receiver.accepted))
        pattern = rb"<(message|presence|iq)\s[^>]*id=['\"]" + identity.encode() + \
            rb"['\"][^>]*?(/>|>.*?</\1\s*>)"
        return re.search(pattern, raw, re.DOTALL).group(0).decode(), stanza

    def same(self, text, pieces=None):
        identity = next_id()
        sent = self.turn(text) % identity
        octets = sent.encode()
        size = pieces or len(octets)
        for at in range(0, len(octets), size):
            self.stream.send(octets[at:at + size])
        got, _ = self.arrived(identity)
        assert got == sent, f"sent {sent[:300]!r}\ngot {got[:300]!r}"


def all_the_same(way):
    for text in SAME:
        way.same(text)
        if len(text) < 2000:
            way.same(text, 1)
            way.same(text, 7)
    order = [next_id() for _ in range(500)]
    way.stream.send("".join(way.turn(SAME[0]) % i for i in order))
    for identity in order:
        assert way.receiver.next_stanza().get("id") == identity, "out of order"


def declared_on_the_header(sender, receiver, gateway, pongs):
    """A prefix, and a language, that only the header of the stream declares."""
    stream = sender.connect("b.test", gateway, more=" xmlns:out='urn:out' xml:lang='nl'")
    assert sender.ask(stream).get("type") == "valid"
    for attributes, lang in (("", "nl"), (" xml:lang='it'", "it")):
        identity = next_id()
        stream.send(f"<message {ADDRESSES} id='{identity}'{attributes}><out:y/>"
                    "<body>x</body></message>")
        stanza = receiver.next_stanza()
        assert stanza.get("id") == identity
        assert stanza.find("{urn:out}y") is not None, ET.tostring(stanza)
        assert stanza.get("{http://www.w3.org/XML/1998/namespace}lang") == lang, ET.tostring(stanza)
    stream.close()
    sender.reverse["a.test", "b.test"] = pongs


def another_default_namespace(sender, receiver, gateway, pongs):
    """The header's is that of streams, and each stanza names its own (RFC 6120, 4.8.3)."""
    stream = sender.connect("b.test", gateway, default=NS["stream"])
    assert sender.ask(stream).get("type") == "valid"
    for element in ("message", "presence"):
        identity = next_id()
        stream.send(f"<{element} xmlns='jabber:server' {ADDRESSES} id='{identity}'><body>x</body></{element}>")
        stanza = receiver.next_stanza()
        assert (stanza.tag, stanza.get("id")) == (q("server", element), identity), ET.tostring(stanza)
        assert stanza.findtext(q("server", "body")) == "x", ET.tostring(stanza)
    stream.close()
    sender.reverse["a.test", "b.test"] = pongs


def slow_reader(way, gateway):
    """The receiver stops reading: the gateway stops taking, keeps little, and loses nothing."""
    streams = list(way.receiver.accepted)
    for s in streams:
        s.hold.clear()
    sent = []
    way.stream.sock.settimeout(0.5)
    text = way.turn(f"<message {ADDRESSES} id='%s'><body>" + "x" * 50000 + "</body></message>")
    try:
        while len(sent) < 4000:
            identity = next_id()
            data = (text % identity).encode()
            sent.append(identity)
            while data:
                data = data[way.stream.sock.send(data):]
    except (socket.timeout, TimeoutError):
        held = True
    else:
        held = False
    assert held, "200 MB were taken for a reader that takes nothing"
    for s in streams:
        s.hold.set()
    way.stream.sock.settimeout(30)
    way.stream.send(data)
    for identity in sent:
        assert way.receiver.next_stanza().get("id") == identity, "lost, or out of order"
    until(lambda: gateway.metric("xmpp_s2s_unconfirmed") == 0, "all is confirmed", gateway.alive)


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, B_ADDRESS, "b.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='b.test' address='{B_ADDRESS}'/>", inside_dns=False,
                 log="info") as gateway:
        out, back = Way(inside, outside, INSIDE), Way(outside, inside, OUTSIDE, swap=True)
        all_the_same(out)
        all_the_same(back)
        declared_on_the_header(inside, outside, INSIDE, out.pongs)
        another_default_namespace(inside, outside, INSIDE, out.pongs)
        slow_reader(out, gateway)
        assert gateway.metric("xmpp_s2s_bounced") == 0 and gateway.metric("xmpp_s2s_dropped") == 0


if __name__ == "__main__":
    main()
