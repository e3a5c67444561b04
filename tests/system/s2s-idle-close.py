#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stream without a stanza for `idle-timeout` is closed, and what was open is open again with the
next stanza (R62). On the wire: an end tag, and behind the other side's own the end of TLS, not a
broken connection. So it is with streams that the gateway opened and with those that were opened to
it, inside and outside; never sooner than the time that is set; the gateway's own pings, one a
second here, keep nothing open; and a stream with stanzas stays meanwhile.

    a.test  inside    talks with both
    b.test  outside   a message each way, and then silence
    c.test  outside   is written to, several times a second
"""
import queue
import select
import threading
import time

from s2s_peer import Closed, Peer, Stream
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WAIT, Certificates, Gateway,
                     local_domain, profiles, until)

C_ADDRESS = "127.0.0.21"
IDLE_S = 6
LATE_S = 2 * IDLE_S + WAIT
IN_ORDER = "in order"


def ending(stream):
    """How the other side ends the connection behind its own end tag and ours."""
    stream.send("</stream:stream>")
    stream.sock.suppress_ragged_eofs = False  # an end of TCP without one of TLS is an error
    try:
        rest = stream.attempt(lambda: stream.sock.recv(1), select.POLLIN)
    except OSError as e:
        return f"broken: {e!r}"
    return IN_ORDER if rest == b"" else "it says more"


class Server(Peer):
    """Keeps in `ends` how each stream on which a pair was proved ended, and when."""

    def __init__(self, *arguments, **options):
        self.ends, self.pings = queue.Queue(), 0
        super().__init__(*arguments, **options)

    def read_to_end(self, stream):
        try:
            while (element := stream.read()) is not None:
                self.handle(stream, element)
            return ending(stream)
        except (Closed, OSError, ValueError) as e:
            return f"broken: {e!r}"
        finally:
            stream.sock.close()

    def watch(self, stream):
        how = self.read_to_end(stream)
        self.ends.put(("ours", how, time.monotonic()))

    def answer_result(self, stream, e):
        stream.is_proved = True
        super().answer_result(stream, e)

    def answer_ping(self, element):
        self.pings += 1
        super().answer_ping(element)

    def session(self, sock):
        stream = Stream(sock)
        stream.is_proved = False  # there are some on which the gateway only asks
        self.greet(stream)
        how = self.read_to_end(stream)
        if stream.is_proved:
            self.ends.put(("theirs", how, time.monotonic()))

    def talk_to(self, gateway, *others):
        stream = self.verified(others[0], gateway)
        for other in others[1:]:
            assert self.ask(stream, to=other).get("type") == "valid"
        threading.Thread(target=self.watch, args=(stream,), daemon=True).start()
        return stream

    def end(self, since, *names):
        """These streams end, each in order, and not too soon after the stanza sent at `since`."""
        found = sorted(self.ends.get(timeout=LATE_S) for _ in names)
        print(f"{self.domains[0]}: " + ", ".join(f"{n} {how} after {at - since:.1f} s"
                                                 for n, how, at in found))
        assert [(n, how) for n, how, _ in found] == [(n, IN_ORDER) for n in names], found
        assert all(at - since >= IDLE_S for _, _, at in found), "sooner than the time that is set"


class Traffic:
    """Messages on `stream` to c.test, in a thread, until `stop`."""

    def __init__(self, stream, receiver):
        self.stream, self.receiver, self.over = stream, receiver, threading.Event()
        self.sent, self.last = 0, 0.0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.2):  # the interval of the load
            self.last = time.monotonic()
            self.stream.send(message("a.test", "c.test", f"c{self.sent}"))
            self.sent += 1

    def stop(self):
        """All has arrived, in order."""
        self.over.set()
        self.thread.join(WAIT)
        ids = [self.receiver.next_stanza().get("id") for _ in range(self.sent)]
        assert ids == [f"c{i}" for i in range(self.sent)], ids


def message(own, to, identity):
    return f"<message from='u@{own}' to='u@{to}' id='{identity}'><body>x</body></message>"


def arrives(stream, own, to, receiver, identity):
    stream.send(message(own, to, identity))
    assert receiver.next_stanza().get("id") == identity


def streams(gateway, *addresses):
    """Those that are proved; one that only asks for a key comes and goes."""
    return {c["id"] for c in gateway.connections() if c["address"] in addresses and c["verified_by"]}


def settled(gateway):
    until(lambda: not gateway.control("show federation status")["unconfirmed"], "all is confirmed",
          gateway.alive)


def b_talks(gateway, to_outside, a, b):
    """A message each way, on streams that this opens; returns when that was."""
    to_a = b.talk_to(OUTSIDE, "a.test")
    since = time.monotonic()
    arrives(to_outside, "a.test", "b.test", b, "to b")
    arrives(to_a, "b.test", "a.test", a, "to a")
    settled(gateway)
    return since


def standing(gateway):
    """The streams of c.test, and a.test's own."""
    found = until(lambda: len(s := streams(gateway, C_ADDRESS)) == 2 and s,
                  "c.test has its streams", gateway.alive)
    return found | {c["id"] for c in gateway.connections()
                    if c["side"] == "inside" and c["direction"] == "incoming"}


def b_falls_silent(gateway, to_outside, a, b):
    """Its streams end, and with them the one to a.test; a.test's own, and those of c.test, stay."""
    stay = standing(gateway)
    assert len(stay) == 3, gateway.connections()
    since = b_talks(gateway, to_outside, a, b)
    asked = b.pings
    b.end(since, "ours", "theirs")
    a.end(since, "theirs")
    assert b.pings > asked, "no pings were there to be looked past"
    until(lambda: {c["id"] for c in gateway.connections()} == stay,
          "these streams are gone, and the others are there", gateway.alive)


def scene(gateway, a, b, c):
    c.talk_to(OUTSIDE, "a.test")  # for its answers to pings
    to_outside = a.talk_to(INSIDE, "b.test", "c.test")
    traffic = Traffic(to_outside, c)
    b_falls_silent(gateway, to_outside, a, b)
    print("the next stanzas open new streams, and all fall silent")
    since = b_talks(gateway, to_outside, a, b)
    traffic.stop()
    a.end(since, "ours", "theirs")
    b.end(since, "ours", "theirs")
    c.end(traffic.last, "ours", "theirs")
    until(lambda: not gateway.connections(), "no stream is left", gateway.alive)
    b_talks(gateway, a.talk_to(INSIDE, "b.test"), a, b)


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a, b, c = (Server(certs, address, domain) for address, domain in (
        (A_ADDRESS, "a.test"), (B_ADDRESS, "b.test"), (C_ADDRESS, "c.test")))
    routes = f"<route domain='b.test' address='{B_ADDRESS}'/>" \
        f"<route domain='c.test' address='{C_ADDRESS}'/>"
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=routes, inside_dns=False, more=f"<idle-timeout seconds='{IDLE_S}'/>"
                 "<timeouts keepalive='1'/>") as gateway:
        scene(gateway, a, b, c)
        assert gateway.metric("xmpp_s2s_bounced") == 0, "a stanza was bounced"


if __name__ == "__main__":
    main()
