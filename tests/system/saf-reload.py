#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an operator changes while a SAF forwarder runs takes effect at once, and nothing else is disturbed: an
interface that is shut and opened, in the configuration or in the kernel; other hello intervals; a service
family that is added and taken away; service lists; maximum-services; neighbours that are cleared. Hold
times are long here: none of it waits for one.

    a --l1-- b --l2-- c
"""
import socket
import struct

from saf_capture import HELLO
from saf_rig import AT_ONCE_S, DOMAIN, HOLD_S, Scene, Watcher, until, xml
from xmcp_helper import success

SECOND_AS = 1300


class Play:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b, self.c = scene.nodes(3)
        self.link = scene.connect(self.a, self.b)
        scene.connect(self.b, self.c)
        scene.start()
        scene.converge()
        self.client, self.watcher = self.a.client(), Watcher(self.c)
        self.first, self.second = self.a.address(self.link), self.b.address(self.link)
        self.version = 0
        for sub in (1, 2):
            scene.publish(self.client, sub, 1, xml(f"service {sub}"), self.a.router_id)
            self.watcher.sees(sub, xml(f"service {sub}"))

    def uptime(self, node, address):
        return node.neighbors()["l1", address]["uptime_seconds"]

    def downs(self):
        """How many neighbours b has lost, in the first process."""
        return sum(f"ipv4 {DOMAIN}:" in line and "is down" in line for line in self.b.log().splitlines())

    def apart(self):
        for node, left in ((self.a, set()), (self.b, {"l2"})):
            until(lambda n=node, e=left: {i for i, _ in n.neighbors()} == e, f"{node.name} is apart",
                  node.alive, AT_ONCE_S)
        self.all_end()

    def all_end(self):
        for sub in (1, 2, 9):
            if self.watcher.of(sub):
                self.watcher.sees_end(sub, AT_ONCE_S)

    def together(self):
        """All is there again, and c's client knows."""
        self.scene.converge()
        for sub in (1, 2):
            self.watcher.sees(sub, xml(f"service {sub}"))
        if self.version > 0:
            self.watcher.sees(9, xml(f"undisturbed {self.version}"))
        self.scene.passive()
        self.watcher.once()

    def again(self):
        """It was lost, and comes back."""
        self.all_end()
        self.together()

    def undisturbed(self, step):
        """Runs `step`, and no neighbour is lost on the way, no client is told anything."""
        before = self.uptime(self.b, self.first), self.uptime(self.a, self.second)
        events = len(self.watcher.events)
        downs = self.downs()
        step()
        assert self.uptime(self.b, self.first) >= before[0]
        assert self.uptime(self.a, self.second) >= before[1]
        assert self.downs() == downs, "a neighbour was lost"
        self.version += 1
        data = xml(f"undisturbed {self.version}")
        self.scene.publish(self.client, 9, self.version, data, self.a.router_id)
        self.watcher.sees(9, data)
        assert [e[1] for e in self.watcher.events[events:]] == [9], self.watcher.events[events:]

    # --- scenes

    def shut(self):
        self.a.ifaces["l1"] = {"shutdown": "yes"}
        self.a.reload()
        self.apart()
        self.a.ifaces["l1"] = {}
        self.a.reload()
        self.together()

    def kernel(self):
        """Only the near end sees these; the far end has to be told, or to find out by what it hears next."""
        self.a.space.ip("link set l1 down")
        until(lambda: not self.a.neighbors(), "its neighbour is gone", self.a.alive, AT_ONCE_S)
        self.a.space.ip("link set l1 up")
        self.again()
        self.a.space.ip(f"addr del {self.first}/24 dev l1")
        until(lambda: not self.a.neighbors(), "without an address, no neighbour", self.a.alive, AT_ONCE_S)
        self.a.space.ip(f"addr add {self.first}/24 dev l1")
        self.again()

    def hello(self):
        def step():
            self.a.ifaces["l1"] = {"hello_interval": 2, "hold_time": 40}
            self.a.reload()
            until(lambda: self.b.neighbors()["l1", self.first]["hold"] <= 40, "b hears the new hold time",
                  self.b.alive)
            info = self.a.eigrp("interfaces detail")["interfaces"][0]
            assert (info["hello_ms"], info["hold"]) == (2000, 40), info
            self.a.ifaces["l1"] = {}
            self.a.reload()
            until(lambda: self.b.neighbors()["l1", self.first]["hold"] > 40, "and the old one", self.b.alive)
        self.undisturbed(step)

    def process(self):
        """Another service family, of another autonomous system, on the same link."""
        def second(node):
            run = node.control(f"show eigrp service-family ipv4 {SECOND_AS} neighbors", check=False)
            return run.returncode, f'"{self.first if node is self.b else self.second}"' in run.stdout

        def step():
            for node in (self.a, self.b):
                node.other = node.family_xml() + \
                    f"<service-family address-family='ipv4' autonomous-system='{SECOND_AS}'>" \
                    "<sf-interface name='default' shutdown='yes'/>" + node.iface_xml("l1", {}) + \
                    "</service-family>"
                node.reload()
            for node in (self.a, self.b):
                until(lambda n=node: second(n) == (0, True), "the second process has its neighbour",
                      node.alive)
            self.a.other = ""
            self.a.reload()
            until(lambda: second(self.b) == (0, False), "which says goodbye when it goes", self.b.alive,
                  AT_ONCE_S)
            until(lambda: second(self.a)[0] == 1, "it is not configured any more", self.a.alive)
            self.b.other = ""
            self.b.reload()
        self.undisturbed(step)

    def filters(self):
        """Denied on the way out of a, then on the way into b."""
        deny = "<service-list name='L'><deny service='101' subservice='2'/><allow/></service-list>"
        for node, where in ((self.a, "outbound"), (self.b, "inbound")):
            for place in (node.topology, node.ifaces["l1"]):
                node.more = deny
                place[where] = "L"
                node.reload()
                self.watcher.sees_end(2)
                until(lambda: set(self.b.services()) >= {1} and 2 not in self.b.services(),
                      "the denied one is gone, the other is not", self.b.alive)
                del place[where]
                node.more = ""
                node.reload()
                self.together()
        assert not [e for e in self.watcher.of(1)[-1:] if e[0] == "withdraw"]

    def maximum(self):
        """b takes four, is warned of more, and then lets a go, until it is cleared."""
        def warned(count):
            """b said that a brings so many. It says so at most once a second, when a packet comes."""
            warned.version += 1
            data = xml(f"once more {warned.version}")
            self.scene.publish(self.client, 20, warned.version, data, self.a.router_id)
            self.watcher.sees(20, data)
            return self.b.said("maximum-services is 4", f"brings {count} services", self.first)
        warned.version = 1
        self.b.topology = {"maximum_services": 4, "warning_only": "yes"}
        self.b.reload()
        for sub in range(20, 26):
            self.scene.publish(self.client, sub, 1, xml(f"one of many {sub}"), self.a.router_id)
            self.watcher.sees(sub, xml(f"one of many {sub}"))
        count = self.b.neighbors()["l1", self.first]["services"]
        assert count > 4, count # the warning of the threshold, 3 of 4, is another one
        until(lambda: warned(count), f"b warns of {count}", self.b.alive)
        assert len(self.b.neighbors()) == 2
        self.b.topology = {"maximum_services": 4, "restart": "1h"}
        self.b.reload()
        self.scene.publish(self.client, 26, 1, xml("too many"), self.a.router_id)
        until(lambda: set(self.b.neighbors()) == {("l2", "10.88.2.3")}, "a is let go", self.b.alive, AT_ONCE_S)
        self.all_end()
        self.watcher.sees_end(20)
        for sub in range(20, 27):
            success(self.client.unpublish(sub))
        self.b.control(f"clear eigrp service-family ipv4 {DOMAIN} neighbors")
        self.together()
        self.b.topology = {}
        self.b.reload()

    def resyncs(self):
        """The event log has each, the log at most one a second."""
        return sum("restarts" in e["event"] for e in self.a.eigrp("events")["events"])

    def clear(self):
        """Soft: nothing is lost. Hard: all goes, and comes back."""
        def step():
            before = self.resyncs()
            self.b.control(f"clear eigrp service-family ipv4 {DOMAIN} neighbors {self.first} soft")
            until(lambda: self.resyncs() > before, "a hears of it", self.a.alive)
        self.undisturbed(step)
        downs = self.downs()
        answer = self.b.control(f"clear eigrp service-family ipv4 {DOMAIN} neighbors {self.first}")
        assert answer["cleared"] == 1, answer
        until(lambda: self.downs() > downs, "the neighbour is reset", self.b.alive)
        self.again()


def terminated(play):
    """After what the last step published: b told a, by its address, that it is let go."""
    capture, marked = play.scene.capture, False
    which = f"eigrp && eigrp.as == {DOMAIN} && frame.interface_name == {play.link.name}"
    tlv = struct.pack(">HHB", 7, 9, 4) + socket.inet_aton(play.first)
    data, told = xml(f"undisturbed {play.version}"), []
    for frame, octets in zip(capture.frames(which), capture.octets(which)):
        marked = marked or any(s.data == data for s in frame.services if s["data.type"] == "0x0001")
        if marked and 7 in frame.tlvs:
            assert (frame.opcode, frame.source) == (HELLO, play.second) and tlv in octets, frame
            told.append(frame)
    assert told, "the neighbour that was cleared was not told"


def main():
    assert AT_ONCE_S < HOLD_S
    with Scene() as scene:
        play = Play(scene)
        for step in (play.shut, play.kernel, play.hello, play.process, play.filters, play.maximum,
                     play.clear):
            print(step.__name__)
            step()
        play.watcher.once()
        scene.stop()
        scene.capture.stop()
        frames = scene.capture.tshark("-T", "fields", "-e", "eigrp.as", "-Y", "eigrp").decode().split()
        assert str(SECOND_AS) in frames
        scene.capture.check(f"eigrp && eigrp.as == {DOMAIN}") # no fault in the other one either
        terminated(play)


main()
