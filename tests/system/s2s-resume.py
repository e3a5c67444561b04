#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS sessions are resumed where the gateway dials: a server that knows its sessions gives tickets, outside and inside;
its stream is cleared, and the handshake of the next is a resumed one (TLS 1.3). A server that has forgotten them gets
a whole handshake. Resumed or not, dialback is done anew and stanzas pass.
"""
import xml.etree.ElementTree as ET

from s2s_peer import Peer, server_context
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

C = "127.0.0.40"
number = 0


class Remembers(Peer):
    """One TLS context for all connections: the tickets that it gives are good for the next."""

    def __init__(self, certs, address, domain):
        self.context = server_context(certs, domain)
        self.handshakes = []
        super().__init__(certs, address, domain)

    def tls_context(self):
        return self.context

    def forget(self):
        self.context = server_context(self.certs, self.file)

    def greet(self, stream):
        if stream.tls:
            self.handshakes.append((stream.sock.version(), stream.sock.session_reused))
        super().greet(stream)


def passes(stream, own, receiver):
    global number
    number += 1
    to = receiver.domains[0]
    stream.send(f"<message from='u@{own}' to='v@{to}' id='m{number}'><body>x</body></message>")
    stanza = receiver.next_stanza()
    assert stanza.get("id") == f"m{number}" and stanza.get("type") != "error", ET.tostring(stanza)


def dialled(gateway, address):
    return [c["id"] for c in gateway.connections()
            if c["direction"] == "outgoing" and c["address"] == address]


def dialled_again(gateway, stream, own, receiver):
    """The stream to the receiver is cleared, and a stanza makes the next; returns its handshake."""
    before = dialled(gateway, receiver.address)
    for one in before:
        assert gateway.control(f"clear federation connection {one}")["cleared"] == 1
    until(lambda: not set(before) & set(dialled(gateway, receiver.address)), "the stream has ended",
          gateway.alive)
    seen = len(receiver.handshakes)
    passes(stream, own, receiver)
    assert len(receiver.handshakes) > seen, "there was no other handshake"
    return receiver.handshakes[-1]


def resumes(gateway, stream, own, receiver):
    passes(stream, own, receiver)
    assert receiver.handshakes[0] == ("TLSv1.3", False), receiver.handshakes
    for _ in range(2):
        assert dialled_again(gateway, stream, own, receiver) == ("TLSv1.3", True), \
            receiver.handshakes
    receiver.forget()
    assert dialled_again(gateway, stream, own, receiver) == ("TLSv1.3", False), receiver.handshakes
    assert dialled_again(gateway, stream, own, receiver) == ("TLSv1.3", True), receiver.handshakes


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Remembers(certs, A_ADDRESS, "a.test"), Remembers(certs, C, "c.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='c.test' address='{C}'/>", inside_dns=False) as gateway:
        out, back = inside.verified("c.test", INSIDE), outside.verified("a.test", OUTSIDE)
        resumes(gateway, out, "a.test", outside)
        resumes(gateway, back, "c.test", inside)


if __name__ == "__main__":
    main()
