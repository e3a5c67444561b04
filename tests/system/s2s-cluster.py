#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A local domain on two servers inside, which share what they know: both are used. When one is gone, the next streams
go to the other, and nothing comes back to who sent it.
"""
import queue
import xml.etree.ElementTree as ET

from s2s_peer import Peer
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

A2, C = "127.0.0.11", "127.0.0.40"
TRIES = 60  # each goes to either server: that all go to one is as good as impossible
AFTER = 10


def make_inside(certs):
    """Two servers of a.test; both know the keys of either, and have one queue."""
    one, other = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, A2, "a.test")
    other.secret, other.stanzas = one.secret, one.stanzas
    return one, other


def dialled(gateway, *addresses):
    return [c for c in gateway.connections()
            if c["direction"] == "outgoing" and c["address"] in addresses]


def cleared(gateway):
    """No stream to the servers inside, and nothing under way."""
    until(lambda: gateway.metric("xmpp_s2s_unconfirmed") == 0, "all is confirmed", gateway.alive)
    for c in dialled(gateway, A_ADDRESS, A2):
        gateway.control(f"clear federation connection {c['id']}")
    until(lambda: not dialled(gateway, A_ADDRESS, A2), "the streams have ended", gateway.alive)


def passes(stream, inside, outside, number):
    stream.send(f"<message from='u@c.test' to='v@a.test' id='m{number}'><body>x</body></message>")
    stanza = inside.next_stanza()
    assert stanza.get("id") == f"m{number}", ET.tostring(stanza)
    try:
        stanza = outside.stanzas.get_nowait()
    except queue.Empty:
        return
    raise AssertionError("came back: " + ET.tostring(stanza, encoding="unicode"))


def both_are_used(gateway, stream, one, outside):
    """Returns how many stanzas it took."""
    used = set()
    for number in range(TRIES):
        cleared(gateway)
        passes(stream, one, outside, number)
        used |= {c["address"] for c in dialled(gateway, A_ADDRESS, A2)}
        if used == {A_ADDRESS, A2}:
            return number + 1
    raise AssertionError(f"{TRIES} streams, and only {used} was used")


def one_stops(gateway, stream, servers, outside, number):
    """The one that has the stream."""
    until(lambda: gateway.metric("xmpp_s2s_unconfirmed") == 0, "all is confirmed", gateway.alive)
    address = dialled(gateway, A_ADDRESS, A2)[0]["address"]
    gone, left = sorted(servers, key=lambda peer: peer.address != address)
    gone.stop()
    until(lambda: not dialled(gateway, gone.address), "its stream has ended", gateway.alive)
    for i in range(AFTER):
        passes(stream, left, outside, number + i)
        assert {c["address"] for c in dialled(gateway, A_ADDRESS, A2)} == {left.address}, \
            gateway.connections()
        cleared(gateway)
    assert gateway.metric("xmpp_s2s_bounced") == 0, "some came back"


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    one, other = make_inside(certs)
    outside = Peer(certs, C, "c.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269), (A2, 5269)),
                 dns=None, routes=f"<route domain='c.test' address='{C}'/>",
                 inside_dns=False) as gateway:
        for peer in (one, other):
            peer.verified("c.test", INSIDE)  # answers to pings
        stream = outside.verified("a.test", OUTSIDE)
        number = both_are_used(gateway, stream, one, outside)
        one_stops(gateway, stream, (one, other), outside, number)


if __name__ == "__main__":
    main()
