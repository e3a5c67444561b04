#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Delay and bandwidth of links, from the configuration to the wire: what d tells e is, to the picosecond,
what the links on the way add up to; changed while it runs, the way and the numbers follow, and no client
hears of it. With dampening they follow only where it lets them. In both forms of packets: the wide one, and
the one of TLV version 3 with its scaled numbers. And rib-scale divides what is shown.

          l1      l3
        a ---- b ---- d
        a ---- c ---- d ---- e
          l2      l4     l5
"""
from saf_capture import behind, classic
from saf_rig import Scene, Watcher, service_id, until, xml

US = 10**6 # picoseconds
L1, L2, L3, L4, L5 = (50 * US, 10**6), (60 * US, 900000), (10 * US, 10**7), (10 * US, 10**7), (5 * US, 200000)
SLOW, SLOWER, NARROW = (100 * US, 10**7), (300 * US, 10**7), (100 * US, 1000)
WAYS = [(L1, L3), (L2, L4), (L1, SLOW), (L2, SLOWER), (L1, NARROW)]
INTERVAL_S = 4 # of dampening


def attributes(link):
    return {"delay": f"{link[0] // US}us", "bandwidth": link[1]}


def composite(metric):
    """RFC 7868, 5.6.2.5, with K1 and K3 alone."""
    delay, kbps = metric
    return 10**7 * 65536 // kbps + delay * 65536 // 10**6


class Diamond:
    def __init__(self, scene, version):
        self.scene, self.is_classic = scene, version == 3
        self.a, self.b, self.c, self.d, self.e = scene.nodes(5)
        for left, right, link in ((self.a, self.b, L1), (self.a, self.c, L2), (self.b, self.d, L3),
                                  (self.c, self.d, L4), (self.d, self.e, L5)):
            scene.connect(left, right)
            for node in (left, right):
                node.ifaces[f"l{len(scene.net.links)}"] = attributes(link)
        for node in scene.all:
            node.topology = {"tlv_version": version}
        scene.start()
        scene.capture.link = None # they are not alike
        scene.converge()
        self.told = [] # by d to e: what links its metric is of, in order
        self.publisher, self.watcher = self.a.client(), Watcher(self.e)
        scene.publish(self.publisher, 1, 1, xml("measured"), self.a.router_id)
        self.watcher.sees(1, xml("measured"))
        self.seen(L1, L3)

    def entry(self, subservice=1):
        return next(e for e in self.e.topology_of() if e["service"].startswith(f"101:{subservice}:"))

    def now(self, subservice=1):
        """How far away e has it; None: it is not there."""
        via = self.entry(subservice)["via"]
        return via[0]["computed_distance"] if via else None

    def distance(self, *links):
        return composite(behind([*links, L5], self.is_classic))

    def seen(self, *links):
        """e has it over these links and its own."""
        until(lambda: self.now() == self.distance(*links),
              f"e is {self.distance(*links)} away over {links}, {self.entry()}", self.scene.check)
        self.told.append(links)

    def change(self, **links):
        """d's own ends."""
        for name, values in links.items():
            self.d.ifaces[name] = values if isinstance(values, dict) else attributes(values)
        self.d.reload()

    def mark(self, number):
        """Everything that happened before has reached e."""
        self.scene.publish(self.publisher, 50, number, xml(f"mark {number}"), self.a.router_id)
        self.watcher.sees(50, xml(f"mark {number}"))


def live(play):
    """The way changes with each, and comes back."""
    play.change(l3=SLOW)
    play.seen(L2, L4)
    play.change(l4=SLOWER)
    play.seen(L1, SLOW)
    play.change(l3=NARROW)
    play.seen(L2, SLOWER)
    play.change(l3=L3, l4=L4)
    play.seen(L1, L3)


def dampening(play):
    """Less than half is not told; more is, and then not sooner than the interval."""
    little, much, more = (12 * US, 10**7), (18 * US, 10**7), (15 * US, 10**7)
    play.change(l3={**attributes(L3), "dampening_change": 50})
    play.change(l3={**attributes(little), "dampening_change": 50})
    play.mark(1)
    assert play.now() == play.distance(L1, L3), play.entry()
    assert play.now(50) == play.distance(L1, L3), "new services as well"
    play.change(l3={**attributes(much), "dampening_change": 50})
    play.seen(L1, much)
    play.change(l3={**attributes(much), "dampening_interval": INTERVAL_S})
    play.change(l3={**attributes(more), "dampening_interval": INTERVAL_S})
    play.seen(L1, more)
    play.change(l3={**attributes(L3), "dampening_interval": INTERVAL_S})
    play.seen(L1, L3)


def rib_scale(play):
    for scale in (1, 255):
        play.e.topology["rib_scale"] = scale
        play.e.reload()
        entry = play.entry()
        assert entry["feasible_distance"] == play.distance(L1, L3), entry
        assert entry["feasible_distance_rib"] == min(play.distance(L1, L3) // scale, 2**32 - 1), entry


def in_between(told, ways):
    """When d told of each of these, in this order. While it asks its neighbours it may tell of another way for
    a moment, which must be one that there is; and at the end, when a neighbour leaves before a has withdrawn."""
    ways, times = iter(ways), []
    way = next(ways)
    for delay, kbps, service in told:
        if way is not None and (delay, kbps) == metric_of(service, way):
            service.check_metric(way)
            times.append(service.frame.time)
            way = next(ways, None)
        else:
            assert (delay, kbps) in [metric_of(service, w) for w in WAYS], (service, delay, kbps)
    assert way is None, f"d never told of {way}: {[t[:2] for t in told]}"
    return times


def metric_of(service, links):
    metric = behind(links, service.is_classic)
    return classic(*metric) if service.is_classic else metric


def on_the_links(play):
    """What each router told, by its own links; and d's every metric in order."""
    told = []
    own = {(f"l{link}", n): way for link, n, way in ((1, 1, ()), (2, 1, ()), (3, 2, (L1,)), (4, 3, (L2,)))}
    for frame in play.scene.capture.check():
        for service in frame.services:
            assert service.is_classic == play.is_classic, service
            sender = frame.link, int(frame.source.rsplit(".", 1)[1])
            if not service.is_reachable:
                continue
            if sender in own:
                service.check_metric(own[sender])
            if sender == ("l5", 4) and service.id == service_id(1):
                said = service.metric("delay"), service.metric("bandwidth"), service
                if not told or told[-1][:2] != said[:2]:
                    told.append(said)
    before, last = in_between(told, play.told)[-2:]
    assert last - before >= INTERVAL_S - 1, f"dampened for {last - before} s"


def main():
    for version in (2, 3):
        print("TLV version", version)
        with Scene(f"v{version}x") as scene:
            play = Diamond(scene, version)
            for step in (live, dampening, rib_scale):
                print("  " + step.__name__)
                step(play)
            scene.passive()
            assert [e[1] for e in play.watcher.events] == [1, 50], play.watcher.events
            for node in scene.all:
                assert not [line for line in node.log().splitlines() if "is down" in line]
            scene.stop()
            on_the_links(play)


main()
