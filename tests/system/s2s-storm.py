#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A storm: random configurations are loaded while servers on both sides and a component flood, come and go in the
middle of everything, answer wrongly or not at all, policy answers late, and an operator shows and clears. Afterwards
nothing is left: no stanza waits, no stream is open, and the broker, stopped in the middle of a second storm, ends in
order.

What becomes of single stanzas is the matter of other tests; here the process has to live, and its accounts have to
come out even. XMB_STORM_SEED and XMB_STORM_SECONDS choose another storm or a longer one.
"""
import hashlib
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import xml.etree.ElementTree as ET

from s2s_peer import HEADER, Closed, Peer, Stream
from s2s_rig import INSIDE, OUTSIDE, WAIT, Certificates, Gateway, World, local_domain, profiles, \
    skip, until

SEED = int(os.environ.get("XMB_STORM_SEED", "1"))
SECONDS = float(os.environ.get("XMB_STORM_SECONDS", "20"))
A, B, C, D, E, HOLE = (f"127.0.0.{n}" for n in (10, 11, 40, 41, 42, 50))
COMPONENT = (INSIDE, 5347)
LOCALS = (local_domain("a.test", (A, 5269)), local_domain("b.test", (B, 5269)),
          f"<local-domain name='chat.a.test'><component address='{COMPONENT[0]}' port='{COMPONENT[1]}' "
          "secret='s3'/></local-domain>")
FOREIGN = ("c.test", "d.test", "e.test", "hole.test", "dead.test", "none.test", "loop.test")
ENDS = ("</stream:stream>", "<bad", "<message from='x@c.test' to='v@a.test'/>", " " * 1000,
        "<db:result from='c.test' to='a.test' type='valid'/>", "<r xmlns='urn:xmpp:sm:3'/>",
        "<enable xmlns='urn:xmpp:sm:3'/>", "<bidi xmlns='urn:xmpp:bidi'/>",
        "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        "</stream:stream>")
DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'>%s</dialback>"
FEATURES = (DIALBACK % "<errors/>", DIALBACK % "",
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
            "</mechanisms>" + DIALBACK % "<errors/>",
            "<bidi xmlns='urn:xmpp:features:bidi'/>" + DIALBACK % "<errors/>",
            "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>1000</max-bytes></limits>" +
            DIALBACK % "<errors/>")


LATE = "<module name='policy-late' points='32' verdict='%s' by='%s' after='%dms'/>"  # 32: routes


def calm_parts():
    return {"modules": LATE % ("abstain", "now", 0), "lists": "mode='off'", "domains": "",
            "routes": "", "local": "".join(LOCALS), "swap": 0,
            "security": "<security mode='tls-required'/>",
            "more": "<timeouts negotiation='5' connect='2' dialback='5'/>"}


def random_parts(r):
    """Some configuration that is good in itself."""
    local = [d for d in LOCALS if r.random() < .8]
    inside = ["", "<security side='inside' mode='no-tls'/>"]
    if LOCALS[2] not in local:
        inside.append("<security side='inside' mode='tls-required'/>")
    return {
        "lists": f"mode='{r.choice(('off', 'allow-list', 'deny-list'))}'",
        "domains": "".join(f"<domain name='{d}'/>" for d in r.sample(FOREIGN[:3], r.randrange(4))),
        "routes": r.choice(("", f"<route domain='c.test' address='{C}'/>",
                            f"<route domain='c.test' address='{A}'/><route domain='c.test' address='{C}'/>",
                            f"<route domain='d.test' address='{OUTSIDE}'/>")),
        "local": "".join(local), "swap": r.randrange(2),
        "security": "<security mode='%s'%s%s%s/>" % (
            r.choice(("tls-required", "tls-required", "tls-optional")),
            r.choice(("", " require-client-certificates='yes'")),
            r.choice(("", " authentication='dialback'")), r.choice(("", " bidi='yes'"))) +
        r.choice(inside),
        "modules": LATE % (r.choice(("abstain", "abstain", "deny")),
                           r.choice(("thread", "timer", "never", "now", "now")),
                           r.choice((0, 5, 50, 500))),
        "more": "<federation use='%s'/>" % r.choice(("yes", "yes", "yes", "no")) +
        f"<timeouts negotiation='{r.choice((1, 5))}' connect='2' dialback='{r.choice((1, 5))}' "
        f"keepalive='{r.choice((0, 1, 60))}'/>"
        f"<delivery confirm='{r.choice(('barrier', 'barrier', 'tcp', 'none'))}' "
        f"on-loss='{r.choice(('bounce', 'resend'))}' interval='100ms' timeout='{r.choice((1, 5, 25))}'/>"
        f"<idle-timeout seconds='{r.choice((1, 2, 600))}'/>"
        f"<limits pairs='{r.choice((1, 2, 64))}' unverified-streams='{r.choice((1, 8, 50))}' "
        f"streams='{r.choice((5, 50, 10000))}' queue-time='{r.choice((1, 5, 60))}'/>"
        f"<backoff minimum='100ms' maximum='{r.choice((1, 300))}'/>"}


class Stormy(Gateway):
    """`swap`: the listeners of the two sides change places in the configuration."""

    def write(self):
        super().write()
        if self.parts.get("swap"):
            with open(self.config, encoding="utf-8") as f:
                lines = f.read().splitlines()
            at = [i for i, line in enumerate(lines) if line.startswith("<listen side=")]
            lines[at[0]], lines[at[1]] = lines[at[1]], lines[at[0]]
            with open(self.config, "w", encoding="utf-8") as f:
                f.write("\n".join(lines))


def abort(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Storm:
    EXPECTED = (OSError, AssertionError, Closed, ET.ParseError, KeyError, TypeError, AttributeError)

    def __init__(self, gateway, inside, outside):
        self.gateway, self.inside, self.outside = gateway, inside, outside
        self.blows = threading.Event()
        self.setting = threading.Lock()  # held while behaviour or the configuration changes
        self.over = False
        self.counts = {}
        workers = [self.from_outside] * 3 + [self.from_inside] * 3 + [self.junk] * 2 + \
            [self.pairs, self.component, self.component, self.operator, self.behaviour, self.reload]
        for i, fn in enumerate(workers):
            threading.Thread(target=self.loop, args=(fn, random.Random(SEED * 100 + i)),
                             daemon=True).start()

    def loop(self, fn, r):
        while not self.over:
            self.blows.wait()
            try:
                fn(r)
                self.counts[fn.__name__] = self.counts.get(fn.__name__, 0) + 1
            except self.EXPECTED:
                pass

    def stream(self, peer, to, gateway, own):
        stream = peer.connect(to, gateway, own=own)
        stream.sock.settimeout(3)
        return stream

    def send_some(self, r, stream, own, to):
        for i in range(r.choice((1, 50, 300))):
            if not self.blows.is_set():
                return
            stream.send(f"<message from='u@{own}/x' to='v@{to}' id='m{i}'><body>"
                        f"{'x' * r.choice((10, 300, 5000))}</body></message>")
            if r.random() < .05:
                stream.send(f"<iq from='u@{own}/x' to='v@{to}' type='get' id='q{i}'><q xmlns='x'/></iq>")
            if r.random() < .01:
                stream.send(r.choice(ENDS))

    def leave(self, r, sock):
        if r.random() < .5:
            time.sleep(r.random() / 2)
        (abort if r.random() < .5 else socket.socket.close)(sock)

    def from_outside(self, r):
        peer, to = r.choice(self.outside), r.choice(("a.test", "b.test", "chat.a.test"))
        stream = self.stream(peer, to, OUTSIDE, peer.domains[0])
        if r.random() < .3:
            stream.send("<bidi xmlns='urn:xmpp:bidi'/>")
        if r.random() < .3:
            peer.external(stream)
        peer.ask(stream)
        self.send_some(r, stream, peer.domains[0], to)
        self.leave(r, stream.sock)

    def from_inside(self, r):
        peer, to = r.choice(self.inside), r.choice((*FOREIGN, f"nx{r.randrange(50)}.test"))
        stream = self.stream(peer, to, INSIDE, peer.domains[0])
        peer.ask(stream)
        self.send_some(r, stream, peer.domains[0], to)
        self.leave(r, stream.sock)

    def junk(self, r):
        sock = socket.create_connection((r.choice((OUTSIDE, INSIDE)), 5269), 3)
        sock.settimeout(1)
        parts = ((HEADER + " from='d.test' to='a.test' version='1.0'").encode(), b">",
                 b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                 b"\x16\x03\x01" + r.randbytes(r.randrange(200)))
        for part in parts[:r.randrange(5)]:
            sock.send(part)
            if r.random() < .5:
                sock.recv(4096)
        self.leave(r, sock)

    def pairs(self, r):
        stream = self.stream(self.outside[1], "a.test", OUTSIDE, "d.test")
        for i in range(r.choice((3, 70, 200))):
            stream.send(f"<db:result from='p{i}.{r.choice(FOREIGN)}' to='{r.choice(('a.test', 'b.test'))}'>"
                        f"{'0' * 64}</db:result>")
        self.leave(r, stream.sock)

    def component(self, r):
        time.sleep(r.random() / 5)
        stream = Stream(socket.create_connection(COMPONENT, 3))
        stream.sock.settimeout(3)
        stream.send("<stream:stream xmlns='jabber:component:accept' to='chat.a.test' "
                    "xmlns:stream='http://etherx.jabber.org/streams'>")
        if r.random() < .9:
            secret = stream.expect_header().get("id") + r.choice(("s3", "s3", "s3", "wrong"))
            stream.send(f"<handshake>{hashlib.sha1(secret.encode()).hexdigest()}</handshake>")
            stream.read()
            self.send_some(r, stream, "chat.a.test", r.choice(FOREIGN))
        self.leave(r, stream.sock)

    def operator(self, r):
        self.gateway.control("show federation " + r.choice(("status", "domains")), check=False)
        streams = self.gateway.connections()
        words = r.choice(("all", *(s["id"] for s in streams[:5])))
        self.gateway.control("clear federation connection " + words, check=False)
        time.sleep(r.random() / 5)

    def behaviour(self, r):
        peer = r.choice(self.inside + self.outside)
        with self.setting:
            if not self.blows.is_set():
                return
            peer.verify = r.choice(["right"] * 6 + ["valid", "invalid", "silent", "error", "close"])
            peer.accept = r.choice(["valid"] * 6 + ["invalid", "error", "silent", "close"])
            peer.pong, peer.tls = r.random() < .8, r.choice((True, True, True, False, "only-say"))
            peer.features = r.choice(FEATURES)
        for stream in list(peer.accepted) if r.random() < .2 else ():
            if r.random() < .3:
                abort(stream.sock)
            else:
                stream.send(r.choice(ENDS))
        time.sleep(.2)

    def reload(self, r):
        with self.setting:
            if not self.blows.is_set():
                return
            self.gateway.parts.update(random_parts(r))
            self.load()
        time.sleep(r.choice((0, .05, .3, 1)))

    def load(self):
        self.gateway.write()
        run = self.gateway.control("config reload", check=False)
        said = run.stdout + run.stderr
        if run.returncode != 0 and "line" in said:
            print("FAULT: a configuration was refused:", said)
            os._exit(1)
        return run.returncode == 0

    def blow(self, seconds):
        end = time.monotonic() + seconds
        self.blows.set()
        while time.monotonic() < end:
            self.gateway.alive()
            time.sleep(.2)

    def calm(self):
        self.blows.clear()
        with self.setting:
            for peer in self.inside + self.outside:
                peer.verify, peer.accept, peer.pong, peer.tls = "right", "valid", True, True
            self.gateway.parts.update(calm_parts())
        until(self.load, "it takes the last configuration", self.gateway.alive)


def main():
    certs = Certificates()
    names = ("a.test", "b.test", "c.test", "d.test", "e.test")
    for name in names:
        certs.make(name)
    certs.make("gateway.inside.test", file="inside-gw")
    peers = [Peer(certs, address, name) for address, name in zip((A, B, C, D, E), names)]
    hole = socket.create_server((HOLE, 5269), backlog=5)
    world = dict(zip(FOREIGN, ((C, 5269), (D, 5269), (E, 5269), (HOLE, 5269), ("127.0.0.51", 5269), None,
                               (OUTSIDE, 5269))))
    with World(world), Stormy(broker=profiles(certs), inside_dns=False, log="notice",
                              folders=(os.environ["XMB_TEST_PLUGINS"],), **calm_parts()) as gateway:
        storm = Storm(gateway, peers[:2], peers[2:])
        storm.blow(SECONDS)
        storm.calm()
        print("done:", storm.counts)
        assert storm.counts.get("reload", 0) > 5 and gateway.metric("xmpp_s2s_stanzas_in") > 100
        status = ("show federation status", "queued", "unconfirmed")
        until(lambda: all(gateway.control(status[0])[k] == 0 for k in status[1:]),
              "no stanza waits", gateway.alive, 90 + WAIT)
        until(lambda: gateway.control("clear federation connection all")["cleared"] == 0 and
              not gateway.connections(), "no stream is left", gateway.alive)
        # Outgoing ones count until their connection is closed, which is later than they are shown.
        for gauge in ("xmpp_s2s_streams_in", "xmpp_s2s_streams_out"):
            until(lambda g=gauge: gateway.metric(g) == 0, gauge + " is 0", gateway.alive)
        storm.blow(3)
        storm.over = True
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(WAIT) == 0
    hole.close()
    for words in ("ERROR: AddressSanitizer", "runtime error", "WARNING: ThreadSanitizer"):
        assert words not in gateway.log(), gateway.log()[-4000:]
    sys.stdout.flush()
    os._exit(0)  # threads may still be in the middle of something


if __name__ == "__main__":
    import shutil
    if shutil.which("dnsmasq") is None and not os.path.exists("/usr/sbin/dnsmasq"):
        skip("dnsmasq is not installed")
    main()
