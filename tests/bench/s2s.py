#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a relayed stanza costs: the gateway beside HAProxy (TLS in, TLS out, the same bytes, no XML), Prosody and
ejabberd (S2S in, to a component), in one run on loopback of a network of its own. Called by tests/bench/run.

The server runs on core 0, the load generator on core 1. CPU time is the kernel's account of the server's process.
These are measurements: nothing here passes or fails, but for the row of resumed set-ups: it
fails when a TLS session of xmbd's was not resumed.

    s2s.py [NAME]     the rows with NAME in their name
    s2s.py --list     the names of all rows
    XMB_BENCH_PEERS="xmbd haproxy"     only these servers
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

# name, arguments, what is quoted, the target for xmbd
ROWS = [
    ("s2s 300 bytes, saturated", "--scene relay --bytes 300 --count 400000", "cpu_us", "<= 5"),
    ("s2s 300 bytes, a record each", "--scene relay --bytes 300 --count 200000 --one-record",
     "cpu_us", "<= 7.5"),
    ("s2s 4 KiB, saturated", "--scene relay --bytes 4096 --count 60000", "cpu_us", "<= 40"),
    ("s2s 1000 a second", "--scene rate --bytes 300 --rate 1000 --count 5000", "cpu_us",
     "<= 140, p99_ms <= 5"),
    ("s2s set-up with dialback", "--scene setup --count 500", "cpu_ms", "<= 3.5"),
    ("s2s set-up, resumed", "--scene setup --count 500 --resume", "cpu_ms", "<= 3.5"),
    ("s2s idle stream", "--scene idle --streams 500", "kib_per_stream", "<= 40"),
]
if sys.argv[1:] == ["--list"]:
    print("\n".join(row[0] for row in ROWS))
    sys.exit(0)

BENCH = os.path.dirname(os.path.abspath(__file__))
os.environ["XMB_TMP"] = tempfile.mkdtemp(prefix="xmb-bench.")
os.chmod(os.environ["XMB_TMP"], 0o755)
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(BENCH, "..", "system"))
# pylint: disable=wrong-import-position
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, TMP, WORLD_DNS, Certificates,  # noqa: E402
                     Ejabberd, Gateway, Process, Prosody, World, listens, local_domain, profiles,
                     until)

LOAD = os.path.join(os.environ["XMB_BUILD"], "tests/bench/s2s/s2sload")
ROUNDS = int(os.environ.get("XMB_BENCH_ROUNDS", "3"))
SCALE = float(os.environ.get("XMB_BENCH_SCALE", "1"))
HAPROXY, PROSODY, EJABBERD = "127.0.0.60", "127.0.0.61", "127.0.0.62"
SLOW = {"prosody": 0.05, "ejabberd": 0.1}  # the share of the work that these get


class Haproxy(Process):
    def __init__(self, certs):
        path = os.path.join(TMP, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"""global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend in
  bind {HAPROXY}:5269 ssl crt {certs.path("a.test.pem")}
  default_backend out
backend out
  server b {B_ADDRESS}:5269 ssl verify none
""")
        super().__init__("haproxy", [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f",
                                     path])
        until(lambda: listens(HAPROXY, 5269), "haproxy listens", self.alive)


def prosody(certs):
    return Prosody("b.test", PROSODY, certs, WORLD_DNS, {}, log="warn", components="""
Component "bench.b.test"
	component_secret = "bench"
""", extra=f"""component_ports = {{ 5347 }}
component_interfaces = {{ "{PROSODY}" }}
limits = {{ }}""")


def ejabberd(certs):
    return Ejabberd("b.test", EJABBERD, certs, WORLD_DNS, {}, log="warning", listen=f"""
  -
    ip: "{EJABBERD}"
    port: 5347
    module: ejabberd_service
    hosts:
      "bench.b.test":
        password: "bench"
""")


def gateway(certs):
    return Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                   routes=f"<route domain='b.test' address='{B_ADDRESS}'/>", inside_dns=False,
                   security="<security side='inside' mode='tls-required'/>", log="warn",
                   workers="1", more="<limits unverified-streams='1000' pairs='64'/>")


# Streams of many domains come from outside; nN.b.test is found by the world's DNS.
IDLE = f"--from b.test --to a.test --server {OUTSIDE} --listen-from {B_ADDRESS} " \
       f"--listen-to {A_ADDRESS}"

PEERS = {
    "xmbd": (gateway, f"--to b.test --server {INSIDE} --server-out {OUTSIDE} "
                      f"--listen-from {A_ADDRESS} --listen-to {B_ADDRESS}"),
    "haproxy": (Haproxy, f"--wire tls --to b.test --server {HAPROXY} --listen-to {B_ADDRESS}"),
    "ejabberd": (ejabberd, f"--to bench.b.test --server {EJABBERD} --component {EJABBERD} "
                           f"--listen-from {A_ADDRESS}"),
    "prosody": (prosody, f"--to bench.b.test --server {PROSODY} --component {PROSODY} "
                         f"--listen-from {A_ADDRESS}"),
}


def scaled(words, factor):
    words = words.split()
    for i, word in enumerate(words[:-1]):
        if word == "--count" and "rate" not in words:
            words[i + 1] = str(max(100, int(int(words[i + 1]) * factor)))
        elif word == "--count":
            words[i + 1] = str(max(1000, int(int(words[i + 1]) * SCALE)))
    return words


def component_listens(arguments, process):
    """A server of a component is ready when the component can connect, which may be later than the rest."""
    arguments = arguments.split()
    if "--component" in arguments:
        address = arguments[arguments.index("--component") + 1]
        until(lambda: listens(address, 5347), f"{process.name} listens for components",
              process.alive)


def measure(name, words, certs):
    """One round: what the load generator printed, or None behind words about what went wrong."""
    start, arguments = PEERS[name]
    if name == "xmbd" and "idle" in words:
        arguments += " " + IDLE
    with start(certs) as process:
        component_listens(arguments, process)
        pid = process.process.pid  # all of them exec, so the child is the server
        subprocess.run(["taskset", "-apc", "0", str(pid)], check=False, capture_output=True)
        run = subprocess.run(
            ["taskset", "-c", "1", LOAD, "--from", "a.test", *arguments.split(), "--certificate",
             certs.path("load.crt"), "--key", certs.path("load.key"), "--pid", str(pid),
             *scaled(words, SLOW.get(name, 1) * SCALE)],
            capture_output=True, text=True, check=False, timeout=300)
    if run.returncode != 0:
        print(f"    {name}: {run.stderr.strip() or f'the load ended with {run.returncode}'}")
        return None
    return json.loads(run.stdout)


def is_there(peer):
    """HAProxy is where users have no PATH; ejabberd is started by Erlang."""
    program = {"ejabberd": "erl"}.get(peer, peer)
    return shutil.which(program) or os.path.exists("/usr/sbin/" + program)


def peers_of(words):
    """HAProxy knows no dialback. Its idle stream is a pair: one in, one out."""
    wanted = os.environ.get("XMB_BENCH_PEERS", " ".join(PEERS)).split()
    for peer in PEERS:
        if peer not in wanted or (peer == "haproxy" and "setup" in words):
            continue
        if peer == "xmbd" or is_there(peer):
            yield peer
        else:
            print(f"    {peer:9} not installed")


def not_resumed(peer, words, rounds):
    """Words about full handshakes in a row of resumed ones; None: there are none. As clients, when
    they ask for the proof, the other servers need not resume."""
    sides = ("in", "out") if peer == "xmbd" else ("in",)
    if "--resume" not in words.split():
        return None
    for side in sides:
        for r in rounds:
            if r[side] == 0 or r[side + "_resumed"] < r[side]:
                return f"not resumed: {r[side + '_resumed']} of {r[side]} TLS sessions {side}"
    return None


def row(name, words, quoted, target, certs):
    """False: xmbd did not do what the row is about."""
    print(f"{name} ({quoted}; target for xmbd {target})", flush=True)
    good = True
    for peer in peers_of(words):
        try:
            rounds = [r for r in (measure(peer, words, certs) for _ in range(ROUNDS)) if r]
        except (AssertionError, subprocess.TimeoutExpired) as e:
            print(f"    {peer}: {str(e).strip()[-300:]}")
            continue
        if not rounds:
            continue
        why = not_resumed(peer, words, rounds)
        if why is not None:
            print(f"    {peer:9} {why}", flush=True)
            good = good and peer != "xmbd"
            continue
        rounds.sort(key=lambda r: r[quoted])
        middle = rounds[len(rounds) // 2]
        rest = ", ".join(f"{k} {v}" for k, v in middle.items() if k != quoted)
        print(f"    {peer:9} {middle[quoted]:>9}   {rest}", flush=True)
    return good


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended, too
    wanted = " ".join(sys.argv[1:])
    rows = [r for r in ROWS if wanted in r[0]]
    if not rows:
        sys.exit(f"no row has {wanted!r} in its name; there are: " + ", ".join(r[0] for r in ROWS))
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    certs.make("load", names="DNS:a.test,DNS:b.test,DNS:*.b.test")
    try:
        with World({"a.test": (A_ADDRESS, 5269)},
                   extra=[f"address=/a.test/{A_ADDRESS}", f"address=/b.test/{B_ADDRESS}"]):
            failed = [r[0] for r in rows if not row(*r, certs)]
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
