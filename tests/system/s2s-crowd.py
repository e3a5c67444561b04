#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ten thousand connections that never say a word, from one address and from many, and thousands that say half a
header: real peers still get in, at once and while the crowd goes on, and what is silent is ended in its time.
"""
import resource
import selectors
import socket

from s2s_peer import Peer
from s2s_rig import A_ADDRESS, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

CROWD = 10000


def connect_crowd(count, hosts, words=b""):
    """Sockets to the gateway's outside, from `hosts` addresses in turn; those that were closed do not count."""
    crowd = []
    for i in range(count):
        s = socket.socket()
        s.bind((f"127.7.{i % hosts // 250}.{1 + i % hosts % 250}", 0))
        s.settimeout(10)
        try:
            s.connect((OUTSIDE, 5269))
            if words:
                s.send(words)
        except OSError:
            s.close()
            continue
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


def peers_get_in(peer, inside):
    for _ in range(3):
        stream = peer.verified("a.test", OUTSIDE)
        stream.send("<message from='u@b.test' to='v@a.test' id='in'><body>x</body></message>")
        assert inside.next_stanza().get("id") == "in"
        stream.close()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))
    del soft
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    address = "127.0.0.20"
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, address, "b.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='b.test' address='{address}'/>", inside_dns=False,
                 log="warn", more="<timeouts negotiation='10'/>") as gateway:
        peers_get_in(outside, inside)
        for hosts, words in ((1, b""), (5000, b""), (5000, b"<?xml version='1.0'?><stream:str")):
            crowd = connect_crowd(CROWD, hosts, words)
            peers_get_in(outside, inside)
            gateway.control("show federation status")
            until(lambda c=crowd: open_ones(c) == 0, "the silent ones are ended", gateway.alive, 60)
            peers_get_in(outside, inside)
            for s in crowd:
                s.close()
            print(f"{len(crowd)} connections from {hosts} addresses: ended")


if __name__ == "__main__":
    main()
