#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a SAF forwarder is can be changed while it runs: how far it believes, whether it is a stub, how it
writes services, and what its name is. Each takes effect by a reload, and taking it back does, too. A peer
of TLV version 3 is spoken to apart, in its own form, while the others go on by multicast.

                  +-- c
    a --l1-- b --l2
                  +-- d
"""
from saf_rig import ENDPOINT, Scene, Watcher, service_id, until, xml

OTHER_ID = "10.0.0.99"
CLASSIC, WIDE = 0x00F2, 0x0602


class Changes:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b, self.c, self.d = scene.nodes(4)
        scene.connect(self.a, self.b)
        self.lan = scene.connect(self.b, self.c, self.d)
        scene.start()
        scene.converge()
        self.publisher, self.other = self.a.client(), self.b.client()
        self.at_c, self.at_d = Watcher(self.c), Watcher(self.d)
        self.version = 0
        self.publish()
        scene.publish(self.other, 2, 1, xml("of b"), self.b.router_id)
        self.both_see(2, xml("of b"))
        self.both_see(1, self.data())

    def data(self):
        return xml(f"of a, version {self.version}")

    def publish(self):
        """The next version of a's service."""
        self.version += 1
        self.scene.publish(self.publisher, 1, self.version, self.data(), self.a.router_id)

    def both_see(self, subservice, data):
        for watcher in (self.at_c, self.at_d):
            watcher.sees(subservice, data)

    def change(self, node, topology=None, inner=""):
        node.topology, node.inner = topology or {}, inner
        node.reload()

    def settled(self):
        self.scene.converge()
        self.both_see(1, self.data())
        self.both_see(2, xml("of b"))
        self.scene.passive()

    def entry(self, node):
        return next((e for e in node.topology_of() if e["service"].startswith("101:1:")), {})


def maximum_hops(play):
    """a is two hops from c and d. c believes one, so it is gone there alone; with two it is back."""
    before = len(play.at_d.events)
    play.change(play.c, {"maximum_hops": 1})
    play.at_c.sees_end(1)
    until(lambda: set(play.c.services()) == {2}, "c has only what is near", play.c.alive)
    play.change(play.c, {"maximum_hops": 2})
    play.settled()
    play.change(play.c)
    play.publish()
    play.settled()
    assert len(play.at_d.events) == before + 1, "d was told more than the new version"


def stub(play):
    """b as a stub offers its own, not a's; then it is none, and all is back."""
    play.change(play.b, inner="<stub connected='yes'/>")
    for watcher in (play.at_c, play.at_d):
        watcher.sees_end(1)
        watcher.sees(2, xml("of b"))
    for node in (play.c, play.d):
        until(lambda n=node: set(n.services()) == {2}, f"{node.name} has what a stub tells", node.alive)
        until(lambda n=node: stubs(n) == {play.b.address(play.lan): "connected"},
              f"{node.name} knows that b is a stub", node.alive)
    play.change(play.b)
    play.settled()
    for node in (play.c, play.d):
        until(lambda n=node: not stubs(n), f"{node.name} knows that it is none any more", node.alive)


def stubs(node):
    return {n["address"]: n["stub"] for n in node.eigrp("neighbors detail")["neighbors"] if n["stub"]}


def versions(node):
    return {n["address"]: n["tlv_version"] for n in node.eigrp("neighbors detail")["neighbors"]}


def tlv_version(play):
    """c speaks version 3; b and d see it, and what is published now comes to both, in either form."""
    play.change(play.c, {"tlv_version": 3})
    for node in (play.b, play.d):
        until(lambda n=node: versions(n).get(play.c.address(play.lan)) == "3.0", f"{node.name} sees it",
              node.alive)
    play.settled()
    play.publish()
    play.settled()
    play.apart = play.data()
    own = play.c.client()
    play.scene.publish(own, 3, 1, xml("of c"), play.c.router_id)
    play.at_d.sees(3, xml("of c"))
    until(lambda: 3 in play.a.services(), "a has it from the one of version 3", play.a.alive)
    play.publish()
    play.settled() # so that the one before is told to nobody any more
    play.change(play.c)
    for node in (play.b, play.d):
        until(lambda n=node: versions(n).get(play.c.address(play.lan)) == "2.0", f"{node.name} sees it",
              node.alive)
    play.publish()
    play.settled()


def router_id(play):
    """a is another router now: its service is lost and found, with the same data."""
    marks = len(play.at_c.of(1)), len(play.at_d.of(1))
    play.a.family["router-id"] = OTHER_ID
    play.scene.capture.expect(service_id(1), play.data(), ENDPOINT, OTHER_ID)
    play.a.reload()
    for node in (play.b, play.c, play.d):
        until(lambda n=node: play.entry(n).get("origin") == OTHER_ID, f"{node.name} has it by its new name",
              node.alive)
    for watcher, mark in zip((play.at_c, play.at_d), marks):
        watcher.wait(lambda w=watcher, m=mark: w.of(1)[m:] and w.now(1) == play.data(), "it is found again")
    play.settled()
    for watcher, mark in zip((play.at_c, play.at_d), marks):
        kinds = [e[0] for e in watcher.of(1)[mark:]]
        assert kinds in (["withdraw", "notify"], ["notify"]), watcher.of(1)[mark:]


def on_the_lan(play, frames):
    """In the classic form: what c says, and what is said to c alone; what was published meanwhile went out
    in both."""
    c = play.c.address(play.lan)
    forms = {CLASSIC: set(), WIDE: set()}
    for frame in frames:
        kinds = {t for t in frame.tlvs if t in forms}
        if CLASSIC in kinds:
            assert frame.link == play.lan.name and kinds == {CLASSIC}, frame
            assert frame.source == c or frame.to == c, f"in the form of version 3: {frame}"
        for service in frame.services:
            if service.data == play.apart and frame.source == play.b.address(play.lan):
                forms[CLASSIC if service.is_classic else WIDE].add(frame.to)
    assert forms[CLASSIC] == {c}, forms
    assert forms[WIDE] and c not in forms[WIDE], forms
    own = [s for f in frames if f.source == c for s in f.services
           if s.id == service_id(3) and s.is_reachable]
    assert own and own[0].is_classic and own[0].frame.is_multicast, own


def main():
    with Scene() as scene:
        play = Changes(scene)
        for step in (maximum_hops, stub, tlv_version, router_id):
            print(step.__name__)
            step(play)
        for watcher in (play.at_c, play.at_d):
            watcher.once(again=True)
        scene.stop()
        on_the_lan(play, scene.capture.check())


main()
