#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A listener that belongs to a device, as it does in a VRF (vrf.py), here to an ordinary one, so in every build: it is
reached through the device, from another network namespace, and from nowhere else, also when the device was made anew.
"""
import errno
import os
import shutil
import socket
import subprocess
import sys

from xmcp_helper import WAIT, Broker, Client, until

WIRES = {"left": "192.0.2", "apart": "198.51.100"}  # device: subnet, in which we are 1 and the other is 2
MODULES = """<module name="auth-userpass"><client username="ann" password="password-of-ann"/></module>
<module name="xmcp"><listen address="127.0.0.1" port="0"/><listen family="ipv4" port="0" vrf="left"/></module>"""


def sh(command):
    subprocess.run(command, shell=True, check=True)


class Neighbour:
    """A network namespace that a child holds, with the other end of each wire."""

    def __init__(self):
        mine = os.readlink("/proc/self/ns/net")
        self.holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE)
        until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != mine, "a namespace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.stdin.close()
        self.holder.wait()

    def words(self, command):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *command]

    def connect(self, device):
        """A new wire between us, on which both can be reached at once."""
        net, far = WIRES[device], "to-" + device
        sh(f"ip link add {device} type veth peer name {far} netns {self.holder.pid} && "
           f"ip addr add {net}.1/24 dev {device} && ip link set {device} up")
        for command in (f"addr add {net}.2/24 dev {far}", f"link set {far} up"):
            subprocess.run(self.words(["ip", *command.split()]), check=True)

    def ping(self, device, port):
        """Status and words of a client there that uses this wire."""
        server = f"{WIRES[device]}.1:{port}"
        done = subprocess.run(
            self.words([os.environ["XMCP"], "-u", "ann", "-p", "password-of-ann", "-s", server, "ping"]),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT, check=False)
        return done.returncode, done.stdout


def port_of(broker, device):
    return next(one["port"] for one in broker.listeners() if one["vrf"] == device)


def reached_by_its_device(broker, neighbour):
    port = port_of(broker, "left")
    status, words = neighbour.ping("left", port)
    assert status == 0 and "registered" in words, words
    status, words = neighbour.ping("apart", port)
    assert status != 0 and "refused" in words, words
    refused_here = socket.socket()
    assert refused_here.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    refused_here.close()
    Client(broker, "ann", "password-of-ann", port=port_of(broker, None)).register()


def why_not():
    if os.getuid() != 0:
        return "not root: no network namespaces, no devices"
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            return "there is no " + tool
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0:
        return "this system makes no network namespaces"
    return None


def main():
    if why_not() is not None:
        print("skipped:", why_not())
        return 77
    with Neighbour() as neighbour:
        for device in WIRES:
            neighbour.connect(device)
        with Broker(MODULES) as broker:
            reached_by_its_device(broker, neighbour)
            sh("ip link del left")
            neighbour.connect("left")
            broker.reload()
            reached_by_its_device(broker, neighbour)
    return 0


sys.exit(main())
