#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Key chains whose lifetimes pass while the forwarders run. On one link the first key ends and the next takes
over: no neighbour is lost, no client hears of it, and on the wire one key follows the other. On the other
link the only key ends: the log says that nothing is sent there, the neighbour goes with its hold time, and a
new key brings it back.

Lifetimes are of the wall clock, in whole seconds. They begin when the scene is set up, so the neighbours have
GRACE_S to find each other.
"""
import datetime
import time

from saf_capture import HELLO
from saf_rig import SANITIZED, SHORT_HOLD_S, Scene, Watcher, until, xml
from saf_speaker import md5_digest

KEYS = {1: "the-first-key", 2: "the-second-key"}
FOLLOWED, ENDS = "l1", "l2"
GRACE_S = 40 if SANITIZED else 10
OVERLAP_S = 3 # the old key is taken for so long after the last one was sent
SOON_S = 6 if SANITIZED else 2 # of the log after the time that it is about; hellos go each second


def at(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def chain(name, *keys):
    """`keys`: number and lifetime of each."""
    inner = "".join(f"<key id='{number}' string='{KEYS[number]}'" +
                    "".join(f" {k.replace('_', '-')}='{at(v)}'" for k, v in lifetime.items()) + "/>"
                    for number, lifetime in keys)
    return f"<key-chain name='{name}'>{inner}</key-chain>"


class Keys:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b = scene.nodes(2)
        self.end = int(time.time()) + GRACE_S
        followed = chain("FOLLOWED", (1, {"send_until": self.end, "accept_until": self.end + OVERLAP_S}),
                         (2, {"send_from": self.end}))
        self.more = followed + chain("ENDS", (1, {"send_until": self.end}))
        self.mended = followed + chain("ENDS", (1, {"send_until": self.end}), (2, {}))
        for name in (FOLLOWED, ENDS):
            scene.connect(self.a, self.b)
        for node in scene.all:
            node.more = self.more
            node.ifaces[FOLLOWED] = self.auth("FOLLOWED")
            node.ifaces[ENDS] = {**self.auth("ENDS"), "hold_time": SHORT_HOLD_S}
        scene.start()
        scene.converge()
        assert time.time() < self.end, f"the neighbours took {GRACE_S} s; this machine is too slow"
        self.publisher, self.watcher = self.a.client(), Watcher(self.b)
        scene.publish(self.publisher, 1, 1, xml("signed"), self.a.router_id)
        self.watcher.sees(1, xml("signed"))

    @staticmethod
    def auth(name):
        return {"inner": f"<authentication mode='md5' key-chain='{name}'/>"}

    def links(self, node):
        return {interface for interface, _ in node.neighbors()}


def no_key(keys):
    """On ENDS: the line in the log comes with the first hello that is not sent, and the neighbour goes."""
    for node in keys.scene.all:
        until(lambda n=node: n.said(f"interface {ENDS}", "no key of its key chain may be used"),
              f"{node.name} says that it has no key", node.alive, GRACE_S + SHORT_HOLD_S + SOON_S)
        until(lambda n=node: keys.links(n) == {FOLLOWED}, f"{node.name} has lost its neighbour on {ENDS}",
              node.alive)
        when = node.said("no key of its key chain may be used")[0][0]
        assert keys.end <= when <= keys.end + SOON_S, f"said {when - keys.end} s after the end"
        down = node.said(f"on {ENDS} is down: hold time")[0][0]
        assert when < down <= when + SHORT_HOLD_S + SOON_S, f"down {down - when} s after the line"
        info = node.eigrp("interfaces detail")["interfaces"]
        assert next(i["unsigned_drops"] for i in info if i["interface"] == ENDS) > 0, info
        assert next(i["unsigned_drops"] for i in info if i["interface"] == FOLLOWED) == 0, info


def follows(keys):
    """On FOLLOWED the second key is used, past the time when the first one was taken."""
    for node in keys.scene.all:
        sent = node.traffic()["traffic"][0]["hellos_sent"]
        until(lambda n=node, s=sent: time.time() > keys.end + OVERLAP_S + 1 and
              n.traffic()["traffic"][0]["hellos_sent"] >= s + 3, "hellos with the second key", node.alive)
        assert not node.said(f"on {FOLLOWED} is down"), "the neighbour was lost on the way"
        assert not node.said(FOLLOWED, "authentication:"), "a packet was not taken"
        assert keys.links(node) == {FOLLOWED}
    keys.scene.publish(keys.publisher, 1, 2, xml("signed anew"), keys.a.router_id)
    keys.watcher.sees(1, xml("signed anew"))


def mended(keys):
    """A key that may send brings the link back."""
    for node in keys.scene.all:
        node.more = keys.mended
        node.reload()
    for node in keys.scene.all:
        until(lambda n=node: keys.links(n) == {FOLLOWED, ENDS}, f"{node.name} has both again", node.alive)
    keys.scene.publish(keys.publisher, 1, 3, xml("on both"), keys.a.router_id)
    keys.watcher.sees(1, xml("on both"))


def on_the_links(keys):
    """Each digest by the key that it names; the first key until its end, and the second one from there."""
    capture = keys.scene.capture
    frames = capture.check()
    octets = capture.octets()
    assert len(frames) == len(octets)
    used = {}
    for frame, payload in zip(frames, octets):
        number = frame.number("auth.keyid")
        digest = bytes.fromhex(frame["eigrp.auth.digest"].replace(":", ""))
        assert md5_digest(payload, KEYS[number].encode()) == digest, frame
        used.setdefault((frame.link, frame.source), []).append((number, frame))
    for (link, source), packets in used.items():
        numbers = [number for number, _ in packets]
        assert numbers == sorted(numbers) and set(numbers) == {1, 2}, (link, source, numbers)
        last = [frame for number, frame in packets if number == 1][-1]
        assert last.time <= keys.end + SOON_S, f"signed {last.time - keys.end} s after the end: {last}"
        if link == FOLLOWED:
            first = next(frame for number, frame in packets if number == 2)
            assert first.time >= keys.end, f"signed before its time: {first}"
    assert len(used) == 4 and any(f.opcode == HELLO for f in frames)


def main():
    with Scene() as scene:
        keys = Keys(scene)
        for step in (no_key, follows, mended):
            print(step.__name__)
            step(keys)
        assert [e[0] for e in keys.watcher.events] == ["notify"] * 3, keys.watcher.events
        keys.watcher.once()
        scene.stop()
        on_the_links(keys)


main()
