#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Out of file descriptors, the control socket says so, pauses, and takes its caller later.

A broker with few descriptors is filled with XMCP connections; then an operator calls. Without the
pause the control thread would spin on the caller, and say nothing.
"""
import os
import socket
import sys

import xmcp_helper

FILES = 96
MODULES = """
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>"""


def few_files():
    """Lets the broker be started with a limit that it cannot raise."""
    wrapper = os.path.join(os.environ["XMB_TMP"], "xmbd-few")
    with open(wrapper, "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\nulimit -n {FILES}\nexec "{os.environ["XMBD"]}" "$@"\n')
    os.chmod(wrapper, 0o755)
    os.environ["XMBD"] = wrapper


def main():
    few_files()
    with xmcp_helper.Broker(MODULES) as broker:
        clients = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(FILES)]
        xmcp_helper.until(lambda: "cannot accept a connection" in broker.log(),
                          "no descriptor is left", broker.alive)
        # More than one, because a listener lends its spare descriptor out for a moment.
        operators = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(3)]
        for operator in operators:
            operator.connect(broker.socket)
        xmcp_helper.until(lambda: "cannot take an operator's connection" in broker.log(),
                          "a word about the operator", broker.alive)
        for client in clients:
            client.close()
        for operator in operators:
            operator.settimeout(xmcp_helper.WAIT)
            operator.sendall(b'{"words": ["show", "version"]}\n')
            assert b'"status":0' in operator.recv(65536).replace(b" ", b"")
            operator.close()
    return 0


sys.exit(main())
