#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Outages of an unmodified ejabberd, which has no stream management between servers: it is the barrier that tells what
it has read. While 200 stanzas a second flow each way, it is killed, then frozen, then cut off. Of what was sent through
the gateway to its component nothing is lost and nothing is delivered twice.
"""
import s2s_servers
from s2s_rig import Ejabberd
from s2s_servers import FAR, Behind


class BehindEjabberd(Ejabberd, Behind):
    pass


def start(certs):
    """It would not dial again for up to five minutes behind a failed attempt, and answer no ping as long."""
    return BehindEjabberd("b.test", FAR, certs, FAR, {}, extra="s2s_max_retry_delay: 1",
                          listen=f"""  -
    ip: "{FAR}"
    port: 5347
    module: ejabberd_service
    hosts:
      {s2s_servers.BOTS}:
        password: "{s2s_servers.SECRET}"
""")


if __name__ == "__main__":
    s2s_servers.play(start, False, "erl", "dnsmasq", "openssl")
