#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests/bench/run makes of its rounds: medians of every figure, and exit status 1 when XMB
itself has no figure in a row. The servers are made up here, nothing is measured."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os

ROW = ("a row", "--scene fanout", "cpu_us", "<= 1")


def round_of(cpu_us, per_second, p50_us, p99_us):
    return {"cpu_us": cpu_us, "per_second": per_second, "p50_us": p50_us, "p99_us": p99_us}


GOOD = [round_of(3, 300, 30, 900), round_of(1, 100, 20, 700), round_of(2, 200, 10, 800)]
BAD = {"error": "nobody is there"}


def bench():
    path = os.environ["XMB_SRC"] + "/tests/bench/run"
    loader = importlib.machinery.SourceFileLoader("bench", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    module.ROUNDS = len(GOOD)
    return module


class MadeUp:
    wire = "xmcp"

    def __init__(self, name, rounds):
        self.name, self.rounds = name, list(rounds)

    def run(self, _row):
        return self.rounds.pop(0)


def outcome(**rounds):
    """The exit status of run_own, and the line of each server as words."""
    module = bench()
    module.servers = lambda: [MadeUp(name, rounds[name]) for name in rounds]
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        status = module.run_own([ROW])
    lines = [line.split(None, 1) for line in shown.getvalue().splitlines() if line.startswith("  ")]
    return status, dict(lines), shown.getvalue()


status, lines, _ = outcome(xmb=GOOD, other=GOOD)
assert status == 0
# cpu_us: median, lowest, relation; a second, p50, p99
assert lines["xmb"].split() == ["2.000", "1.000", "1.00", "200", "20.0", "800.0"], lines

# A round that failed does not count, and no other server's rounds decide.
status, lines, _ = outcome(xmb=[BAD, GOOD[0], BAD], other=[BAD] * 3)
assert status == 0 and lines["xmb"].split()[0] == "3.000", lines
assert lines["other"] == "nobody is there", lines

status, lines, words = outcome(xmb=[BAD] * 3, other=GOOD)
assert status == 1 and lines["xmb"] == "nobody is there", (status, lines)
assert "no figure for XMB in: a row: xmb" in words, words
# Nothing to be compared with.
assert lines["other"].split()[2] == "0.00", lines
