#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`xmbd -t` beside the broker that runs with the same file, as an operator does before a reload.

The ports and the control socket are taken, by the broker itself: that is no fault of the file. The
broker goes on, its socket stays. And a module may have a log level of its own from the first
start on, when no plugin is loaded yet while the log is prepared.
"""
import os
import socket
import subprocess
import sys

import xmcp_helper

MODULES = """
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="%d"/></module>"""


class Broker(xmcp_helper.Broker):
    def write(self, modules):
        super().write(modules)
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace('level="debug" format="text" to="stderr"/>',
                                 'level="warn" to="stderr"><module name="xmcp" level="debug"/></log>'))


def check(config):
    return subprocess.run([os.environ["XMBD"], "-t", "-c", config, "-p", os.environ["XMB_PLUGINS"]],
                          capture_output=True, text=True, check=False, timeout=60)


def main():
    with Broker(MODULES % 0) as broker:
        broker.write(MODULES % broker.port)
        done = check(broker.config)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), done
        assert broker.control("show version")["version"], "the broker's socket is still its own"
        assert broker.listeners()[0]["port"] == broker.port

        broker.write((MODULES % broker.port).replace('port="', 'prot="'))
        done = check(broker.config)
        assert done.returncode == 1 and "prot" in done.stderr, done

        socket.create_connection(("127.0.0.1", broker.port)).close()
        xmcp_helper.until(lambda: " debug xmcp " in broker.log(), "a debug line of module xmcp",
                          broker.alive)
    return 0


sys.exit(main())
