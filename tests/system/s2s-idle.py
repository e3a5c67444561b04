#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Peers to which nobody writes, and that are gone. The servers of b.test and c.test outside, of a.test inside, and
the component of bots.a.test have had a stanza each, and nothing more is said. Then their network drops
everything, or their processes stand still while their system goes on acknowledging. By the log's own times the
gateway has found each of them within 30 s, in both directions; and a peer that is there is never taken for
gone, though nobody writes to it either.

    b.test    a stream each way; its answers to pings come on its own
    c.test    opened a stream to a.test, and nothing leads back to it
    d.test    is being asked for its word when the network goes
"""
import calendar
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from s2s_peer import Closed, Peer
from s2s_rig import Certificates, Gateway, Process, local_domain, profiles, skip, until

FOUND_S = 30
QUIET_S = 45  # how long those who are there are watched
NET = f"xmb{os.getpid()}"  # the network namespace of the peers
OUTSIDE, INSIDE, COMPONENT = "10.9.0.1", "10.9.0.11", "10.9.0.12"
A, B, C, D, BOTS = "10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"
SIGNALS = {signal.SIGUSR1, signal.SIGUSR2}
GONE = ("acknowledged nothing", "answers nothing", "answers no ping", "took too long", "no answer")


# --- the peers, each in a process of its own --------------------------------------------------------


class Certs:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)


def component():
    """XEP-0114: answers pings, and writes one message when it has had one."""
    s = socket.create_connection((COMPONENT, 5347), 30, (BOTS, 0))
    s.settimeout(None)
    s.sendall(b"<stream:stream xmlns='jabber:component:accept' "
              b"xmlns:stream='http://etherx.jabber.org/streams' to='bots.a.test'>")
    heard = b""
    while b" id='" not in heard:
        heard += s.recv(4096)
    identity = re.search(rb" id='([^']*)'", heard).group(1)
    s.sendall(b"<handshake>" + hashlib.sha1(identity + b"s3cr3t").hexdigest().encode()
              + b"</handshake>")
    answered, heard = 0, b""
    while octets := s.recv(65536):
        if b"<message " in octets and b"<message " not in heard:
            s.sendall(b"<message from='bots.a.test' to='u@b.test' id='hello'/>")
        heard += octets
        pings = re.findall(rb"<iq type='get' from='([^']*)' to='([^']*)' id='(xmb[^']*)'", heard)
        for other, own, ping in pings[answered:]:
            s.sendall(b"<iq type='result' from='%s' to='%s' id='%s'/>" % (own, other, ping))
        answered = len(pings)


def read(stream):
    try:
        while stream.read() is not None:
            pass
    except (Closed, OSError):
        pass


def peer(own, address, gateway, certs, *to):
    """A server that opens a stream to each of the domains `to`, and at SIGUSR2 writes a message on each of them. At
    SIGUSR1 it opens one to d.test and writes there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # before there are threads: they wait for sigwait
    p = Peer(Certs(certs), address, own)
    if own == "d.test":
        p.accept = "silent"
    streams_to = {}

    def open_to(other):
        streams_to[other] = p.verified(other, gateway)
        threading.Thread(target=read, args=(streams_to[other],), daemon=True).start()

    def write(other):
        streams_to[other].send(f"<message from='u@{own}' to='u@{other}' id='hello'/>")

    for other in to:
        open_to(other)
    while True:
        if signal.sigwait(SIGNALS) == signal.SIGUSR1:
            open_to("d.test")
            write("d.test")
        else:
            for other in to:
                write(other)


# --- the test ---------------------------------------------------------------------------------------


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def make_network():
    for command in (f"netns add {NET}", f"link add near type veth peer name far netns {NET}",
                    *(f"addr add {a}/24 dev near" for a in (OUTSIDE, INSIDE, COMPONENT)),
                    "link set near up",
                    *(f"-n {NET} addr add {a}/24 dev far" for a in (A, B, C, D, BOTS)),
                    f"-n {NET} link set far up", f"-n {NET} link set lo up"):
        ip(*command.split())


def start(name, *arguments):
    return Process(f"peer-{name}", ["ip", "netns", "exec", NET, sys.executable, __file__, name,
                                    *arguments], os.environ)


def streams(gateway):
    """(side, direction, the peer's address) of all that are verified."""
    return {(c["side"], c["direction"], c["address"])
            for c in gateway.connections() if c["state"] == "verified"}


# Both ways with a.test and b.test; the component's is one connection; c.test has none from here.
ALL = {("inside", "incoming", A), ("inside", "outgoing", A), ("outside", "incoming", B),
       ("outside", "outgoing", B), ("outside", "incoming", C), ("inside", "incoming", BOTS)}


class Scene:
    def __init__(self, gateway, certs):
        self.gateway, self.certs = gateway, certs
        self.peers = {
            "a.test": start("a.test", A, INSIDE, certs.folder, "b.test"),
            "b.test": start("b.test", B, OUTSIDE, certs.folder, "a.test", "bots.a.test"),
            "c.test": start("c.test", C, OUTSIDE, certs.folder, "a.test"),
            "bots": start("bots"),
            "d.test": start("d.test", D, OUTSIDE, certs.folder)}

    def ready(self):
        """All have their streams before the first writes: whoever is asked can answer."""
        until(lambda: sorted(c["address"] for c in self.gateway.connections()
                             if c["state"] == "verified") == sorted([A, B, B, C, BOTS]),
              "the peers have their streams", self.alive)
        self.peers["a.test"].signal(signal.SIGUSR2)
        self.peers["b.test"].signal(signal.SIGUSR2)
        try:
            until(self.is_quiet, "every stream is there, and nothing is unconfirmed", self.alive)
        except AssertionError:
            print(streams(self.gateway), self.gateway.metric("xmpp_s2s_confirmed"))
            raise

    def alive(self):
        self.gateway.alive()
        for p in self.peers.values():
            p.alive()

    def is_quiet(self):
        m = self.gateway.metric
        return streams(self.gateway) == ALL and m("xmpp_s2s_confirmed") >= 4 and \
            m("xmpp_s2s_unconfirmed") + m("xmpp_s2s_queued") == 0

    def ask_d(self):
        """A stream to d.test waits for the answer to our dialback: it may be gone in the middle of that."""
        self.peers["a.test"].signal(signal.SIGUSR1)
        until(lambda: any(p["state"] == "pending" for c in self.gateway.connections()
                          if c["address"] == D for p in c["pairs"]),
              "d.test is being asked", self.alive)

    def events(self, since):
        """(seconds after `since`, line) of what the log says about peers that are gone."""
        for line in self.gateway.log().splitlines():
            at = re.match(r"(\S{19})\.(\d{3})Z ", line)
            if at and any(word in line for word in GONE):
                when = calendar.timegm(time.strptime(at.group(1), "%Y-%m-%dT%H:%M:%S")) \
                    + int(at.group(2)) / 1000
                if when >= since:
                    yield when - since, line

    def seen(self, since, addresses):
        """Of each address, when the log first says that it is gone."""
        first = {}
        for after, line in self.events(since):
            for a in addresses:
                if re.search(re.escape(a) + r"[:\s]", line):
                    first.setdefault(a, after)
        return first

    def found(self, what, since, addresses, left=()):
        """Nothing but `left` stands after a moment more, and the log has said so of each in time."""
        until(lambda: [s for s in streams(self.gateway) if s[2] not in left] == [],
              f"{what}: all are found", self.gateway.alive, FOUND_S + 5)
        first = until(lambda: (s := self.seen(since, addresses)).keys() == set(addresses) and s,
                      f"{what}: the log names each", self.gateway.alive)
        print(f"{what}: seen after " + ", ".join(
            f"{a} {s:.1f} s" for a, s in sorted(first.items())))
        late = {a: s for a, s in first.items() if s > FOUND_S}
        assert not late, f"{what}: later than {FOUND_S} s: {late}"

    def stay(self):
        """Those that are there stay, on the very same connections."""
        def ids():
            return sorted(c["id"] for c in self.gateway.connections())
        before, end = ids(), time.monotonic() + QUIET_S
        barriers = self.gateway.metric("xmpp_s2s_barriers")
        until(lambda: time.monotonic() > end or ids() != before, "time passes", self.alive,
              QUIET_S + 10)
        assert ids() == before, f"{before}, and now {self.gateway.connections()}"
        asked = self.gateway.metric("xmpp_s2s_barriers") - barriers
        asking = 1 + sum(c["direction"] == "outgoing" for c in self.gateway.connections())
        print(f"quiet: {asked} pings on {asking} streams in {QUIET_S} s")
        assert 2 * asking <= asked <= 5 * asking, asked  # on each after 10 to 12 s

    def stop(self):
        for p in self.peers.values():
            p.signal(signal.SIGCONT)
            p.kill()


def vanish(gateway, certs):
    scene = Scene(gateway, certs)
    try:
        scene.ready()
        scene.stay()
        scene.ask_d()
        since = time.time()
        ip("-n", NET, "link", "set", "far", "down")
        scene.found("vanished", since, [A, B, C, D, BOTS])
    finally:
        scene.stop()
        ip("-n", NET, "link", "set", "far", "up")


def freeze(gateway, certs):
    """c.test cannot be asked, as nothing leads to it, and nothing waits for it."""
    scene = Scene(gateway, certs)
    try:
        scene.ready()
        since = time.time()
        for p in scene.peers.values():
            p.signal(signal.SIGSTOP)
        scene.found("frozen", since, [A, B, BOTS], left=[C])
    finally:
        scene.stop()


def main():
    if os.geteuid() != 0:
        skip("needs root, for a network namespace")
    make_network()
    certs = Certificates()
    for domain in ("a.test", "b.test", "c.test", "d.test"):
        certs.make(domain, names=f"DNS:{domain},DNS:bots.{domain}")
    certs.make("gateway.inside.test", file="inside-gw")
    routes = "".join(f"<route domain='{d}' address='{a}'/>"
                     for d, a in (("b.test", B), ("c.test", C), ("d.test", D)))
    bots = (f"<local-domain name='bots.a.test'><component address='{COMPONENT}' port='5347' "
            "secret='s3cr3t'/></local-domain>")
    try:
        for scene in (vanish, freeze):
            with Gateway(name=scene.__name__, broker=profiles(certs), dns=None, inside_dns=False,
                         local=local_domain("a.test", (A, 5269)) + bots, routes=routes,
                         outside=OUTSIDE, inside=INSIDE, drain="2s") as gateway:
                scene(gateway, certs)
    finally:
        subprocess.run(["ip", "netns", "del", NET], check=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bots"]:
        component()
    elif len(sys.argv) > 1:
        peer(*sys.argv[1:])
    else:
        main()
