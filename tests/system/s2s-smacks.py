#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stream management (XEP-0198) with an unmodified Prosody, which has it after SASL EXTERNAL, in both directions. While
200 stanzas a second flow each way, Prosody is killed, and frozen. Of what was sent through the gateway to its
component nothing is lost and nothing is delivered twice.
"""
import s2s_servers
from s2s_rig import B_ADDRESS, WORLD_DNS, Prosody


def start(certs):
    return Prosody("b.test", B_ADDRESS, certs, WORLD_DNS, {}, modules=("smacks",),
                   components=f'Component "{s2s_servers.BOTS}"\n'
                              f'component_secret = "{s2s_servers.SECRET}"\n',
                   extra="component_ports = { 5347 }\n"
                         f'component_interfaces = {{ "{B_ADDRESS}" }}\nlimits = {{ }}\n')


if __name__ == "__main__":
    s2s_servers.play(start, True, "prosody", "dnsmasq", "openssl")
