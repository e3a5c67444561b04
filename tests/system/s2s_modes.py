# SPDX-License-Identifier: MIT
"""The scenes of s2s-modes.py and s2s-modes-prosody.py: every security mode of the outside, both ways, with the
servers one way round and the other. A change of the mode is a reload: the gateway and the server inside run through.
"""
from s2s_pair import ALL, A_SERVER, B_SERVER, GATEWAY_A, alices, bobs, both, clear, inside, \
    is_proved, talk_all
from s2s_rig import Certificates, Gateway, World, need, profiles

MESSAGE = ("message", "ping")
REQUIRE = "require-client-certificates='yes' "
DIALBACK = "authentication='dialback'"

# The server outside (its TLS, and whether it trusts the authority of our certificate), and what is tried with it:
# name, mode and what else, what is talked, TLS or not, what proves the two directions.
SCENES = (
    ("required", True, (
        ("tls-required, dialback alone", "mode='tls-required' " + DIALBACK, ALL, True,
         "dialback", "dialback"),
        ("tls-required with client certificates, dialback alone",
         "mode='tls-required' " + REQUIRE + DIALBACK, MESSAGE, True, "dialback", "dialback"),
        ("tls-required, SASL EXTERNAL both ways", "mode='tls-required'", MESSAGE, True,
         "external", "external"),
        ("tls-required with client certificates, SASL EXTERNAL both ways",
         "mode='tls-required' " + REQUIRE, MESSAGE, True, "external", "external"),
        ("tls-optional, the peer has TLS", "mode='tls-optional' " + DIALBACK, MESSAGE, True,
         "dialback", "dialback"),
        ("tls-optional with client certificates", "mode='tls-optional' " + REQUIRE, MESSAGE, True,
         "external", "external"))),
    ("required", False, (
        ("EXTERNAL refused by a peer that trusts another CA: dialback follows",
         "mode='tls-required'", MESSAGE, True, "external", "dialback"),)),
    ("none", True, (
        ("tls-optional, the peer has none", "mode='tls-optional'", MESSAGE, False,
         "dialback", "dialback"),)),
    ("optional", True, (
        ("no-tls", "mode='no-tls'", ALL, False, "dialback", "dialback"),)))


def scene(gateway, name, attributes, what, tls, incoming, outgoing):
    print("---", name)
    gateway.reload(security=f"<security {attributes}/>")
    clear(gateway)
    talk_all(gateway, what=what)
    is_proved(gateway, "outside", tls, incoming, outgoing)


def run(alice_on, bob_on):
    need("prosody", "erl", "dnsmasq", "openssl")
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    with World({**both("a.test", GATEWAY_A), **both("b.test", B_SERVER)}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER),
                    more="<backoff minimum='1' maximum='1'/>") as gateway, \
            alices(alice_on, certs, trust=other.ca):
        for tls, trusts, scenes in SCENES:
            with bobs(bob_on, certs, tls, trust=certs.ca if trusts else other.ca):
                for each in scenes:
                    scene(gateway, *each)
