#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What comes after a restart: the new, never the old. A client that publishes again with the version that it
had is found again everywhere at once: after it reconnected, after a withdrawal, and after its broker was
killed and restarted. A broker that was killed comes back without what it knew, and its neighbours, who have
not noticed yet, let go of what it had told them. Hold times are long here: none of it waits for one.

The numbers of versions follow the clock in sixteenths of a second. Ten changes in a row are ahead of it, so
before a kill it is waited for the clock to pass them: only then is it promised that a new life begins above.
(What happens otherwise, test_eigrp_seq and test_eigrp_dual_data show.)

    a --l1-- b --l2-- c
"""
import time

from saf_capture import later, versions_in_order
from saf_rig import AT_ONCE_S, Scene, Watcher, service_id, until, xml
from xmcp_helper import success

VERSION = 7 # of a client that does not count


class Play:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b, self.c = scene.nodes(3)
        scene.connect(self.a, self.b)
        scene.connect(self.b, self.c)
        scene.start()
        scene.converge()
        self.client = self.a.client()
        self.watcher = Watcher(self.c)
        self.said = [] # all data of service 1, in order

    def publish(self, subservice, text, version=VERSION):
        if subservice == 1:
            self.said.append(xml(text))
        self.scene.publish(self.client, subservice, version, xml(text), self.a.router_id)

    def everywhere(self, subservice, text):
        """It has come to the client at c, and to the registries."""
        self.watcher.sees(subservice, xml(text), AT_ONCE_S)
        for node in (self.b, self.c):
            until(lambda n=node: n.services().get(subservice, {}).get("bytes") == len(xml(text)),
                  f"{node.name} has service {subservice}", node.alive, AT_ONCE_S)

    def nowhere(self, subservice):
        self.watcher.sees_end(subservice, AT_ONCE_S)
        for node in (self.b, self.c):
            until(lambda n=node: subservice not in n.services(), f"{node.name} has forgotten it",
                  node.alive, AT_ONCE_S)

    def never_back(self):
        """The client at c was told of some or all of it, in the order in which it was said."""
        rest = iter(self.said)
        for event in self.watcher.of(1):
            assert event[0] == "withdraw" or event[3] in rest, f"old data came back: {self.watcher.of(1)}"

    def kill_origin(self):
        """When the clock is above the last number of service 1."""
        number = next(e["sequence"] for e in self.b.topology_of()
                      if e["service"].startswith("101:1:"))
        until(lambda: later(int(time.time() * 16) & 0xffffffff, number), "the clock passes", seconds=30)
        self.a.kill()

    # --- scenes

    def reconnect(self):
        self.publish(1, "before the reconnect")
        self.everywhere(1, "before the reconnect")
        self.client.close()
        self.nowhere(1)
        self.client = self.a.client()
        self.publish(1, "after the reconnect")
        self.everywhere(1, "after the reconnect")

    def withdrawal(self):
        """Ten times in a row, and the last word counts."""
        for i in range(10):
            success(self.client.unpublish(1))
            self.publish(1, f"after withdrawal {i}")
        self.everywhere(1, "after withdrawal 9")

    def origin_killed(self):
        """Nobody publishes at the new one: the old one's services go as soon as it says hello."""
        self.publish(2, "of the first life")
        self.everywhere(2, "of the first life")
        self.kill_origin()
        self.a.start()
        self.nowhere(1)
        self.nowhere(2)
        self.scene.converge()
        self.client = self.a.client()
        self.publish(1, "of the second life")
        self.everywhere(1, "of the second life")

    def origin_killed_again(self):
        """Published before the others have noticed that it was gone."""
        self.kill_origin()
        self.a.start()
        self.client = self.a.client()
        self.publish(1, "of the third life")
        self.everywhere(1, "of the third life")

    def middle_killed(self):
        """While it is away one service changes and one goes."""
        self.publish(3, "will go")
        self.everywhere(3, "will go")
        self.b.kill()
        success(self.client.unpublish(3))
        self.publish(1, "changed behind its back", VERSION + 1)
        self.b.start()
        self.nowhere(3)
        self.everywhere(1, "changed behind its back")
        self.scene.converge()
        self.scene.passive()
        assert set(self.c.services()) == {1}, self.c.services()

    def end_killed(self):
        """It learns all of it again."""
        self.c.kill()
        self.c.start()
        self.watcher = Watcher(self.c)
        self.everywhere(1, "changed behind its back")
        self.scene.converge()


def on_the_links(frames, said):
    """The numbers of service 1 rise over all lives of its broker, and no data comes back."""
    here = [f for f in frames if f.link == "l1" and f.source == "10.88.1.1"]
    versions = versions_in_order(here, service_id(1))
    numbers = [sequence for sequence, _ in versions]
    assert all(later(b, a) for a, b in zip(numbers, numbers[1:])), versions
    seen = [data for _, data in versions]
    assert [d for d in said if d in seen] == seen, (seen, said)
    assert {said[0], said[1], *said[-4:]} <= set(seen), seen


def main():
    with Scene() as scene:
        play = Play(scene)
        for step in (play.reconnect, play.withdrawal, play.origin_killed, play.origin_killed_again,
                     play.middle_killed, play.end_killed):
            print(step.__name__)
            step()
            play.never_back()
        scene.stop()
        on_the_links(scene.capture.check(), play.said)


main()
