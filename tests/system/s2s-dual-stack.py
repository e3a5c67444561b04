#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server with an IPv6 address that is dead and an IPv4 address that lives (happy eyeballs): the dead one is tried,
and the stanza is there long before a connection to it would be given up. With an IPv4 address alone, nothing is
tried over IPv6.
"""
import select
import socket
import subprocess
import time

from s2s_peer import Peer
from s2s_rig import (A_ADDRESS, INSIDE, Certificates, Gateway, World, local_domain, need, profiles,
                     skip)

B, C, DEAD = "127.0.0.40", "127.0.0.41", "2001:db8::dead"
TIMEOUT_S = 20  # for one connection; all attempts have it together
SOON_S = 5


def ip(*arguments):
    run = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        skip(f"ip {' '.join(arguments)}: {run.stderr.strip()}")


def into_nothing():
    """A cable at whose other end nobody listens; the dead address seems to be there. What is sent is seen on the
    socket."""
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        skip("needs a network of its own: tests/system/run gives one to root")
    ip("link", "add", "void0", "type", "veth", "peer", "name", "void1")
    for end in ("void0", "void1"):
        ip("link", "set", end, "up")
    ip("address", "add", "2001:db8::1/64", "dev", "void0", "nodad")
    ip("neighbour", "add", DEAD, "lladdr", "02:00:00:00:00:02", "dev", "void0")
    seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    seen.bind(("void0", 0))
    return seen


def attempts(seen):
    """How many connections to the dead address began since the last time."""
    count, there = 0, socket.inet_pton(socket.AF_INET6, DEAD)
    while select.select([seen], [], [], 0)[0]:
        packet = seen.recv(2048)[14:]
        count += packet[6] == socket.IPPROTO_TCP and packet[24:40] == there and \
            bool(packet[40 + 13] & 2)
    return count


def arrives(a, peer, to):
    started = time.monotonic()
    stream = a.verified(to, INSIDE)
    stream.send(f"<message from='u@a.test' to='v@{to}' id='{to}'><body>x</body></message>")
    assert peer.next_stanza().get("id") == to
    return time.monotonic() - started


def main():
    need("dnsmasq", "openssl", "ip")
    seen = into_nothing()
    certs = Certificates()
    for domain in ("a.test", "b.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a, b, c = (Peer(certs, *at) for at in ((A_ADDRESS, "a.test"), (B, "b.test"), (C, "c.test")))
    with World({"b.test": (B, 5269), "c.test": (C, 5269)},
               extra=[f"address=/srv0.b.test/{DEAD}"]), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    inside_dns=False, more=f"<timeouts connect='{TIMEOUT_S}'/>") as gateway:
        arrives(a, c, "c.test")
        assert attempts(seen) == 0, "c.test has no address there"
        took = arrives(a, b, "b.test")
        assert attempts(seen) > 0, "the IPv6 address was not tried"
        assert took < SOON_S, f"it took {took:.1f} s"
        outside = [s["address"] for s in gateway.connections()
                   if s["side"] == "outside" and s["direction"] == "outgoing" and s["verified_by"]]
        assert sorted(outside) == [B, C], gateway.connections()
        print(f"past a dead address in {1000 * took:.0f} ms")


if __name__ == "__main__":
    main()
