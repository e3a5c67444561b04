#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The security modes of the inside, with Prosody and then ejabberd there: tls-required, tls-optional with a server
that has TLS and one that has none, no-tls; with and without client certificates; dialback alone, which is the
default inside, and SASL EXTERNAL for what the server's certificate proves. Outside everything is as always.
"""
from s2s_pair import A_SERVER, B_SERVER, GATEWAY_A, alices, bobs, both, clear, inside, is_proved, \
    talk_all
from s2s_rig import Certificates, Ejabberd, Gateway, Prosody, World, need, profiles

REQUIRE = "require-client-certificates='yes' "
# The inside's certificate of the gateway names no foreign domain, so EXTERNAL proves none of these to a server.
# The server's TLS; then name, mode and what else, TLS or not, what proves the server's own domains.
SCENES = (
    ("required", (
        ("tls-required", "mode='tls-required'", True, "dialback"),
        ("tls-required with client certificates", "mode='tls-required' " + REQUIRE, True,
         "dialback"),
        ("tls-required with client certificates, SASL EXTERNAL",
         "mode='tls-required' authentication='both' " + REQUIRE, True, "external"),
        ("tls-optional, the server has TLS", "mode='tls-optional'", True, "dialback"),
        ("tls-optional with client certificates", "mode='tls-optional' " + REQUIRE, True,
         "dialback"))),
    ("none", (
        ("tls-optional, the server has none", "mode='tls-optional'", False, "dialback"),)),
    ("optional", (
        ("no-tls", "mode='no-tls'", False, "dialback"),)))


def scene(gateway, name, attributes, tls, proof):
    print("---", name)
    gateway.reload(security=f"<security side='inside' {attributes}/>")
    clear(gateway)
    talk_all(gateway, what=("message", "presence", "ping"))
    is_proved(gateway, "inside", tls, incoming=proof)
    is_proved(gateway, "outside", True, None, None)


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    with World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER),
                    more="<backoff minimum='1' maximum='1'/>") as gateway:
        for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
            print(f"--- {alice_on.__name__} inside")
            with bobs(bob_on, certs, trust=other.ca):
                for tls, scenes in SCENES:
                    with alices(alice_on, certs, tls):
                        for each in scenes:
                            scene(gateway, *each)


if __name__ == "__main__":
    main()
