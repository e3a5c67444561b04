# SPDX-License-Identifier: MIT
"""a.test inside and b.test outside send each other 200 numbered stanzas a second through one gateway (s2s_flood.py),
and it is added up afterwards what became of each.
"""
import collections
import os
import sys

from s2s_rig import TMP, WAIT, Gateway, Process, local_domain, profiles, until

A, B = "127.0.0.10", "127.0.0.20"
INSIDE, OUTSIDE = "127.0.0.30", "127.0.0.31"
RATE = 200


def ids(domain, kind):
    try:
        with open(os.path.join(TMP, domain + ".flood"), encoding="ascii") as f:
            lines = [line.split() for line in f.read().splitlines()]
    except FileNotFoundError:
        return []
    return [line[1] for line in lines if line[0] == kind]


def certificates(certs):
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")


def flood(certs, own, address, to, gateway):
    return Process("flood-" + own, [
        sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "s2s_flood.py"), own, address,
        to, gateway, certs.folder, own, "secret of " + own, str(RATE), "1"], os.environ)


def floods(certs):
    return flood(certs, "a.test", A, "b.test", INSIDE), flood(certs, "b.test", B, "a.test", OUTSIDE)


def start(certs, **parts):
    return Gateway(broker=profiles(certs), local=local_domain("a.test", (A, 5269)),
                   routes=f"<route domain='b.test' address='{B}'/>", dns=None, inside_dns=False,
                   log="info", **parts)


def flowing(gateway):
    """Stanzas arrive on both sides that were sent from now on."""
    before = {d: len(ids(d, "R")) for d in ("a.test", "b.test")}
    for domain, count in before.items():
        until(lambda d=domain, n=count: len(ids(d, "R")) > n + RATE, f"stanzas flow to {domain}",
              gateway.alive, 2 * WAIT)


def missing(own, other):
    return set(ids(own, "S")) - set(ids(own, "X")) - set(ids(other, "R")) - set(ids(own, "E"))


def account(own, other, orderly=True):
    """Each stanza of `own` has arrived or come back, none twice, and when all went in order none both ways. Says how
    many came back."""
    try:
        until(lambda: not missing(own, other), f"every stanza of {own} is delivered or came back")
    except AssertionError:
        print("missing:", sorted(missing(own, other))[:20], len(missing(own, other)))
        raise
    arrived, returned = ids(other, "R"), ids(own, "E")
    for kind in (arrived, returned):
        twice = [i for i, n in collections.Counter(kind).items() if n > 1]
        assert not twice, f"twice, from {own}: {len(twice)}, {twice[:10]}"
    both = [i for i in set(arrived) & set(returned) if i.startswith(own)]
    print(f"{own}: sent {len(ids(own, 'S'))}, arrived {len(arrived)}, came back {len(returned)}, "
          f"of these both {len(both)}")
    assert not orderly or not both, f"{len(both)} stanzas of {own} arrived and came back: {both[:10]}"
    return len(returned)
