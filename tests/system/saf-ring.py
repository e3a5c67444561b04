#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Five SAF forwarders in a ring. When a link is cut, nobody loses a service, no client hears of it, and
nothing stays active; nor when another one is cut silently, so that only hold times find out. When the
ring is in two parts, each loses what only the other has, and has it back when the ring is whole.
Then a client withdraws, a broker is killed, and one is stopped: only what was theirs goes, and when it goes
is measured by the logs of the brokers and the times of the capture, which have one clock.

    n1 --l1-- n2 --l2-- n3 --l3-- n4 --l4-- n5 --l5-- n1
"""
from saf_capture import QUERY, REPLY, UPDATE
from saf_rig import AT_ONCE_S, SANITIZED, SHORT_HOLD_S, WAIT, Scene, Watcher, service_id, until, xml
from xmcp_helper import success

COUNT = 5
RING_HOLD_S = SHORT_HOLD_S * 2
SOON_S = 3 if SANITIZED else 1 # for what needs no waiting: scheduling, a few packets
CALLED_OFF = 500               # a service that its client withdraws


class Ring:
    def __init__(self, scene):
        self.scene = scene
        self.nodes = scene.nodes(COUNT)
        for i, node in enumerate(self.nodes):
            scene.connect(node, self.nodes[(i + 1) % COUNT], hold_time=RING_HOLD_S)
        scene.start()
        scene.converge()
        self.watchers = [Watcher(n) for n in self.nodes]
        self.clients = [n.client() for n in self.nodes]
        self.marks, self.closed = 0, ()
        self.killed = None
        self.records = [] # what on_the_links compares with the capture

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
        for node in [n for n in self.nodes if n.process.poll() is None]:
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


# --- a withdrawal, a kill, a stop -------------------------------------------------------------

def update_and_withdraw(ring):
    first = ring.nodes[0]
    for version, text in enumerate(("once", "twice"), 1):
        data = xml(f"{text}, then off")
        ring.scene.publish(ring.clients[0], CALLED_OFF, version, data, first.router_id)
        for watcher in ring.watchers:
            watcher.sees(CALLED_OFF, data)
    success(ring.clients[0].unpublish(CALLED_OFF))
    gone(ring, ring.nodes, {CALLED_OFF})
    ring.scene.passive()


def gone(ring, nodes, numbers):
    """The clients at these see the end of these services, and of nothing else; the registries have the
    rest."""
    for node in nodes:
        watcher = ring.watchers[node.number - 1]
        before = len(watcher.events)
        for number in numbers:
            watcher.sees_end(number)
        others = [e for e in watcher.events[before:] if e[0] == "withdraw" and e[1] not in numbers]
        assert not others, f"lost as well at {node.name}: {others}"
        watcher.once()
        until(lambda n=node: not numbers & set(n.services()), "its registry forgets them", node.alive)


def of_node(ring, node):
    return set(node.services()) & {node.number, 1000 + node.number}


def kill(ring, node):
    """Its neighbours find it out by its hold time, no sooner and not much later."""
    numbers = of_node(ring, node)
    others = [n for n in ring.nodes if n is not node]
    node.kill()
    gone(ring, others, numbers)
    ring.neighbours()
    ring.scene.passive(others)
    for name in node.links:
        other = next(n for n in ring.scene.members[name] if n is not node)
        address = node.address(ring.scene.net.links[name])
        when, line = other.said("is down: hold time", address)[-1]
        ring.records.append(("killed", name, address, when, line))
    ring.killed = node, numbers


def back(ring, node):
    node.start()
    ring.neighbours()
    i = node.number - 1
    ring.clients[i], ring.watchers[i] = node.client(), Watcher(node)
    ring.scene.publish(ring.clients[i], node.number, 1, xml(f"{node.name} again"), node.router_id)
    for watcher in ring.watchers:
        watcher.sees(node.number, xml(f"{node.name} again"))
    ring.mark()


def stop(ring, node):
    """It takes its services back and says goodbye; nobody waits for a hold time."""
    numbers = of_node(ring, node)
    others = [n for n in ring.nodes if n is not node]
    node.stop()
    gone(ring, others, numbers)
    node.ended()
    ring.neighbours()
    ring.mark(others)
    for name in node.links:
        other = next(n for n in ring.scene.members[name] if n is not node)
        address = node.address(ring.scene.net.links[name])
        when, line = other.said("is down: ", address)[-1]
        assert "goodbye" in line, line
        ring.records.append(("stopped", name, address, when, line))


def withdrawals(frames, identity, origin):
    """When the withdrawal by its originator first came to each link."""
    found = {}
    for frame in frames:
        for service in frame.services:
            if service.id == identity and service.route["eigrp.routerid"] == origin and \
                    service.route["eigrp.metric.flags.srcwd"] == "1":
                found.setdefault(frame.link, frame.time)
    return found


def lost(ring, frames):
    """On each link that is left, the far one as well, what the killed one had is said to be lost
    a hold time after its last word; and no sooner. That clients were told, kill() has seen."""
    node, numbers = ring.killed
    last = {}
    for _, link, address, when, _ in [r for r in ring.records if r[0] == "killed"]:
        last[link] = max(f.time for f in frames
                         if f.link == link and f.source == address and f.time < when)
    identities = {service_id(n) for n in numbers}
    for link in {f.link for f in frames} - set(last):
        for identity in identities:
            first = next((s.frame for f in frames for s in f.services
                          if f.link == link and f.time > max(last.values())
                          and s.id == identity and not s.is_reachable), None)
            assert first is not None, f"nobody said on {link} that {identity} is lost"
            assert first.opcode in (UPDATE, QUERY), first
            took = first.time - max(last.values())
            assert first.time - min(last.values()) >= RING_HOLD_S - 0.1, f"{took} s: {first}"
            assert took <= RING_HOLD_S + SOON_S, f"{took} s: {first}"
            print(f"killed, lost {identity[1]} on {link}: {took:.3f} s")


def took_leave(ring, frames, node):
    """The one that was stopped took its services back, and said goodbye after that, all in less
    time than its neighbours would have taken to miss it."""
    for link in node.links:
        here = [f for f in frames if f.link == link and f.source.endswith(f".{node.number}")]
        goodbye = next(f for f in here if f.is_goodbye)
        first = withdrawals(here, service_id(node.number), node.router_id)[link]
        took = goodbye.time - first
        print(f"stopped, withdrew {node.number} on {link} {took:.3f} s before its goodbye")
        assert 0 <= took < RING_HOLD_S, goodbye


def measured(ring, frames):
    """From the last packet of the killed one to the hold time's end; from a goodbye to the loss of the
    neighbour; from one withdrawal to the last link."""
    for what, link, address, when, line in ring.records:
        when += 0.001 # which the log leaves out
        here = [f for f in frames if f.link == link and f.source == address and f.time < when]
        if what == "killed":
            took = when - here[-1].time
            assert RING_HOLD_S - 0.1 <= took <= RING_HOLD_S + SOON_S, f"{took} s: {here[-1]}, {line}"
        else:
            took = when - next(f for f in here if f.is_goodbye).time
            assert took <= SOON_S, f"{took} s: {line}"
        print(f"{what}, on {link}: {took:.3f} s")
    for number, node in ((CALLED_OFF, ring.nodes[0]), (5, ring.nodes[4])):
        times = withdrawals(frames, service_id(number), node.router_id)
        took = max(times.values()) - min(times.values())
        print(f"withdrawn {number}: on {len(times)} links within {took:.3f} s")
        assert len(times) >= COUNT - 1, f"the withdrawal of {number} came to {set(times)} only"
        assert took <= SOON_S, times


def main():
    with Scene() as scene:
        ring = Ring(scene)
        ring.publish()
        cut_and_mend(ring, 1, silently=False)
        cut_and_mend(ring, 4, silently=True)
        two_parts(ring)
        update_and_withdraw(ring)
        kill(ring, ring.nodes[2])
        back(ring, ring.nodes[2])
        stop(ring, ring.nodes[4])
        scene.stop()
        frames = scene.capture.check()
        asked = sum(f.opcode == QUERY for f in frames)
        answered = sum(f.opcode == REPLY for f in frames)
        print(f"{len(frames)} packets, of these {asked} queries and {answered} replies")
        assert answered >= 1 and asked >= 1, "nothing was ever asked: the cuts did not matter"
        measured(ring, frames)
        lost(ring, frames)
        took_leave(ring, frames, ring.nodes[4])


main()
