#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One server must not stop the others. a.test inside sends to b.test and c.test over one stream. b.test is well until
it is verified, and then never reads an octet, each time. So the stream from a.test has to stop, for memory's sake;
but not for long: b.test is given up for dead, its stanzas come back to a.test, each once, those for c.test arrive,
each once, and when b.test does the same again it stops nobody any more.
"""
import queue
import threading

from s2s_peer import Peer, condition, q
from s2s_rig import WAIT, Certificates, Gateway, local_domain, profiles, until

A, B, C = "127.0.0.10", "127.0.0.20", "127.0.0.21"
INSIDE, OUTSIDE = "127.0.0.30", "127.0.0.31"
ROUNDS = 150  # each 20 stanzas of 2 kB to b.test and one to c.test, 6 MB in all
AGAIN = 200   # more to b.test than its system takes
TIMEOUT_S, QUEUE_S = 12, 15  # instead of 25 and 60; a.test, who is well, has to read it all in half of that


class Stuck(Peer):
    """Reads nothing behind its own answer that we may send."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, buffer=8192, **options)
        self.verified_streams = 0

    def answer_result(self, stream, e):
        super().answer_result(stream, e)
        self.verified_streams += 1
        stream.hold.clear()


def message(to, identity, size):
    return (f"<message from='u@a.test' to='u@{to}' id='{identity}'><body>{'x' * size}</body></message>")


def send_all(stream, failed):
    try:
        for i in range(ROUNDS):
            stream.send("".join(message("b.test", f"b{i}-{j}", 2000) for j in range(20)))
            stream.send(message("c.test", f"c{i}", 10))
    except OSError as e:
        failed.append(e)


class Ledger:
    """What has come to a server, by id."""

    def __init__(self, peer):
        self.peer, self.seen = peer, {}

    def take(self):
        try:
            while True:
                e = self.peer.stanzas.get_nowait()
                assert e.get("id") not in self.seen, f"{e.get('id')} came twice"
                self.seen[e.get("id")] = e
        except queue.Empty:
            return self.seen


def scene(gateway, a, b, c):
    stream = a.verified("b.test", INSIDE)
    assert a.ask(stream, to="c.test").get("type") == "valid"
    c.verified("a.test", OUTSIDE)  # for its answers to pings
    failed, at_a, at_c = [], Ledger(a), Ledger(c)
    threading.Thread(target=send_all, args=(stream, failed), daemon=True).start()

    def well():
        gateway.alive()
        assert not failed, failed

    until(lambda: len(at_c.take()) == ROUNDS, "all that is for c.test arrives", well, 3 * TIMEOUT_S + WAIT)
    print(f"c.test has its {ROUNDS}; {len(at_a.take())} of those for b.test came back so far")
    # It is verified again, as soon as there is something for it, and stuck again: c.test does not wait for that.
    until(lambda: "taken for dead" in gateway.log(), "b.test is given up", well, 3 * TIMEOUT_S + WAIT)
    for i in range(AGAIN):
        stream.send(message("b.test", f"again{i}", 2000))
    until(lambda: b.verified_streams >= 2, "b.test is tried again", well, 3 * TIMEOUT_S + WAIT)
    until(lambda: len(at_a.take()) == ROUNDS * 20 + AGAIN, "all that is for b.test comes back", well,
          2 * (TIMEOUT_S + QUEUE_S) + WAIT)
    reasons = {condition(e.find(q("server", "error"))) for e in at_a.seen.values()}
    print("came back for:", reasons)
    assert reasons <= {"remote-server-timeout", "resource-constraint"}, reasons
    stream.send(message("c.test", "last", 10))
    until(lambda: "last" in at_c.take(), "the stream goes on", well)


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a = Peer(certs, A, "a.test")
    b = Stuck(certs, B, "b.test")
    c = Peer(certs, C, "c.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A, 5269)),
                 routes=f"<route domain='b.test' address='{B}'/><route domain='c.test' address='{C}'/>",
                 dns=None, inside_dns=False, log="info", more=f"<delivery timeout='{TIMEOUT_S}'/>"
                 f"<limits queue='256k' queue-time='{QUEUE_S}'/>") as gateway:
        scene(gateway, a, b, c)


if __name__ == "__main__":
    main()
