#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The IPv6 service family in the ways that a LAN without authentication does not show: signed by SHA-256
and by MD5, with digests that other code computes once more; static neighbours, of which nothing is
multicast; and remote ones across a router, by global addresses, where each names the other, and where one
only listens.
"""
from saf_capture import LOOPBACK, UPDATE
from saf_net import Space
from saf_rig import Scene, Watcher, service_id, until, xml
from saf_speaker import md5_digest, sha256_digest
from xmcp_helper import success

KEY = "a-shared-key-of-ipv6"
KEY_ID = 7
HOPS = 10
TERMINATION = 0x0007 # the TLV of who ends with one neighbour


def six(nodes):
    for node in nodes:
        node.family["address-family"] = "ipv6"


def neighbours(nodes, address, interface="l1"):
    """Each has all others; `address` of a node is where they have it."""
    for node in nodes:
        others = {(interface, address(o)) for o in nodes if o is not node}
        until(lambda n=node, o=others: set(n.neighbors("ipv6")) == o, f"{node.name} has {others}", node.alive)


def link_local(node):
    return f"fe80::{node.number}"


def passes(scene, nodes):
    """Published, changed, and withdrawn at the first; the others see it."""
    publisher, watchers = nodes[0].client(), [Watcher(n) for n in nodes[1:]]
    for version in (1, 2):
        data = xml(f"by IPv6, {version}")
        scene.publish(publisher, 1, version, data, nodes[0].router_id)
        for watcher in watchers:
            watcher.sees(1, data)
    success(publisher.unpublish(1))
    for watcher in watchers:
        watcher.sees_end(1)
        watcher.once()
        assert [e[0] for e in watcher.events] == ["notify", "notify", "withdraw"], watcher.events


def on_the_link(scene):
    """All frames; each service is of the IPv6 family."""
    scene.stop()
    frames = scene.capture.check()
    told = [s for f in frames for s in f.services if s.id == service_id(1)]
    assert any(s.is_reachable for s in told) and any(not s.is_reachable for s in told), told
    assert all(s.route["eigrp.afi"] == "16386" for s in told), told
    return frames


def dropped(node, why):
    """How many packets, by the reason's name."""
    reasons = node.eigrp("traffic", "ipv6")["traffic"][0]["reasons"]
    return next((r["count"] for r in reasons if r["reason"] == why), 0)


# --- signed -----------------------------------------------------------------------------------

def signed(mode, name):
    """Three with the key, and one with another, which is nobody's neighbour."""
    with Scene(name) as scene:
        nodes = scene.nodes(4)
        scene.connect(*nodes)
        six(nodes)
        for node in nodes:
            key = KEY if node is not nodes[3] else KEY + "-"
            number = f" key-id='{KEY_ID}'" if mode == "md5" else ""
            node.ifaces["l1"] = {"inner": f"<authentication mode='{mode}' key='{key}'{number}/>"}
        scene.start()
        neighbours(nodes[:3], link_local)
        passes(scene, nodes[:3])
        refused(nodes[3])
        frames = on_the_link(scene)
        octets = scene.capture.octets()
        assert len(frames) == len(octets)
        for frame, payload in zip(frames, octets):
            check_digest(frame, payload, mode, KEY + "-" * frame.source.endswith("::4"))
        assert any(f.is_multicast for f in frames if f.opcode == UPDATE)


def refused(stranger):
    """It hears the others and counts them; they say which one they do not take."""
    until(lambda: dropped(stranger, "auth-digest") >= 3, "the stranger counts digests that are wrong", stranger.alive)
    assert not stranger.neighbors("ipv6")
    for node in stranger.scene.all[:3]:
        until(lambda n=node: n.said("fe80::4", "authentication"), "the stranger is in the log", node.alive)


def check_digest(frame, payload, mode, key):
    """IPv6 sources are in the digest of SHA-256, as text."""
    digest = bytes.fromhex(frame["eigrp.auth.digest"].replace(":", ""))
    if mode == "md5":
        assert frame["eigrp.auth.type"] == "2" and frame.number("auth.keyid") == KEY_ID, frame
        assert md5_digest(payload, key.encode()) == digest, frame
    else:
        assert frame["eigrp.auth.type"] == "3", frame
        assert sha256_digest(payload, key.encode(), frame.source) == digest, frame


# --- named ------------------------------------------------------------------------------------

def static():
    """Two name each other; the third is on the link and finds nobody."""
    with Scene("t") as scene:
        a, b, c = scene.nodes(3)
        scene.connect(a, b, c)
        six((a, b, c))
        for node, other in ((a, b), (b, a)):
            node.inner = f"<neighbor address='{link_local(other)}' interface='l1'/>"
        scene.start()
        neighbours((a, b), link_local)
        passes(scene, (a, b))
        assert not c.neighbors("ipv6") and not c.services()
        for frame in on_the_link(scene):
            assert frame.is_multicast == frame.source.endswith("::3"), frame
            assert frame.hops_left == 255, frame


def loopback(node):
    return f"2001:db8:ff::{node.number}"


def across_a_router(scene, nodes):
    """Each on a link of its own, with a router in the middle that takes no part."""
    router = Space("router")
    router.forward()
    for node in nodes:
        link = scene.connect(node)
        net = f"2001:db8:{node.links[link.name]}:"
        link.plug(router, f"{net}:254/64", "fe80::254/64") # it solicits its neighbours by that
        node.space.ip(f"addr add {net}:{node.number}/64 dev {link.name} nodad",
                      f"addr add {loopback(node)}/128 dev lo nodad",
                      f"route add default via {net}:254 src {loopback(node)}")
        router.ip(f"route add {loopback(node)}/128 via {net}:{node.number}")
        node.ifaces, node.links = {"lo": {}}, {}
    six(nodes)


def named(node, other):
    """`node` has `other` as a remote neighbour."""
    node.inner = f"<neighbor address='{loopback(other)}' interface='lo' remote='{HOPS}'/>"


def routed(frames):
    """All went to one, by addresses that lead over the router, with the hops that were configured."""
    for frame in frames:
        assert not frame.is_multicast and frame.hops_left in (HOPS, HOPS - 1), (frame, frame.hops_left)
        assert frame.source.startswith("2001:db8:ff::"), frame


def remote():
    """Two name each other; a third one names one of them, which does not know it."""
    with Scene("u") as scene:
        a, b, c = nodes = scene.nodes(3)
        across_a_router(scene, nodes)
        for node, other in ((a, b), (b, a), (c, a)):
            named(node, other)
        scene.start()
        scene.capture.link = LOOPBACK
        neighbours((a, b), loopback, "lo")
        passes(scene, (a, b))
        assert not c.neighbors("ipv6"), "named by nobody"
        routed(on_the_link(scene))


def listening():
    """Two name the third, which names nobody: it listens, and lets in one of them, until it is told not to.
    Services pass in both directions."""
    with Scene("v") as scene:
        spoke, hub, stranger = nodes = scene.nodes(3)
        across_a_router(scene, nodes)
        named(spoke, hub)
        named(stranger, hub)
        allow = f"<allow address='{loopback(spoke)}/128'/>"
        hub.more = f"<address-list name='SPOKES'>{allow}</address-list>"
        hub.inner = f"<remote-neighbors source='lo' mode='unicast-listen' allow-list='SPOKES' hops='{HOPS}'/>"
        scene.start()
        scene.capture.link = LOOPBACK
        neighbours((spoke, hub), loopback, "lo")
        passes(scene, (spoke, hub))
        passes(scene, (hub, spoke))
        until(lambda: dropped(hub, "denied") > 0, "the hub hears the stranger", hub.alive)
        assert not stranger.neighbors("ipv6") and not stranger.services()
        hub.more = hub.more.replace("allow", "deny")
        hub.reload()
        for node in (spoke, hub):
            until(lambda n=node: not n.neighbors("ipv6"), f"{node.name} has no neighbour", node.alive)
        assert "peer termination received" in spoke.said("is down: ", loopback(hub))[-1][1], spoke.log()
        frames = on_the_link(scene)
        routed(frames)
        ended = [f for f in frames if TERMINATION in f.tlvs]
        assert {(f.source, f.to) for f in ended} == {(loopback(hub), loopback(spoke))}, ended


def main():
    for mode, name in (("hmac-sha-256", "s"), ("md5", "m")):
        print(mode)
        signed(mode, name)
    for scene in (static, remote, listening):
        print(scene.__name__)
        scene()


main()
