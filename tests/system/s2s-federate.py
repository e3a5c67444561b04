#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real servers through the gateway: alice on Prosody inside talks with bob on ejabberd outside, and the
servers changed over. Messages, presence subscription, a room across the border, vCard, disco, ping, all both
ways, found by the world's DNS and by the gateway's own inside-dns. Then by static route, and with a second gateway
before b.test. No server has a setting that names the gateway, but for its resolver.
"""
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WORLD_DNS, Certificates, Ejabberd,
                     Gateway, Prosody, World, local_domain, need, profiles, talk)

ALICE, BOB = {"alice": "alicepw"}, {"bob": "bobpw"}
ALL = ("message", "presence", "muc", "vcard", "disco", "ping")
GATEWAY_A, GATEWAY_B = (OUTSIDE, 5269), ("127.0.0.33", 5269)
A_SERVER, B_SERVER = (A_ADDRESS, 5269), (B_ADDRESS, 5269)


def both(domain, at):
    return {domain: at, "conference." + domain: at}


def inside(domain, server):
    return local_domain(domain, server) + local_domain("conference." + domain, server)


def with_prosody_inside(certs, other):
    with World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER)) as gateway, \
            Prosody("a.test", A_ADDRESS, certs, INSIDE, ALICE, trust=other.ca), \
            Ejabberd("b.test", B_ADDRESS, certs, WORLD_DNS, BOB, trust=other.ca):
        talk(f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}", *ALL)
        connections = gateway.connections()
        assert {c["direction"] for c in connections} == {"incoming", "outgoing"}, connections
        assert any(c["address"] == B_ADDRESS for c in connections), connections
        pairs = [p for c in connections for p in c["pairs"]]
        assert {"local": "a.test", "remote": "b.test"}.items() <= pairs[0].items() or \
            any(p["local"] == "a.test" and p["remote"] == "b.test" for p in pairs), pairs
        assert all(c["tls"] == "TLSv1.3" for c in connections), connections
        status = gateway.control("show federation status")
        assert status["status"] == "active", status
        assert set(status["local_domains"]) == {"a.test", "conference.a.test"}, status
        assert gateway.metric("xmpp_s2s_bounced") == 0, "a stanza was bounced"


def with_ejabberd_inside(certs, other):
    """By a static route, which needs no DNS; the allow list is empty, and the route lets b.test in."""
    routes = "".join(f"<route domain='{d}b.test' address='{B_ADDRESS}'/>"
                     for d in ("", "conference."))
    with World(both("a.test", GATEWAY_A)), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER), routes=routes,
                    lists="mode='allow-list'"), \
            Ejabberd("a.test", A_ADDRESS, certs, INSIDE, ALICE, trust=other.ca), \
            Prosody("b.test", B_ADDRESS, certs, WORLD_DNS, BOB, trust=other.ca):
        talk(f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}", *ALL)


def with_two_gateways(certs, other):
    """a.test and b.test have a gateway each, and only these two meet outside."""
    with World({**both("a.test", GATEWAY_A), **both("b.test", GATEWAY_B)}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER)), \
            Gateway("xmbd-b", broker=profiles(certs, "b.test"), inside="127.0.0.32",
                    outside="127.0.0.33", local=inside("b.test", B_SERVER), secret="another"), \
            Prosody("a.test", A_ADDRESS, certs, INSIDE, ALICE, trust=other.ca), \
            Ejabberd("b.test", B_ADDRESS, certs, "127.0.0.32", BOB, trust=other.ca):
        talk(f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}", *ALL)


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    for scene in (with_prosody_inside, with_ejabberd_inside, with_two_gateways):
        print("---", scene.__name__)
        scene(certs, other)


if __name__ == "__main__":
    main()
