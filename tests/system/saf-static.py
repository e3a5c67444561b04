#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Neighbours that are not found by multicast on a link, and families and roles that are not the usual ones:
static neighbours on a LAN, where nothing is multicast any more; remote ones across a namespace that only
routes, given by name or let in by a hub that only listens; the IPv6 service family; stubs.
"""
from saf_capture import HELLO, LOOPBACK, QUERY, UPDATE
from saf_net import Space
from saf_rig import Scene, Watcher, service_id, until, xml
from xmcp_helper import success

HOPS = 10


def hellos_sent(node):
    return node.traffic()["traffic"][0]["hellos_sent"]


def each_publishes(scene, nodes):
    """Service 100 + number at each."""
    clients = [n.client() for n in nodes]
    for node, client in zip(nodes, clients):
        scene.publish(client, 100 + node.number, 1, xml(node.name), node.router_id)


def has(node, *numbers):
    """Its registry has exactly these services."""
    wanted = {100 + n for n in numbers}
    until(lambda: set(node.services()) == wanted, f"{node.name} has {wanted}", node.alive)


def static():
    """a and b name each other; c is on the same LAN and finds nobody."""
    with Scene("static") as scene:
        a, b, c = scene.nodes(3)
        link = scene.connect(a, b, c)
        for node, other in ((a, b), (b, a)):
            node.inner = f"<neighbor address='{other.address(link)}' interface='l1'/>"
        scene.start()
        for node, other in ((a, b), (b, a)):
            until(lambda n=node, o=other: set(n.neighbors()) == {("l1", o.address(link))},
                  f"{node.name} has its static neighbour", node.alive)
        each_publishes(scene, (a, b, c))
        has(a, 1, 2)
        has(b, 1, 2)
        before = hellos_sent(c)
        until(lambda: hellos_sent(c) >= before + 3, "c has said hello for a while", c.alive)
        assert set(c.neighbors()) == set() and len(a.neighbors()) == len(b.neighbors()) == 1
        has(c, 3)
        scene.stop()
        for frame in scene.capture.check():
            assert frame.is_multicast == (frame.source == c.address(link)), frame
            assert frame.is_multicast or frame.hops_left == 64, frame


# --- across a router --------------------------------------------------------------------------

def remote_network(scene, nodes):
    """A router in the middle, a link to each, and everybody's loopback address known to all."""
    router = Space("router")
    router.forward()
    for node in nodes:
        link = scene.connect(node)
        link.plug(router, f"10.88.{node.links[link.name]}.254/24")
        node.space.ip(f"addr add {node.router_id}/32 dev lo",
                      f"route add default via 10.88.{node.links[link.name]}.254 src {node.router_id}")
        router.ip(f"route add {node.router_id}/32 via {node.address(link)}")
        node.ifaces = {"lo": {}}
        node.links = {}


def remote():
    """d and e name each other and the hub f, which lets them in, but not g."""
    with Scene("remote") as scene:
        d, e, f, g = nodes = scene.nodes(4)
        remote_network(scene, nodes)
        for node, others in ((d, (e, f)), (e, (d, f)), (g, (f,))):
            node.inner = "".join(f"<neighbor address='{o.router_id}' interface='lo' remote='{HOPS}'/>"
                                 for o in others)
        f.more = f"<address-list name='SPOKES'><deny address='{g.router_id}/32'/>" \
            "<allow address='10.0.0.0/24'/></address-list>"
        f.inner = f"<remote-neighbors source='lo' mode='unicast-listen' allow-list='SPOKES' hops='{HOPS}'/>"
        scene.start()
        scene.capture.link = LOOPBACK
        scene.capture.hops = None
        wanted = {d: (e, f), e: (d, f), f: (d, e), g: ()}
        for node, others in wanted.items():
            until(lambda n=node, o=others: set(n.neighbors()) == {("lo", x.router_id) for x in o},
                  f"{node.name} has {[o.name for o in others]}", node.alive)
        each_publishes(scene, nodes)
        for node in (d, e, f):
            has(node, 1, 2, 3)
        has(g, 4)
        scene.passive()
        # The hub changes its mind about e: it goes there at once, and stays with d.
        f.more = f.more.replace("<allow", f"<deny address='{e.router_id}/32'/><allow")
        f.reload()
        until(lambda: set(f.neighbors()) == {("lo", d.router_id)}, "e is no longer let in", f.alive)
        has(f, 1, 2, 3) # e's service by way of d
        scene.stop()
        for frame in scene.capture.check():
            assert not frame.is_multicast, frame
            assert frame.hops_left in (HOPS, HOPS - 1), (frame, frame.hops_left)


def group():
    """Three in subnets of their own, who hear each other's hellos to a group that is carried between the
    subnets, here by one bridge, and are no neighbours on the link."""
    with Scene("group") as scene:
        nodes = scene.nodes(3)
        link = scene.net.link()
        for node in nodes:
            link.plug(node.space, f"10.88.{node.number}.{node.number}/24")
            node.space.ip(*(f"route add 10.88.{o.number}.0/24 dev l1" for o in nodes if o is not node))
            node.ifaces = {"l1": {}}
            node.inner = "<remote-neighbors source='l1' mode='multicast-group' group='239.1.2.3' " \
                f"hops='{HOPS}'/>"
        scene.start()
        for node in nodes:
            others = {("l1", f"10.88.{o.number}.{o.number}") for o in nodes if o is not node}
            until(lambda n=node, o=others: set(n.neighbors()) == o, f"{node.name} has {others}", node.alive)
        each_publishes(scene, nodes)
        for node in nodes:
            has(node, 1, 2, 3)
        scene.stop()
        scene.capture.hops = None
        for frame in scene.capture.check():
            assert frame.hops_left == (1 if frame.is_multicast else HOPS), (frame, frame.hops_left)
            assert frame.is_multicast or frame.to == "239.1.2.3" or frame.to.startswith("10.88."), frame
            assert frame.opcode == HELLO or not frame.to.startswith(("224", "239")), frame


# --- IPv6 -------------------------------------------------------------------------------------

def ipv6():
    with Scene("six") as scene:
        h, i, _ = nodes = scene.nodes(3) # with one neighbour alone there are no multicast updates
        scene.connect(*nodes)
        for node in nodes:
            node.family["address-family"] = "ipv6"
        scene.start()
        for node in nodes:
            others = {("l1", f"fe80::{o.number}") for o in nodes if o is not node}
            until(lambda n=node, o=others: set(n.neighbors("ipv6")) == o,
                  f"{node.name} has its neighbours", node.alive)
        publisher, watcher = h.client(), Watcher(i)
        for version in (1, 2):
            scene.publish(publisher, 1, version, xml(f"by IPv6, {version}"), h.router_id)
            watcher.sees(1, xml(f"by IPv6, {version}"))
        assert i.services()[1]["address"] == "192.0.2.10"
        success(publisher.unpublish(1))
        watcher.sees_end(1)
        watcher.once()
        scene.stop()
        frames = scene.capture.check()
        told = [s for f in frames for s in f.services if s.id == service_id(1)]
        assert told and all(s.route["eigrp.afi"] == "16386" and s.route["eigrp.ipv6.nexthop"] == "::"
                            for s in told), told
        assert all(f.source.startswith("fe80::") and f.hops_left == 255 for f in frames)
        assert any(f.is_multicast for f in frames if f.opcode == HELLO)
        assert any(f.is_multicast for f in frames if f.opcode == UPDATE)


# --- stubs ------------------------------------------------------------------------------------

def stubs():
    """j -- k (stub) -- m, and j -- p (stub, receive only), and j -- q, which goes: nobody asks a stub."""
    with Scene("stub") as scene:
        j, k, m, p, q = scene.nodes(5)
        to_k, _, to_p, to_q = (scene.connect(*pair) for pair in ((j, k), (k, m), (j, p), (j, q)))
        k.inner = "<stub connected='yes'/>"
        p.inner = "<stub receive-only='yes'/>"
        scene.start()
        scene.converge()
        each_publishes(scene, (j, k, m, p, q))
        has(j, 1, 2, 5)       # not what is behind k, and nothing of p
        has(k, 1, 2, 3, 5)
        has(m, 2, 3)          # only k's own
        has(p, 1, 2, 4, 5)
        has(q, 1, 2, 5)
        to_q.cut(j.space)
        has(j, 1, 2)
        has(k, 1, 2, 3)
        has(p, 1, 2, 4)
        scene.passive((j, k, p))
        scene.stop()
        frames = scene.capture.check()
        asked = [f for f in frames if f.opcode == QUERY and f.link in (to_k.name, to_p.name)
                 and f.source.endswith(".1")]
        assert not asked, f"a stub was asked: {asked}"
        for link, source, flags in ((to_k, ".2", {"connected"}), (to_p, ".4", {"recvonly"})):
            said = [f for f in frames if f.link == link.name and f.source.endswith(source) and 6 in f.tlvs]
            assert said, "no hello says that it is a stub"
            assert all({n for n in ("connected", "recvonly") if f[f"eigrp.stub_options.{n}"] == "1"} == flags
                       for f in said), said
        assert not any(s.is_reachable and s.route["eigrp.routerid"] == p.router_id
                       for f in frames for s in f.services), "a receive-only stub offers its service"


def main():
    for scene in (static, group, ipv6, stubs, remote):
        print(scene.__name__)
        scene()


main()
