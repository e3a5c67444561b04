# SPDX-License-Identifier: MIT
"""alice@a.test inside and bob@b.test outside, on whichever of the real servers a test wants, and what is
looked at when they talk: between which addresses the gateway has streams, with TLS or without, and how each
pair of domains was proved.
"""
import time

from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WORLD_DNS, Ejabberd, Prosody,
                     local_domain, talk, until)

ALL = ("message", "presence", "muc", "vcard", "disco", "ping")
A, B = f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}"
GATEWAY_A = (OUTSIDE, 5269)
A_SERVER, B_SERVER = (A_ADDRESS, 5269), (B_ADDRESS, 5269)

# How each server is told to insist on TLS, to offer it, or to have none.
TLS = {Prosody: {"required": {}, "optional": {"encryption": False},
                 "none": {"encryption": False, "extra": 'modules_disabled = { "tls" }'}},
       Ejabberd: {"required": {}, "optional": {"starttls": "optional"},
                  "none": {"starttls": "false"}}}


def alices(server, certs, tls="required", resolver=INSIDE, **options):
    return server("a.test", A_ADDRESS, certs, resolver, {"alice": "alicepw"}, **TLS[server][tls],
                  **options)


def bobs(server, certs, tls="required", resolver=WORLD_DNS, **options):
    return server("b.test", B_ADDRESS, certs, resolver, {"bob": "bobpw"}, **TLS[server][tls],
                  **options)


def both(domain, at):
    """Records of a domain and its rooms, for World."""
    return {domain: at, "conference." + domain: at}


def inside(domain, server):
    return local_domain(domain, server) + local_domain("conference." + domain, server)


def routes(domain, address):
    return "".join(f"<route domain='{d}{domain}' address='{address}'/>"
                   for d in ("", "conference."))


def calm(gateways):
    """What one dials again is not to meet the clear of the next in its handshake: it would take that for the
    next one's answer to TLS, or to EXTERNAL, and do without. A server may leave a stream unproved, so there is
    an end to it."""
    end = time.monotonic() + 5
    while time.monotonic() < end and \
            not all(c["verified_by"] for gateway in gateways for c in gateway.connections()):
        time.sleep(0.05)


def clear(*gateways):
    """Ends all streams, so that the next stanza makes them anew under the settings of now. Rooms and presence
    may do that at once. What is confirmed before does not come back."""
    for gateway in gateways:
        until(lambda g=gateway: not g.control("show federation status")["unconfirmed"],
              "all is confirmed", gateway.alive)
    before = [{c["id"] for c in gateway.connections()} for gateway in gateways]
    for gateway in gateways:
        calm(gateways)
        gateway.control("clear federation connection all")
    for gateway, gone in zip(gateways, before):
        until(lambda g=gateway, b=gone: not b & {c["id"] for c in g.connections()},
              "the streams have ended", gateway.alive)


def streams(gateway, side):
    """Streams of `side` on which a pair is proved; there have to be some each way."""
    found = [c for c in gateway.connections() if c["side"] == side and c["verified_by"]]
    assert {c["direction"] for c in found} == {"incoming", "outgoing"}, gateway.connections()
    return found


def dialled(gateway, side):
    """The addresses that streams of `side` were opened to. Those that came have a source of the system's choice."""
    return {c["address"] for c in streams(gateway, side) if c["direction"] == "outgoing"}


def is_proved(gateway, side, tls=True, incoming="dialback", outgoing="dialback"):
    """What all streams of `side` are like. None: it does not matter."""
    for stream in streams(gateway, side):
        how = incoming if stream["direction"] == "incoming" else outgoing
        assert (stream["tls"] is not None) == tls, stream
        for pair in stream["pairs"]:
            assert how is None or pair["verified_by"] == how, stream


def talk_all(*gateways, what=ALL):
    """They talk, and no gateway sends a stanza back."""
    before = [gateway.metric("xmpp_s2s_bounced") for gateway in gateways]
    talk(A, B, *what)
    assert [gateway.metric("xmpp_s2s_bounced") for gateway in gateways] == before, \
        "a stanza was bounced"
