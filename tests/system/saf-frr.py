#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""FRR's eigrpd on the link of two SAF forwarders, with the same autonomous system number: routing and services
do not meet, because the virtual router id says which is which. FRR does not look at it, we do. So our two
have each other alone, count what FRR says and go on. And the MD5 digests of FRR's hellos are right in the eyes
of our code, which was written from other makers' packets.
"""
import os
import shutil
import subprocess

from saf_capture import HELLO
from saf_net import Space
from saf_rig import DOMAIN, TMP, Scene, Watcher, skip, until, xml

FRR = "/usr/lib/frr/"
ADDRESS = "10.88.1.9"
KEY = "the-frr-key"
HELLOS = 4


class Frr:
    """zebra and eigrpd in a namespace, with files of their own."""

    def __init__(self, space):
        self.space = space
        self.folder = os.path.join(TMP, "frr")
        os.makedirs(self.folder)
        shutil.chown(self.folder, "frr", "frr")
        self.processes = []
        self.start("zebra", "")
        until(lambda: os.path.exists(self.path("zserv.api")), "zebra is ready", self.alive)
        self.start("eigrpd", f"router eigrp {DOMAIN}\n network 10.88.1.0/24\n!\n")
        until(lambda: "l1" in self.say("show ip eigrp interfaces"), "eigrpd has the interface", self.alive)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, program, text):
        with open(self.path(program + ".conf"), "w", encoding="ascii") as f:
            f.write(text)
        with open(os.path.join(TMP, program + ".log"), "wb") as log:
            self.processes.append(self.space.start(
                [FRR + program, "-f", self.path(program + ".conf"), "-i", self.path(program + ".pid"),
                 "-z", self.path("zserv.api"), "--vty_socket", self.folder, "-P", "0",
                 "--log", "stdout"], stdout=log, stderr=log))

    def alive(self):
        for process in self.processes:
            assert process.poll() is None, f"FRR ended with {process.returncode}"

    def say(self, *lines):
        words = [w for line in lines for w in ("-c", line)]
        run = subprocess.run(["vtysh", "--vty_socket", self.folder, *words], capture_output=True,
                             text=True, check=False)
        return run.stdout + run.stderr

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def vrid_drops(node):
    return next(r["count"] for r in node.traffic()["traffic"][0]["reasons"] if r["reason"] == "other-vrid")


def ignored(scene, nodes, count):
    """Both hear so many more of FRR's packets, and have each other alone."""
    for node in nodes:
        before = vrid_drops(node)
        until(lambda n=node, b=before: vrid_drops(n) >= b + count, f"{node.name} hears FRR", node.alive)
        assert set(node.neighbors()) == node.expected(), node.neighbors()
        assert not node.eigrp("neighbors").get("pending"), "FRR is a neighbour that is pending"
        assert ADDRESS not in node.log(), "FRR is in the log"
    scene.check()


def verify(capture):
    """The digests of FRR's hellos, by our code; and no wrong key passes."""
    which = "eigrp.vrid == 0 && eigrp.auth.type == 2"
    frames, octets = capture.frames(which), capture.octets(which)
    assert len(frames) >= HELLOS, len(frames)
    assert all(f.source == ADDRESS and f.opcode == HELLO for f in frames), frames
    for key, word in ((KEY, "good"), (KEY + "x", "bad")):
        text = "".join(f"{ADDRESS} {key} {o.hex()}\n" for o in octets)
        run = subprocess.run([os.path.join(os.environ["XMB_BUILD"], "tests/system/eigrp_verify")],
                             input=text, capture_output=True, text=True, check=True)
        assert run.stdout.splitlines() == [f"md5 1 {word}"] * len(octets), run.stdout
    return len(octets)


def main():
    for program in ("zebra", "eigrpd"):
        if not os.path.exists(FRR + program):
            skip("FRR's " + program + " is not installed")
    with Scene() as scene:
        nodes = scene.nodes(2)
        link = scene.connect(*nodes)
        scene.start()
        scene.converge()
        publisher, watcher = nodes[0].client(), Watcher(nodes[1])
        space = Space("frr")
        link.plug(space, ADDRESS + "/24")
        frr = Frr(space)
        scene.extra.append(frr)
        frr.say("conf t", "interface l1", "ip hello-interval eigrp 1")
        ignored(scene, nodes, HELLOS)
        scene.publish(publisher, 1, 1, xml("beside FRR"), nodes[0].router_id)
        watcher.sees(1, xml("beside FRR"))
        frr.say("conf t", "key chain K", "key 1", "key-string " + KEY)
        said = frr.say("conf t", "interface l1", f"ip authentication mode eigrp {DOMAIN} md5",
                       f"ip authentication key-chain eigrp {DOMAIN} K")
        assert not said.strip(), said
        ignored(scene, nodes, 2 * HELLOS)
        frr.alive()
        watcher.once()
        scene.stop()
        ours = f"eigrp && ip.src != {ADDRESS}"
        scene.capture.check(ours, sound=ours)
        print(f"{verify(scene.capture)} digests of FRR's hellos verified")


main()
