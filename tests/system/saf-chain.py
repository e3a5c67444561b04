#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Eight SAF forwarders in a row. A client at one end is told of what another publishes at the far
end, of its update and of its withdrawal; with each field as it was published, whatever it is. A
broker that is killed takes along what only it offered, within its hold time; one that stops in
good order, at once: its hold time is of minutes, and it is its own words that end it. And every
packet on the seven links is as published.

    n1 --l1-- n2 --l2-- n3 --l3-- ... --l7-- n8
"""
from saf_capture import first_without_way, took_leave, versions_in_order
from saf_net import Space
from saf_rig import (AT_ONCE_S, SHORT_HOLD_S, WAIT, Scene, Watcher, identity_octets, service_id,
                     transport_octets, until, xml)
from saf_speaker import GOODBYE, HELLO, Speaker, packet, route, service_block
from xmcp_helper import (ANY16, ANY32, DATA, IDENTITY, NOTIFY, PROTOCOL, TRANSPORT, UNPUBLISH,
                         WITHDRAW, identity, success)

COUNT = 8
MINUTES_S = 1200 # a hold time beyond all bounds of this test
VERSIONS = [xml("first"), xml("second"), b"not XML: \x00\xff"]
UDP, SCTP = 17, 132
UNUSUAL = { # services that have no field alike, by their identity: where
    service_id(2): ("2001:db8:5::10", 5061, UDP),
    service_id(3): ("0.0.0.0", 0, 0), # as a client says that there is no place
    service_id(0x9876, 635, "deadbeef000000000123456789abcdef"): ("198.51.100.7", 49152, SCTP),
}
PLACELESS = service_id(4) # a router can say it better: reachability of no address family
STRANGER = "10.88.1.99"


def play(scene, nodes):
    """Publish, update, update, withdraw: from the first to the last."""
    publisher, watcher = nodes[0].client(), Watcher(nodes[-1])
    numbers = []
    for version, data in enumerate(VERSIONS, 1):
        scene.publish(publisher, 1, version, data, nodes[0].router_id)
        watcher.sees(1, data)
        entry = nodes[-1].services()[1]
        assert entry["source"] == "learned", entry
        assert (entry["protocol"], entry["address"], entry["port"]) == (6, "192.0.2.10", 5060), entry
        assert entry["bytes"] == len(data), entry
        numbers.append(entry["sequence"])
    success(publisher.unpublish(1))
    watcher.sees_end(1)
    watcher.once()
    assert [e[0] for e in watcher.of(1)] == ["notify"] * len(VERSIONS) + ["withdraw"], watcher.events
    assert 1 not in nodes[-1].services()
    assert [e[2] for e in watcher.of(1)[:-1]] == numbers, (watcher.of(1), numbers)
    return numbers


# --- fields -----------------------------------------------------------------------------------

class Reader:
    """A client at the far end that has all of these services, as octets."""

    def __init__(self, node):
        self.node, self.client = node, node.client()
        for service in {i[0] for i in (*UNUSUAL, PLACELESS)}:
            self.client.subscribe(identity(service, ANY16, (ANY32,) * 4))

    def sees(self, identity, data, endpoint):
        """It is the next to be told, with exactly that."""
        self.client.socket.settimeout(WAIT)
        message = self.client.event()
        assert message.method == NOTIFY, message
        address, port, protocol = endpoint
        said = [message.attributes[a] for a in (IDENTITY, TRANSPORT, PROTOCOL, DATA)]
        expected = [identity_octets(identity), transport_octets(address, port),
                    protocol.to_bytes(4, "big"), data]
        assert said == expected, f"{said}, not {expected}"
        service, subservice, instance = identity
        entry = self.node.services()[subservice]
        place = None if identity == PLACELESS else address
        assert (entry["service"], entry["instance"].replace(".", "")) == (service, instance), entry
        said = entry["address"], entry["port"], entry["protocol"]
        assert said == (place, port, protocol), entry

    def sees_end(self, identity):
        message = self.client.event()
        assert message.method == WITHDRAW, message
        assert message.attributes[IDENTITY] == identity_octets(identity), message.attributes


def fields(scene, nodes):
    """Of other services, at other places; the capture is compared with them, too."""
    publisher, reader = nodes[0].client(), Reader(nodes[-1])
    for unusual, endpoint in UNUSUAL.items():
        service, subservice, instance = unusual
        data = xml(f"unusual {subservice}")
        scene.publish(publisher, subservice, 1, data, nodes[0].router_id, endpoint, service=service,
                      instance=instance)
        reader.sees(unusual, data, endpoint)
    for unusual in UNUSUAL:
        success(publisher.ask(UNPUBLISH, (IDENTITY, identity_octets(unusual))))
        reader.sees_end(unusual)
    placeless(scene, nodes, reader)
    until(lambda: not nodes[0].services() and not nodes[-1].services(), "all is forgotten",
          scene.check)


def placeless(scene, nodes, reader):
    """A stranger on the first link has a service that is nowhere; the far client is told so."""
    data = xml("placeless")
    scene.capture.expect(PLACELESS, data, (None, 0, UDP), "10.0.0.99")
    space = Space("stranger")
    scene.net.links["l1"].plug(space, STRANGER + "/24")
    speaker = Speaker(space, "l1", STRANGER)
    scene.extra.append(speaker)
    to = nodes[1].address(scene.net.links["l1"]) # the first would not say it where it heard it
    speaker.meet(to, seconds=WAIT)
    block = service_block(PLACELESS[1], data, address=None, port=0, protocol=UDP)
    seq = speaker.update(to, route(block))
    speaker.run(lambda: seq in speaker.peers[to]["acked"], "the update is acknowledged", WAIT)
    reader.sees(PLACELESS, data, ("0.0.0.0", 0, UDP))
    speaker.send(packet(HELLO, GOODBYE))
    reader.sees_end(PLACELESS)


# --- the ends of brokers ----------------------------------------------------------------------

def both_ends(scene, nodes):
    """Each node publishes one; both ends see all, their own as well."""
    ends = [Watcher(nodes[0]), Watcher(nodes[-1])]
    clients = [node.client() for node in nodes]
    for node, client in zip(nodes, clients):
        scene.publish(client, 10 + node.number, 1, xml(node.name), node.router_id)
    for watcher in ends:
        for node in nodes:
            watcher.sees(10 + node.number, xml(node.name))
        watcher.once()
    scene.passive()
    return ends[0]


def kill_last(nodes, watcher):
    """Only the hold time, which is short on the last one, can tell its neighbour."""
    nodes[-1].kill()
    watcher.sees_end(10 + COUNT, SHORT_HOLD_S + AT_ONCE_S)
    until(lambda: 10 + COUNT not in nodes[0].services(), "the registry forgets it", nodes[0].alive)
    assert set(nodes[0].services()) == {10 + n.number for n in nodes[:-1]}


def stop_next(nodes, watcher):
    """It is the withdrawal, and the goodbye, that tell the others: no hold time ends so soon."""
    stopped, left = nodes[-2:-4:-1]
    address = stopped.address(left.scene.net.links["l6"])
    hold = left.neighbors()["l6", address]["hold"]
    assert hold > MINUTES_S / 2, f"{left.name} would miss it in {hold} s"
    stopped.stop()
    watcher.sees_end(10 + COUNT - 1)
    stopped.ended()
    until(lambda: set(left.neighbors()) == left.expected(), "its neighbour has let it go", left.alive)
    line = left.said("is down: ", address)[-1][1]
    assert "goodbye received" in line, line


def stopped_at_once(frames, nodes):
    """It took its service back before its goodbye; and this word of its own, with one number, is what each
    link heard first: nobody found out by a neighbour that was lost."""
    stopped, identity = nodes[-2], service_id(10 + COUNT - 1)
    last = [f for f in frames if f.link == "l6" and f.source == stopped.address(stopped.scene.net.links["l6"])]
    took_leave(last, identity, stopped.router_id)
    first = first_without_way(frames, identity)
    assert set(first) == {f"l{i}" for i in range(1, COUNT - 1)}, first
    assert all(s.is_taken_back for s in first.values()), first
    assert len({s.sequence for s in first.values()}) == 1, first


def on_the_links(frames, nodes, numbers):
    """Every version is on every link, with the number that clients at the far end were told, and a hop
    further each time."""
    for i in range(COUNT - 1):
        link = f"l{i + 1}"
        here = [f for f in frames if f.link == link and f.source.endswith(f".{i + 1}")]
        versions = versions_in_order(here, service_id(1))
        assert versions == list(zip(numbers, VERSIONS)), (link, versions)
        for frame in here:
            for service in frame.services:
                if service.id == service_id(1) and service["data.type"] == "0x0001":
                    assert service.hops == i, (service.hops, service)
                    assert service.route["eigrp.metric.mtu"] == "1500", service
                    assert service.route["eigrp.ipv4.nexthop"] == "0.0.0.0", service
        told = {s.id for f in frames if f.link == link for s in f.services
                if s["data.type"] == "0x0001"}
        assert told >= {*UNUSUAL, PLACELESS}, f"on {link} only {told}"
    ends = [s for f in frames for s in f.services if s.id == service_id(1)
            and not s.is_reachable and s.route["eigrp.metric.flags.srcwd"] == "1"]
    assert {s.frame.link for s in ends} == {f"l{i}" for i in range(1, COUNT)}, ends
    stopped_at_once(frames, nodes)


def main():
    with Scene() as scene:
        nodes = scene.nodes(COUNT)
        nodes[-1].hold, nodes[-2].hold = SHORT_HOLD_S, MINUTES_S
        for left, right in zip(nodes, nodes[1:]):
            scene.connect(left, right)
        scene.start()
        scene.converge(seconds=2 * WAIT)
        numbers = play(scene, nodes)
        fields(scene, nodes)
        watcher = both_ends(scene, nodes)
        kill_last(nodes, watcher)
        stop_next(nodes, watcher)
        watcher.once()
        scene.stop()
        on_the_links(scene.capture.check(), nodes, numbers)


main()
