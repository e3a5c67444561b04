#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A partner with two servers in its SRV records. When the one in use says goodbye and goes, what waits is sent to the
other, soon; so it is when the one in use is just not there any more; and when the first is back, and the second
goes, it is the first again. What a stanza was promised holds: each arrives once, and none comes back.
"""
import time

from s2s_peer import Peer
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, World, local_domain,
                     profiles, until)

FIRST, SECOND = "127.0.0.40", "127.0.0.41"
SOON_S = 10
SECRET = "of all of c.test"
number = 0


def arrives(stream, peer):
    global number
    number += 1
    started = time.monotonic()
    stream.send(f"<message from='u@a.test' to='v@c.test' id='m{number}'><body>x</body></message>")
    assert peer.next_stanza().get("id") == f"m{number}"
    assert time.monotonic() - started < SOON_S, f"it took {time.monotonic() - started:.1f} s"


def settled(gateway):
    """What was sent is confirmed, so nothing of it comes back when a stream ends."""
    until(lambda: not gateway.control("show federation status")["unconfirmed"], "all is confirmed",
          gateway.alive)


def dialled(gateway):
    return [c["address"] for c in gateway.connections() if c["direction"] == "outgoing"]


def goodbye(peer):
    """As a server that is shut down in order: nobody gets in any more, and streams are told why."""
    streams = list(peer.accepted)
    for stream in streams:
        stream.send("<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                    "</stream:error></stream:stream>")
    peer.stop()


def server(certs, address, secret):
    """One of c.test's: each answers for the keys of all, and has a stream to us, on which pings are answered."""
    peer = Peer(certs, address, "c.test")
    peer.secret = secret
    peer.verified("a.test", OUTSIDE)
    return peer


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a = Peer(certs, A_ADDRESS, "a.test")
    records = [f"srv-host=_xmpp-server._tcp.c.test,{host}.c.test,5269,{priority},1"
               for host, priority in (("h1", 1), ("h2", 2))] + \
        [f"address=/h1.c.test/{FIRST}", f"address=/h2.c.test/{SECOND}"]
    with World({}, extra=records), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    inside_dns=False, more="<delivery interval='100ms'/>") as gateway:
        first, second = server(certs, FIRST, SECRET), server(certs, SECOND, SECRET)
        stream = a.verified("c.test", INSIDE)
        arrives(stream, first)
        settled(gateway)
        print("the first says goodbye")
        goodbye(first)
        arrives(stream, second)
        settled(gateway)
        print("the first is back, and the second is gone without a word")
        first = server(certs, FIRST, SECRET)
        second.stop()
        until(lambda: SECOND not in dialled(gateway), "its stream is seen to be gone", gateway.alive)
        arrives(stream, first)
        assert gateway.metric("xmpp_s2s_bounced") == 0, "a stanza was bounced"
        settled(gateway)
        assert first.stanzas.empty() and second.stanzas.empty() and a.stanzas.empty()


if __name__ == "__main__":
    main()
