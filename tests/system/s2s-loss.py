#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No stanza is lost in silence. While 200 stanzas a second flow both ways between a.test inside and b.test
outside, the server of b.test is killed, then frozen, then cut off, and comes back each time. Every stanza that
a.test gave to the gateway has either reached b.test, once, or come back as an error, once; and the outage
is seen within 30 s, not 15 minutes. Few have done both: what was written before it was clear that b.test does
not answer, and was read by it all the same. b.test lives in a network of its own, behind a link that can be
taken down.
"""
import collections
import os
import signal
import subprocess
import sys

from s2s_rig import (TMP, WAIT, Certificates, Gateway, Process, local_domain, profiles, skip,
                     until)

A, B, OUTSIDE = "127.0.0.10", "10.9.0.2", "10.9.0.1"
RATE = 200
BOTH_S = 4  # an interval between two pings, 1 s, the hold, 2 s, and what a busy machine adds
OUTAGE_S = 30
PEER = f"xmb{os.getpid()}"  # the network namespace of b.test


def lines(domain):
    try:
        with open(os.path.join(TMP, domain + ".flood"), encoding="ascii") as f:
            return [line.split() for line in f.read().splitlines()]
    except FileNotFoundError:
        return []


def ids(domain, kind):
    return [line[1] for line in lines(domain) if line[0] == kind]


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Flood(Process):
    runs = 0

    def __init__(self, certs, own, address, to, gateway, prefix=()):
        Flood.runs += 1
        super().__init__(f"flood-{own}-{Flood.runs}", [
            *prefix, sys.executable, os.path.join(os.path.dirname(__file__), "s2s_flood.py"), own,
            address, to, gateway, certs.folder, own, "secret of " + own, str(RATE), str(Flood.runs)],
            os.environ)


class Scene:
    def __init__(self, gateway, certs):
        self.gateway, self.certs = gateway, certs
        self.a = Flood(certs, "a.test", A, "b.test", "127.0.0.30")
        self.b = self.new_b()
        self.flowing()

    def new_b(self):
        return Flood(self.certs, "b.test", B, "a.test", OUTSIDE, ["ip", "netns", "exec", PEER])

    def flowing(self):
        """Stanzas arrive on both sides that were sent from now on."""
        before = {d: len(ids(d, "R")) for d in ("a.test", "b.test")}
        for domain, count in before.items():
            until(lambda d=domain, n=count: len(ids(d, "R")) > n + 200,
                  f"stanzas flow to {domain}", self.gateway.alive, 2 * WAIT)

    def outage_is_seen(self):
        errors = len(ids("a.test", "E"))
        until(lambda: len(ids("a.test", "E")) > errors, "the outage is seen", self.gateway.alive,
              OUTAGE_S + 5)

    def play(self, step):
        """One scene; prints what became of the stanzas of a.test in it."""
        self.steady()
        before = {what: len(ids(*what)) for what in (("a.test", "S"), ("b.test", "R"), ("a.test", "E"))}
        both = len(self.both())
        step()
        self.quiet()
        sent, arrived, returned = (len(ids(*what)) - n for what, n in before.items())
        both = len(self.both()) - both
        print(f"{step.__name__}: sent {sent}, arrived {arrived}, came back {returned}, "
              f"of these both {both}")
        assert both < BOTH_S * RATE, f"{both} stanzas arrived and came back"

    @staticmethod
    def both():
        return set(ids("b.test", "R")) & set(ids("a.test", "E"))

    def steady(self):
        """What piled up in the scene before has passed: then at most a second's stanzas are unconfirmed each way."""
        metric = self.gateway.metric
        until(lambda: metric("xmpp_s2s_unconfirmed") + metric("xmpp_s2s_queued") < 3 * RATE,
              "stanzas flow steadily", self.gateway.alive)

    def quiet(self):
        """All that was sent until now has arrived or come back."""
        sent = set(ids("a.test", "S"))
        until(lambda: not sent - set(ids("b.test", "R")) - set(ids("a.test", "E")),
              "what was sent in this scene is accounted for", self.gateway.alive, 3 * WAIT)

    def kill(self):
        self.b.kill()
        self.outage_is_seen()
        self.b = self.new_b()
        self.flowing()

    def freeze(self):
        """The process is the child of `ip netns exec`, which execs: the same pid."""
        self.b.signal(signal.SIGSTOP)
        self.outage_is_seen()
        self.b.signal(signal.SIGCONT)
        self.flowing()

    def cut(self):
        ip("-n", PEER, "link", "set", "far", "down")
        self.outage_is_seen()
        ip("-n", PEER, "link", "set", "far", "up")
        self.flowing()

    def settle(self):
        """a.test stops sending, and everything that it sent is accounted for."""
        with open(os.path.join(TMP, "a.test.stop"), "w", encoding="ascii"):
            pass

        def missing():
            sent = set(ids("a.test", "S"))
            return sent - set(ids("b.test", "R")) - set(ids("a.test", "E"))

        try:
            until(lambda: not missing(), "every stanza is delivered or bounced",
                  self.gateway.alive, 2 * WAIT)
        except AssertionError:
            print("missing:", sorted(missing())[:20], len(missing()))
            raise
        for domain, kind in (("b.test", "R"), ("a.test", "R"), ("a.test", "E")):
            twice = [i for i, n in collections.Counter(ids(domain, kind)).items() if n > 1]
            assert not twice, f"twice at {domain} ({kind}): {len(twice)}, {twice[:10]}"
        print("sent %d, arrived %d, came back %d, of these both %d" % (
            len(ids("a.test", "S")), len(ids("b.test", "R")), len(ids("a.test", "E")),
            len(self.both())))

    def stop(self):
        for process in (self.a, self.b):
            process.signal(signal.SIGCONT)
            process.kill()


def make_network():
    for command in (f"netns add {PEER}", f"link add near type veth peer name far netns {PEER}",
                    "addr add 10.9.0.1/24 dev near", "link set near up",
                    f"-n {PEER} addr add 10.9.0.2/24 dev far", f"-n {PEER} link set far up",
                    f"-n {PEER} link set lo up"):
        ip(*command.split())


def main():
    if os.geteuid() != 0:
        skip("needs root, for a network namespace")
    make_network()
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    route = f"<route domain='b.test' address='{B}'/>"
    try:
        with Gateway(broker=profiles(certs), local=local_domain("a.test", (A, 5269)),
                     routes=route, dns=None, inside_dns=False, outside=OUTSIDE,
                     log="info") as gateway:
            scene = Scene(gateway, certs)
            try:
                for step in (scene.kill, scene.freeze, scene.cut):
                    scene.play(step)
                scene.settle()
            finally:
                scene.stop()
    finally:
        subprocess.run(["ip", "netns", "del", PEER], check=False)


if __name__ == "__main__":
    main()
