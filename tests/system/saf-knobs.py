#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Settings of a service family that only an odd neighbour, or the log, can show. A broker on a LAN with a
speaker that is written for the test: with `tolerant` it takes a form of services that is wrong, and without
it does not; who restarts and never says that its table is complete loses what it did not tell again after
the purge time, and stays a neighbour; with neighbor-changes="no" neighbours come and go without a line in
the log; and neighbor-warnings says how often a packet that is not taken is worth one.
"""
import datetime

from saf_net import Space
from saf_rig import HOLD_S, SANITIZED, WAIT, Scene, until
from saf_speaker import (EOT, GOODBYE, HELLO, RS, Speaker, packet, parameter, route, service_block,
                         software)

ADDRESS, STRANGER = "10.88.1.200", "10.88.1.201"
PURGE_S = 20       # the least that can be configured
LATE_S = 6 if SANITIZED else 2
WARNINGS_S = 3


class Odd:
    def __init__(self, scene):
        self.scene = scene
        self.node, = scene.nodes(1)
        link = scene.connect(self.node)
        self.address = self.node.address(link)
        space = Space("odd")
        link.plug(space, f"{ADDRESS}/24", f"{STRANGER}/24")
        self.node.inner = f"<timers graceful-restart-purge-time='{PURGE_S}'/>"
        scene.start()
        self.speaker = Speaker(space, link.name, ADDRESS)
        self.other = Speaker(space, link.name, STRANGER, seed=2)
        scene.extra += [self.speaker, self.other]
        self.meet()

    def meet(self):
        self.speaker.meet(self.address, seconds=WAIT)
        self.speaker.update(self.address, b"", EOT)
        self.serve(lambda: ("l1", ADDRESS) in self.node.neighbors(), "it is a neighbour")

    def serve(self, condition, what, seconds=WAIT):
        """The speaker lives on meanwhile; the broker is asked a few times a second."""
        self.speaker.run(condition, what, seconds)

    def tell(self, tlvs, flags=0):
        """An update, and its acknowledgement."""
        number = self.speaker.update(self.address, tlvs, flags)
        self.serve(lambda: number in self.speaker.peers[self.address]["acked"], "the update is acknowledged")

    def has(self, *numbers):
        self.serve(lambda: set(self.node.services()) == set(numbers), f"it has {numbers}")

    def reload(self, topology=None, log=""):
        self.node.topology = topology or {}
        self.node.inner = f"<timers graceful-restart-purge-time='{PURGE_S}'/>{log}"
        self.node.reload()

    def reasons(self):
        return {r["reason"]: r["count"] for r in self.node.traffic()["traffic"][0]["reasons"]}


def afi_first(number):
    """As RFC 7868 draws it in one place: the family in front of the topology."""
    head = route(service_block(number))
    topology, family = head[4:6], head[6:8]
    return head[:4] + family + topology + head[8:]


def tolerant(odd):
    """The right form next to it shows that the packet came."""
    odd.tell(afi_first(1) + route(service_block(2)))
    odd.has(2)
    assert odd.reasons()["tolerated-afi-first"] == 0, odd.reasons()
    odd.reload({"tolerant": "yes"})
    odd.tell(afi_first(1))
    odd.has(1, 2)
    assert odd.reasons()["tolerated-afi-first"] == 1, odd.reasons()
    odd.reload()
    odd.tell(afi_first(3) + route(service_block(4)))
    odd.has(1, 2, 4)
    assert odd.node.said(f"neighbour {ADDRESS}", "is down") == [], "one bad service resets nobody"


def events(odd, words):
    return [e for e in odd.node.eigrp("events")["events"] if words in e["event"]]


def moment(event):
    return datetime.datetime.fromisoformat(event["time"]).timestamp()


def purge(odd):
    """It says that it restarts, tells one of three again, and no EOT: that one is left in the end."""
    before = len(odd.node.said(ADDRESS, "restarts; what it said is kept"))
    odd.speaker.send(packet(HELLO, parameter(HOLD_S) + software(), RS))
    odd.serve(lambda: len(odd.node.said(ADDRESS, "restarts; what it said is kept")) > before,
              "it is seen to restart")
    assert set(odd.node.services()) == {1, 2, 4}
    odd.tell(route(service_block(2)))
    odd.serve(lambda: set(odd.node.services()) != {1, 2, 4}, "the purge time is over", PURGE_S + WAIT)
    odd.has(2)
    began = odd.node.said(ADDRESS, "restarts; what it said is kept")[-1][0]
    ended = moment(events(odd, "service 101:1:")[0])
    print(f"kept for {ended - began:.2f} s")
    assert PURGE_S - 0.1 <= ended - began <= PURGE_S + LATE_S, f"kept for {ended - began} s, not {PURGE_S}"
    assert ("l1", ADDRESS) in odd.node.neighbors() and not odd.node.said(ADDRESS, "is down")


def changes(odd):
    """The same goodbye and greeting, without a line and with two; the event log has them always."""
    def leave_and_come():
        downs = len(events(odd, f"neighbour {ADDRESS} is down"))
        odd.speaker.is_silent = True

        def gone():
            odd.speaker.send(packet(HELLO, GOODBYE)) # a second one within 5 s is not heard
            return len(events(odd, f"neighbour {ADDRESS} is down")) > downs
        odd.serve(gone, "it is gone")
        odd.speaker.is_silent = False
        odd.speaker.peers.clear()
        odd.meet()
    lines = len(odd.node.said(f"neighbour {ADDRESS} on l1"))
    odd.reload(log="<log neighbor-changes='no'/>")
    leave_and_come()
    assert len(odd.node.said(f"neighbour {ADDRESS} on l1")) == lines, "a line in the log"
    odd.reload()
    leave_and_come()
    said = [line.rsplit("l1 ", 1)[1] for _, line in odd.node.said(f"neighbour {ADDRESS} on l1")[lines:]]
    assert [line.split(":")[0] for line in said] == ["is down", "is up"], said


def warnings(odd):
    """A stranger whose K values are others, ten times a second: a line each WARNINGS_S."""
    odd.reload(log=f"<log neighbor-warnings='{WARNINGS_S}s'/>")
    hello = packet(HELLO, parameter(HOLD_S, (1, 1, 1, 0, 0, 0)) + software())

    def lines():
        odd.other.send(hello)
        return odd.node.said(STRANGER, "K values 1 1 1 0 0 0")
    odd.serve(lambda: len(lines()) >= 4, "four warnings", 4 * WARNINGS_S + WAIT)
    times = [t for t, _ in lines()]
    gaps = [b - a for a, b in zip(times, times[1:])]
    print("warnings after", ", ".join(f"{g:.2f} s" for g in gaps))
    assert all(g >= WARNINGS_S - 0.1 for g in gaps), f"sooner than each {WARNINGS_S} s: {gaps}"
    assert min(gaps) <= WARNINGS_S + LATE_S, f"not each {WARNINGS_S} s: {gaps}"
    assert odd.reasons()["k-values"] > 2 * len(times), odd.reasons()


def main():
    with Scene() as scene:
        odd = Odd(scene)
        for step in (tolerant, purge, changes, warnings):
            print(step.__name__)
            step(odd)
        scene.stop()
        scene.capture.link = None # the speaker's are of its own
        ours = f"eigrp && ip.src == {odd.address} && !xml"
        scene.capture.check(ours, sound=ours)


main()
