#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway stops, again and again, while 200 stanzas a second flow both ways through it, and starts again. What a
server had sent until it ended its stream has reached the other one, or come back as an error: never both, and never
twice. The gateway ends with status 0, and the servers find it again. At the last stop one of the servers is frozen:
what is for it comes back all the same.
"""
import signal

from s2s_account import RATE, account, certificates, flowing, floods, ids, start
from s2s_rig import Certificates, until

STOPS = 3


def stopped(own, other):
    returned = account(own, other)
    # A stop in good order takes a moment, and not the 10 s that it may take.
    assert returned < STOPS * 5 * RATE, f"{returned} stanzas of {own} came back"


def frozen(certs, b):
    with start(certs) as gateway:
        flowing(gateway)
        b.signal(signal.SIGSTOP)
        arrived = len(ids("a.test", "R"))
        sent = len(ids("a.test", "S"))
        until(lambda: len(ids("a.test", "S")) > sent + RATE, "a.test goes on", gateway.alive)
        assert len(ids("a.test", "R")) < arrived + RATE, "b.test is not frozen"
    b.signal(signal.SIGCONT)
    account("a.test", "b.test", orderly=False)


def main():
    certs = Certificates()
    certificates(certs)
    a, b = floods(certs)
    with a, b:
        for _ in range(STOPS):
            with start(certs, drain="100s") as gateway:  # nothing hangs on how fast this machine is
                flowing(gateway)
            stopped("a.test", "b.test")
            stopped("b.test", "a.test")
        frozen(certs, b)


if __name__ == "__main__":
    main()
