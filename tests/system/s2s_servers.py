# SPDX-License-Identifier: MIT
"""The scenes of s2s-smacks.py, s2s-loss-ejabberd.py and s2s-mute-ejabberd.py: outside is an unmodified server, whose
component (s2s_bots.py) sends and receives RATE stanzas a second; inside a scripted one (s2s_flood.py). The real one is
killed, then frozen, then cut off, and comes back each time. It lives with its component and its name server in a
network of its own (s2s_loss.py), behind a link that can be taken down: cut off, it goes on working, and what it sends
is dropped.

What the server inside sent has reached the component or come back, all of it, nothing twice. What the component sent
passes its own server first, and what that one had in its memory when it was killed, only it knew.
"""
import os
import signal
import subprocess
import sys
import time

import s2s_outage
from s2s_loss import BOTH, FAR, NEAR, PEER, ip, make_network
from s2s_outage import RATE, Balance, flood
from s2s_rig import (A_ADDRESS, HERE, INSIDE, Certificates, Ejabberd, Gateway, Process, World,
                     local_domain, need, profiles, until)

BOTS = "bots.b.test"
SECRET = "secret of the bots"
MUTE_S = 35  # longer than it takes to be taken for dead
TIMEOUTS = "xmpp_s2s_barrier_timeouts"
MOST = {**BOTH, "cut": BOTH["freeze"]}  # a real server has more in its buffers, and goes on reading it


class Behind(Process):
    """A process behind the link, at FAR."""

    def __init__(self, name, command, *more, **options):
        super().__init__(name, ["ip", "netns", "exec", PEER, *command], *more, **options)


class BehindWorld(World, Behind):
    """The name server is on the far side, so that no resolver learns that it is down while the link is."""


class BehindEjabberd(Ejabberd, Behind):
    pass


def ejabberd(certs, retry_s):
    """Behind a failed attempt it dials again after up to `retry_s`; till then it bounces."""
    return BehindEjabberd("b.test", FAR, certs, FAR, {}, extra=f"s2s_max_retry_delay: {retry_s}",
                          listen=f"""  -
    ip: "{FAR}"
    port: 5347
    module: ejabberd_service
    hosts:
      {BOTS}:
        password: "{SECRET}"
""")


class Servers:
    def __init__(self, gateway, start):
        """`start` makes the server's process."""
        self.gateway, self.start = gateway, start
        self.server = start()
        self.balance = Balance("a.test", BOTS)

    def proof(self, is_sm):
        """That XEP-0198 is on, both ways, or is not: then it is the barrier that confirms."""
        rows = [c for c in self.gateway.connections() if c["side"] == "outside" and
                c["stanzas_in"] + c["stanzas_out"] > RATE]
        ways = sorted((c["direction"], c["sm"], c["verified_by"]) for c in rows)
        assert [way[0] for way in ways] == ["incoming", "outgoing"], ways
        assert all(way[1] == is_sm for way in ways), ways
        print("streams outside:", ways)

    def play(self, name, fall, rise, is_sm):
        rates = self.balance.flow(self.gateway.alive)
        print("%s: a second before it, sent and arrived: %s" % (name, rates))
        self.proof(is_sm)
        back, both = self.balance.survivor.count("E"), len(self.balance.both())
        s2s_outage.outage(self.gateway, BOTS, fall)
        rise()
        self.balance.flow(self.gateway.alive)
        self.balance.settled_until_now(self.gateway.alive)
        self.balance.nothing_twice()
        back, both = self.balance.survivor.count("E") - back, len(self.balance.both()) - both
        print(f"{name}: came back {back}, of these arrived too {both}")
        assert back > 0, "nothing came back: it was no outage"
        assert both <= MOST[name], f"{both} stanzas arrived and came back"

    def kill(self, is_sm):
        def rise():
            self.server = self.start()
        self.play("kill", self.server.kill, rise, is_sm)

    def freeze(self, is_sm):
        self.play("freeze", lambda: self.server.signal(signal.SIGSTOP),
                  lambda: self.server.signal(signal.SIGCONT), is_sm)

    def cut(self, is_sm):
        self.play("cut", lambda: ip("-n", PEER, "link", "set", "far", "down"),
                  lambda: ip("-n", PEER, "link", "set", "far", "up"), is_sm)

    def cut_until_it_bounces(self):
        """Its attempt to dial has failed behind the link that is down: it makes no other for a long while."""
        back = self.balance.victim.count("E")
        s2s_outage.outage(self.gateway, BOTS,
                          lambda: ip("-n", PEER, "link", "set", "far", "down"))
        until(lambda: self.balance.victim.count("E") > back, "what its component sends comes back",
              self.gateway.alive, 120)
        ip("-n", PEER, "link", "set", "far", "up")

    def mute(self, is_sm):
        """After an outage the server reads, and has no stream on which it could answer a ping."""
        print("mute: a second before it:", self.balance.flow(self.gateway.alive))
        self.proof(is_sm)
        self.cut_until_it_bounces()
        until(lambda: self.balance.victim.rate("R") > 0.95 * RATE, "stanzas arrive again",
              self.gateway.alive, 120)
        timeouts, end = self.gateway.metric(TIMEOUTS), time.monotonic() + MUTE_S
        until(lambda: time.monotonic() > end, "it goes on", self.gateway.alive, 2 * MUTE_S)
        ways = {c["direction"] for c in self.gateway.connections()
                if c["side"] == "outside" and c["verified_by"] and BOTS in str(c)}
        assert ways == {"outgoing"}, f"it has dialled, and this shows nothing: {ways}"
        assert self.gateway.metric(TIMEOUTS) == timeouts, "it was taken for dead"
        self.balance.settled_until_now(self.gateway.alive)
        self.balance.nothing_twice()
        both = len(self.balance.both())
        print(f"mute: arrived and came back {both}")
        assert both <= MOST["cut"], f"{both} stanzas arrived and came back"

    def settle(self, is_sm):
        """The component's connection lived through the freeze and the cut: with XEP-0198 its server knew what had not
        arrived."""
        s2s_outage.stop_sending("a.test", BOTS)
        self.balance.settle(self.gateway.alive)
        last = self.balance.victim.rows["S"][-1][0]
        if is_sm:
            until(lambda: not self.balance.unheard(last), f"all of {last} arrived or came back",
                  self.gateway.alive)
        print(f"of {last} nobody knows {len(self.balance.unheard(last))}")
        self.balance.nothing_twice()
        self.balance.report()


def scenes(start, is_sm, certs, steps):
    with BehindWorld({"a.test": (NEAR, 5269)}, address=FAR), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    routes=f"<route domain='{BOTS}' address='{FAR}'/>", dns=None, outside=NEAR,
                    inside_dns=False, log="info") as gateway, \
            flood(certs, "a.test", A_ADDRESS, BOTS, INSIDE), \
            Behind("bots", [sys.executable, os.path.join(HERE, "s2s_bots.py"), BOTS, FAR, SECRET,
                            "a.test", str(RATE)], os.environ):
        servers = Servers(gateway, lambda: start(certs))
        try:
            for step in steps:
                getattr(servers, step)(is_sm)
        finally:
            servers.server.signal(signal.SIGCONT)
            servers.server.kill()


def play(start, is_sm, *programs, steps=("kill", "freeze", "cut", "settle")):
    """`start(certs)` makes the server of b.test, Behind the link at FAR, with the component BOTS and its SECRET."""
    need(*programs)
    certs = Certificates()
    certs.make("a.test")
    certs.make("b.test", names=f"DNS:b.test,DNS:{BOTS},DNS:conference.b.test")
    certs.make("gateway.inside.test", file="inside-gw")
    make_network()
    try:
        scenes(start, is_sm, certs, steps)
    finally:
        subprocess.run(["ip", "netns", "del", PEER], check=False)
