#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real servers through the gateway: alice on Prosody inside talks with bob on ejabberd outside, and the
servers changed over. Messages, presence subscription, a room across the border, vCard, disco, ping, all both
ways; found by the world's DNS and by the gateway's own inside-dns, then by static route. No server has a
setting that names the gateway, but for its resolver.
"""
from s2s_pair import A_SERVER, B_SERVER, GATEWAY_A, alices, bobs, both, dialled, inside, routes, \
    streams, talk_all
from s2s_rig import (A_ADDRESS, B_ADDRESS, Certificates, Ejabberd, Gateway, Prosody, World, need,
                     profiles)

QUESTIONS = ("log-queries", "log-facility=-")


def by_dns(certs):
    return World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}, extra=QUESTIONS), \
        Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER))


def by_route(certs):
    """The allow list is empty, and the route lets b.test in. The name server knows nothing of it."""
    return World(both("a.test", GATEWAY_A), extra=QUESTIONS), \
        Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER),
                routes=routes("b.test", B_ADDRESS), lists="mode='allow-list'")


def looks_right(gateway):
    for side, address in (("inside", A_ADDRESS), ("outside", B_ADDRESS)):
        assert dialled(gateway, side) == {address}, gateway.connections()
        for c in streams(gateway, side):
            assert c["tls"] == "TLSv1.3", c
        pairs = [(p["local"], p["remote"]) for c in streams(gateway, side) for p in c["pairs"]]
        assert (("b.test", "a.test") if side == "inside" else ("a.test", "b.test")) in pairs, pairs
    status = gateway.control("show federation status")
    assert status["status"] == "active", status
    assert set(status["local_domains"]) == {"a.test", "conference.a.test"}, status


def scene(how, alice_on, bob_on):
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    world, gateway = how(certs)
    with world, gateway, alices(alice_on, certs, trust=other.ca), \
            bobs(bob_on, certs, trust=other.ca):
        before = len(world.log())  # the log goes on where that of the scene before ended
        talk_all(gateway)
        looks_right(gateway)
        asked = "query[SRV] _xmpp-server._tcp.b.test" in world.log()[before:]
        assert asked == (how is by_dns), "b.test is asked of DNS, if and only if it has no route"


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    for how in (by_dns, by_route):
        for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
            print(f"--- {how.__name__}, {alice_on.__name__} inside, {bob_on.__name__} outside")
            scene(how, alice_on, bob_on)


if __name__ == "__main__":
    main()
