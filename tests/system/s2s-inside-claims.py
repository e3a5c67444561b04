#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nobody inside speaks for a domain that is not routed to it: a.test's server claims another local domain, by dialback,
by its certificate, in stanzas; it claims a foreign one; it speaks to a local one. Each is refused with the right
error, the streams of others stay, and nothing of it arrives anywhere.
"""
import socket

from s2s_peer import Peer, Stream, condition, q
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, WAIT, Certificates, Gateway, local_domain, profiles)

X, C = "127.0.0.11", "127.0.0.40"
number = 0


def passes(stream, own, to, receiver):
    global number
    number += 1
    stream.send(f"<message from='u@{own}' to='v@{to}' id='m{number}'><body>x</body></message>")
    stanza = receiver.next_stanza()
    assert stanza.get("id") == f"m{number}" and stanza.get("type") != "error", stanza.attrib


def answer_is(answer, name):
    error = answer.find(q("server", "error"))
    assert answer.get("type") == "error" and condition(error) == name, \
        (answer.attrib, None if error is None else condition(error))


def header_is_refused(own, to):
    stream = Stream(socket.create_connection((INSIDE, 5269), WAIT, source_address=(A_ADDRESS, 0)))
    stream.header(own, to)
    stream.expect_header()
    stream.expect_error("host-unknown")


def stanza_is_refused(a, own, to, error):
    """On a stream on which a.test is verified for c.test."""
    stream = a.verified("c.test", INSIDE)
    stream.send(f"<message from='u@{own}' to='v@{to}' id='bad'><body>x</body></message>")
    stream.expect_error(error)


def external_is_refused(a, own):
    """Its certificate is a good one, of a.test. The stream stays, for dialback, and ends with that."""
    stream = a.connect("c.test", INSIDE, own=own)
    failure = a.external(stream)
    assert failure.tag == q("sasl", "failure") and condition(failure) == "not-authorized", failure
    assert a.ask(stream).get("type") == "invalid"
    stream.expect_end()


def main():
    certs = Certificates()
    for domain in ("a.test", "x.test", "c.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a, x, c = (Peer(certs, *at) for at in ((A_ADDRESS, "a.test"), (X, "x.test"), (C, "c.test")))
    with Gateway(broker=profiles(certs), dns=None, inside_dns=False,
                 local=local_domain("a.test", (A_ADDRESS, 5269)) + local_domain("x.test", (X, 5269)),
                 routes=f"<route domain='c.test' address='{C}'/>",
                 security="<security side='inside' authentication='both'/>"):
        from_x, from_c = x.verified("c.test", INSIDE), c.verified("x.test", OUTSIDE)
        stream = a.verified("c.test", INSIDE)
        print("by dialback")
        answer_is(a.ask(stream, own="x.test"), "forbidden")  # x.test's server says it is not its key
        answer_is(a.ask(stream, own="c.test"), "not-allowed")
        answer_is(a.ask(stream, to="x.test"), "not-allowed")
        print("by certificate")
        external_is_refused(a, "x.test")
        print("in the header")
        header_is_refused("c.test", "a.test")
        header_is_refused("a.test", "x.test")
        print("in a stanza")
        stanza_is_refused(a, "x.test", "c.test", "invalid-from")
        stanza_is_refused(a, "c.test", "a.test", "invalid-from")
        stanza_is_refused(a, "a.test", "x.test", "host-unknown")
        print("and the streams of others, and that on which it asked, are as they were")
        passes(from_x, "x.test", "c.test", c)
        passes(from_c, "c.test", "x.test", x)
        passes(stream, "a.test", "c.test", c)
        assert all(peer.stanzas.empty() for peer in (a, x, c)), "something arrived"


if __name__ == "__main__":
    main()
