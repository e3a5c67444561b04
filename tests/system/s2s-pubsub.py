#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PubSub between real servers, through the gateway. Personal events (PEP): alice and bob see each other's presence,
each says by entity capabilities that tunes are of interest, each plays one, and the other's client is notified of it.
So items are published, capabilities travel with presence and are asked for, and events come unasked. And a service of
its own domain beside each server: who is abroad subscribes to a node there, publishes to it, is told of items and
fetches them, and all have the payload that was published.
"""
from s2s_pair import A, A_SERVER, B, B_SERVER, GATEWAY_A, alices, bobs, both, inside, streams
from s2s_rig import (Certificates, Ejabberd, Gateway, Prosody, World, local_domain, need, profiles,
                     talk)

PEP = """  mod_caps: {}
  mod_pubsub:
    host: pubsub.@HOST@
    plugins: [flat, pep]
"""


def options(server, owner):
    """Prosody lets nobody but an administrator make a node."""
    if server is Ejabberd:
        return {"modules": PEP}
    domain = owner.split("@")[1]
    return {"components": f'Component "pubsub.{domain}" "pubsub"\nadmins = {{ "{owner}" }}\n'}


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain, names=f"DNS:{domain},DNS:conference.{domain},DNS:pubsub.{domain}")
    certs.make("gateway.inside.test", file="inside-gw")
    records = {**both("a.test", GATEWAY_A), "pubsub.a.test": GATEWAY_A,
               **both("b.test", B_SERVER), "pubsub.b.test": B_SERVER}
    local = inside("a.test", A_SERVER) + local_domain("pubsub.a.test", A_SERVER)
    for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
        print(f"--- {alice_on.__name__} inside, {bob_on.__name__} outside")
        with World(records), Gateway(broker=profiles(certs), local=local) as gateway, \
                alices(alice_on, certs, **options(alice_on, "alice@a.test")), \
                bobs(bob_on, certs, **options(bob_on, "bob@b.test")):
            talk(A, B, "presence", "tune", "pubsub")
            assert streams(gateway, "outside")


if __name__ == "__main__":
    main()
