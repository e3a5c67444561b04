#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An operator clears the outgoing streams, again and again, and then all of them, while 200 stanzas a second flow both
ways. Each stanza has reached the other server or come back as an error: never both, and never twice. While the peers'
own streams stand, with the answers on them, none comes back at all.
"""
from s2s_account import account, certificates, flowing, floods, ids, start
from s2s_rig import Certificates, until

CLEARS = 4


def streams(gateway, *directions):
    return {c["id"] for c in gateway.connections() if c["direction"] in directions}


def returned():
    return [ids(domain, "E") for domain in ("a.test", "b.test")]


def gone(gateway, before):
    until(lambda: not before & streams(gateway, "outgoing", "incoming"), "the streams have ended",
          gateway.alive)


def clear_outgoing(gateway):
    flowing(gateway)
    before = streams(gateway, "outgoing")
    assert len(before) >= 2, gateway.connections()
    for one in before:
        assert gateway.control(f"clear federation connection {one}")["cleared"] == 1, one
    gone(gateway, before)


def clear_all(gateway):
    flowing(gateway)
    before = streams(gateway, "outgoing", "incoming")
    assert gateway.control("clear federation connection all")["cleared"] >= 4, before
    gone(gateway, before)


def repeat(gateway, clear):
    for _ in range(CLEARS):
        print("---", clear.__name__)
        clear(gateway)
    flowing(gateway)


def main():
    certs = Certificates()
    certificates(certs)
    a, b = floods(certs)
    with a, b:
        with start(certs, drain="100s") as gateway:
            flowing(gateway)
            before = returned()  # one of the servers may have been there before the other
            repeat(gateway, clear_outgoing)
            assert returned() == before, returned()
            repeat(gateway, clear_all)
        account("a.test", "b.test")
        account("b.test", "a.test")


if __name__ == "__main__":
    main()
