#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A domain with three static routes is reached over each of them equally often (R32), whatever
their order in the XML is. c.test has three servers. An operator clears the stream to it again and
again, and each time the next stanza makes a new one. Nothing comes back meanwhile, and each stanza
arrives once.

A fair draw gives one of three servers fewer streams than LEAST of STREAMS, or than LEAST_ALL of
both orders together, less than once in 10^6 runs. Without one there is a server that gets none.
"""
from s2s_peer import Peer
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles,
                     until)

SERVERS = ("127.0.0.40", "127.0.0.41", "127.0.0.42")
STREAMS, LEAST, LEAST_ALL = 60, 3, 14


def routes(addresses):
    return "".join(f"<route domain='c.test' address='{a}'/>" for a in addresses)


def dialled(gateway):
    """The streams to c.test."""
    return [c["id"] for c in gateway.connections()
            if c["side"] == "outside" and c["direction"] == "outgoing"]


class Rig:
    def __init__(self, gateway, a, servers):
        self.gateway, self.servers, self.sent = gateway, servers, 0
        self.stream = a.verified("c.test", INSIDE)
        for server in servers:
            server.verified("a.test", OUTSIDE)  # for its answers to pings
        until(lambda: not dialled(gateway), "nobody asks for keys any more", gateway.alive)

    def send(self):
        """A stanza arrives at one of the servers, which is returned."""
        self.stream.send(f"<message from='u@a.test' to='v@c.test' id='m{self.sent}'/>")
        at = until(lambda: [s for s in self.servers if not s.stanzas.empty()], "it arrives",
                   self.gateway.alive)[0]
        assert at.next_stanza().get("id") == f"m{self.sent}"
        self.sent += 1
        return at.address

    def clear(self):
        for stream in dialled(self.gateway):
            self.gateway.control(f"clear federation connection {stream}")
        until(lambda: not dialled(self.gateway), "the stream has ended", self.gateway.alive)

    def draw(self):
        """How many streams each server got."""
        counts = dict.fromkeys(SERVERS, 0)
        for _ in range(STREAMS):
            counts[self.send()] += 1
            self.clear()
        print(", ".join(f"{address} {count}" for address, count in counts.items()))
        assert min(counts.values()) >= LEAST, counts
        return counts


def server(certs, address, secret):
    peer = Peer(certs, address, "c.test")
    peer.secret = secret
    return peer


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a = Peer(certs, A_ADDRESS, "a.test")
    servers = [server(certs, address, "of all of c.test") for address in SERVERS]
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=routes(SERVERS), inside_dns=False, log="info", drain="2s",
                 more="<delivery interval='100ms'/>") as gateway:
        rig = Rig(gateway, a, servers)
        first = rig.draw()
        gateway.reload(routes=routes(reversed(SERVERS)))
        second = rig.draw()
        assert all(first[s] + second[s] >= LEAST_ALL for s in SERVERS), (first, second)
        assert gateway.metric("xmpp_s2s_bounced") == 0, "a stanza was bounced"
        assert all(s.stanzas.empty() for s in [a, *servers]), "a stanza came twice"


if __name__ == "__main__":
    main()
