# SPDX-License-Identifier: MIT
"""The scenes of s2s-loss.py and s2s-loss-inside.py: two scripted servers, and between them the gateway, with RATE
stanzas a second each way. One of them, the victim, lives in a network of its own behind a link that can be taken
down; it is killed, then frozen, then cut off, and comes back each time.
"""
import os
import signal
import subprocess

import s2s_outage
from s2s_outage import HOLD_S, INTERVAL_S, LATE_S, RATE, Balance, flood
from s2s_rig import Certificates, Gateway, local_domain, profiles, skip, until

NEAR, FAR = "10.9.0.1", "10.9.0.2"
PEER = f"xmb{os.getpid()}"  # the network namespace of the victim
# Of the survivor's stanzas, those that may arrive and come back. Nothing is unconfirmed for longer than the interval
# between two pings; when an answer is late the gateway goes on for the hold, which matters to one that is frozen: it
# reads those later.
BOTH = {"kill": (INTERVAL_S + LATE_S) * RATE, "freeze": (INTERVAL_S + HOLD_S + LATE_S) * RATE,
        "cut": (INTERVAL_S + LATE_S) * RATE}


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Scene:
    def __init__(self, gateway, survivor, victim, start):
        """`start` makes the victim's process."""
        self.gateway, self.domain, self.start = gateway, victim, start
        self.process = start()
        self.balance = Balance(survivor, victim)
        self.ended = {}  # by outage: the victim's stream that it ended

    def play(self, name, fall, rise):
        """One outage; prints what became of the survivor's stanzas in it."""
        metric = self.gateway.metric
        until(lambda: metric("xmpp_s2s_unconfirmed") + metric("xmpp_s2s_queued") < 3 * RATE,
              "what piled up before has passed", self.gateway.alive)
        rates = self.balance.flow(self.gateway.alive)
        print("%s: a second before it, sent and arrived: %s" % (name, rates))
        survivor, victim = self.balance.ends
        counts = survivor.count("S"), victim.count("R"), survivor.count("E"), len(self.balance.both())
        self.ended[name] = victim.rows["S"][-1][0]
        s2s_outage.outage(self.gateway, self.domain, fall)
        rise()
        self.balance.flow(self.gateway.alive)
        self.balance.settled_until_now(self.gateway.alive)
        self.balance.nothing_twice()
        sent, arrived, returned, both = (n - m for n, m in zip((
            survivor.count("S"), victim.count("R"), survivor.count("E"), len(self.balance.both())), counts))
        print(f"{name}: sent {sent}, arrived {arrived}, came back {returned}, of these both {both}")
        assert returned > 0, "nothing came back: it was no outage"
        assert both <= BOTH[name], f"{both} stanzas arrived and came back"

    def kill(self):
        def rise():
            self.process = self.start()
        self.play("kill", self.process.kill, rise)

    def freeze(self):
        """The process is the child of `ip netns exec`, which execs: the same pid."""
        self.play("freeze", lambda: self.process.signal(signal.SIGSTOP),
                  lambda: self.process.signal(signal.SIGCONT))

    def cut(self):
        self.play("cut", lambda: ip("-n", PEER, "link", "set", "far", "down"),
                  lambda: ip("-n", PEER, "link", "set", "far", "up"))

    def settle(self):
        """Both stop sending, and everything is accounted for. What the victim wrote while it was cut off is its own."""
        s2s_outage.stop_sending(*(end.domain for end in self.balance.ends))
        self.balance.settle(self.gateway.alive)
        last = self.balance.victim.rows["S"][-1][0]
        until(lambda: self.balance.no_gaps()[last] == 0, "the victim's last stream arrived whole",
              self.gateway.alive)
        self.balance.nothing_twice()
        self.balance.report()
        unread = {name: self.balance.no_gaps()[stream] for name, stream in self.ended.items()}
        print(f"written by {self.domain} and not read by the gateway:", unread)
        for name in ("kill", "freeze"):
            assert unread[name] <= LATE_S * RATE, f"{name}: {unread[name]} were not read"


def make_network():
    for command in (f"netns add {PEER}", f"link add near type veth peer name far netns {PEER}",
                    f"addr add {NEAR}/24 dev near", "link set near up",
                    f"-n {PEER} addr add {FAR}/24 dev far", f"-n {PEER} link set far up",
                    f"-n {PEER} link set lo up"):
        ip(*command.split())


def play(victim):
    """`victim` is "a.test", inside, or "b.test", outside."""
    if os.geteuid() != 0:
        skip("needs root, for a network namespace")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    at = {"a.test": ("127.0.0.10", "127.0.0.30"), "b.test": ("127.0.0.20", "127.0.0.31")}
    at[victim] = (FAR, NEAR)
    survivor = "b.test" if victim == "a.test" else "a.test"
    make_network()
    try:
        with Gateway(broker=profiles(certs), local=local_domain("a.test", (at["a.test"][0], 5269)),
                     routes=f"<route domain='b.test' address='{at['b.test'][0]}'/>", dns=None,
                     inside=at["a.test"][1], outside=at["b.test"][1], inside_dns=False,
                     log="info") as gateway, \
                flood(certs, survivor, at[survivor][0], victim, at[survivor][1]):
            scene = Scene(gateway, survivor, victim, lambda: flood(
                certs, victim, FAR, survivor, NEAR, ["ip", "netns", "exec", PEER]))
            try:
                for step in (scene.kill, scene.freeze, scene.cut, scene.settle):
                    step()
            finally:
                scene.process.signal(signal.SIGCONT)
                scene.process.kill()
    finally:
        subprocess.run(["ip", "netns", "del", PEER], check=False)
