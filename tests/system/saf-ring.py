#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Five SAF forwarders in a ring. When a link is cut, nobody loses a service, no client hears of it, and
nothing stays active; nor when another one is cut silently, so that only hold times find out. When the
ring is in two parts, each loses what only the other has, and has it back when the ring is whole.

    n1 --l1-- n2 --l2-- n3 --l3-- n4 --l4-- n5 --l5-- n1
"""
from saf_capture import QUERY, REPLY
from saf_rig import AT_ONCE_S, SHORT_HOLD_S, WAIT, Scene, Watcher, until, xml

COUNT = 5


class Ring:
    def __init__(self, scene):
        self.scene = scene
        self.nodes = scene.nodes(COUNT)
        for i, node in enumerate(self.nodes):
            scene.connect(node, self.nodes[(i + 1) % COUNT], hold_time=SHORT_HOLD_S * 2)
        scene.start()
        scene.converge()
        self.watchers = [Watcher(n) for n in self.nodes]
        self.clients = [n.client() for n in self.nodes]
        self.marks, self.closed = 0, ()

    def link(self, i):
        return self.scene.net.links[f"l{i}"]

    def publish(self):
        for node, client in zip(self.nodes, self.clients):
            self.scene.publish(client, node.number, 1, xml(node.name), node.router_id)
        for watcher in self.watchers:
            for node in self.nodes:
                watcher.sees(node.number, xml(node.name))

    def neighbours(self, seconds=WAIT):
        """Each has the neighbours that the links which pass give it."""
        for node in self.nodes:
            expected = {(name, a) for name, a in node.expected() if self.passes(name)}
            until(lambda n=node, e=expected: set(n.neighbors()) == e,
                  f"{node.name} has the neighbours {expected}", node.alive, seconds)

    def passes(self, name):
        return name not in self.closed

    def mark(self, here=None):
        """A service that is published now, at the first of `here`, reaches the others of it: so
        everything that happened before it has reached them too."""
        here = here or self.nodes
        self.marks += 1
        number = 1000 + here[0].number
        data = xml(f"mark {self.marks}")
        self.scene.publish(self.clients[here[0].number - 1], number, self.marks, data, here[0].router_id)
        for node in here:
            self.watchers[node.number - 1].sees(number, data)
        self.scene.passive(here)

    def undisturbed(self):
        """No client was told anything but what was published, once."""
        for watcher in self.watchers:
            watcher.once()
            kinds = {e[0] for e in watcher.events}
            assert kinds == {"notify"}, f"at {watcher.node.name}: {watcher.events}"

    def cut(self, number, silently=False):
        link = self.link(number)
        for node in self.scene.members[link.name]:
            if silently:
                link.mute(node.space)
            else:
                link.cut(node.space)
        self.closed = (*self.closed, link.name)

    def mend(self, number, silently=False):
        link = self.link(number)
        for node in self.scene.members[link.name]:
            if silently:
                link.mute(node.space, False)
            else:
                link.mend(node.space)
        self.closed = tuple(name for name in self.closed if name != link.name)


def cut_and_mend(ring, number, silently):
    ring.cut(number, silently)
    ring.neighbours()
    for node in ring.nodes:
        ring.mark([node] + [n for n in ring.nodes if n is not node])
    ring.undisturbed()
    ring.mend(number, silently)
    ring.neighbours()
    ring.mark()
    ring.undisturbed()


def two_parts(ring):
    """n2 and n3 apart from n4, n5 and n1."""
    ring.cut(1)
    ring.cut(3)
    ring.neighbours()
    apart = [ring.nodes[1:3], [*ring.nodes[3:], ring.nodes[0]]]
    for here, there in (apart, apart[::-1]):
        for node in here:
            for other in there:
                ring.watchers[node.number - 1].sees_end(other.number, AT_ONCE_S)
        until(lambda h=here, t=there: all(not {o.number for o in t} & set(n.services()) for n in h),
              "what is on the other side is forgotten", ring.scene.check)
        ring.mark(here)
    ring.mend(1)
    ring.mend(3)
    ring.neighbours()
    for watcher in ring.watchers:
        for node in ring.nodes:
            watcher.sees(node.number, xml(node.name))
    ring.mark()


def main():
    with Scene() as scene:
        ring = Ring(scene)
        ring.publish()
        cut_and_mend(ring, 1, silently=False)
        cut_and_mend(ring, 4, silently=True)
        two_parts(ring)
        scene.stop()
        frames = scene.capture.check()
        asked = sum(f.opcode == QUERY for f in frames)
        answered = sum(f.opcode == REPLY for f in frames)
        print(f"{len(frames)} packets, of these {asked} queries and {answered} replies")
        assert answered >= 1 and asked >= 1, "nothing was ever asked: the cuts did not matter"


main()
