#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A link that loses every fifth packet, in both directions: every service still arrives, each version
once, and so does each withdrawal. Then a LAN of four, of which one loses every third packet: the others
are not held up by it, because they get multicasts under conditional receive, and in the end it knows all.

    a --l1--[relay 20 %]--l1 bridge-- b         c, d, e on bridge l2; f behind a relay of 30 %
"""
from saf_capture import UPDATE
from saf_relay import Relay
from saf_rig import SANITIZED, WAIT, Scene, Watcher, service_id, until, xml
from xmcp_helper import success

SERVICES = 10 if SANITIZED else 15
PATIENCE = 3 * WAIT
LEAST = 50 # packets by which a relay's share of losses can be told


def lossy(scene, node, link, percent, seed, **iface):
    """Plugs `node` into `link` by way of a relay. The capture is on the bridge's side of it."""
    scene.members[link.name].append(node)
    port = scene.plug(node, link, bridged=False, **iface)
    left, right = port + "l", port + "r"
    scene.net.wire.ip(f"link add {left} type veth peer name {right}", f"link set {left} up",
                      f"link set {right} master {link.name} up")
    relay = Relay(scene.net.wire, port, left, percent, seed)
    scene.extra.append(relay)
    return relay


def two(scene, a, b):
    publisher, watcher = a.client(), Watcher(b)
    for version in (1, 2, 3):
        for sub in range(SERVICES):
            scene.publish(publisher, sub, version, xml(f"{sub} version {version}"), a.router_id)
        for sub in range(SERVICES):
            watcher.sees(sub, xml(f"{sub} version {version}"), PATIENCE)
    for sub in range(0, SERVICES, 2):
        success(publisher.unpublish(sub))
    for sub in range(0, SERVICES, 2):
        watcher.sees_end(sub, PATIENCE)
    watcher.once()
    for sub in range(SERVICES):
        kinds = [e[0] for e in watcher.of(sub)]
        assert kinds == ["notify"] * 3 + ["withdraw"] * (sub % 2 == 0), watcher.of(sub)
    until(lambda: sorted(b.services()) == list(range(1, SERVICES, 2)), "the registry agrees", b.alive)


def four(scene, nodes):
    """A stream of updates of one service; the last one counts. And one service of each node."""
    publisher = nodes[0].client()
    watchers = [Watcher(n) for n in nodes[1:]]
    last = 0

    def conditional():
        return scene_cr(nodes[0]) > 0

    def another():
        nonlocal last
        last += 1
        scene.publish(publisher, 500, last, xml(f"update {last}"), nodes[0].router_id)
        return last >= SERVICES and conditional()
    until(another, "a multicast went out under conditional receive", scene.check, PATIENCE)
    clients = [n.client() for n in nodes]
    for node, client in zip(nodes, clients):
        scene.publish(client, 600 + node.number, 1, xml(node.name), node.router_id)
    for watcher in watchers:
        watcher.sees(500, xml(f"update {last}"), PATIENCE)
        for node in nodes:
            watcher.sees(600 + node.number, xml(node.name), PATIENCE)
        watcher.once()


def scene_cr(node):
    """Multicasts of the node that were conditional."""
    return sum(i["cr_packets"] for i in node.eigrp("interfaces detail")["interfaces"])


def on_the_links(frames, nodes):
    """Packets were sent again, as they were; and some were conditional."""
    seen = {}
    again = 0
    for frame in frames:
        if frame.opcode == UPDATE and frame.services:
            key = (frame.link, frame.source, frame.number("seq"))
            said = [(s.id, s.sequence, s.data) for s in frame.services]
            again += key in seen
            assert seen.setdefault(key, said) == said, f"another content under an old number: {frame}"
    assert again > 0, "nothing was sent again"
    whole = [f for f in frames if f.source in {n.address(n.scene.net.links["l2"]) for n in nodes[:3]}]
    conditional = [f for f in whole if f.flag("condrecv")] # of those whose every packet was captured
    assert conditional, "no conditional receive"
    listed = [f for f in whole if 3 in f.tlvs]
    assert listed and all(5 in f.tlvs for f in listed), "a sequence TLV without the next number"
    announced = {(f.source, f.number("next_mcast_seq")) for f in listed}
    assert {(f.source, f.number("seq")) for f in conditional} <= announced, "unannounced"
    lan = {s.frame.number("seq") for f in frames if f.link == "l2" for s in f.services
           if s.id == service_id(500)}
    assert len(lan) >= 2, nodes


def lost_as_said(relay, percent):
    """By the relay's own counts. Its die is seeded, so what is dropped of so many packets is no matter of
    chance; half as much and half as much again is room for whatever their number is."""
    carried, dropped = relay.end()
    share = 100 * dropped / max(carried + dropped, 1)
    print(f"the relay carried {carried} packets and dropped {dropped}, {share:.1f} % of all")
    assert carried + dropped >= LEAST, f"no more than {carried + dropped} packets came by"
    assert percent / 2 <= share <= percent * 3 / 2, f"{share:.1f} % were dropped, and not {percent} %"


def main():
    with Scene() as scene:
        a, b, *lan = scene.nodes(6)
        link = scene.connect(a)
        relays = [(lossy(scene, b, link, 20, 1), 20)]
        link = scene.connect(*lan[:3])
        relays.append((lossy(scene, lan[3], link, 30, 2), 30))
        scene.start()
        scene.converge(seconds=PATIENCE)
        two(scene, a, b)
        four(scene, lan)
        scene.stop()
        frames = scene.capture.check()
        for relay, percent in relays:
            lost_as_said(relay, percent)
        on_the_links(frames, lan)


main()
