#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""maximum-services in all its parts: the warning from the threshold on; a neighbour that brings too much is
let go and kept out for the restart time, comes back, and after restart-count times stays out until it is
cleared; after the reset time without another time its past is forgotten; and with warning-only nobody goes.
How long each took is read from the broker's own log.

    a publishes  --l1--  b has the limit
"""
from saf_rig import DOMAIN, SANITIZED, WAIT, Scene, Watcher, until, xml
from xmcp_helper import success

LIMIT = 4
RESTART_S, COUNT = 2, 2
LATE_S = 6 if SANITIZED else 3 # until a hello has made it a neighbour again; hellos go each second


class Limits:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b = scene.nodes(2)
        self.link = scene.connect(self.a, self.b)
        self.peer = self.a.address(self.link)
        self.limit(threshold=50)
        scene.start()
        scene.converge()
        self.publisher, self.watcher = self.a.client(), Watcher(self.b)
        self.there = set()

    def limit(self, **values):
        """Of b; when it runs, by a reload."""
        self.b.topology = {"maximum_services": LIMIT, "restart": f"{RESTART_S}s", "restart_count": COUNT,
                           "reset_time": "1h", **values}
        if self.b.process is not None:
            self.b.reload()

    def publish(self, *numbers):
        for number in numbers:
            self.scene.publish(self.publisher, number, 1, xml(f"service {number}"), self.a.router_id)
            self.there.add(number)

    def unpublish(self, *numbers):
        for number in numbers:
            success(self.publisher.unpublish(number))
            self.there.remove(number)

    def all_seen(self):
        """b has all, and its client."""
        until(lambda: set(self.b.services()) == self.there, f"b has {self.there}", self.b.alive)
        for number in self.there:
            self.watcher.sees(number, xml(f"service {number}"))

    def account(self):
        """What b has on record about a."""
        return next(x for x in self.b.eigrp("accounting")["accounting"] if x["address"] == self.peer)

    def warnings(self):
        return self.b.said("brings", "services, maximum-services is", self.peer)

    def resets(self, how=""):
        return self.b.said("brings more than maximum-services", "kept out " + how, self.peer)

    def ups(self):
        return [t for t, _ in self.b.said(f"neighbour {self.peer}", "is up")]


def threshold(play):
    """From 2 of 4 on, a warning; it stays a neighbour."""
    play.publish(1)
    play.all_seen()
    assert not play.warnings(), play.warnings()
    play.publish(2)
    play.all_seen()
    until(lambda: any(f"brings 2 services, maximum-services is {LIMIT}" in line
                      for _, line in play.warnings()), "b warns at the threshold", play.b.alive)
    assert play.b.neighbors() and not play.resets()


def warning_only(play):
    """It brings more than the limit, the log has by how much, and it stays."""
    play.limit(warning_only="yes")
    play.publish(*range(3, LIMIT + 2))
    play.all_seen()

    def excess():
        """The warning is limited to one line a second, and comes with each packet that brings services."""
        data = xml(f"version {excess.version}")
        play.scene.publish(play.publisher, 1, excess.version, data, play.a.router_id)
        play.watcher.sees(1, data)
        excess.version += 1
        return [line for _, line in play.warnings() if f"brings {LIMIT + 1} services" in line]
    excess.version = 2
    until(excess, "b warns of one too many", play.b.alive)
    assert play.b.neighbors() and not play.resets() and not play.b.said("is down")
    play.unpublish(*range(3, LIMIT + 2))
    play.scene.publish(play.publisher, 1, excess.version, xml("service 1"), play.a.router_id)
    play.all_seen()
    play.limit()


def too_many(play, expected):
    """One more than the limit: a is let go for the `expected`th time, and b's clients lose its services."""
    until(lambda: len(play.resets()) >= expected, f"a is let go, time {expected}", play.b.alive)
    for number in (1, 2):
        play.watcher.sees_end(number)


def restarts(play):
    """Twice it is let in again after the restart time, and a third time it is not."""
    play.publish(*range(3, LIMIT + 2))
    for time in range(1, COUNT + 1):
        until(lambda t=time: len(play.resets()) >= t, f"a is let go, time {time}", play.b.alive)
        until(lambda t=time: len(play.ups()) >= t + 1, "a is let in again", play.b.alive)
        out = play.ups()[time] - play.resets()[time - 1][0]
        print(f"kept out for {out:.3f} s")
        assert RESTART_S - 0.1 <= out <= RESTART_S + LATE_S, f"kept out for {out} s, not {RESTART_S}"
    too_many(play, COUNT + 1)
    assert play.resets("until it is cleared") == [play.resets()[COUNT]], play.resets()
    account = play.account()
    assert (account["state"], account["restart_count"]) == ("kept out", COUNT + 1), account
    assert account["restart_seconds"] is None, account
    kept_out(play)


def hellos(play):
    return play.a.traffic()["traffic"][0]["hellos_sent"]


def kept_out(play):
    """Longer than the restart time, and though it says hello, until it is cleared; with less, it stays."""
    sent, ups = hellos(play), len(play.ups())
    until(lambda: hellos(play) >= sent + RESTART_S + LATE_S, "a has said hello for a while", play.a.alive,
          2 * WAIT)
    assert len(play.ups()) == ups and not play.b.neighbors() and not play.b.services()
    play.unpublish(*range(3, LIMIT + 2))
    play.b.control(f"clear eigrp service-family ipv4 {DOMAIN} neighbors")
    until(play.b.neighbors, "a is let in when it is cleared", play.b.alive)
    play.all_seen()
    assert play.account()["restart_count"] == 0, play.account()


def reset_time(play):
    """Once too much; after the reset time it counts from the beginning, so it is never kept out for good."""
    play.limit(restart_count=1, reset_time="1s")
    before = len(play.resets())
    for time in range(1, 4):
        play.publish(*range(3, LIMIT + 2))
        too_many(play, before + time)
        play.unpublish(*range(3, LIMIT + 2)) # so that it is quiet when it is back
        until(play.b.neighbors, "a is let in again", play.b.alive)
        play.all_seen()
        until(lambda: play.account()["reset_seconds"] is None, "its past is forgotten", play.b.alive)
    assert not play.resets("until it is cleared")[1:], play.resets()


def main():
    with Scene() as scene:
        play = Limits(scene)
        for step in (threshold, warning_only, restarts, reset_time):
            print(step.__name__)
            step(play)
        play.watcher.once(again=True)
        scene.stop()
        scene.capture.check()


main()
