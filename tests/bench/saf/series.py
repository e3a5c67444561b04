#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The decision engine alone, as networks and tables grow: runs dual_sim for each size, writes what it counted
to FOLDER/saf-nodes.csv and FOLDER/saf-services.csv, and draws both.

    series.py FOLDER            all sizes; ten minutes and 3 GiB
    series.py FOLDER --quick    up to 100 nodes and 10,000 services; a minute
    series.py FOLDER --draw     only draws what is there

XMB_BUILD says where dual_sim is. A difference from the shortest ways ends this with status 1.
"""
import csv
import os
import subprocess
import sys

from plot import draw

SIM = os.path.join(os.environ.get("XMB_BUILD", "."), "tests/bench/saf/dual_sim")
NODES = (10, 30, 100, 300, 1000)
RING_NODES = (10, 30, 100, 250)  # EIGRP counts no more than 255 hops
SERVICES = (100, 1000, 10000, 100000)
TOPOLOGIES = ("ring", "tree", "random", "hub", "hub-stub")
NETWORKS = (("ring", 5), ("random", 30))  # of the series that grows in services


def simulate(header, *words):
    print("   ", *words, flush=True)
    run = subprocess.run([SIM, *(["--header"] if header else []), *map(str, words)], check=False,
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"dual_sim {' '.join(map(str, words))}: {run.stderr.strip()}")
    return run.stdout


def by_nodes(path, most):
    text = ""
    for topology in TOPOLOGIES:
        for nodes in RING_NODES if topology == "ring" else NODES:
            if nodes > most:
                continue
            hops = ("--hops", 255) if topology == "ring" and nodes > 100 else ()
            text += simulate(not text, "--topology", topology, "--nodes", nodes, *hops)
    write(path, text)


def by_services(path, most):
    text = ""
    for topology, nodes in NETWORKS:
        for services in SERVICES:
            if services > most:
                continue
            words = ("--topology", topology, "--nodes", nodes, "--services", services, "--samples", 4)
            text += simulate(not text, *words)
            text += simulate(False, *words, "--bulk")
            text += simulate(False, *words, "--bulk", "--window")
    write(path, text)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def read(path):
    with open(path, encoding="ascii") as f:
        return list(csv.DictReader(f))


# --- pictures -------------------------------------------------------------------------------------

def lines_of(rows, key, value, topologies, **wanted):
    """A line for each topology: its points, by `key`."""
    lines = []
    for topology in topologies:
        points = [(float(r[key]), float(r[value])) for r in rows if r["topology"] == topology and
                  all(r[k] == v for k, v in wanted.items()) and float(r[value]) > 0]
        if points:
            lines.append((topology, points))
    return lines


def draw_nodes(rows, path):
    panels = []
    for value, what in (("messages", "messages"), ("steps", "steps")):
        for change, words in (("publish", "a service is published"), ("data", "its data changes"),
                              ("withdraw", "it is withdrawn"), ("link cut", "a link fails, 100 services"),
                              ("link back", "it is back"), ("node death", "a node dies, 100 services")):
            panels.append((f"{what}: {words}", "nodes",
                           lines_of(rows, "nodes", value, TOPOLOGIES, change=change)))
    draw(path, "The decision engine alone: what a change costs as the network grows", panels, columns=3)


def draw_services(rows, path):
    panels = []
    for value, mode, window, title in (
            ("messages", "one", "0", "messages: one service is published"),
            ("messages", "bulk", "0", "messages: a link fails"),
            ("packets", "bulk", "1", "packets: a link fails"),
            ("steps", "bulk", "0", "steps: a link fails"),
            ("steps", "bulk", "1", "steps, window of one: a link fails"),
            ("steps", "bulk", "1", "steps, window of one: all published")):
        change = "publish" if "published" in title else "link cut"
        panels.append((title, "services", lines_of(rows, "services", value, [n for n, _ in NETWORKS],
                                                   change=change, mode=mode, window=window)))
    draw(path, "The decision engine alone, ring of 5 and random net of 30: what a change costs as the table grows",
         panels, columns=3)


def main():
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--quick"], ["--draw"]):
        sys.exit(__doc__)
    folder, option = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    nodes, services = (os.path.join(folder, f"saf-{what}") for what in ("nodes", "services"))
    if option != ["--draw"]:
        by_nodes(nodes + ".csv", 100 if option else NODES[-1])
        by_services(services + ".csv", 10000 if option else SERVICES[-1])
    draw_nodes(read(nodes + ".csv"), nodes + ".svg")
    draw_services(read(services + ".csv"), services + ".svg")


if __name__ == "__main__":
    main()
