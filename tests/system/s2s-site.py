#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two gateways of a site, with one local domain: what one sends, the other answers for, since both have the secret; a
server outside asks whichever it finds. With another secret the answer is `invalid`.
"""
import xml.etree.ElementTree as ET

from s2s_peer import Peer, q
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles

C = "127.0.0.40"
INSIDE_2, OUTSIDE_2 = "127.0.0.61", "127.0.0.62"


class Elsewhere(Peer):
    """Asks about each key at another address than that it came from."""

    def __init__(self, *arguments):
        self.answers = []
        super().__init__(*arguments)

    def answer_result(self, stream, e):
        own, to = e.get("to"), e.get("from")
        asking = self.connect(to, OUTSIDE_2)
        asking.send(f"<db:verify from='{own}' to='{to}' id='{stream.identity}'>{e.text}</db:verify>")
        answer = asking.expect(q("db", "verify"))
        assert answer.get("id") == stream.identity, ET.tostring(answer)
        asking.close()
        self.answers.append(answer.get("type"))
        self.accept = answer.get("type")
        super().answer_result(stream, e)


def sends(inside, number):
    """A message of a user inside, through the first gateway. Returns the stream that it went on."""
    stream = inside.verified("c.test", INSIDE)
    stream.send(f"<message from='u@a.test' to='v@c.test' id='m{number}'><body>x</body></message>")
    return stream


def is_vouched_for(inside, outside):
    sends(inside, 1)
    stanza = outside.next_stanza()
    assert stanza.get("id") == "m1", ET.tostring(stanza)
    assert outside.answers == ["valid"], outside.answers


def is_not(inside, outside, first, number):
    """A new stream, whose key the other gateway does not know."""
    for c in first.connections():
        if c["direction"] == "outgoing" and c["address"] == C:
            first.control(f"clear federation connection {c['id']}")
    sends(inside, number)
    stanza = inside.next_stanza()
    assert (stanza.get("id"), stanza.get("type")) == (f"m{number}", "error"), ET.tostring(stanza)
    assert outside.answers[-1] == "invalid", outside.answers


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Elsewhere(certs, C, "c.test")
    usual = {"broker": profiles(certs), "local": local_domain("a.test", (A_ADDRESS, 5269)), "dns": None,
             "routes": f"<route domain='c.test' address='{C}'/>", "inside_dns": False,
             "more": "<backoff minimum='100ms' maximum='100ms'/>"}
    with Gateway("one", **usual) as first, \
            Gateway("other", inside=INSIDE_2, outside=OUTSIDE_2, **usual) as second:
        outside.verified("a.test", OUTSIDE)  # answers to pings, and errors' way back
        is_vouched_for(inside, outside)
        second.reload(secret="of another site")
        is_not(inside, outside, first, 2)


if __name__ == "__main__":
    main()
