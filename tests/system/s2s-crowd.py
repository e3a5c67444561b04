#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ten thousand connections that never say a word, from one address and from many, and as many that say half a
header, outside and inside: streams that were verified before the crowd came carry stanzas through it, real peers still
get in, at once and while the crowd goes on, and what is silent is ended in its time. How large a crowd is, and how much
of it is there at a time, is what the gateway counts.
"""
import os
import resource
import selectors
import socket
import time
import xml.etree.ElementTree as ET

from s2s_peer import Peer
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, WAIT, Certificates, Gateway, local_domain, profiles, skip,
                     until)

CROWD = 10000
FILES = CROWD + 1000  # descriptors that this process needs
STREAMS = 10000  # the default of <limits streams>
NEGOTIATION_S = 45 if os.environ.get("XMB_SANITIZED") == "yes" else 12  # longer than a crowd takes to come
HALF = b"<?xml version='1.0'?><stream:str"
# To whom, from how many addresses, what they say, and how many of them are there at a time at the least. Of
# one address outside only 8 on each worker stay; from 7/8 of all streams on the old ones give way to new ones; the
# inside may have three quarters of all.
CROWDS = ((OUTSIDE, 1, b"", 8), (OUTSIDE, 5000, b"", STREAMS * 7 // 8),
          (OUTSIDE, 5000, HALF, STREAMS * 7 // 8), (INSIDE, 5000, b"", STREAMS * 3 // 4 - 10))


def connect_crowd(count, address, hosts, words=b""):
    """Sockets to the gateway's `address`, from `hosts` addresses in turn."""
    crowd = []
    for i in range(count):
        s = socket.socket()
        s.bind((f"127.7.{i % hosts // 250}.{1 + i % hosts % 250}", 0))
        s.settimeout(WAIT)
        s.connect((address, 5269))
        try:
            s.send(words)
        except ConnectionError:
            pass  # it was one too many
        crowd.append(s)
    return crowd


def open_ones(crowd):
    """How many of them the gateway has not closed."""
    selector = selectors.DefaultSelector()
    for s in crowd:
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ)
    closed = 0
    for key, _ in selector.select(0):
        try:
            while data := key.fileobj.recv(4096):
                pass
            closed += data == b""
        except ConnectionError:
            closed += 1
        except BlockingIOError:
            pass
    selector.close()
    return len(crowd) - closed


class Peers:
    """a.test inside and b.test outside, and a stream of each that was verified before any crowd."""

    def __init__(self, certs):
        self.inside, self.outside = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, "127.0.0.20", "b.test")
        self.count = 0

    def start(self):
        self.held = (self.inside.verified("b.test", INSIDE), self.outside.verified("a.test", OUTSIDE))

    def pass_one(self, stream, receiver):
        self.count += 1
        stream.send(f"<message from='u@{stream.own}' to='v@{stream.to}' id='{self.count}'><body>x</body>"
                    "</message>")
        stanza = receiver.next_stanza()
        assert stanza.get("id") == str(self.count), ET.tostring(stanza)

    def held_ones_carry(self):
        for stream, receiver in zip(self.held, (self.outside, self.inside)):
            self.pass_one(stream, receiver)

    def new_ones_get_in(self, side=None):
        """Servers outside, and inside unless the crowd is there."""
        for _ in range(3):
            self.new_one(self.outside, OUTSIDE, self.held[1], self.inside)
        if side != INSIDE:
            self.new_one(self.inside, INSIDE, self.held[0], self.outside)

    def new_one(self, peer, address, held, receiver):
        """It ends again, and pings are answered on the one that stays."""
        stream = peer.verified(held.to, address)
        peer.reverse[held.own, held.to] = held
        self.pass_one(stream, receiver)
        stream.close()


def besiege(gateway, peers, address, hosts, words, at_a_time):
    def size():
        return gateway.metric("core_accepted") - before

    before, begin = gateway.metric("core_accepted"), time.monotonic()
    crowd = connect_crowd(CROWD, address, hosts, words)
    try:
        until(lambda: size() >= CROWD, "the gateway has accepted the crowd", gateway.alive)
        accepted, there = size(), gateway.metric("xmpp_s2s_streams_in")
        took = time.monotonic() - begin
        peers.held_ones_carry()
        peers.new_ones_get_in(address)
        print(f"{accepted} connections to {address} from {hosts} addresses in {took:.1f} s, {there} at a time")
        assert there >= at_a_time, f"{there} streams at a time"
        until(lambda: open_ones(crowd) == 0, "the silent ones are ended", gateway.alive,
              2 * NEGOTIATION_S + WAIT)
        peers.held_ones_carry()
        peers.new_ones_get_in()
    finally:
        for s in crowd:
            s.close()


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < FILES:
        skip(f"needs {FILES} descriptors, and may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    peers = Peers(certs)
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes="<route domain='b.test' address='127.0.0.20'/>", inside_dns=False, log="warn",
                 more=f"<timeouts negotiation='{NEGOTIATION_S}'/>") as gateway:
        peers.start()
        for crowd in CROWDS:
            besiege(gateway, peers, *crowd)


if __name__ == "__main__":
    main()
