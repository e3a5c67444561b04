#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two gateways in a row: a.test and b.test have one each, and only these two meet outside. Found by DNS,
then by static route, then in each security mode between the two, with and without client certificates.
"""
from s2s_pair import A_SERVER, B_SERVER, GATEWAY_A, alices, bobs, both, clear, dialled, inside, \
    is_proved, routes, talk_all
from s2s_rig import (A_ADDRESS, B_ADDRESS, OUTSIDE, Certificates, Ejabberd, Gateway, Prosody, World,
                     need, profiles)

INSIDE_B, OUTSIDE_B = "127.0.0.32", "127.0.0.33"
NO_DNS = "127.0.0.54"  # nobody is there
MODES = (  # name, mode and what else, TLS or not, what proves
    ("tls-required, dialback alone", "mode='tls-required' authentication='dialback'", True,
     "dialback"),
    ("tls-required, SASL EXTERNAL", "mode='tls-required'", True, "external"),
    ("tls-required with client certificates, dialback alone", "mode='tls-required' "
     "require-client-certificates='yes' authentication='dialback'", True, "dialback"),
    ("tls-required with client certificates", "mode='tls-required' "
     "require-client-certificates='yes'", True, "external"),
    ("tls-optional, dialback alone", "mode='tls-optional' authentication='dialback'", True,
     "dialback"),
    ("tls-optional with client certificates", "mode='tls-optional' "
     "require-client-certificates='yes'", True, "external"),
    ("no-tls", "mode='no-tls'", False, "dialback"))


def only_gateways_meet(a, b):
    for gateway, own, far in ((a, A_ADDRESS, OUTSIDE_B), (b, B_ADDRESS, OUTSIDE)):
        assert dialled(gateway, "inside") == {own}, gateway.connections()
        assert dialled(gateway, "outside") == {far}, gateway.connections()


def change(a, b, of_a, of_b):
    """Both go on under new settings; what is kept of routes is forgotten with its streams."""
    a.reload(**of_a)
    b.reload(**of_b)
    clear(a, b)


def scenes(a, b):
    print("--- by DNS")
    talk_all(a, b)
    only_gateways_meet(a, b)
    print("--- by static route, without a name server")
    change(a, b, {"routes": routes("b.test", OUTSIDE_B), "dns": NO_DNS},
           {"routes": routes("a.test", OUTSIDE), "dns": NO_DNS})
    talk_all(a, b)
    only_gateways_meet(a, b)
    for name, attributes, tls, proof in MODES:
        print("---", name)
        security = {"security": f"<security {attributes}/>"}
        change(a, b, security, security)
        talk_all(a, b, what=("message", "ping"))
        only_gateways_meet(a, b)
        for gateway in (a, b):
            is_proved(gateway, "outside", tls, proof, proof)
    print("--- one with tls-optional, the other without TLS")
    change(a, b, {"security": "<security mode='tls-optional'/>"},
           {"security": "<security mode='no-tls'/>"})
    talk_all(a, b, what=("message", "ping"))
    for gateway in (a, b):
        is_proved(gateway, "outside", tls=False)


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs, other = Certificates(), Certificates("other")
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    with World({**both("a.test", GATEWAY_A), **both("b.test", (OUTSIDE_B, 5269))}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER)) as a, \
            Gateway("xmbd-b", broker=profiles(certs, "b.test"), inside=INSIDE_B, outside=OUTSIDE_B,
                    local=inside("b.test", B_SERVER), secret="another") as b, \
            alices(Prosody, certs, trust=other.ca), \
            bobs(Ejabberd, certs, trust=other.ca, resolver=INSIDE_B):
        scenes(a, b)


if __name__ == "__main__":
    main()
