#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer that is well and whose answer to a ping is lost is not taken for dead. So it is after a cut: the stream on
which the answer was to come has ended for the gateway, and the peer does not know yet. It shows itself on the next one,
is asked once more, and nothing comes back.
"""
import time

from s2s_peer import Peer
from s2s_rig import A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

COUNT = 20
SOON_S = 15  # well before the 25 s after which a peer is dead


class Forgetful(Peer):
    lose = 0

    def answer_ping(self, element):
        if self.lose > 0:
            self.lose -= 1
        else:
            super().answer_ping(element)


def message(own, to, identity):
    return f"<message from='u@{own}' to='u@{to}' id='{identity}'><body>x</body></message>"


def send(stream, outside, name):
    for i in range(COUNT):
        stream.send(message("a.test", "b.test", f"{name}{i}"))
    assert [outside.next_stanza().get("id") for _ in range(COUNT)] == [f"{name}{i}" for i in range(COUNT)]


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Forgetful(certs, B_ADDRESS, "b.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='b.test' address='{B_ADDRESS}'/>", inside_dns=False) as gateway:
        to_b, to_a = inside.verified("b.test", INSIDE), outside.verified("a.test", OUTSIDE)

        def confirmed():
            to_a.send(message("b.test", "a.test", "alive"))
            rows = gateway.control("show federation domains")["domains"]
            return all(r["unconfirmed"] == 0 for r in rows if r["to"] == "b.test")

        send(to_b, outside, "first")
        until(confirmed, "b.test is known to answer", gateway.alive)
        outside.lose, outside.verify = 1, "silent"  # nor does it answer by dialback
        begin = time.monotonic()
        send(to_b, outside, "second")
        until(lambda: outside.lose == 0, "the answer is lost", gateway.alive)
        until(confirmed, "b.test was asked again", gateway.alive, SOON_S)
        print(f"confirmed after {time.monotonic() - begin:.1f} s")
        send(to_b, outside, "third")
        assert gateway.metric("xmpp_s2s_barrier_timeouts") == 0, "b.test was taken for dead"
        while not inside.stanzas.empty():
            assert inside.next_stanza().get("id") == "alive", "a stanza came back"


if __name__ == "__main__":
    main()
