#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""VRFs: routing tables, and sockets that belong to one of them. Where this kernel has none, a guest that
has them runs this test (guest.py).

A listener in a VRF is reached in it and from nowhere else, also when the VRF was made anew. A service
family in a VRF has neighbours there and in no other, though both use the same addresses; it goes on by
itself in a VRF that was made anew, and follows an interface from one to the other.
"""
import socket
import subprocess
import sys

import guest
from saf_rig import DOMAIN, Scene, Watcher, until, xml
from xmcp_helper import WAIT, Broker, Client, success

TABLES = {"red": 10, "blue": 20}
MODULES = ["vrf", "veth", "bridge", "ipv6"]


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False).returncode == 0


def have_vrfs():
    return ip("link", "add", "tried", "type", "vrf", "table", "99") and ip("link", "del", "tried")


# --- a listener -------------------------------------------------------------------------------

LISTENERS = '<module name="auth-userpass"><client username="ann" password="password-of-ann"/></module>\n' \
    '<module name="xmcp"><listen address="127.0.0.1" port="0"/>' \
    '<listen address="192.0.2.1" port="0" vrf="red"/></module>'


def make_red():
    assert ip("link", "add", "red", "type", "vrf", "table", "10") and ip("link", "set", "red", "up") and \
        ip("addr", "add", "192.0.2.1/32", "dev", "red")


def dial(port, device):
    s = socket.socket()
    s.settimeout(WAIT)
    if device is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    error = s.connect_ex(("192.0.2.1" if device else "127.0.0.1", port))
    return s, error


def client_in_red(broker, port):
    """Registers and publishes there; then it is gone again."""
    client = Client(broker, "ann", "password-of-ann")
    client.socket.close()
    client.socket, error = dial(port, "red")
    assert error == 0, error
    client.register()
    success(client.publish(1))
    assert broker.control("show services")["services"][0]["subservice"] == 1
    client.close()


def port_in_red(broker):
    listeners = broker.listeners()
    assert [one["vrf"] for one in listeners] == [None, "red"], listeners
    return listeners[1]["port"]


def listener():
    make_red()
    with Broker(LISTENERS, name="vrf") as broker:
        port = port_in_red(broker)
        outside, error = dial(port, None)
        outside.close()
        assert error != 0, "reached from outside of its VRF"
        client_in_red(broker, port)
        assert ip("link", "del", "red")
        make_red()
        broker.reload()
        client_in_red(broker, port_in_red(broker))
    assert ip("link", "del", "red")


# --- service families -------------------------------------------------------------------------

def make(space, vrf, link):
    """A VRF device, with the interface of `link` in it, which loses its IPv6 addresses on the way."""
    space.ip(f"link add {vrf} type vrf table {TABLES[vrf]}", f"link set {vrf} up",
             f"link set {link} master {vrf}", f"addr replace fe80::1/64 dev {link} nodad")


def family(node, vrf, address_family="ipv4"):
    ifaces = "".join(node.iface_xml(name, v) for name, v in node.ifaces.items())
    vrf = f" vrf='{vrf}'" if vrf else ""
    return f"<service-family address-family='{address_family}' autonomous-system='{DOMAIN}'{vrf}" \
        f" router-id='{node.router_id}'>{ifaces}</service-family>"


def neighbors(node, vrf, address_family="ipv4"):
    return set(node.neighbors(f"{address_family} vrf {vrf}" if vrf else address_family))


def has(node, vrf, others, address_family="ipv4"):
    until(lambda: neighbors(node, vrf, address_family) == others,
          f"{node.name} has the neighbours {others} in {vrf}", node.alive)


def network(scene):
    """a is in two VRFs, with the same subnet in both: b is in red's, c in blue's."""
    a, b, c = scene.nodes(3)
    for other, vrf in ((b, "red"), (c, "blue")):
        link = scene.connect(a, other)
        for node in (a, other):
            node.space.ip(f"addr flush dev {link.name} scope global")
            node.links[link.name] = 1
        make(a.space, vrf, link.name)
        for node in (a, other):
            node.space.ip(f"addr add {node.address(link)}/24 dev {link.name}")
    a.other = family(a, "red") + family(a, "red", "ipv6")
    b.other = family(b, None) + family(b, None, "ipv6")
    return a, b, c


def anew(a, b, watcher, publisher):
    """The VRF goes, and comes again; nobody reloads anything."""
    a.space.ip("link del red")
    has(a, "red", set())
    watcher.sees_end(1)
    assert "its VRF is a new device" not in a.log()
    make(a.space, "red", "l1")
    has(a, "red", {("l1", b.address(a.scene.net.links["l1"]))})
    has(a, "red", {("l1", "fe80::2")}, "ipv6")
    watcher.sees(1, xml("in red"))
    assert "its VRF is a new device" in a.log()
    success(publisher.unpublish(1))
    watcher.sees_end(1)


def moves(a, b, c):
    """The interface to c changes over to red, where b has another one."""
    of_b = ("l1", b.address(a.scene.net.links["l1"]))
    of_c = ("l2", c.address(a.scene.net.links["l2"]))
    a.space.ip("link set l2 master red")
    has(a, "blue", set())
    has(a, "red", {of_b, of_c})
    a.space.ip("link set l2 master blue")
    has(a, "red", {of_b})
    has(a, "blue", {of_c})


def hellos_sent(node):
    return node.traffic()["traffic"][0]["hellos_sent"]


def families():
    with Scene("vrf") as scene:
        a, b, c = network(scene)
        scene.start()
        has(a, "red", {("l1", b.address(scene.net.links["l1"]))})
        has(b, None, {("l1", a.address(scene.net.links["l1"]))})
        has(a, "red", {("l1", "fe80::2")}, "ipv6")
        publisher, watcher, apart = b.client(), Watcher(a), Watcher(c)
        scene.publish(publisher, 1, 1, xml("in red"), b.router_id)
        watcher.sees(1, xml("in red"))
        before = hellos_sent(c)
        until(lambda: hellos_sent(c) >= before + 3, "c says hello", c.alive)
        assert not neighbors(c, None), "a is in red only"
        # In both now: what a itself offers is offered in both, and what it learns stays where it is.
        a.other += family(a, "blue")
        a.reload()
        has(a, "blue", {("l2", c.address(scene.net.links["l2"]))})
        own = a.client()
        scene.publish(own, 2, 1, xml("in both"), a.router_id)
        for other in (Watcher(b), apart):
            other.sees(2, xml("in both"))
        assert not apart.of(1), apart.events
        has(a, "red", {("l1", b.address(scene.net.links["l1"]))})
        anew(a, b, watcher, publisher)
        moves(a, b, c)
        scene.stop()
        scene.capture.check()


def inside():
    listener()
    families()


if have_vrfs() or sys.argv[1:] == ["inside"]:
    inside()
elif guest.why_not():
    print("skipped: this kernel has no VRFs, or we may not make one; and", guest.why_not())
    sys.exit(77)
else:
    sys.exit(guest.run(MODULES, [sys.executable, __file__, "inside"]))
