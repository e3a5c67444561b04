# SPDX-License-Identifier: MIT
"""What went over the links, in the eyes of somebody else: one dumpcap on all of them, then tshark.

The gate (`Capture.check`): no frame of ours is malformed or draws a remark of level warning or
above, each is of the service family's virtual router and has a good checksum, whatever its
autonomous system. That is not enough: tshark says nothing about a field that was written to the
wrong place. So every service in the capture is compared with what was published, which the tests
tell `Capture.expect`, and its metric with that of as many links as it has hops: `Capture.link`,
where all are alike.
"""
import os
import re
import signal
import socket
import struct
import subprocess
import xml.etree.ElementTree as ET

from xmcp_helper import TMP, until

WARNING = 0x600000  # tshark's level; notes and chat are below
UNREACHABLE, CLASSIC_UNREACHABLE = 0xFFFFFFFFFFFF, 0xFFFFFFFF
UPDATE, REQUEST, QUERY, REPLY, HELLO, SIA_QUERY, SIA_REPLY = 1, 2, 3, 4, 5, 10, 11
LAST = b"the last frame of this capture".ljust(50, b".")
FAULTS = f"_ws.malformed || _ws.expert.severity >= {WARNING} || " \
    "!(eigrp.vrid == 32768 && eigrp.checksum.status == 1)"
# Delay in picoseconds and kbit/s: what is published starts with, and what a link adds. veth says that it
# is of 10 Gbit/s; an interface that says nothing, as lo, is taken for 1 Gbit/s.
PUBLISHED, VETH, LOOPBACK = (10**7, 10**6), (10**6, 10**7), (10**7, 10**6)
CLASSIC_NAMES = {"bandwidth": "bw", "reliability": "rel"}


def classic(delay, kbps):
    """The scaled numbers of TLV version 3."""
    return delay * 256 // 10**7, max(2560000000 // kbps, 1)


def behind(links, is_classic=False):
    """(delay, bandwidth) of what is published behind these links. In the classic form each hop scales and
    reads it anew."""
    delay, kbps = PUBLISHED
    for more, bandwidth in links:
        if is_classic:
            scaled = classic(delay, kbps)
            delay, kbps = -(-scaled[0] * 10**7 // 256), 2560000000 // scaled[1]
        delay, kbps = delay + more, min(kbps, bandwidth)
    return delay, kbps


class Service:
    """A service in a TLV of a packet."""

    def __init__(self, frame, route, section):
        self.frame, self.route, self.section = frame, route, section
        self.fields = {}

    def __getitem__(self, name):
        return self.fields["eigrp.saf." + name]

    @property
    def id(self):
        """service, subservice and the instance as 32 hexadecimal digits."""
        return int(self["service"]), int(self["subservice"]), self["guid"].replace("-", "")

    @property
    def sequence(self):
        return int(self["data.sequence"])

    @property
    def data(self):
        """The octets behind the sequence, where tshark found that, as many as it found the length to be."""
        start = self.place + 4 - int(self.section.get("pos"))
        return bytes.fromhex(self.section.get("value"))[start:start + int(self["data.length"])]

    @property
    def endpoint(self):
        at = "data.reachability."
        address = self.fields.get("eigrp.saf." + at + "addr_ipv4") or \
            self.fields.get("eigrp.saf." + at + "addr_ipv6")
        assert int(self[at + "afi"]) == (0 if address is None else 2 if ":" in address else 1), self
        return address, int(self[at + "port"]), int(self[at + "protocol"])

    @property
    def is_classic(self):
        """Of TLV version 3."""
        return "eigrp.old_metric.delay" in self.route

    def metric(self, name):
        """delay, bandwidth, mtu, hopcount, reliability or load."""
        if self.is_classic:
            return int(self.route["eigrp.old_metric." + CLASSIC_NAMES.get(name, name)])
        return int(self.route["eigrp.metric." + name])

    @property
    def is_reachable(self):
        return self.metric("delay") != (CLASSIC_UNREACHABLE if self.is_classic else UNREACHABLE)

    @property
    def is_taken_back(self):
        """Its originator says that it is no more."""
        return not self.is_reachable and self.route["eigrp.metric.flags.srcwd"] == "1"

    @property
    def hops(self):
        return self.metric("hopcount")

    def check_metric(self, links, mtu=1500):
        """It came over these links: their (delay, bandwidth)."""
        expected = behind(links, self.is_classic)
        if self.is_classic:
            expected = classic(*expected)
        said = self.metric("delay"), self.metric("bandwidth")
        assert said == expected, f"(delay, bandwidth) {said}, not {expected}: {self}"
        rest = [self.metric(name) for name in ("reliability", "load", "mtu", "hopcount")]
        assert rest == [255, 1, mtu, len(links)], f"reliability, load, MTU, hops {rest}: {self}"

    def __repr__(self):
        return f"<{self.id} sequence {self.sequence}, {'' if self.is_reachable else 'un'}reachable, " \
            f"by {self.route['eigrp.routerid']}, in {self.frame}>"


class Frame:
    """A packet: the first value of each field by its name, and its services."""

    def __init__(self, element):
        self.fields, self.services, self.tlvs = {}, [], []
        route, service = {}, None
        sections = {}
        for field in element.iter("field"):
            name, show = field.get("name"), field.get("show")
            if show and show.startswith("SAF Service"):
                sections = field
            self.fields.setdefault(name, show)
            if name == "eigrp.tlv_type":
                route, service = {}, None
                self.tlvs.append(int(show, 16))
            if name == "eigrp.saf.service":
                service = Service(self, route, sections)
                self.services.append(service)
            if service is None:
                route[name] = show
            else:
                service.fields.setdefault(name, show)
                if name == "eigrp.saf.data.sequence":
                    service.place = int(field.get("pos"))
        self.octets = None
        for proto in element.iter("proto"):
            if proto.get("name") == "eigrp":
                self.place, self.bytes = int(proto.get("pos")), int(proto.get("size"))

    def __getitem__(self, name):
        return self.fields[name]

    def number(self, name):
        return int(self.fields["eigrp." + name], 0)

    @property
    def link(self):
        return self["frame.interface_name"]

    @property
    def time(self):
        """Seconds since 1970, by the clock of the brokers."""
        return float(self["frame.time_epoch"])

    @property
    def source(self):
        return self.fields.get("ip.src") or self["ipv6.src"]

    @property
    def to(self):
        return self.fields.get("ip.dst") or self["ipv6.dst"]

    @property
    def hops_left(self):
        return int(self.fields.get("ip.ttl") or self["ipv6.hlim"])

    @property
    def opcode(self):
        return self.number("opcode")

    @property
    def is_multicast(self):
        return self.to in ("224.0.0.10", "ff02::a")

    @property
    def is_goodbye(self):
        return self.fields.get("eigrp.par.k1") == "255"

    def flag(self, name):
        """init, condrecv, restart or eot."""
        return self.fields[f"eigrp.flags.{name}"] == "1"

    def __repr__(self):
        return f"frame {self['frame.number']} on {self.link}, {self.source} > {self.to}, opcode " \
            f"{self.opcode}, sequence {self.number('seq')}"


class Capture:
    """Starts to capture on `interfaces` of a namespace: all that is of IP protocol 88."""

    def __init__(self, space, interfaces, name="saf"):
        self.path = os.path.join(TMP, name + ".pcapng")
        self.log_path = os.path.join(TMP, name + ".dumpcap.log")
        self.published = {}
        self.origins = None  # the router ids whose services are known; None: those of all
        self.link = VETH     # what each link adds; None: they are not alike
        self.hops = 64       # that a unicast of IPv4 starts with; None: not on the link alone
        self.space, self.interfaces = space, interfaces
        which = "ip proto 88 or ip6 proto 88 or ether proto 0x88b5"
        words = [w for i in interfaces for w in ("-i", i, "-f", which)]
        with open(self.log_path, "wb") as log:
            self.process = space.start(["dumpcap", "-q", "-B", "16", *words, "-w", self.path],
                                       stdout=log, stderr=log)
        until(self.started, "dumpcap captures", self.alive)

    def started(self):
        with open(self.log_path, encoding="utf-8") as f:
            return "File: " in f.read()

    def alive(self):
        assert self.process.poll() is None, f"dumpcap ended with {self.process.returncode}"

    def close(self, is_wanted=False):
        """Ends it. `is_wanted`: somebody will look into the file, because the test failed."""
        if self.process.poll() is None:
            if is_wanted:
                self.flush()
            self.process.kill()
            self.process.wait()

    def flush(self):
        """What dumpcap has in its buffers would be lost at the end. So a last frame goes into each link, of
        an experimental protocol, and has to come into the file."""
        for interface in self.interfaces:
            with self.space, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind((interface, 0))
                s.send(bytes(12) + b"\x88\xb5" + LAST)

        def flushed():
            with open(self.path, "rb") as f:
                return f.read().count(LAST) >= len(self.interfaces)
        until(flushed, "dumpcap has written the last frame of each link", self.alive)

    def stop(self):
        self.flush()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0
        with open(self.log_path, encoding="utf-8") as f:
            log = f.read()
        lost = re.findall(r"': \d+/(\d+) \(", log)
        assert lost and set(lost) == {"0"}, f"dumpcap lost packets: {log}"

    def tshark(self, *arguments):
        run = subprocess.run(["tshark", "-n", "-r", self.path, *arguments], capture_output=True,
                             check=False)
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout

    def frames(self, which="eigrp"):
        """All frames that match a display filter."""
        pdml = self.tshark("-Y", which, "-T", "pdml")
        return [Frame(packet) for packet in ET.fromstring(pdml).findall("packet")]

    def octets(self, which="eigrp"):
        """The EIGRP part of the packets that frames() gives, in the same order."""
        path = self.path + ".pcap"
        self.tshark("-Y", which, "-F", "pcap", "-w", path)
        with open(path, "rb") as f:
            data = f.read()
        found, at = [], 24
        while at < len(data):
            size = struct.unpack("<I", data[at + 8:at + 12])[0]
            frame = data[at + 16:at + 16 + size]
            at += 16 + size
            if frame[12:14] == b"\x08\x00":
                end = 14 + struct.unpack(">H", frame[16:18])[0]
                found.append(frame[14 + (frame[14] & 15) * 4:end])
            else:
                found.append(frame[54:54 + struct.unpack(">H", frame[18:20])[0]])
        return found

    def expect(self, identity, data, endpoint=("192.0.2.10", 5060, 6), publisher=None):
        """A version of a service that may be in the capture. `publisher`: its router id."""
        self.published.setdefault(identity, []).append((data, endpoint, publisher))

    def check(self, which="eigrp", sound="eigrp"):
        """The gate. No frame that matches `sound` has a fault; that is all of them, but where somebody
        is on the links who is not of us. Those that match `which`, of our autonomous system, are also
        compared with what was published; gives these back. Ends the capture."""
        if self.process.poll() is None:
            self.stop()
        faults = self.tshark("-Y", f"({sound}) && ({FAULTS})").decode()
        assert not faults, "tshark objects to\n" + faults
        frames = self.frames(which)
        assert frames, "nothing was captured"
        for frame in frames:
            self.check_frame(frame)
        return frames

    def check_frame(self, frame):
        said = {"version": 2, "as": 1228}
        for name, value in said.items():
            assert frame.number(name) == value, (frame, name)
        assert not frame.is_multicast or frame.number("ack") == 0, f"acknowledges to all: {frame}"
        assert frame["ip.dsfield" if "ip.dsfield" in frame.fields else "ipv6.tclass"] in \
            ("0xc0", "0x000000c0"), frame
        self.check_hops(frame)
        for service in frame.services:
            self.check_service(service)

    def check_hops(self, frame):
        """To the group 1, on a link of IPv6 255; other ways are the configuration's."""
        if ":" in frame.source:
            expected = 255 if frame.source.startswith("fe80:") else None
        else:
            expected = 1 if frame.is_multicast else self.hops
        assert expected in (None, frame.hops_left), (frame, frame.hops_left, expected)

    def check_service(self, service):
        """It is as it was published; or it is a mention without data."""
        assert service.route["eigrp.tid"] == "0", service
        assert service.route["eigrp.afi"] == ("16386" if ":" in service.frame.source else "16385"), service
        if self.origins is not None and service.route["eigrp.routerid"] not in self.origins:
            return
        if service.is_reachable and self.link is not None:
            service.check_metric([self.link] * service.hops)
        if not self.published:
            return
        assert service.id in self.published, f"nobody published {service}"
        versions = self.published[service.id]
        if service["data.type"] == "0x0002":
            assert service.data == b"", service
            assert service.endpoint in [e for _, e, _ in versions] or service.endpoint[0] is None, service
            return
        assert service.is_reachable, f"data, and no way there: {service}"
        version = (service.data, service.endpoint)
        fits = [p for data, endpoint, p in versions if (data, endpoint) == version]
        assert fits, f"{version} is not what was published: {service}"
        assert None in fits or service.route["eigrp.routerid"] in fits, service


def later(a, b):
    """Serial arithmetic: number `a` of 32 bits is later than `b`."""
    return a != b and (a - b) % (1 << 32) < 1 << 31


def versions_in_order(frames, identity):
    """The (sequence, data) of a service's versions on one link, as they first appeared there; asserts
    that no number ever meant two things."""
    found = {}
    for frame in frames:
        for service in frame.services:
            if service.id == identity and service["data.type"] == "0x0001":
                key = (service.route["eigrp.routerid"], service.sequence)
                said = (service.data, service.endpoint)
                assert found.setdefault(key, said) == said, f"another content with an old number: {service}"
    return [(sequence, data) for (_, sequence), (data, _) in found.items()]


def took_leave(frames, identity, router_id):
    """`frames`: of a broker that stopped, on one link. It took the service back, as its originator, then it
    said goodbye three times, and nothing after that."""
    end = next((i for i, f in enumerate(frames) for s in f.services
                if s.id == identity and s.is_taken_back and s.route["eigrp.routerid"] == router_id), None)
    assert end is not None, f"{router_id} did not take back {identity}"
    goodbyes = [i for i, f in enumerate(frames) if f.is_goodbye]
    assert goodbyes == list(range(len(frames) - 3, len(frames))), f"goodbyes: {goodbyes} of {len(frames)}"
    assert end < goodbyes[0], f"taken back by {frames[end]}, after {frames[goodbyes[0]]}"


def first_without_way(frames, identity):
    """By link: the first news that it is not reachable any more, after it was."""
    found, was = {}, set()
    for frame in [f for f in frames if f.opcode in (UPDATE, QUERY)]:
        for service in [s for s in frame.services if s.id == identity]:
            if service.is_reachable:
                was.add(frame.link)
            elif frame.link in was:
                found.setdefault(frame.link, service)
    return found
