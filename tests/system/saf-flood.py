#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two SAF forwarders on a LAN with somebody who wishes them ill. He sends hellos in the name of
ten thousand neighbours, goodbyes in the names of others, and, accepted as a neighbour, more
services than there is room for and a stream of garbage, mutated packets and wrong TLVs. The two
keep each other all the time, no table grows beyond its limit, a second round of all that needs
next to no memory more, the log is not flooded, and afterwards services pass between them as
before.
"""
import random

from saf_rig import DOMAIN, SANITIZED, WAIT, Scene, Watcher, service_id, until, xml
from saf_speaker import (EOT, GOODBYE, GROUP, HELLO, INIT, QUERY, REPLY, REQUEST, RS, SIA_QUERY, SIA_REPLY,
                         UNREACHABLE, UPDATE, Forger, Speaker, packet, parameter, route, service_block,
                         software, tlv)
from saf_net import Space
from xmcp_helper import success

FORGED = 3000 if SANITIZED else 10000
FUZZED = 600 if SANITIZED else 2500 # in each round
GROWTH_KB = 200000 if SANITIZED else 24000 # what a broker may need for all this
AGAIN_KB = GROWTH_KB if SANITIZED else 2000 # and for more; sanitizers keep what was freed
ENTRIES_MAX = 500 # of the topology tables
HOARD, TOGETHER = 2 * ENTRIES_MAX, 10 # services that he has, and of these in a packet
PENDING_MAX = 64
LOG_LINES = 400
BAD = "10.88.200.200"
PATIENCE = 2 * WAIT


class Ill:
    """The two, and what they are measured by."""

    def __init__(self, scene):
        self.scene = scene
        self.nodes = scene.nodes(2)
        self.link = scene.connect(*self.nodes, bits=16)
        for node in self.nodes:
            node.topology = {"entries_max": ENTRIES_MAX}
        self.most = 0 # entries that a table was seen with
        self.bad = Space("bad")
        self.link.plug(self.bad, BAD + "/16")
        scene.start()
        scene.converge()
        self.publisher, self.watcher = self.nodes[0].client(), Watcher(self.nodes[1])
        self.version = 0
        self.works()
        self.memory = [n.memory_kb() for n in self.nodes]

    def works(self):
        """A service passes, and the two never lost each other."""
        self.version += 1
        self.scene.publish(self.publisher, 1, self.version, xml(f"version {self.version}"),
                           self.nodes[0].router_id)
        self.watcher.sees(1, xml(f"version {self.version}"), PATIENCE)
        for node in self.nodes:
            assert node.expected() <= set(node.neighbors()), node.neighbors()
            other = next(iter(node.expected()))[1]
            downs = [line for line in node.log().splitlines() if other in line and "is down" in line]
            assert not downs, downs

    def tables(self):
        """They are no larger than they may be."""
        for node in self.nodes:
            entries = len(node.topology_of())
            self.most = max(self.most, entries)
            assert entries <= ENTRIES_MAX, f"{node.name} has {entries} entries"

    def bounded(self, what, limit=GROWTH_KB):
        """Since it was measured last."""
        before, self.memory = self.memory, [n.memory_kb() for n in self.nodes]
        for node, then, now in zip(self.nodes, before, self.memory):
            lines = len(node.log().splitlines())
            print(f"{what}: {node.name} has {now - then} kB more, {self.most} entries at most, "
                  f"{lines} log lines")
            assert now - then < limit, f"{node.name} has grown by {now - then} kB"
            assert len(node.log().splitlines()) < LOG_LINES, "the log is flooded"

    def pending(self, node):
        return node.eigrp("neighbors").get("pending", [])


def address(i):
    """Of no other neighbour, on the link's /16."""
    return f"10.88.{2 + i // 250 % 190}.{1 + i % 250}"


def forged_hellos(ill):
    forger = Forger(ill.bad, "l1")
    hello = packet(HELLO, parameter(65535) + software())
    most = 0
    for i in range(FORGED):
        forger.send(hello, address(i))
        if i % 1000 == 999:
            ill.works()
            most = max(most, *(len(ill.pending(n)) for n in ill.nodes))
            assert most <= PENDING_MAX, f"{most} neighbours are pending"
    assert most > 0, "the forged hellos did not arrive"
    ill.bounded("forged hellos")
    ill.works()
    return forger


def forged_goodbyes(ill, forger):
    """In the name of those who are none; and packets in the name of neighbours that never said hello."""
    for i in range(500):
        forger.send(packet(HELLO, GOODBYE), address(5000 + i))
        forger.send(packet(UPDATE, b"", INIT, i + 1), address(6000 + i), ill.nodes[0].address(ill.link),
                    mac=b"\xff" * 6)
        forger.send(packet(QUERY, route(service_block()), 0, i + 1), address(7000 + i))
    for node in ill.nodes:
        counts = node.traffic()["traffic"][0]["reasons"]
        assert next(r["count"] for r in counts if r["reason"] == "unknown-neighbour") > 0, counts
    ill.works()


# --- fuzzing as a neighbour -------------------------------------------------------------------

def sound_tlvs(die):
    """TLVs that a neighbour may send, some of them strange."""
    blocks = [service_block(die.randrange(8), bytes(die.randrange(256) for _ in range(die.randrange(40))),
                            die.randrange(1 << 32), tuple(die.randrange(1 << 32) for _ in range(4)))
              for _ in range(die.randrange(1, 4))]
    return route(*blocks, router_id=f"10.7.{die.randrange(4)}.{die.randrange(256)}",
                 delay=die.choice((0, 1, 10**7, UNREACHABLE - 1, UNREACHABLE)),
                 bandwidth=die.choice((0, 1, 10**6, UNREACHABLE)), hops=die.choice((0, 1, 99, 255)),
                 mtu=die.choice((0, 64, 1500, 0xFFFFFF)), opaque=die.randrange(256),
                 kind=die.choice((0x0602, 0x0602, 0x0603, 0x0601, 0x00F2, 0x00F3, 0x0502)),
                 afi=die.choice((0x4001, 0x4001, 0x4000, 0x4002, 1, 7)), tid=die.choice((0, 0, 0, 1, 65535)))


def wrong_tlvs(die):
    return die.choice((
        lambda: tlv(die.randrange(65536), bytes(die.randrange(256) for _ in range(die.randrange(60)))),
        lambda: sound_tlvs(die)[:die.randrange(4, 120)],
        lambda: sound_tlvs(die) + bytes(die.randrange(1, 6)),
        lambda: b"\x06\x02\x00" + bytes((die.randrange(256),)) + bytes(die.randrange(100)),
        lambda: b"\x06\x02\xff\xff" + bytes(die.randrange(100)),
        lambda: route(service_block(length=die.randrange(65536))),
        lambda: route(service_block(kind=die.randrange(5)), afi=0x4001),
        lambda: bytes(die.randrange(256) for _ in range(die.randrange(200))),
        lambda: parameter(die.randrange(4)) + software(die.randrange(8)),
        lambda: b""))()


def fuzzed(die):
    tlvs = b"".join(die.choice((sound_tlvs, sound_tlvs, wrong_tlvs))(die) for _ in range(die.randrange(4)))
    if die.random() < 0.3 and tlvs:
        octets = bytearray(tlvs)
        for _ in range(die.randrange(1, 6)):
            octets[die.randrange(len(octets))] = die.randrange(256)
        tlvs = bytes(octets)
    return tlvs[:1400]


def one(speaker, die, to):
    """A packet that is new to the peer, unless the die says otherwise."""
    kind = die.random()
    if kind < 0.05: # noise that is no EIGRP
        speaker.send(bytes(die.randrange(256) for _ in range(die.randrange(64))), die.choice((to, GROUP)))
    elif kind < 0.1:
        speaker.send(packet(die.randrange(256), fuzzed(die), die.randrange(1 << 32), die.randrange(1 << 32),
                            die.randrange(1 << 32), die.choice((0x8000, 0, 0x8001, 0xFFFF)),
                            die.choice((DOMAIN, 1)), die.choice((2, 2, 1, 255)),
                            die.choice((None, 0, 0xFFFF))), die.choice((to, GROUP)))
    elif kind < 0.15:
        speaker.send(packet(HELLO, fuzzed(die)), die.choice((to, GROUP)))
    else:
        opcode = die.choice((UPDATE, UPDATE, UPDATE, QUERY, REPLY, REQUEST, SIA_QUERY, SIA_REPLY))
        speaker.update(to, fuzzed(die), die.choice((0, 0, 0, 0, EOT, RS, RS | EOT | INIT)), opcode)


def hoard(ill, speaker):
    """All is sound, but it is too much: the tables are full, and no more than that."""
    for to in (n.address(ill.link) for n in ill.nodes):
        for first in range(0, HOARD, TOGETHER):
            blocks = [service_block(9, xml(f"hoard {i}"), instance=(7, 7, 7, i))
                      for i in range(first, first + TOGETHER)]
            seq = speaker.update(to, route(*blocks))
            speaker.run(lambda t=to, s=seq: s in speaker.peers[t]["acked"], "it is acknowledged",
                        PATIENCE)
            if first % (10 * TOGETHER) == 0:
                ill.tables()
    for node in ill.nodes:
        entries = len(node.topology_of())
        assert entries == ENTRIES_MAX, f"{node.name} has {entries} entries"
        assert node.said("the topology table is full"), "the log does not say so"
    ill.works()


def garbage(ill, speaker):
    """Whenever they throw the speaker out, for it may well be thrown out, it comes back."""
    die = random.Random(20)
    targets = [n.address(ill.link) for n in ill.nodes]
    for i in range(FUZZED):
        if i % 500 == 0:
            ill.works()
            ill.tables()
            speaker.run(lambda: any(speaker.peers.get(a, {}).get("up") for a in targets),
                        "the speaker is a neighbour", PATIENCE)
        to = die.choice(targets)
        if to in speaker.peers:
            one(speaker, die, to)
        speaker.serve(0.05 if i % 100 == 0 else 0)
    ill.works()
    ill.tables()
    for node in ill.nodes:
        taken = node.traffic()["traffic"][0]
        assert taken["updates_received"] > 10, "the garbage was not taken for packets of a neighbour"


def two_rounds(ill):
    """Of the same packets. It begins each as a stranger."""
    for what, limit in (("as a neighbour", GROWTH_KB), ("the same once more", AGAIN_KB)):
        speaker = Speaker(ill.bad, "l1", BAD)
        ill.scene.extra.append(speaker)
        speaker.meet(*(n.address(ill.link) for n in ill.nodes), seconds=PATIENCE)
        hoard(ill, speaker)
        garbage(ill, speaker)
        leaves(ill, speaker)
        ill.bounded(what, limit)


def leaves(ill, speaker):
    """All that it said goes, and nothing stays active."""
    def clean():
        speaker.send(packet(HELLO, GOODBYE))
        return all(set(n.neighbors()) == n.expected() and set(n.services()) == {1} for n in ill.nodes)
    until(clean, "what the speaker said is forgotten", ill.scene.check, PATIENCE)
    ill.scene.passive()
    speaker.close()
    ill.works()


def recovers(ill):
    success(ill.publisher.unpublish(1))
    ill.watcher.sees_end(1)


def on_the_link(ill):
    """What the two sent. What the speaker made up they pass on as it is, and some of it looks like XML that
    is none; but what they say of their own is as it was published, with the metric that it has."""
    sources = ", ".join(n.address(ill.link) for n in ill.nodes)
    own = ", ".join(n.router_id for n in ill.nodes)
    capture = ill.scene.capture
    capture.origins = {n.router_id for n in ill.nodes}
    ours = f"eigrp && ip.src in {{{sources}}} && !(xml && any eigrp.routerid not in {{{own}}})"
    frames = capture.check(ours, sound=ours)
    told = {s.data for f in frames for s in f.services if s.id == service_id(1) and s["data.type"] == "0x0001"
            and s.route["eigrp.routerid"] == ill.nodes[0].router_id}
    assert told == {xml(f"version {i + 1}") for i in range(ill.version)}, told


def main():
    with Scene() as scene:
        ill = Ill(scene)
        forger = forged_hellos(ill)
        forged_goodbyes(ill, forger)
        two_rounds(ill)
        recovers(ill)
        forger.close()
        scene.stop()
        on_the_link(ill)


main()
