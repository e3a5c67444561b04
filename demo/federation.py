#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The two servers of the demo's federation scene, small ones of our own: one stands inside, with alice, one outside,
with bob. Talks with demo/run in lines:

    out   "ports INSIDE OUTSIDE"   where the two listen; certificates are in $XMB_TMP/certs
    in    "gateway INSIDE OUTSIDE" ports of the gateway's two sides
    out   what happens, in words; "done", or the reason and exit status 1
    in    the end: the streams are closed
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests/system"))
from s2s_peer import Peer  # noqa: E402  pylint: disable=wrong-import-position
from s2s_rig import Certificates  # noqa: E402  pylint: disable=wrong-import-position

INSIDE, OUTSIDE = "inside.example", "outside.example"
MESSAGE = "<message from='%s' to='%s' id='%s' type='chat'><body>%s</body></message>"


def say(text):
    print(text, flush=True)


def send(sender, receiver, port, names, text):
    """One message from the first domain to the second, over a stream of its own to the gateway."""
    stream = sender.verified(receiver.domains[0], "127.0.0.1", port=port)
    sender.reverse[sender.domains[0], receiver.domains[0]] = stream
    stream.send(MESSAGE % (*names, text.split()[0].lower(), text))
    stanza = receiver.next_stanza()
    assert stanza.findtext("{jabber:server}body") == text
    say(f"{names[1]} received from {stanza.get('from')}: {text}")
    return stream


def main():
    certs = Certificates()
    for domain in (INSIDE, OUTSIDE):
        certs.make(domain)
    inside = Peer(certs, "127.0.0.1", INSIDE, port=0)
    outside = Peer(certs, "127.0.0.1", OUTSIDE, port=0)
    say(f"ports {inside.port} {outside.port}")
    ports = [int(word) for word in sys.stdin.readline().split()[1:]]
    alice, bob = "alice@" + INSIDE, "bob@" + OUTSIDE
    send(inside, outside, ports[0], (alice, bob), "Hello Bob, does the border let me through?")
    send(outside, inside, ports[1], (bob, alice), "It does: both servers were verified by dialback.")
    say("done")
    sys.stdin.read()


if __name__ == "__main__":
    try:
        main()
    except Exception as e:  # pylint: disable=broad-except
        say(f"failed: {e!r}")
        sys.exit(1)
