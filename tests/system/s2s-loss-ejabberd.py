#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Outages of an unmodified ejabberd, which has no stream management between servers: it is the barrier that tells what
it has read. While 200 stanzas a second flow each way, it is killed, and frozen. Of what was sent through the gateway to
its component nothing is lost and nothing is delivered twice.
"""
import s2s_servers
from s2s_rig import B_ADDRESS, WORLD_DNS, Ejabberd


def start(certs):
    return Ejabberd("b.test", B_ADDRESS, certs, WORLD_DNS, {}, listen=f"""  -
    ip: "{B_ADDRESS}"
    port: 5347
    module: ejabberd_service
    hosts:
      {s2s_servers.BOTS}:
        password: "{s2s_servers.SECRET}"
""")


if __name__ == "__main__":
    s2s_servers.play(start, False, "erl", "dnsmasq", "openssl")
