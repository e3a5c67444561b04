#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where streams go to. A static route that cannot be reached is not a reason to ask DNS, though DNS would know better
(R34): the stanza comes back, and the name server was never asked. Without the route it is asked, and the stanza
arrives. And when a reload gives a local domain another server, the next stream goes there, while the streams of the
peer stay (R73).
"""
from s2s_peer import Peer, condition, q
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, World, local_domain,
                     profiles, until)

A2, C, NOBODY = "127.0.0.11", "127.0.0.40", "127.0.0.99"


def never_dns(gateway, world, a, c):
    stream = a.verified("c.test", INSIDE)
    stream.send("<message from='u@a.test' to='v@c.test' id='by-route'/>")
    error = a.next_stanza()
    assert error.get("id") == "by-route" and error.get("type") == "error", error.attrib
    assert condition(error.find(q("server", "error"))) == "remote-server-timeout"
    assert "c.test" not in world.log(), "DNS was asked for a domain that has a route"
    gateway.reload(routes="", more="<backoff minimum='100ms' maximum='100ms'/>")
    for number in range(50):  # the domain was just found unreachable: it may come back once more
        stream.send(f"<message from='u@a.test' to='v@c.test' id='by-dns-{number}'/>")
        until(lambda: not (c.stanzas.empty() and a.stanzas.empty()), "it arrives or comes back",
              gateway.alive)
        if not c.stanzas.empty():
            break
        assert a.next_stanza().get("type") == "error"
    assert c.next_stanza().get("id").startswith("by-dns-")
    assert "c.test" in world.log(), "it arrived, and DNS was not asked?"
    print("a route that fails never falls back to DNS")


def another_server(gateway, a, a2, c):
    stream = c.verified("a.test", OUTSIDE)
    stream.send("<message from='v@c.test' to='u@a.test' id='before'/>")
    assert a.next_stanza().get("id") == "before"
    gateway.reload(local=local_domain("a.test", (A2, 5269)))
    a.stop()
    until(lambda: not [x for x in gateway.connections()
                       if x["side"] == "inside" and x["direction"] == "outgoing"],
          "the stream to the server of before is over", gateway.alive)
    stream.send("<message from='v@c.test' to='u@a.test' id='after'/>")
    assert a2.next_stanza().get("id") == "after"
    print("another server of a local domain is used at once, on the same stream of the peer")


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a, c = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, C, "c.test")
    a2 = Peer(certs, A2, "a.test")
    a2.secret = a.secret
    with World({"c.test": (C, 5269)}, extra=["log-queries", "log-facility=-"]) as world, \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    routes=f"<route domain='c.test' address='{NOBODY}'/>",
                    inside_dns=False) as gateway:
        never_dns(gateway, world, a, c)
        another_server(gateway, a, a2, c)


if __name__ == "__main__":
    main()
