#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An unmodified ejabberd that reads and cannot answer pings: after an outage it opens no stream for a long while (its
default is up to five minutes; here it is days, so that it is sure). It is asked on the gateway's own stream, by
dialback: nothing that it has read comes back.
"""
import s2s_servers


def start(certs):
    return s2s_servers.ejabberd(certs, retry_s=1000000)


if __name__ == "__main__":
    s2s_servers.play(start, False, "erl", "dnsmasq", "openssl", steps=("mute", "settle"))
