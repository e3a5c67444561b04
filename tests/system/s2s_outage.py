# SPDX-License-Identifier: MIT
"""What the tests of outages count. Servers write down each stanza that they send, receive and get back (s2s_flood.py,
s2s_bots.py); a `Ledger` reads that of one of them, and a `Balance` compares both ends.

The *survivor* lives through the outage. What it gave to the gateway has reached the other end or has come back, all of
it. The *victim* is killed, frozen or cut off. What it wrote and the gateway never read was never taken, and nobody but
the victim can tell of it; so of each of its streams the first ones up to some number have arrived or come back, without
a gap. Nothing arrives twice, nothing comes back twice, nothing arrives that was not sent.
"""
import bisect
import calendar
import collections
import os
import re
import sys
import time

from s2s_rig import HERE, TMP, Process, until

RATE = 200  # stanzas a second, each way
RATE_OVER_S = 2  # it is measured over so long
SEEN_S = 30
INTERVAL_S, HOLD_S = 1, 2  # the defaults of <delivery>
# What a busy machine may add to these; a sanitizer makes more of it.
LATE_S = 3 if os.environ.get("XMB_SANITIZED") == "yes" else 1
LINE = re.compile(r"^(\d+-\d+-\d+T\d+:\d+:\d+)\.(\d+)Z \w+ (\S+) (\S+): (.*)$")


class Ledger:
    """`rows` holds for S, R, E and X the numbers of stanzas as they came, `times` when. A number is (stream, n), with
    the domain that sent it before the stream."""

    def __init__(self, domain):
        self.domain = domain
        self.offset = 0
        self.rows = {kind: [] for kind in "SREX"}
        self.times = {kind: [] for kind in "SREX"}
        self.conditions = collections.Counter()

    def read(self):
        try:
            with open(os.path.join(TMP, self.domain + ".flood"), "rb") as f:
                f.seek(self.offset)
                data = f.read()
        except FileNotFoundError:
            return self
        data = data[:data.rfind(b"\n") + 1]
        self.offset += len(data)
        for line in data.decode().splitlines():
            kind, identity, *more, when = line.split()
            stream, number = identity.rsplit("-", 1)
            self.rows[kind].append((stream, int(number)))
            self.times[kind].append(float(when))
            self.conditions.update(more)
        return self

    def count(self, kind):
        return len(self.read().rows[kind])

    def rate(self, kind):
        """A second, over the last ones."""
        times = self.read().times[kind]
        return (len(times) - bisect.bisect(times, time.time() - RATE_OVER_S)) / RATE_OVER_S


class Balance:
    def __init__(self, survivor, victim):
        self.survivor, self.victim = Ledger(survivor), Ledger(victim)
        self.ends = (self.survivor, self.victim)

    def flow(self, check):
        """From now on, RATE stanzas a second are sent, and arrive, both ways. Returns what was measured."""
        begin = time.monotonic()

        def rates():
            if time.monotonic() - begin < RATE_OVER_S:
                return None
            rates = [end.rate(kind) for end in self.ends for kind in "SR"]
            return rates if all(0.95 * RATE < r < 1.1 * RATE for r in rates) else None
        return until(rates, f"{RATE} stanzas a second flow both ways", check, 120)

    def gone(self):
        """Lists of what need not be looked for any more."""
        for end in self.ends:
            end.read()
        return self.survivor.rows["X"], self.victim.rows["R"], self.survivor.rows["E"]

    def missing(self):
        """What the survivor sent and nobody has."""
        sent = self.survivor.read().rows["S"]
        return set(sent).difference(*self.gone())

    def both(self):
        """Of the survivor's, those that arrived and came back."""
        return set(self.victim.read().rows["R"]) & set(self.survivor.read().rows["E"])

    def settled_until_now(self, check):
        """What the survivor has sent so far has arrived or come back; more goes on being sent."""
        sent = set(self.survivor.read().rows["S"])
        until(lambda: not sent.difference(*self.gone()),
              f"what {self.survivor.domain} sent arrived or came back", check, 120)

    def settle(self, check, seconds=120):
        try:
            until(lambda: not self.missing(), f"all of {self.survivor.domain} arrived or came back",
                  check, seconds)
        except AssertionError:
            print("missing:", len(self.missing()), sorted(self.missing())[:20])
            raise

    def nothing_twice(self):
        for end, other in (self.ends, self.ends[::-1]):
            end.read(), other.read()
            for kind, sender in (("R", other), ("E", end)):
                twice = [i for i, n in collections.Counter(end.rows[kind]).items() if n > 1]
                assert not twice, f"twice at {end.domain} ({kind}): {len(twice)}, {twice[:10]}"
                strange = set(end.rows[kind]) - set(sender.rows["S"])
                assert not strange, f"never sent, at {end.domain} ({kind}): {sorted(strange)[:10]}"

    def unheard(self, stream):
        """Of a stream of the victim: what it sent that has neither arrived nor come back."""
        for end in self.ends:
            end.read()
        sent = {row for row in self.victim.rows["S"] if row[0] == stream}
        return sent.difference(self.victim.rows["X"], self.survivor.rows["R"], self.victim.rows["E"])

    def no_gaps(self):
        """Returns how many the victim wrote, stream by stream, that the gateway did not read."""
        there = collections.defaultdict(set)
        for stream, number in self.survivor.read().rows["R"] + self.victim.read().rows["E"]:
            if stream.startswith(self.victim.domain + "-"):
                there[stream].add(number)
        sent = collections.Counter(stream for stream, _ in self.victim.rows["S"])
        sent.subtract(stream for stream, _ in self.victim.rows["X"])
        for stream, numbers in there.items():
            gap = set(range(1, max(numbers) + 1)) - numbers
            assert not gap, f"of {stream}, {len(gap)} are missing before the last: {sorted(gap)[:20]}"
        return {stream: n - len(there[stream]) for stream, n in sent.items()}

    def report(self):
        for end, other in (self.ends, self.ends[::-1]):
            print("%s: sent %d, arrived %d, came back %d %s, of these both %d" % (
                end.domain, len(end.rows["S"]), len(other.rows["R"]), len(end.rows["E"]),
                dict(end.conditions), len(set(other.rows["R"]) & set(end.rows["E"]))))


def seen(gateway, domain, offset):
    """When the gateway's log says, behind `offset`, that the stream to `domain` has ended, and the line; or None."""
    with open(gateway.log_path, encoding="utf-8", errors="replace") as f:
        f.seek(offset)
        for line in f.read().splitlines():
            match = LINE.match(line)
            if match is not None and match[4] == domain and " ended: " in match[5]:
                second = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
                return second + int(match[2]) / 1000, match[5]
    return None


def outage(gateway, domain, begin):
    """Calls `begin`, and waits until the gateway has seen it: by the time in its log, within SEEN_S."""
    offset, began = os.path.getsize(gateway.log_path), time.time()
    begin()
    when, line = until(lambda: seen(gateway, domain, offset), "the outage is seen", gateway.alive,
                       2 * SEEN_S)
    print(f"seen after {when - began:.1f} s: {line}")
    assert when - began <= SEEN_S, f"seen after {when - began} s"


def stop_sending(*domains):
    for domain in domains:
        with open(os.path.join(TMP, domain + ".stop"), "w", encoding="ascii"):
            pass


def flood(certs, own, address, to, gateway, prefix=()):
    """A server of `own` that sends to `to` (s2s_flood.py); each that is started has a number of its own."""
    flood.runs += 1
    return Process(f"flood-{own}-{flood.runs}", [
        *prefix, sys.executable, os.path.join(HERE, "s2s_flood.py"), own, address, to, gateway,
        certs.folder, own, "secret of " + own, str(RATE), str(flood.runs)], os.environ)


flood.runs = 0
