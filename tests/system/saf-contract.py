#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The contract's example of a SAF forwarder runs as it is, the whole file: as 10.0.0.1 on eth0, where
10.0.0.2 is its neighbour, by its shared key. Services pass in both directions, by the clients that the
file lets in. On eth1, where the other one calls for neighbours, it says nothing.

    sample --eth0-- peer
           --eth1--
"""
import os

from saf_capture import HELLO
from saf_rig import DOMAIN, Node, Publisher, Scene, Watcher, until, xml
from saf_speaker import sha256_digest
from xmcp_helper import success

SAMPLE = os.path.join(os.environ["XMB_SRC"], "tests/data/contract/saf-forwarder.xml")
KEY = "a shared key"
MINE, OTHERS = "10.0.0.1", "10.0.0.2"
# The file's control socket is in /run, which shall be the broker's own; the process leads there.
OWN_RUN = ["sh", "-c", 'mount -t tmpfs none /run && mkdir /run/xmb && exec "$@"', "sh"]


class Sample(Node):
    """xmbd with the example, of which nothing is changed."""

    def __init__(self, scene, number):
        super().__init__(scene, number)
        self.config, self.prefix = SAMPLE, OWN_RUN

    def write(self):
        pass

    def launch(self):
        super().launch()
        self.socket = f"/proc/{self.process.pid}/root/run/xmb/xmbd.sock"

    def client(self, authenticated=True):
        user = ("example", "passwordexample") if authenticated else ()
        with self.space:
            client = Publisher(self, *user)
        client.register(DOMAIN)
        self.clients.append(client)
        return client


def wire(scene, sample, peer):
    """Both links, and what the peer has to say to fit the example."""
    for name, net in (("eth0", "10.0.0"), ("eth1", "10.0.1")):
        link = scene.net.link(name)
        for node in (sample, peer):
            link.plug(node.space, f"{net}.{node.number}/24")
    signed = f"<authentication mode='hmac-sha-256' key='{KEY}'/>"
    peer.ifaces = {"eth0": {"hello_interval": 5, "hold_time": 15, "inner": signed}, "eth1": {}}
    peer.inner = f"<neighbor address='{MINE}' interface='eth0'/>"


def as_written(sample):
    """What the file says of eth0, and of eth1."""
    interfaces = {i["interface"]: i for i in sample.eigrp("interfaces detail")["interfaces"]}
    assert set(interfaces) == {"eth0"}, interfaces
    eth0 = interfaces["eth0"]
    said = [eth0[k] for k in ("hello_ms", "hold", "bandwidth_percent", "split_horizon",
                              "authentication")]
    assert said == [5000, 15, 50, "interface", "hmac-sha-256"], eth0


def passes(scene, sample, peer):
    """From each to the other, changed and withdrawn."""
    for number, (here, there) in enumerate(((sample, peer), (peer, sample)), 1):
        publisher, watcher = here.client(), Watcher(there)
        for version in (1, 2):
            data = xml(f"of {here.router_id}, {version}")
            scene.publish(publisher, number, version, data, here.router_id)
            watcher.sees(number, data)
        success(publisher.unpublish(number))
        watcher.sees_end(number)
        watcher.once()


def on_the_links(capture):
    """On eth0 all is unicast, and signed by the key; on eth1 only the peer speaks."""
    frames = capture.check()
    silent = [f for f in frames if f.link == "eth1"]
    assert silent and {f.source for f in silent} == {"10.0.1.2"}, silent
    assert all(f.opcode == HELLO and f.is_multicast for f in silent), silent
    for frame, payload in zip(frames, capture.octets()):
        if frame.link == "eth0":
            assert {frame.source, frame.to} == {MINE, OTHERS}, frame
            digest = bytes.fromhex(frame["eigrp.auth.digest"].replace(":", ""))
            assert frame["eigrp.auth.type"] == "3", frame
            assert sha256_digest(payload, KEY.encode(), frame.source) == digest, frame
    said = {f.number("par.holdtime") for f in frames
            if f.source == MINE and "eigrp.par.holdtime" in f.fields and not f.is_goodbye}
    assert said == {15}, said


def main():
    with Scene() as scene:
        sample, peer = Sample(scene, 1), Node(scene, 2)
        scene.all = [sample, peer]
        wire(scene, sample, peer)
        scene.start()
        for node, other in ((sample, OTHERS), (peer, MINE)):
            until(lambda n=node, o=other: set(n.neighbors()) == {("eth0", o)},
                  f"{node.name} has {other}", node.alive)
        passes(scene, sample, peer)
        as_written(sample)
        scene.stop()
        on_the_links(scene.capture)


main()
