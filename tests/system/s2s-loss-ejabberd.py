#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Outages of an unmodified ejabberd, which has no stream management between servers: it is the barrier that tells what
it has read. While 200 stanzas a second flow each way, it is killed, then frozen, then cut off. Of what was sent through
the gateway to its component nothing is lost and nothing is delivered twice.
"""
import s2s_servers


def start(certs):
    """What its component sends would come back to it for up to five minutes behind a failed attempt to dial."""
    return s2s_servers.ejabberd(certs, retry_s=1)


if __name__ == "__main__":
    s2s_servers.play(start, False, "erl", "dnsmasq", "openssl")
