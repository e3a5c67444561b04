#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stream management (XEP-0198) with an unmodified Prosody, which has it after SASL EXTERNAL, in both directions. While
200 stanzas a second flow each way, Prosody is killed, then frozen, then cut off. Of what was sent through the gateway
to its component nothing is lost and nothing is delivered twice.
"""
import s2s_servers
from s2s_rig import Prosody
from s2s_servers import FAR, Behind


class BehindProsody(Prosody, Behind):
    pass


def start(certs):
    """Of what is not acknowledged it would keep 500 and forget the rest: it is cut off for longer."""
    return BehindProsody("b.test", FAR, certs, FAR, {}, modules=("smacks",),
                         components=f'Component "{s2s_servers.BOTS}"\n'
                                    f'component_secret = "{s2s_servers.SECRET}"\n',
                         extra="component_ports = { 5347 }\nsmacks_max_queue_size = 20000\n"
                               f'component_interfaces = {{ "{FAR}" }}\nlimits = {{ }}\n')


if __name__ == "__main__":
    s2s_servers.play(start, True, "prosody", "dnsmasq", "openssl")
