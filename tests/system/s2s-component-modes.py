#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A component inside (XEP-0114) as the world reaches it in each security mode of the outside, with
and without client certificates, by dialback alone and by SASL EXTERNAL; with Prosody and then
ejabberd there. In each mode the gateway finds one of them by static route, and the other by DNS.
Messages, disco, ping, subscriptions and presence pass both ways, and each stream is proved as the
mode says.
"""
import os
import subprocess

from s2s_pair import B_SERVER, GATEWAY_A, bobs, clear, is_proved
from s2s_rig import (B_ADDRESS, HERE, INSIDE, PYTHON, Certificates, Ejabberd, Gateway, Prosody,
                     World, need, profiles, until)

COMPONENT = (f"<local-domain name='bots.a.test'><component address='{INSIDE}' port='5347' "
             "secret='s3cr3t'/></local-domain>")
REQUIRE = "require-client-certificates='yes' "
DIALBACK = "authentication='dialback'"

# The server's TLS; then name, mode and what else, TLS or not, what proves the two directions.
SCENES = (
    ("required", (
        ("tls-required, dialback alone", "mode='tls-required' " + DIALBACK, True, "dialback"),
        ("tls-required with client certificates, dialback alone",
         "mode='tls-required' " + REQUIRE + DIALBACK, True, "dialback"),
        ("tls-required with client certificates, SASL EXTERNAL",
         "mode='tls-required' " + REQUIRE, True, "external"),
        ("tls-optional, the server has TLS", "mode='tls-optional'", True, "external"))),
    ("none", (
        ("tls-optional, the server has none", "mode='tls-optional'", False, "dialback"),)),
    ("optional", (
        ("no-tls", "mode='no-tls'", False, "dialback"),)))


def echo():
    """s2s_echo.py, in short."""
    run = subprocess.run([PYTHON, os.path.join(HERE, "s2s_echo.py"),
                          f"bots.a.test:s3cr3t@{INSIDE}:5347", f"bob@b.test:bobpw@{B_ADDRESS}",
                          "short"], capture_output=True, text=True, check=False,
                         env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})
    assert run.returncode == 0, f"s2s_echo.py: {run.stdout}{run.stderr}"


def is_over(gateway):
    """The component has gone, and of what it said nothing may come back to the next one."""
    status = gateway.control("show federation status")
    states = {i["domain"]: i["state"] for i in status["inside"]}
    return states["bots.a.test"] == "unreachable" and not status["unconfirmed"]


def scene(gateway, world, by_route, name, attributes, tls, proof):
    print("---", "by static route:" if by_route else "by DNS:", name)
    gateway.reload(security=f"<security {attributes}/>",
                   routes=f"<route domain='b.test' address='{B_ADDRESS}'/>" if by_route else "")
    clear(gateway)
    asked = len(world.log())
    echo()
    is_proved(gateway, "outside", tls, proof, proof)
    until(lambda: is_over(gateway), "the component has gone", gateway.alive)
    if by_route:
        assert "b.test" not in world.log()[asked:], "DNS was asked for a domain that has a route"


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    certs.make("a.test", names="DNS:a.test,DNS:bots.a.test")
    certs.make("b.test")
    certs.make("gateway.inside.test", file="inside-gw")
    with World({"bots.a.test": GATEWAY_A, "b.test": B_SERVER},
               extra=["log-queries", "log-facility=-"]) as world, \
            Gateway(broker=profiles(certs), local=COMPONENT,
                    more="<backoff minimum='1' maximum='1'/>") as gateway:
        for bob_on, by_route in ((Prosody, True), (Ejabberd, False)):
            for tls, scenes in SCENES:
                print("---", bob_on.__name__)
                with bobs(bob_on, certs, tls):
                    for each in scenes:
                        scene(gateway, world, by_route, *each)
                        by_route = not by_route
        assert "b.test" in world.log(), "the server was found, and DNS was not asked?"


if __name__ == "__main__":
    main()
