#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer that answers pings late, and does not know what to make of dialback on a stream that is verified: it ends the
stream when the gateway asks there. What it had read comes back, twice; it is not asked so again, and from then on its
late answers are waited for.
"""
import time

from s2s_peer import Peer
from s2s_rig import A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles, until

COUNT = 20
LATE_S = 5  # longer than it takes until a peer is asked on its stream


class Late(Peer):
    """While `late` it keeps what it has to answer. `asked`: so often on a verified stream."""
    late, kept, asked = False, (), 0

    def answer_ping(self, element):
        if self.late:
            self.kept += (element,)
        else:
            super().answer_ping(element)

    def answer_verify(self, stream, e):
        self.asked += e.text == e.get("id")
        super().answer_verify(stream, e)

    def answer_all(self):
        self.late = False
        for element in self.kept:
            super().answer_ping(element)


def send(stream, outside, name):
    for i in range(COUNT):
        stream.send(f"<message from='u@a.test' to='u@b.test' id='{name}{i}'><body>x</body></message>")
    assert [outside.next_stanza().get("id") for _ in range(COUNT)] == [f"{name}{i}" for i in range(COUNT)]


def ended(inside, outside, asked, name):
    """What was sent comes back, as the stream ended when it was asked there for the time `asked`."""
    back = [inside.next_stanza() for _ in range(COUNT)]
    assert {e.get("id") for e in back} == {f"{name}{i}" for i in range(COUNT)}, [e.attrib for e in back]
    assert outside.asked == asked, "the stream ended for another reason"


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Late(certs, B_ADDRESS, "b.test")
    with Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)), dns=None,
                 routes=f"<route domain='b.test' address='{B_ADDRESS}'/>", inside_dns=False) as gateway:
        to_b = inside.verified("b.test", INSIDE)
        outside.verified("a.test", OUTSIDE)

        def confirmed():
            rows = gateway.control("show federation domains")["domains"]
            return all(r["unconfirmed"] == 0 for r in rows if r["to"] == "b.test")

        send(to_b, outside, "first")
        until(confirmed, "b.test is known to answer", gateway.alive)
        outside.late, outside.verify = True, "close"
        for asked, name in enumerate(("second", "third"), 1):
            send(to_b, outside, name)
            ended(inside, outside, asked, name)
        send(to_b, outside, "fourth")
        end = time.monotonic() + LATE_S
        until(lambda: time.monotonic() > end, "it is not asked", gateway.alive, 2 * LATE_S)
        outside.answer_all()
        until(confirmed, "the late answer counts", gateway.alive)
        assert outside.asked == 2, "it was asked again"
        assert gateway.metric("xmpp_s2s_barriers_here") >= 2
        assert gateway.metric("xmpp_s2s_barrier_timeouts") == 0, "b.test was taken for dead"
        assert inside.stanzas.empty(), "a stanza came back"


if __name__ == "__main__":
    main()
