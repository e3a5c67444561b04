#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the SAF forwarder costs: ten thousand services to a new neighbour, on a ring of five that is cut, and in
memory; and the decision engine alone. Brokers in namespaces, on links of veth. Called by tests/bench/run.

    saf.py [NAME]     the rows with NAME in their name
    saf.py --list     the names of all rows

"saf thousand nodes" takes half an hour: it is measured when its name begins with NAME, and no other does.
Each row is measured XMB_BENCH_ROUNDS times (3), on new brokers, and each figure is the median.
XMB_BENCH_SCALE makes the services fewer. These are measurements: nothing here passes or fails, but a broker that
does not get there at all.
"""
import collections
import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROWS = ["saf new neighbour", "saf new neighbour, 10 ms", "saf new neighbour, paced",
        "saf ring of 5, cut", "saf decision engine", "saf thousand nodes"]
LONG = ROWS[-1]
if sys.argv[1:] == ["--list"]:
    print("\n".join(ROWS))
    sys.exit(0)

BENCH = os.path.dirname(os.path.abspath(__file__))
os.environ["XMB_TMP"] = tempfile.mkdtemp(prefix="xmb-bench.")
os.environ.setdefault("XMB_SAF_LOG", "warn")
os.environ.setdefault("XMB_TEST_WORKERS", "1")
os.chmod(os.environ["XMB_TMP"], 0o755)
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(BENCH, "saf"), os.path.join(BENCH, "..", "system")]
# pylint: disable=wrong-import-position
from saf_rig import TMP, Node, Scene, until  # noqa: E402
from saf_watch import (EOT, INIT, QUERY, REPLY, UPDATE, Sniffer, Subscribers, cpu_s,  # noqa: E402
                       publish_many, rss_kb)

ROUNDS = int(os.environ.get("XMB_BENCH_ROUNDS", "3"))
SCALE = float(os.environ.get("XMB_BENCH_SCALE", "1"))
SERVICES = max(100, int(10000 * SCALE))
OCTETS = 300
SLICE = 500 # services of a thousand nodes that are in memory at one time
PATIENCE = 600


class BenchNode(Node):
    def modules(self):
        return super().modules().replace('port="0"/></module>',
                                         'port="0"/><limits services="20000"/></module>', 1)

    def summary(self):
        return self.eigrp("topology summary")["summary"][0]


class BenchScene(Scene):
    """Without the capture: looking at all packets would cost more than sending them."""

    def nodes(self, count):
        first = len(self.all) + 1
        made = [BenchNode(self, first + i) for i in range(count)]
        self.all += made
        return made

    def start(self, nodes=None):
        for node in nodes or self.all:
            node.launch()
        for node in nodes or self.all:
            node.ready()


def delayed(scene, node, link, milliseconds, **iface):
    """Plugs `node` into `link` behind so much delay."""
    scene.members[link.name].append(node)
    port = scene.plug(node, link, bridged=False, **iface)
    left, right = port + "l", port + "r"
    scene.net.wire.ip(f"link add {left} type veth peer name {right}", f"link set {left} up",
                      f"link set {right} master {link.name} up")
    with scene.net.wire:
        relay = subprocess.Popen([sys.executable, os.path.join(BENCH, "saf", "delay.py"), port, left,
                                  str(milliseconds)], stdout=subprocess.PIPE, text=True)
    assert relay.stdout.readline() == "ready\n"
    return relay


def say(rounds):
    """The median of each figure; a round is a list of words and figures."""
    for figures in zip(*rounds):
        what, value = figures[0][0], statistics.median_low([value for _, value in figures])
        print(f"    {what:62}" + (f"{value:14,.3f}" if isinstance(value, float) else f"{value:10,}"),
              flush=True)


# --- a new neighbour ------------------------------------------------------------------------------

class Table:
    """What of a sniffer's packets was the table of `a` for `b`."""

    def __init__(self, packets, a, b):
        self.sent = [p for p in packets if p.source == a and p.is_data]
        acks = [p for p in packets if p.source == b and p.ack != 0]
        begin = next(p for p in self.sent if not p.flags & INIT and p.octets > 20)
        self.up_at = begin.at
        end = next(p for p in self.sent if p.flags & EOT and p.at >= begin.at)
        self.eot_at = end.at
        acked_at = {}
        for p in acks:
            acked_at.setdefault(p.ack, p.at)
        self.all_at = acked_at[end.sequence]
        table = [p for p in self.sent if begin.at <= p.at <= end.at]
        first_at = {}
        for p in table:
            first_at.setdefault(p.sequence, p.at)
        self.packets, self.octets = len(first_at), sum(p.octets for p in table)
        self.again = len(table) - len(first_at)
        self.rtts = [acked_at[s] - at for s, at in first_at.items() if s in acked_at]
        self.idle = self.gaps(table, acked_at)

    @staticmethod
    def gaps(table, acked_at):
        """From an acknowledgement to the next packet: the sender's own time, and pacing."""
        return [after.at - acked_at[before.sequence] for before, after in zip(table, table[1:])
                if before.sequence != after.sequence and before.sequence in acked_at]


def new_neighbour(milliseconds=0, **iface):
    with BenchScene() as scene:
        a, b = scene.nodes(2)
        link = scene.connect(a, **iface)
        relay = None
        if milliseconds:
            relay = delayed(scene, b, link, milliseconds / 2, **iface)
        else:
            scene.members[link.name].append(b)
            scene.plug(b, link, **iface)
        link.cut(b.space)
        scene.start()
        try:
            return measure_neighbour(scene, a, b, link)
        finally:
            if relay is not None:
                relay.kill()
                relay.wait()


def measure_neighbour(scene, a, b, link):
    pid = {n: n.process.pid for n in (a, b)}
    before = {n: rss_kb(pid[n]) for n in (a, b)}
    publisher = a.client()
    publish_many(publisher, SERVICES, OCTETS)
    until(lambda: has_all(a), "A's table is full", a.alive, PATIENCE)
    published_kb = rss_kb(pid[a]) - before[a]
    subscribers = Subscribers([b])
    before[a] = rss_kb(pid[a])
    before[b] = rss_kb(pid[b])
    sniffer = Sniffer(scene.net.wire, [link.ports[a.space]])
    cpu = {n: cpu_s(pid[n]) for n in (a, b)}
    link.mend(b.space)
    until(lambda: subscribers.told[b] >= SERVICES, "B's client was told of all", scene.check, PATIENCE)
    until(lambda: all(is_quiet(n) for n in (a, b)), "nothing waits", scene.check, PATIENCE)
    cpu = {n: cpu_s(pid[n]) - cpu[n] for n in (a, b)}
    sniffer.close()
    table = Table(sniffer.packets, a.address(link), b.address(link))
    rows = table_rows(a, table, subscribers.last_at[b]) + \
        cost_rows(a, b, cpu, published_kb, {n: rss_kb(pid[n]) - before[n] for n in (a, b)})
    subscribers.close()
    publisher.close()
    return rows


def has_all(node):
    return node.summary()["passive"] >= SERVICES


def is_quiet(node):
    row = node.summary()
    return row["active"] == row["messages_queued"] == 0 and \
        all(n["queue"] == 0 for n in node.neighbors().values())


def table_rows(a, table, told_at):
    interface = a.eigrp("interfaces detail")["interfaces"][0]
    pace_kbps = interface["bandwidth_kbps"] * interface["bandwidth_percent"] / 100
    rtt_s = statistics.mean(table.rtts)
    took_s = table.all_at - table.up_at
    return [
        ("first packet of the table to acknowledged end of table, s", took_s),
        ("until B's client was told of the last, s", told_at - table.up_at),
        ("packets", table.packets), ("services a packet", SERVICES / table.packets),
        ("EIGRP octets", table.octets), ("sent again", table.again),
        ("round trip, mean, ms", rtt_s * 1e3),
        ("from acknowledgement to next packet, mean, ms", statistics.mean(table.idle) * 1e3),
        ("bound of a window of one: packets x round trip, s", table.packets * rtt_s),
        (f"bound of pacing, {pace_kbps:.0f} kbit/s, s", table.octets * 8 / pace_kbps / 1e3)]


def cost_rows(a, b, cpu, published_kb, grown_kb):
    return [
        ("CPU of A a service forwarded, us", cpu[a] / SERVICES * 1e6),
        ("CPU of B a service learned and notified to one client, us", cpu[b] / SERVICES * 1e6),
        ("memory of A a service published, octets", published_kb * 1024 / SERVICES),
        ("and for telling B, octets", grown_kb[a] * 1024 / SERVICES),
        ("memory of B a service learned, octets", grown_kb[b] * 1024 / SERVICES)]


# --- a ring ---------------------------------------------------------------------------------------

def ring():
    """n1 has the services. The link from n1 to n2 fails: n2 and n3 have to learn the other way."""
    with BenchScene() as scene:
        nodes = scene.nodes(5)
        links = [scene.connect(node, nodes[(i + 1) % 5]) for i, node in enumerate(nodes)]
        scene.start()
        scene.converge()
        subscribers = Subscribers(nodes[1:])
        publisher = nodes[0].client()
        begin = time.time()
        publish_many(publisher, SERVICES, OCTETS)
        until(lambda: min(subscribers.told.values()) >= SERVICES and all(map(is_quiet, nodes)),
              "all have all", scene.check, PATIENCE)
        spread_s = max(subscribers.last_at.values()) - begin
        rows = [("published until all clients of all brokers were told, s", spread_s),
                *cut(scene, nodes, links, subscribers)]
        subscribers.close()
        publisher.close()
        return rows


def cut(scene, nodes, links, subscribers):
    told = dict(subscribers.told)
    # Of the link that is cut nothing is to be seen.
    sniffer = Sniffer(scene.net.wire, [next(iter(link.ports.values())) for link in links[1:]])
    cpu = [cpu_s(n.process.pid) for n in nodes]
    before = services_sent(nodes, links[0])
    begin = time.time()
    for node in scene.members[links[0].name]:
        links[0].cut(node.space)
    until(lambda: sum(len(n.neighbors()) for n in nodes) == 8, "the cut is noticed", scene.check,
          PATIENCE)
    # Asking the brokers would take their time: they are asked when the links are silent.
    until(sniffer.is_silent, "nothing is sent any more", scene.check, PATIENCE)
    until(lambda: is_round(nodes), "all have all, the other way", scene.check, PATIENCE)
    cpu = [cpu_s(n.process.pid) - c for n, c in zip(nodes, cpu)]
    sniffer.close()
    rows = cut_rows([p for p in sniffer.packets if p.is_data and p.at >= begin], begin,
                    services_sent(nodes, links[0]) - before, cpu)
    return rows + [("withdrawn to a client", sum(subscribers.withdrawn.values())),
                   ("told again to a client", sum(subscribers.told.values()) - sum(told.values()))]


def is_round(nodes):
    """n5 has it of n1, n4 of n5, n3 of n4 and n2 of n3, and nothing is active or waits."""
    if not all(is_quiet(n) for n in nodes) or not all(has_all(n) for n in nodes):
        return False
    return all(max(x["services"] for x in n.neighbors().values()) >= SERVICES for n in nodes[1:])


def services_sent(nodes, but):
    """By all interfaces that are not of that link."""
    return sum(i["packetized_sent"] for n in nodes for i in n.eigrp("interfaces detail")["interfaces"]
               if i["interface"] != but.name)


def cut_rows(packets, begin, services, cpu):
    opcodes = collections.Counter(p.opcode for p in packets)
    numbers = {(p.source, p.sequence) for p in packets}
    return [
        ("cut until the last packet, s", packets[-1].at - begin), ("packets", len(packets)),
        ("of these updates", opcodes[UPDATE]), ("queries", opcodes[QUERY]),
        ("replies", opcodes[REPLY]), ("sent again", len(packets) - len(numbers)),
        ("EIGRP octets", sum(p.octets for p in packets)), ("services in packets", services),
        ("CPU of all five a service, us", float(sum(cpu)) / SERVICES * 1e6)]


# --- all ------------------------------------------------------------------------------------------

def engine():
    """Memory here; how it grows with nodes and services says series.py, which takes longer."""
    sim = os.path.join(os.environ["XMB_BUILD"], "tests/bench/saf/dual_sim")
    print("saf decision engine: octets a service", flush=True)
    sizes = json.loads(subprocess.run([sim, "--memory"], check=True, capture_output=True, text=True).stdout)
    say([[(what.replace("_", " "), value) for what, value in sizes.items()]])
    folder = os.path.join(os.environ["XMB_BUILD"], "saf")
    print(f"    messages and steps go to {folder}; all sizes: tests/bench/saf/series.py", flush=True)
    subprocess.run([sys.executable, os.path.join(BENCH, "saf", "series.py"), folder, "--quick"], check=True,
                   stdout=subprocess.DEVNULL)


def thousand():
    """A thousand nodes, each with an entry for each of 100,000 services, one slice of them after the other. The
    counts are the same in every round, so there is one."""
    sim = os.path.join(os.environ["XMB_BUILD"], "tests/bench/saf/dual_sim")
    services = max(SLICE, int(100000 * SCALE))
    words = f"--header --topology random --nodes 1000 --services {services} --bulk --slice {SLICE} " \
        "--samples 1 --no-withdraw"
    print(f"{LONG}, {services} services: dual_sim {words}", flush=True)
    run = subprocess.run([sim, *words.split()], check=True, stdout=subprocess.PIPE, text=True)
    for row in csv.DictReader(run.stdout.splitlines()):
        figures = {name: float(value) for name, value in row.items() if value.replace(".", "", 1).isdecimal()}
        say([[(f"{row['change']}: messages", int(figures["messages"])),
              ("    services touched", int(figures["touched"])),
              ("    messages for each", figures["messages"] / max(figures["touched"], 1)),
              ("    steps", int(figures["steps_max"])),
              ("    engine's CPU a message, us", figures["engine_us"])]])


BROKER_ROWS = {
    ROWS[0]: new_neighbour,
    ROWS[1]: lambda: new_neighbour(milliseconds=10),
    ROWS[2]: lambda: new_neighbour(bandwidth=10000),
    ROWS[3]: ring,
}


ENGINE_ROWS = {ROWS[4]: engine, LONG: thousand}


def is_left_out(name, wanted):
    """What takes long is asked for by its name."""
    return name == LONG and [r for r in ROWS if r.startswith(wanted)] != [LONG]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended, too
    wanted = " ".join(sys.argv[1:])
    rows = [r for r in ROWS if wanted in r]
    if not rows:
        sys.exit(f"no row has {wanted!r} in its name; there are: " + ", ".join(ROWS))
    try:
        for name in rows:
            if is_left_out(name, wanted):
                print(f"{name}: left out, for it takes half an hour: ./dev bench '{name}'", flush=True)
                continue
            if name in ENGINE_ROWS:
                ENGINE_ROWS[name]()
                continue
            print(f"{name}: {SERVICES} services of {OCTETS} octets", flush=True)
            say([BROKER_ROWS[name]() for _ in range(ROUNDS)])
    finally:
        shutil.rmtree(TMP, ignore_errors=True)


if __name__ == "__main__":
    main()
