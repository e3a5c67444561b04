#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A broker is killed and begins anew at once, again and again, in a ring: while it comes back to its one
neighbour, what it said in its former life still comes round by the other. A burst of updates before has put
its numbers ahead of the clock, so the new life begins below the old one and has to be corrected. Whatever
overtakes what: no client hears a word of the former life once it heard of the new one, nor after it was told
that the service is gone.

    n1 -- n2 -- n3 -- n4 -- n5 -- n1
"""
from saf_rig import AT_ONCE_S, Scene, Watcher, until, xml

BURST = 60
LIVES = 4


def never_back(watcher):
    """What it was told last is not told again, nor what it was told before that."""
    over, last = set(), None
    for event in watcher.of(1):
        assert event[3] not in over and (event[3] is None or event[3] != last), \
            f"at {watcher.node.name}, old data came back: {watcher.of(1)}"
        if event[0] == "withdraw" or last is not None:
            over.add(last)
        over.discard(None)
        last = event[3]


def another_life(scene, first, watchers, text):
    first.kill()
    first.start()
    scene.publish(first.client(), 1, 1, xml(text), first.router_id)
    for watcher in watchers:
        watcher.sees(1, xml(text), AT_ONCE_S)
    scene.converge()
    scene.passive()


def settled(nodes, text):
    """Nobody has anything else any more, and it has come to rest: who would still say old things?"""
    size = len(xml(text))
    for node in nodes:
        until(lambda n=node: n.services().get(1, {}).get("bytes") == size, f"{node.name} has it", node.alive)


def main():
    with Scene("lives") as scene:
        nodes = scene.nodes(5)
        for i, node in enumerate(nodes):
            scene.connect(node, nodes[(i + 1) % 5])
        scene.start()
        scene.converge()
        client = nodes[0].client()
        watchers = [Watcher(n) for n in nodes[1:]]
        for i in range(BURST):
            scene.publish(client, 1, i + 1, xml(f"burst {i}"), nodes[0].router_id)
        for watcher in watchers:
            watcher.sees(1, xml(f"burst {BURST - 1}"))
        for life in range(LIVES):
            another_life(scene, nodes[0], watchers, f"life {life}")
        settled(nodes, f"life {LIVES - 1}")
        # A word that is later than all others: behind it there is none on the way.
        scene.publish(nodes[0].clients[-1], 1, 2, xml("the end"), nodes[0].router_id)
        for watcher in watchers:
            watcher.sees(1, xml("the end"))
            never_back(watcher)
        scene.stop()
        scene.capture.check()


main()
