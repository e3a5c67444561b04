#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files between clients of real servers, through the gateway: alice and bob send each other one, negotiated by stream
initiation and then by Jingle, and carried in band. What is said and the file arrive as they were sent.
"""
from s2s_pair import A_SERVER, B_SERVER, GATEWAY_A, alices, bobs, both, inside, streams, talk_all
from s2s_rig import Certificates, Ejabberd, Gateway, Prosody, World, need, profiles


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
        print(f"--- {alice_on.__name__} inside, {bob_on.__name__} outside")
        with World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}), \
                Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER)) as gateway, \
                alices(alice_on, certs), bobs(bob_on, certs):
            talk_all(gateway, what=("file", "jingle"))
            assert streams(gateway, "outside")


if __name__ == "__main__":
    main()
