#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Both directions on one stream (XEP-0288), with scripted servers and with Prosody: a peer that connects to the
gateway gets its stanzas on that connection, also one that cannot be dialled; a peer that the gateway dials may answer
there. A slow reader at either end stops the other and loses nothing. A peer that dies is found, and what it had not
confirmed comes back or is sent again.
"""
import select
import socket
import ssl
import xml.etree.ElementTree as ET

from s2s_peer import Peer, condition, q
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WAIT, WORLD_DNS, Certificates, Gateway,
                     Prosody, World, local_domain, need, profiles, talk, until)

NAT = "127.0.0.40"
BIDI = "<security side='outside' bidi='yes'/><security side='inside' bidi='yes'/>"
number = 0


def next_id():
    global number
    number += 1
    return f"s{number}"


def streams(gateway, **wanted):
    return [c for c in gateway.connections() if all(c[k] == v for k, v in wanted.items())]


def send(stream, sender, receiver, body="x"):
    identity = next_id()
    stream.send(f"<message from='u@{sender}' to='v@{receiver}' id='{identity}'><body>{body}</body>"
                "</message>")
    return identity


def arrives(peer, *identities):
    for identity in identities:
        stanza = peer.next_stanza()
        assert stanza.get("id") == identity, ET.tostring(stanza)[:300]
        assert stanza.get("type") != "error", ET.tostring(stanza)[:300]


class Rig:
    """a.test inside, in the ordinary way; the gateway; and what a scene brings."""

    def __init__(self, certs, gateway):
        self.certs, self.gateway = certs, gateway
        self.a, self.b = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, B_ADDRESS, "b.test")
        self.ways = {}

    def say(self, receiver, body="x"):
        """A message from inside, on a stream of a.test that was verified for that domain."""
        if receiver not in self.ways:
            self.ways[receiver] = self.a.verified(receiver, INSIDE)
        return send(self.ways[receiver], "a.test", receiver, body)

    def confirmed(self):
        until(lambda: self.gateway.metric("xmpp_s2s_unconfirmed") == 0, "all is confirmed",
              self.gateway.alive)

    def forget(self):
        """Streams end, so that a scene begins like the first."""
        self.confirmed()
        for stream in [*self.ways.values(), *self.b.reverse.values()]:
            stream.close()
        self.ways.clear()
        self.gateway.control("clear federation connection all")
        until(lambda: not self.gateway.connections(), "the streams have ended",
              self.gateway.alive)
        for peer in (self.a, self.b):
            until(lambda p=peer: not p.accepted, "the peers have seen it", self.gateway.alive)
            peer.reverse.clear()
            peer.errors.clear()
            peer.stanzas.queue.clear()
        self.b.bidi = self.b.pong = True


# --- a peer that connects ---------------------------------------------------------------------


def one_connection(rig):
    """b.test connects: its key is verified at b.test, and then everything goes over its stream."""
    b = rig.b
    stream = b.verified("a.test", OUTSIDE)
    b.read_on(stream)
    arrives(rig.a, send(stream, "b.test", "a.test"))
    arrives(b, *[rig.say("b.test") for _ in range(50)])
    rig.confirmed()
    assert not [s for s in b.accepted if b"<message" in s.raw], "a stanza went over another stream"
    row, = streams(rig.gateway, side="outside", direction="incoming")
    assert row["bidi"] and row["stanzas_out"] >= 50 and row["stanzas_in"] >= 1, row
    assert not [c for c in streams(rig.gateway, side="outside", direction="outgoing")
                if c["pairs"]], "a stream of the gateway's own has a pair"


def external(peer, stream):
    assert peer.external(stream).tag == q("sasl", "success")
    stream.restart()
    stream.header(stream.own, stream.to)
    stream.expect_header()
    stream.expect_features()
    peer.reverse[stream.own, stream.to] = stream


def behind_nat(rig):
    """c.test is in no DNS and accepts nothing: its certificate proves it, and it gets its answers."""
    c = Peer(rig.certs, NAT, "c.test", listen=False)
    c.bidi = True
    stream = c.connect("a.test", OUTSIDE)
    external(c, stream)
    c.read_on(stream)
    stream.send("<iq type='get' from='u@c.test/r' to='v@a.test/r' id='q1'><q xmlns='urn:q'/></iq>")
    question = rig.a.next_stanza()
    assert question.get("id") == "q1"
    way = rig.a.verified("c.test", INSIDE)
    rig.ways["c.test"] = way
    way.send("<iq type='result' to='u@c.test/r' from='v@a.test/r' id='q1'/>")
    answer = c.next_stanza()
    assert answer.get("id") == "q1" and answer.get("type") == "result", ET.tostring(answer)
    # It goes away, and comes back: what was written meanwhile waits for it, or comes back.
    stream.sock.shutdown(socket.SHUT_RDWR)  # closed, its number would be another's while a thread reads it
    until(lambda: not streams(rig.gateway, side="outside", direction="incoming"),
          "the stream is gone", rig.gateway.alive)
    identity = rig.say("c.test")
    stream = c.connect("a.test", OUTSIDE)
    external(c, stream)
    c.read_on(stream)
    later = rig.say("c.test")
    got = c.next_stanza()
    if got.get("id") == identity:
        got = c.next_stanza()
    else:
        error = rig.a.next_stanza()
        assert error.get("id") == identity and error.get("type") == "error", ET.tostring(error)
    assert got.get("id") == later, ET.tostring(got)
    rig.confirmed()
    stream.close()


def not_asked_for(rig):
    """A peer that does not ask for it is dialled as ever."""
    b = rig.b
    b.bidi = False
    stream = b.verified("a.test", OUTSIDE)
    arrives(rig.a, send(stream, "b.test", "a.test"))
    arrives(b, rig.say("b.test"))
    assert [s for s in b.accepted if b"<message" in s.raw]


# --- a peer that is dialled -------------------------------------------------------------------


def dialled(rig):
    """The gateway connects to b.test and asks for both directions; b.test never connects."""
    b = rig.b
    arrives(b, rig.say("b.test"))
    stream = b.reverse["b.test", "a.test"]
    arrives(rig.a, *[send(stream, "b.test", "a.test") for _ in range(50)])
    arrives(b, rig.say("b.test"))
    rig.confirmed()
    row, = [c for c in streams(rig.gateway, side="outside") if c["pairs"]]
    assert row["direction"] == "outgoing" and row["bidi"] and row["stanzas_in"] >= 50, row
    # Dialback questions on it: ours are answered, not about this stream itself; no further pair.
    other = "<db:verify from='b.test' to='a.test' id='%s'>wrong</db:verify>"
    stream.send(other % "another")
    stream.send(other % stream.identity)
    stream.send("<db:result from='b2.test' to='a.test'>key</db:result>")
    until(lambda: b"<db:result from='a.test' to='b2.test' type='error'>" in stream.raw,
          "the further pair is refused", rig.gateway.alive)
    assert b"id='another' type='invalid'" in stream.raw
    assert f"id='{stream.identity}' type='error'".encode() in stream.raw
    # A stanza of a pair that is not verified on it is the end of it.
    stream.send("<message from='u@b2.test' to='v@a.test'/>")
    until(lambda: "invalid-from" in b.errors, "the stream error", rig.gateway.alive)


# --- slow readers -----------------------------------------------------------------------------


def push(stream, data):
    """Sends until the socket takes nothing for half a second. Returns the rest."""
    poll = select.poll()
    poll.register(stream.sock, select.POLLOUT)
    while data and poll.poll(500):
        with stream.using:
            stream.sock.settimeout(0)
            try:
                data = data[stream.sock.send(data):]
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            finally:
                stream.sock.settimeout(WAIT)
    return data


def flood_until_held(stream, sender, receiver):
    """Sends until nothing more is taken. Returns the ids, and what of the last one is not sent yet."""
    sent = []
    while len(sent) < 4000:
        identity = next_id()
        sent.append(identity)
        rest = push(stream, (f"<message from='u@{sender}' to='v@{receiver}' id='{identity}'><body>" +
                             "x" * 50000 + "</body></message>").encode())
        if rest:
            return sent, rest
    raise AssertionError("200 MB were taken for a reader that takes nothing")


def held(rig, readers, stream, sender, receiver, peer):
    for s in readers:
        s.hold.clear()
    sent, rest = flood_until_held(stream, sender, receiver)
    for s in readers:
        s.hold.set()
    stream.send(rest)
    arrives(peer, *sent)
    rig.confirmed()


def slow_reader_inside(rig):
    """a.test takes nothing: the gateway stops reading the bidirectional stream, of either kind."""
    b = rig.b
    arrives(b, rig.say("b.test"))
    ours = b.reverse["b.test", "a.test"]
    arrives(rig.a, send(ours, "b.test", "a.test"))
    held(rig, list(rig.a.accepted), ours, "b.test", "a.test", rig.a)
    assert b.reverse["b.test", "a.test"] is ours and "invalid-from" not in b.errors
    rig.forget()
    b = rig.b
    theirs = b.verified("a.test", OUTSIDE)
    b.read_on(theirs)
    arrives(rig.a, send(theirs, "b.test", "a.test"))
    arrives(b, rig.say("b.test"))
    held(rig, list(rig.a.accepted), theirs, "b.test", "a.test", rig.a)
    arrives(b, rig.say("b.test"))


def slow_reader_outside(rig):
    """b.test does not read its own stream: a.test is stopped, and dialback is answered all the same."""
    b = rig.b
    stream = b.verified("a.test", OUTSIDE)
    b.read_on(stream)
    arrives(b, rig.say("b.test"))
    stream.hold.clear()
    sent, rest = flood_until_held(rig.ways["b.test"], "a.test", "b.test")
    for i in range(20):
        stream.send(f"<db:verify from='b.test' to='a.test' id='v{i}'>wrong</db:verify>")
    stream.hold.set()
    rig.ways["b.test"].send(rest)
    arrives(b, *sent)
    until(lambda: b"id='v19' type='invalid'" in stream.raw, "the last question is answered",
          rig.gateway.alive)
    rig.confirmed()


# --- a peer that dies -------------------------------------------------------------------------


def dies(rig, on_loss):
    """It took stanzas, confirmed nothing, and its connection breaks."""
    rig.gateway.reload(more=f"<delivery on-loss='{on_loss}' timeout='5'/>")
    b = rig.b
    stream = b.verified("a.test", OUTSIDE)
    b.read_on(stream)
    arrives(b, rig.say("b.test"))
    rig.confirmed()
    b.pong = False
    lost = [rig.say("b.test") for _ in range(5)]
    arrives(b, *lost)
    stream.sock.shutdown(socket.SHUT_RDWR)
    b.pong = True
    if on_loss == "resend":
        arrives(b, *lost)  # over a stream that the gateway dials
    else:
        for identity in lost:
            error = rig.a.next_stanza()
            assert error.get("id") == identity and error.get("type") == "error"
            assert condition(error.find(q("server", "error"))) == "remote-server-timeout"
    arrives(b, rig.say("b.test"))
    rig.confirmed()
    assert [s for s in b.accepted if b"<message" in s.raw], "it was not dialled"


def dies_and_bounces(rig):
    dies(rig, "bounce")


def dies_and_resends(rig):
    dies(rig, "resend")


def says_nothing(rig):
    """It is connected, and answers no ping any more: the stream is given up within the time of the settings."""
    rig.gateway.reload(more="<delivery timeout='5'/>")
    b = rig.b
    stream = b.verified("a.test", OUTSIDE)
    b.read_on(stream)
    arrives(b, rig.say("b.test"))
    rig.confirmed()
    stream.hold.clear()
    identity = rig.say("b.test")
    error = rig.a.next_stanza()
    assert error.get("id") == identity and error.get("type") == "error", ET.tostring(error)
    stream.hold.set()


# --- Prosody ----------------------------------------------------------------------------------

ALICE, BOB = {"alice": "alicepw"}, {"bob": "bobpw"}
TALK = (f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}")


def prosody(gateway, certs, security, verified_by):
    """Both servers want it: one stream a side for all that two people do. With dialback Prosody outside opens one
    of its own to ask about our key, and makes it a stream of its own like any other."""
    print("--- Prosody,", verified_by)
    gateway.reload(security=security, more="")
    with Prosody("a.test", A_ADDRESS, certs, INSIDE, ALICE, modules=("s2s_bidi",)), \
            Prosody("b.test", B_ADDRESS, certs, WORLD_DNS, BOB, modules=("s2s_bidi",)):
        talk(*TALK, "message", "presence", "vcard", "disco", "ping")
        rows = [c for c in gateway.connections() if c["stanzas_in"] + c["stanzas_out"] > 0]
        inside, outside = ([c for c in rows if c["side"] == s] for s in ("inside", "outside"))
        assert len(inside) == 1 and len(outside) in ((1,) if verified_by == "external" else (1, 2))
        for row in (inside, outside):
            assert all(c["bidi"] for c in row), row
            assert sum(c["stanzas_in"] for c in row) > 2, row
            assert sum(c["stanzas_out"] for c in row) > 2, row
        assert all(c["verified_by"] == verified_by for c in outside), outside
        talk(*TALK, "muc")
        bidi = [c for c in gateway.connections() if c["bidi"] and c["stanzas_in"] > 0 and
                c["stanzas_out"] > 0]
        assert len(bidi) >= 2, gateway.connections()
    gateway.control("clear federation connection all")
    until(lambda: not gateway.connections(), "the streams have ended", gateway.alive)


def prosody_connects(gateway, certs):
    """bob writes first, so that Prosody outside opens the stream."""
    print("--- Prosody outside connects")
    with Prosody("a.test", A_ADDRESS, certs, INSIDE, ALICE, modules=("s2s_bidi",)), \
            Prosody("b.test", B_ADDRESS, certs, WORLD_DNS, BOB, modules=("s2s_bidi",)):
        talk(TALK[1], TALK[0], "message", "presence", "ping")
        rows = [c for c in gateway.connections() if c["stanzas_in"] + c["stanzas_out"] > 0]
        row, = [c for c in rows if c["side"] == "outside"]
        assert row["direction"] == "incoming" and row["stanzas_out"] > 2, row
        assert all(c["bidi"] for c in rows), rows
    gateway.control("clear federation connection all")
    until(lambda: not gateway.connections(), "the streams have ended", gateway.alive)


def scripted(certs):
    route = f"<route domain='b.test' address='{B_ADDRESS}'/>"
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                 routes=route, dns=None, inside_dns=False, security=BIDI) as gateway:
        rig = Rig(certs, gateway)
        rig.b.bidi = True
        for scene in (one_connection, behind_nat, not_asked_for, dialled, slow_reader_inside,
                      slow_reader_outside, dies_and_bounces, dies_and_resends, says_nothing):
            print("---", scene.__name__)
            scene(rig)
            rig.forget()
        rig.a.stop()
        rig.b.stop()


def main():
    need("prosody", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    scripted(certs)
    records = {d: (OUTSIDE, 5269) for d in ("a.test", "conference.a.test")}
    records.update({d: (B_ADDRESS, 5269) for d in ("b.test", "conference.b.test")})
    local = local_domain("a.test", (A_ADDRESS, 5269)) + \
        local_domain("conference.a.test", (A_ADDRESS, 5269))
    with World(records), Gateway(name="xmbd-2", broker=profiles(certs), local=local,
                                 security=BIDI) as gateway:
        prosody(gateway, certs, BIDI, "external")
        dialback = BIDI.replace("side='outside'", "side='outside' authentication='dialback'")
        prosody(gateway, certs, dialback, "dialback")
        prosody_connects(gateway, certs)


if __name__ == "__main__":
    main()
