#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin that speaks in datagrams alone (tests/plugins/udp-echo.c): its sockets are in `show
listeners`, on a port of its own or its usual one below 1024; a reload keeps, adds and takes away;
its role is known; and `xmbd -t` beside the running broker finds no fault."""
import json
import os
import socket
import subprocess

from xmcp_helper import WAIT, Broker, until

ROOT = os.getuid() == 0
ONE = '<listen address="127.0.0.1" port="0"/>'
FOLDERS = [os.environ["XMB_TEST_PLUGINS"]]


def module(inner):
    return f'<module name="udp-echo">{inner}</module>'


def peer(port, ip="127.0.0.1"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(WAIT)
    s.connect((ip, port))
    return s


def says(s, text):
    s.send(text)
    return s.recv(1000)


def ports(broker):
    assert {one["transport"] for one in broker.listeners()} <= {"udp"}
    return [one["port"] for one in broker.listeners()]


def reload(broker, inner):
    broker.write(module(inner))
    broker.reload()


def check(broker):
    return subprocess.run([os.environ["XMBD"], "-t", "-c", broker.config, "-p", FOLDERS[0]],
                          capture_output=True, text=True, check=False, timeout=WAIT)


def role(broker):
    assert broker.control("show modules")["modules"][0]["roles"] == ["datagram"]
    run = subprocess.run([os.environ["XMB_BUILD"] + "/broker/xmb-plugin-check", "--json",
                          FOLDERS[0] + "/udp-echo.so"], capture_output=True, check=True)
    assert json.loads(run.stdout)["roles"] == ["datagram"]


def reloads(broker):
    first, = ports(broker)
    with peer(first) as s:
        assert says(s, b"hello") == b"0 hello"
        reload(broker, ONE + f'<listen address="127.0.0.1" port="{free_port()}"/>')
        until(lambda: len(ports(broker)) == 2, "the second socket", broker.alive)
        assert ports(broker)[0] == first
        with peer(ports(broker)[1]) as other:
            assert says(other, b"there") == b"1 there"
            done = check(broker)
            assert done.returncode == 0 and not done.stdout + done.stderr, done
            assert says(s, b"again") == b"0 again"
            reload(broker, ONE)
            assert other.recv(100) == b"gone"
        assert says(s, b"still") == b"0 still"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def usual_port():
    """7, for which its user has no right but the one that was kept."""
    with Broker(module('<listen address="0.0.0.0"/>'), name="usual", folders=FOLDERS) as broker:
        assert ports(broker) == [7]
        with peer(7, "127.0.0.9") as s: # which takes answers from there alone
            assert says(s, b"hello") == b"0 hello"
            reload(broker, '<listen address="127.0.0.1"/>')
            assert s.recv(100) == b"gone"
        with peer(7) as s:
            assert says(s, b"hello") == b"0 hello"
            broker.stop()
            assert s.recv(100) == b"gone" # of the stop too


def main():
    with Broker(module(ONE), folders=FOLDERS) as broker:
        role(broker)
        reloads(broker)
    if ROOT and [name for _, name in socket.if_nameindex()] == ["lo"]:
        usual_port()
    else:
        print("not tried: a port below 1024, which needs root and a network of its own")


main()
