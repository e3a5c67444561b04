#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four SAF forwarders on one LAN: they find each other, tell each other by multicast, and take leave. What
a client publishes at one is seen by clients at all others, its update and withdrawal too; a crowd of
services arrives whole; a broker that is killed takes its services along in its hold time; one that is
stopped, which has a hold time of minutes, at once.
"""
from saf_capture import HELLO, UPDATE, first_without_way, later, took_leave, versions_in_order
from saf_rig import AT_ONCE_S, DOMAIN, SANITIZED, SHORT_HOLD_S, Scene, Watcher, service_id, until, xml
from xmcp_helper import success

CROWD = 80 if SANITIZED else 150
BOTH = 50
MINUTES_S = 1200 # a hold time beyond all bounds of this test
LARGEST = 1300 # octets of data, by default
MTU, IP_HEADER = 1500, 20


def everybody_sees(scene, nodes):
    """Publish, update, withdraw at the first; and a late subscriber learns what there is."""
    publisher = nodes[0].client()
    watchers = [Watcher(n) for n in nodes]
    largest = b"<x>" + b"y" * (LARGEST - 7) + b"</x>"
    for version, data in enumerate((xml("one"), xml("two"), largest), 1):
        scene.publish(publisher, 1, version, data, nodes[0].router_id)
        for watcher in watchers:
            watcher.sees(1, data)
    late = Watcher(nodes[1])
    late.sees(1, largest)
    success(publisher.unpublish(1))
    for watcher in [*watchers, late]:
        watcher.sees_end(1)
        watcher.once()
    for client in [publisher, late]:
        client.close()
    return watchers


def unauthenticated(scene, nodes):
    """The second one shows what it learned to them, too; the third one, by default, does not."""
    publisher, known = nodes[0].client(), Watcher(nodes[2])
    scene.publish(publisher, 2, 1, xml("for whom?"), nodes[0].router_id)
    known.sees(2, xml("for whom?"))
    open_to_all, closed = Watcher(nodes[1], False), Watcher(nodes[2], False)
    open_to_all.sees(2, xml("for whom?"))
    own = nodes[2].client(False)
    scene.publish(own, 3, 1, xml("of one of them"), nodes[2].router_id)
    closed.sees(3, xml("of one of them"))
    assert not closed.of(2), closed.events
    success(publisher.unpublish(2))
    for client in (publisher, known, open_to_all, own, closed):
        client.close()


def crowd(scene, nodes, watchers):
    """Many at once, from everybody."""
    clients = [n.client() for n in nodes]
    for sub in range(CROWD):
        i = sub % len(nodes)
        scene.publish(clients[i], 100 + sub, 1, xml(f"crowd {sub}"), nodes[i].router_id)
    for watcher in watchers:
        for sub in range(CROWD):
            watcher.sees(100 + sub, xml(f"crowd {sub}"))
        watcher.once()
        assert all(len(watcher.of(100 + sub)) == 1 for sub in range(CROWD)), "told more than once"
    scene.passive()


def anew(nodes, watchers):
    """The first one is asked for its table again: what is there goes out at once, and clients hear of
    nothing but a service that is new."""
    first = nodes[0].address(nodes[0].scene.net.links["l1"])
    before = [len(w.events) for w in watchers]
    nodes[1].control(f"clear eigrp service-family ipv4 {DOMAIN} neighbors {first} soft")
    until(lambda: any("restarts" in e["event"] for e in nodes[0].eigrp("events")["events"]),
          "the first one hears that its table is wanted", nodes[0].alive)
    publisher = nodes[0].client()
    nodes[0].scene.publish(publisher, 60, 1, xml("after the table"), nodes[0].router_id)
    for watcher, mark in zip(watchers, before):
        watcher.sees(60, xml("after the table"))
        assert [e[1] for e in watcher.events[mark:]] == [60], watcher.events[mark:]
    success(publisher.unpublish(60))
    publisher.close()


def both_offer(scene, nodes, watchers):
    """The same service at the first and the third: when the third is killed, it is still there."""
    for node in (nodes[0], nodes[2]):
        scene.publish(node.client(), BOTH, 1, xml("by either"), node.router_id)
    for watcher in watchers:
        watcher.sees(BOTH, xml("by either"))
    for node in (nodes[1], nodes[3]):
        until(lambda n=node: paths(n) == 2, f"{node.name} has two paths to it", node.alive)


def paths(node):
    return next(len(e["via"]) for e in node.topology_of() if e["service"].startswith(f"101:{BOTH}:"))


def of_node(i):
    return [100 + sub for sub in range(CROWD) if sub % 4 == i]


def leave(nodes, watchers):
    """The last one stops: no hold time can tell the others. Then the third one is killed."""
    address = nodes[3].address(nodes[3].scene.net.links["l1"])
    holds = [n.neighbors()["l1", address]["hold"] for n in nodes[:3]]
    assert min(holds) > MINUTES_S / 2, holds
    nodes[3].stop()
    for watcher in watchers[:3]:
        for sub in of_node(3):
            watcher.sees_end(sub)
    nodes[3].ended()
    nodes[2].kill()
    for watcher in watchers[:2]:
        for sub in of_node(2):
            watcher.sees_end(sub, SHORT_HOLD_S + AT_ONCE_S)
        watcher.once()
        assert [e[0] for e in watcher.of(BOTH) if e[0] == "withdraw"] == [], watcher.of(BOTH)
        watcher.sees(BOTH, xml("by either"))
    left = {*of_node(0), *of_node(1), BOTH}
    for node in nodes[:2]:
        until(lambda n=node: set(n.services()) == left, "the registry has what is left", node.alive)
        assert set(node.neighbors()) == node.expected()


def first_told(stopped):
    """What the first packet of the leave takes back. Further ones wait for the acknowledgements of those before;
    on a machine that stands still for a second they do not go out any more."""
    own = ([s.id for s in f.services if s.is_taken_back and s.id[1] in of_node(3)] for f in stopped)
    return next(services for services in own if services)


def on_the_link(frames, nodes):
    link = nodes[0].scene.net.links["l1"]
    first = [f for f in frames if f.source == nodes[0].address(link)]
    numbers = [sequence for sequence, _ in versions_in_order(first, service_id(1))]
    assert len(numbers) == 3 and all(later(b, a) for a, b in zip(numbers, numbers[1:])), numbers
    for number in numbers: # the table of a peer that comes up is the only other way
        sent = [f for f in first if any(s.id == service_id(1) and s.sequence == number
                                        for s in f.services) and f.opcode == UPDATE]
        assert sent[0].is_multicast, f"not by multicast: {sent}"
    end = [s for f in first for s in f.services if s.id == service_id(1) and not s.is_reachable
           and s.route["eigrp.metric.flags.srcwd"] == "1"]
    assert end and later(end[0].sequence, numbers[-1]) and end[0]["data.type"] == "0x0002", end
    hellos = [f for f in first if f.opcode == HELLO and f.number("ack") == 0 and not f.is_goodbye]
    assert hellos and all(f.is_multicast for f in hellos), "a hello that is not for all"
    for frame in hellos:
        assert [frame.number(f"par.k{i}") for i in range(1, 7)] == [1, 0, 1, 0, 0, 0], frame
        assert frame.number("par.holdtime") == nodes[0].hold, frame
    stopped = [f for f in frames if f.source == nodes[3].address(link)]
    for service in first_told(stopped):
        took_leave(stopped, service, nodes[3].router_id)
        assert first_without_way(frames, service)["l1"].is_taken_back, service
    full(frames)


def full(frames):
    """Services that wait together fill packets: by what is left of the MTU, one more did not fit."""
    crowd = [f for f in frames if f.opcode == UPDATE and any(s.id[1] >= 100 for s in f.services)]
    largest = max(crowd, key=lambda f: f.bytes)
    each = largest.bytes / len(largest.services)
    print(f"the fullest update: {largest.bytes} octets, {len(largest.services)} services")
    assert MTU - IP_HEADER - each < largest.bytes <= MTU - IP_HEADER, \
        f"{largest.bytes} octets of {MTU - IP_HEADER}, though one more service takes {each:.0f}"


def main():
    with Scene() as scene:
        nodes = scene.nodes(4)
        nodes[2].hold, nodes[3].hold = SHORT_HOLD_S, MINUTES_S
        nodes[1].topology = {"learned_public": "yes"}
        scene.connect(*nodes)
        scene.start()
        scene.converge()
        watchers = everybody_sees(scene, nodes)
        unauthenticated(scene, nodes)
        crowd(scene, nodes, watchers)
        anew(nodes, watchers)
        both_offer(scene, nodes, watchers)
        leave(nodes, watchers)
        scene.stop()
        on_the_link(scene.capture.check(), nodes)


main()
