#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Personal events (PEP, which is PubSub) between real servers: alice and bob see each other's presence, each says by
entity capabilities that tunes are of interest, each plays one, and the other's client is notified of it, through the
gateway. So items are published, capabilities travel with presence and are asked for, and events come unasked.
"""
from s2s_pair import A, A_SERVER, B, B_SERVER, GATEWAY_A, alices, bobs, both, inside, streams
from s2s_rig import Certificates, Ejabberd, Gateway, Prosody, World, need, profiles, talk

PEP = """  mod_caps: {}
  mod_pubsub:
    plugins: [flat, pep]
"""


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    options = {Prosody: {}, Ejabberd: {"modules": PEP}}
    for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
        print(f"--- {alice_on.__name__} inside, {bob_on.__name__} outside")
        with World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}), \
                Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER)) as gateway, \
                alices(alice_on, certs, **options[alice_on]), \
                bobs(bob_on, certs, **options[bob_on]):
            talk(A, B, "presence", "tune")
            assert streams(gateway, "outside")


if __name__ == "__main__":
    main()
