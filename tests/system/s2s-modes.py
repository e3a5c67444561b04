#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway's security modes with real servers, both ways each: tls-required, tls-optional towards a server with
and without TLS, no-tls; with and without client certificates; dialback alone, and SASL EXTERNAL beside it. A
change of the mode is a reload: the gateway runs through.
"""
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WORLD_DNS, Certificates, Ejabberd,
                     Gateway, Prosody, World, local_domain, need, profiles, talk, until)

ALICE, BOB = {"alice": "alicepw"}, {"bob": "bobpw"}
A, B = f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}"


def outside(mode, more=""):
    return f"<security mode='{mode}' {more}/>"


def clear(gateway):
    """Ends all streams, so that the next message makes them anew under the settings of now."""
    gateway.control("clear federation connection all")
    until(lambda: not gateway.connections(), "the streams have ended", gateway.alive)


def streams_outside(gateway):
    return [c for c in gateway.connections() if c["side"] == "outside" and c["verified_by"]]


def scene(gateway, name, security, tls=True, verified_by="dialback", **server):
    print("---", name)
    gateway.reload(security=security)
    clear(gateway)
    with Ejabberd("b.test", B_ADDRESS, server.pop("certs"), WORLD_DNS, BOB, **server):
        talk(A, B, "message")
        connections = streams_outside(gateway)
        assert connections, gateway.connections()
        for c in connections:
            assert (c["tls"] is not None) == tls, c
            assert verified_by is None or c["verified_by"] == verified_by, c
    clear(gateway)


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    with World({"a.test": (OUTSIDE, 5269), "b.test": (B_ADDRESS, 5269)}), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269))) as g, \
            Prosody("a.test", A_ADDRESS, certs, INSIDE, ALICE, trust=other.ca):
        scene(g, "tls-required, dialback alone",
              outside("tls-required", "authentication='dialback'"), certs=certs)
        scene(g, "tls-required with client certificates",
              outside("tls-required", "require-client-certificates='yes' "
                      "authentication='dialback'"), certs=certs)
        scene(g, "SASL EXTERNAL both ways", outside("tls-required", "authentication='both'"),
              verified_by="external", certs=certs)
        scene(g, "EXTERNAL refused by a peer that trusts another CA: dialback follows",
              outside("tls-required", "authentication='both'"), verified_by=None, certs=certs,
              trust=other.ca)
        scene(g, "tls-optional, the peer has TLS", outside("tls-optional"), verified_by=None,
              certs=certs)
        scene(g, "tls-optional, the peer has none", outside("tls-optional"), tls=False,
              certs=certs, starttls="false")
        scene(g, "no-tls", outside("no-tls"), tls=False, certs=certs, starttls="optional")


if __name__ == "__main__":
    main()
