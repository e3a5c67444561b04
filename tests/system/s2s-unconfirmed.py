#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The policy for what a dead server may have had: `delivery` with `confirm` and `on-loss`. a.test
inside sends to b.test, which dies with a reset of its connections, and is there again at once.

    barrier   what b.test has read behind its last answer to a ping is unconfirmed: it comes back,
              or is sent again
    tcp       what b.test's system has acknowledged is delivered, though no process had read it:
              it neither comes back nor is sent again. What was on the way comes back, or is sent
              again; what had not left is sent
    none      what was put on the stream is delivered, and nobody is asked

What was confirmed before is never touched, and what comes later goes over the next stream, behind
what is sent again.
"""
import re
import socket
import struct
import threading

from s2s_peer import Peer, condition, q
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain,
                     profiles, until)

COUNT = 20
FLOOD, FLOOD_BYTES, WINDOW = 200, 1000, 32768  # more than the window and B's system take together
BUFFER = 8192
ON_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close is a reset
REST = ("<limits stanza='10000'/><timeouts keepalive='0'/>"
        "<backoff minimum='100ms' maximum='100ms'/>")
FAST = "interval='100ms' hold='0' timeout='100'"  # nobody but B's death ends a stream


class Mortal(Peer):
    """Without TLS, so that what its system holds can be read."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, buffer=BUFFER, **options)
        self.tls = False

    def held(self):
        """What our system has acknowledged, and we have not read."""
        try:
            octets = self.in_use().sock.recv(1 << 20, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            octets = b""
        return re.findall(r"<message [^>]* id='(\w+)'.*?</message>", octets.decode())

    def room(self):
        """How many of the flood our system can hold at most."""
        return self.in_use().sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // FLOOD_BYTES

    def die(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # the thread in accept holds the port until then
        self.listener.close()
        for stream in [*self.accepted, *self.reverse.values()]:
            self.reset(stream)

    def reset(self, stream):
        try:
            stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ON_RESET)
            if stream.hold.is_set():
                stream.sock.shutdown(socket.SHUT_RDWR)  # the thread that reads holds the socket
        except OSError:
            pass  # it has just ended
        stream.sock.close()
        stream.hold.set()


def names(prefix, count=COUNT):
    return [f"{prefix}{i}" for i in range(count)]


class Rig:
    def __init__(self, gateway, certs, a):
        self.gateway, self.certs, self.a, self.secret = gateway, certs, a, None
        self.stream = a.verified("b.test", INSIDE)
        self.born()

    def born(self):
        """b.test is there, and has a stream of its own for answers."""
        self.b = Mortal(self.certs, B_ADDRESS, "b.test")
        self.b.secret = self.secret = self.secret or self.b.secret
        self.to_a = self.b.verified("a.test", OUTSIDE, tls=False)

    def send(self, ids, size=1):
        self.stream.send("".join(f"<message from='u@a.test' to='u@b.test' id='{i}'><body>"
                                 f"{'x' * size}</body></message>" for i in ids))

    def arrive(self, ids):
        found = [self.b.next_stanza().get("id") for _ in ids]
        assert found == ids, f"{found}, and {ids} were expected"

    def return_all(self, ids):
        found = [self.a.next_stanza() for _ in ids]
        assert sorted(e.get("id") for e in found) == sorted(ids), [e.get("id") for e in found]
        for e in found:
            assert e.get("type") == "error", e.attrib
            assert condition(e.find(q("server", "error"))) == "remote-server-timeout"

    def row(self):
        rows = self.gateway.control("show federation domains")["domains"]
        return next(r for r in rows if (r["from"], r["to"]) == ("a.test", "b.test"))

    def confirmed(self, ids):
        """These are sent, and arrive, and are known to."""
        self.send(ids)
        self.arrive(ids)
        self.settled()

    def settled(self):
        until(lambda: (r := self.row())["unconfirmed"] + r["waiting"] == 0, "all is confirmed",
              self.gateway.alive)

    def policy(self, confirm, on_loss):
        print("---", confirm, on_loss)
        self.gateway.reload(more=f"<delivery confirm='{confirm}' on-loss='{on_loss}' {FAST} "
                            f"window='{WINDOW}'/>" + REST)
        self.confirmed(names("before"))

    def reborn(self):
        self.b.die()
        self.born()

    def nothing_else(self):
        """What is sent now comes next, over the next stream, and that is all."""
        self.confirmed(["after"])
        self.to_a.send("<message from='u@b.test' to='u@a.test' id='behind all errors'/>")
        assert self.a.next_stanza().get("id") == "behind all errors"
        assert self.b.stanzas.empty(), "it came once more"


def barrier(rig, on_loss):
    """b.test has read them all, and has answered for none."""
    rig.policy("barrier", on_loss)
    rig.b.pong, rig.b.verify = False, "silent"  # nor when it is asked by dialback
    rig.send(names("open"))
    rig.arrive(names("open"))
    assert rig.row()["unconfirmed"] == COUNT, rig.row()
    rig.reborn()
    if on_loss == "resend":
        rig.arrive(names("open"))
    else:
        rig.return_all(names("open"))
    rig.nothing_else()


def nobody_asks(rig):
    rig.policy("none", "resend")
    pings = rig.gateway.metric("xmpp_s2s_barriers")
    rig.send(names("open"))
    rig.arrive(names("open"))
    rig.settled()
    assert rig.gateway.metric("xmpp_s2s_barriers") == pings
    rig.reborn()
    rig.nothing_else()


def stuffed(rig):
    """b.test reads no more. Its system has COUNT of what follows, and then has no room for all that
    the window lets out. Returns the thread that sends on."""
    rig.b.in_use().hold.clear()
    rig.confirmed(["last"])  # what it was waiting for
    rig.send(names("held"))
    until(lambda: rig.b.held() == names("held"), "B's system has them", rig.gateway.alive)
    rig.settled()
    sender = threading.Thread(target=rig.send, args=(names("flood", FLOOD), FLOOD_BYTES))
    sender.start()
    until(lambda: rig.row()["unconfirmed"] * FLOOD_BYTES > WINDOW * 3 // 4,
          "more is on the way than B's system takes", rig.gateway.alive)
    return sender


def tcp(rig, on_loss):
    rig.policy("tcp", on_loss)
    sender = stuffed(rig)
    room, before = rig.b.room(), rig.row()["bounced"]
    rig.reborn()
    sender.join()
    rig.send(["end"])
    arrived = [rig.b.next_stanza().get("id")]
    while arrived[-1] != "end":
        arrived.append(rig.b.next_stanza().get("id"))
    returned = [rig.a.next_stanza().get("id") for _ in range(rig.row()["bounced"] - before)]
    assert (returned == []) == (on_loss == "resend"), returned
    account(room, returned, arrived[:-1])
    rig.nothing_else()


def account(room, returned, arrived):
    """In their order: delivered, which B's system had; come back; sent on the next stream."""
    every = names("held") + names("flood", FLOOD)
    delivered = every[:len(every) - len(returned) - len(arrived)]
    print(f"{len(delivered)} counted as delivered, {len(returned)} came back, {len(arrived)} went "
          f"over the next stream; B's system has room for {COUNT} and {room} of the others")
    assert delivered + returned + arrived == every, (delivered, returned, arrived)
    assert COUNT <= len(delivered) <= COUNT + room, delivered
    assert arrived, "all had left, and something should have been waiting"


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a = Peer(certs, A_ADDRESS, "a.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='b.test' address='{B_ADDRESS}'/>", inside_dns=False,
                 security="<security mode='no-tls'/>", more=REST, drain="2s") as gateway:
        rig = Rig(gateway, certs, a)
        for on_loss in ("bounce", "resend"):
            barrier(rig, on_loss)
        for on_loss in ("bounce", "resend"):
            tcp(rig, on_loss)
        nobody_asks(rig)


if __name__ == "__main__":
    main()
