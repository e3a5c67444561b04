#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The one right that a SAF forwarder needs, CAP_NET_RAW: without it the broker says what is missing and
how to grant it, and does not start; an ordinary user with that right alone runs a forwarder; root gives up
all but it, and still opens more on a reload.
"""
import os
import pwd
import shutil
import subprocess

from saf_rig import DOMAIN, TMP, Scene, Watcher, skip, until, xml

NET_RAW = 1 << 13
NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
NONE = [*NOBODY, "--inh-caps=-all", "--bounding-set=-all"]
AMBIENT = [*NOBODY, "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"]
ROOT_WITHOUT = ["setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw"]


def capabilities(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as f:
        lines = dict(line.split(":", 1) for line in f)
    return int(lines["CapEff"], 16), int(lines["CapPrm"], 16), int(lines["Uid"].split()[0])


def refused(node, prefix):
    """It ends at once, and says why and what to do."""
    node.prefix = prefix
    node.launch()
    assert node.process.wait(60) == 1, f"ended with {node.process.returncode}"
    node.process = None
    line = next((x for x in node.log().splitlines() if "CAP_NET_RAW" in x and "88" in x), None)
    assert line is not None, f"CAP_NET_RAW is not named: {node.log()}"
    for word in (os.path.basename(node.config), str(DOMAIN), "AmbientCapabilities", "setcap"):
        assert word in line, f"'{word}' is missing: {line}"


def checks(node):
    """`xmbd -t` opens nothing, so it needs no right."""
    run = node.space.run(*NONE, os.environ["XMBD"], "-t", "-c", node.config, "-p",
                         os.environ["XMB_PLUGINS"], capture_output=True, text=True)
    assert run.stdout + run.stderr == "", run


def works(scene, nodes):
    scene.start(nodes)
    scene.converge()
    publisher, watcher = nodes[0].client(), Watcher(nodes[1])
    scene.publish(publisher, 1, 1, xml("of nobody"), nodes[0].router_id)
    watcher.sees(1, xml("of nobody"))
    assert capabilities(nodes[0]) == (NET_RAW, NET_RAW, pwd.getpwnam("nobody").pw_uid), capabilities(nodes[0])
    effective, permitted, uid = capabilities(nodes[1])
    assert uid != 0 and effective == permitted == NET_RAW, (effective, permitted, uid)


def more(nodes):
    """A process that a reload adds needs another socket, long after the drop."""
    for node in nodes:
        node.other = node.family_xml() + \
            "<service-family address-family='ipv6' autonomous-system='7' router-id='10.0.0.77'>" \
            "<sf-interface name='default' shutdown='yes'/>" + node.iface_xml("l1", {}) + "</service-family>"
        node.reload()
    for node in nodes:
        until(lambda n=node: "fe80::" in n.control("show eigrp service-family ipv6 7 neighbors",
                                                   check=False).stdout,
              f"{node.name} has an IPv6 neighbour", node.alive)


def main():
    if shutil.which("setpriv") is None:
        skip("setpriv is not installed")
    with Scene() as scene:
        nodes = scene.nodes(2)
        scene.connect(*nodes)
        mine = os.path.join(TMP, "nobody")
        os.makedirs(mine)
        shutil.chown(mine, "nobody", "nogroup")
        nodes[0].socket = os.path.join(mine, "xmbd.sock")
        try:
            subprocess.run([*NONE, os.environ["XMBD"], "-V"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            skip("the build folder cannot be entered by the user nobody")
        refused(nodes[0], NONE)
        refused(nodes[1], ROOT_WITHOUT)
        checks(nodes[0])
        nodes[0].prefix, nodes[1].prefix = AMBIENT, []
        works(scene, nodes)
        more(nodes)
        scene.stop()
        scene.capture.check(f"eigrp && eigrp.as == {DOMAIN}") # no fault in the other one either


main()
