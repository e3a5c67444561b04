#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""EIGRP packets of our encoder, dissected by somebody else's code.

Each packet is described once, below. Our encoder writes it, tshark reads it, and what tshark says
has to be the description: not only nothing malformed, no remark of level warning or above and a good
checksum, but each field, in order. Notes are allowed where the packet deserves one: a goodbye and a
peer termination.

Jitter, scaled metrics and communities are left out: tshark 4.0 shows other values for them than were
sent (see the notes of tests/data/saf-eigrp-vectors.json). Nothing here needs privileges.
"""
import hashlib
import hmac
import ipaddress
import os
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET

ENCODE = os.path.join(os.environ["XMB_BUILD"], "tests/system/eigrp_encode")
TMP = os.environ["XMB_TMP"]
WARNING = 0x600000  # tshark's level; notes and chat are below
AS = 4453
UPDATE, REQUEST, QUERY, REPLY, HELLO, SIA_QUERY, SIA_REPLY = 1, 2, 3, 4, 5, 10, 11
IPV4, IPV6, COMMON = 0x4001, 0x4002, 0x4000
REQUESTED, INTERNAL, EXTERNAL = 1, 2, 3
UNREACHABLE = 0xFFFFFFFFFFFF
PASSWORD = "a-password-of-22-chars"
FLAGS = ("init", "condrecv", "restart", "eot")
OPAQUE = ("srcwd", "cd", "active", "repl")
STUB = ("connected", "static", "summary", "redist", "leakmap", "recvonly")


class Packet:
    """The words for the encoder, and the fields that tshark has to find."""

    def __init__(self, name, opcode, flags=0, seq=0, ack=0, to=None, ipv6=False, auth="none", key=1):
        self.name, self.auth, self.notes = name, auth, set()
        self.source = "fe80::1" if ipv6 else "10.88.0.1"
        self.to = to or ("ff02::a" if ipv6 else "224.0.0.10")
        self.fields = {}
        self.words = [f"packet {opcode} {AS} {flags} {seq} {ack} {self.source} {auth} {key} {PASSWORD}"]
        self.say(version=2, opcode=opcode, flags=f"0x{flags:08x}", seq=seq, ack=ack, vrid=32768)
        self.fields["eigrp.as"] = [str(AS)]
        self.bits("flags", FLAGS, flags)
        if auth != "none":
            size = 16 if auth == "md5" else 32
            self.tlv(2, 24 + size)
            self.say("auth", type=2 if auth == "md5" else 3, length=size,
                     keyid=key if auth == "md5" else 0, keyseq=0)

    def say(self, group="", **values):
        for name, value in values.items():
            name = ".".join(filter(None, ("eigrp", group, name.replace("__", "."))))
            self.fields.setdefault(name, []).append(str(value))

    def bits(self, group, names, value):
        self.say(group, **{name: value >> i & 1 for i, name in enumerate(names)})

    def tlv(self, kind, size):
        self.say(tlv_type=f"0x{kind:04x}")
        self.say("tlv", len=size)

    # --- generic TLVs

    def parameter(self, k=(1, 0, 1, 0, 0, 0), hold=15):
        self.words.append("parameter " + " ".join(map(str, k)) + f" {hold}")
        self.tlv(1, 12)
        self.say("par", **{f"k{i + 1}": value for i, value in enumerate(k)}, holdtime=hold)
        return self

    def software(self, *numbers):
        self.words.append("software " + " ".join(map(str, numbers)))
        self.tlv(4, 8)
        self.say(release_version=numbers[0] << 8 | numbers[1], tlv_version=numbers[2] << 8 | numbers[3])
        return self

    def stub(self, flags):
        self.words.append(f"stub {flags}")
        self.tlv(6, 6)
        self.say(stub_options=f"0x{flags:04x}")
        self.bits("stub_options", STUB, flags)
        return self

    def sequence(self, *addresses):
        self.words.append("sequence " + " ".join(addresses))
        self.tlv(3, 4 + sum(17 if ":" in a else 5 for a in addresses))
        for a in addresses:
            self.say("seq", addrlen=16 if ":" in a else 4)
            self.say("seq", **{"ipv6addr" if ":" in a else "ipv4addr": a})
        return self

    def next(self, number):
        self.words.append(f"next {number}")
        self.tlv(5, 8)
        self.say(next_mcast_seq=number)
        return self

    def termination(self, *addresses):
        self.words.append("termination " + " ".join(addresses))
        self.tlv(7, 4 + sum(17 if ":" in a else 5 for a in addresses))
        return self

    def topologies(self, *ids):
        self.words.append("topologies " + " ".join(map(str, ids)))
        self.tlv(0xF5, 8 + 2 * len(ids))
        self.say("tidlist", flags="0x0000", len=2 * len(ids))
        for number in ids:
            self.say(tidlist=number)
        return self

    # --- services

    def route(self, services, kind=INTERNAL, form=0, tid=0, afi=IPV4, rid="192.0.2.1", delay=10000000,
              bandwidth=1000000, mtu=1500, hops=0, rel=255, load=1, opaque=0, tag=0, hop="-",
              attribute=None, external=None):
        """One TLV. `external`: router id, AS, tag, metric, protocol, flags."""
        self.words.append(f"route {kind} {form} {tid} {afi} {rid} {delay} {bandwidth} {mtu} {hops} {rel} "
                          f"{load} {opaque} {tag} {hop}" + (f" tag {attribute}" if attribute else ""))
        size = (34 if form else 36 + (8 if attribute else 0)) + {IPV4: 4, IPV6: 16, COMMON: 0}[afi]
        size += (20 if external else 0) + sum(50 + len(s.data) for s in services)
        self.tlv((0xF0 if form else 0x600) + kind, size)
        self.say(tid=tid, afi=afi, routerid=rid)
        if form:
            self.say("old_metric", tag=tag, delay=delay * 256 // 10**7 if delay != UNREACHABLE
                     else 0xFFFFFFFF, bw=2560000000 // bandwidth, mtu=mtu, hopcount=hops, rel=rel,
                     load=load, intag=0)
        else:
            self.say("metric", offset=4 if attribute else 0, priority=0, reliability=rel, load=load,
                     mtu=mtu, hopcount=hops, delay=delay, bandwidth=bandwidth, reserved="0x0000")
        self.bits("metric.flags", OPAQUE, opaque)
        if attribute:
            self.say("attr", opcode=2, offset=2, tag=attribute)
            self.say("attr", opcode=0, offset=0)
        if afi != COMMON:
            self.say(**{"ipv6__nexthop" if afi == IPV6 else "ipv4__nexthop":
                        hop if hop != "-" else "::" if afi == IPV6 else "0.0.0.0"})
        if external:
            self.external(*external)
        for service in services:
            self.service(service)
        return self

    def external(self, rid, asn, tag, metric, protocol, flags):
        self.words.append(f"external {rid} {asn} {tag} {metric} {protocol} {flags}")
        self.say("extdata", origrid=rid, **{"as": asn}, tag=tag, metric=metric, reserved=0, proto=protocol)
        self.bits("opaque.flag", ("ext", "cd"), flags)

    def service(self, s):
        self.words.append(f"service {s.service} {s.sub} " + " ".join(map(str, s.instance)) +
                          f" {s.type} {s.seq} {s.address} {s.port} {s.protocol} {s.data.hex() or '-'}")
        digits = "".join(f"{word:08x}" for word in s.instance)
        self.say("saf", service=s.service, subservice=s.sub,
                 guid="-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
        self.say("saf.data", type=f"0x{s.type:04x}", length=len(s.data), sequence=s.seq)
        kind = {"-": 0}.get(s.address, 2 if ":" in s.address else 1)
        self.say("saf.data.reachability", afi=kind, port=s.port, protocol=s.protocol)
        self.say("saf.data.reachability", **(
            {"addr_hex": ":".join(["00"] * 16)}, {"addr_ipv4": s.address}, {"addr_ipv6": s.address})[kind])


class Service:
    def __init__(self, instance=(1, 2, 3, 4), data=b"<a/>", service=101, sub=2, seq=1, type_=None,
                 address="192.0.2.10", port=5060, protocol=6):
        self.service, self.sub, self.instance, self.data, self.seq = service, sub, instance, data, seq
        self.type = type_ or (1 if data else 2)
        self.address, self.port, self.protocol = address, port, protocol


XML = Service(data=b'<?xml version="1.0"?>\n<service><name>call</name></service>\n')
TRIMMED = Service(data=b"", seq=2)


def hellos():
    yield Packet("hello", HELLO).parameter().software(1, 2, 2, 0)
    yield Packet("hello, all K", HELLO).parameter((1, 2, 3, 4, 5, 6), 65535).software(255, 254, 3, 253)
    yield Packet("hello, IPv6", HELLO, ipv6=True).parameter().software(1, 0, 2, 0)
    yield Packet("hello, remote", HELLO, to="198.51.100.7").parameter(hold=180)
    for flag in range(6):
        yield Packet(f"hello, stub {flag}", HELLO).parameter().stub(1 << flag)
    yield Packet("hello, restart", HELLO, flags=4).parameter()
    yield Packet("hello, conditional", HELLO).parameter().sequence(
        "10.88.0.2", "10.88.0.3", "2001:db8::5").next(4294967295)
    yield Packet("hello, topologies", HELLO).parameter().software(1, 0, 3, 0).topologies(0, 65535)
    goodbye = Packet("goodbye", HELLO).parameter((255, 255, 255, 255, 255, 0))
    goodbye.notes.add("eigrp.peer_termination")
    yield goodbye
    ended = Packet("termination", HELLO).parameter().termination("10.88.0.2", "fe80::2")
    ended.notes.add("eigrp.peer_termination_graceful")
    yield ended
    yield Packet("hello, MD5", HELLO, auth="md5", key=2147483647).parameter().software(1, 0, 2, 0)
    yield Packet("hello, SHA-256", HELLO, auth="sha").parameter().software(1, 0, 2, 0)
    yield Packet("hello, SHA-256, IPv6", HELLO, auth="sha", ipv6=True).parameter()


def headers():
    peer = {"to": "10.88.0.2"}
    yield Packet("init", UPDATE, flags=1, seq=10, **peer)
    yield Packet("init with ack", UPDATE, flags=1, seq=4294967295, ack=4294967294, **peer)
    yield Packet("end of table", UPDATE, flags=8, seq=11, **peer)
    yield Packet("resync", UPDATE, flags=13, seq=12, **peer)
    yield Packet("ack", HELLO, ack=100, **peer)
    yield Packet("ack, MD5", HELLO, ack=100, auth="md5", **peer)
    yield Packet("ack, SHA-256", HELLO, ack=100, auth="sha", **peer)


def services():
    yield Packet("XML", UPDATE, seq=1).route([XML])
    yield Packet("text", UPDATE, seq=1).route([Service(data=b"8XXX", service=65535, sub=65535)])
    yield Packet("binary", UPDATE, seq=1).route([Service(data=bytes(range(256)))])
    yield Packet("trimmed", UPDATE, seq=1).route([TRIMMED])
    yield Packet("instances", UPDATE, seq=1).route(
        [Service((0xFFFFFFFF, 0, 0xFFFFFFFF, 1)), Service((0x12345678, 0x9ABCDEF0, 0x11223344, 0x55667788))])
    yield Packet("endpoint IPv6", UPDATE, seq=1).route(
        [Service(address="2001:db8::10", port=65535, protocol=132, seq=4294967295)])
    yield Packet("no endpoint", UPDATE, seq=1).route([Service(address="-", port=0, protocol=0)])
    yield Packet("family IPv6", UPDATE, seq=1, ipv6=True).route([XML], afi=IPV6)
    yield Packet("family IPv6, hop", UPDATE, seq=1, ipv6=True).route([XML], afi=IPV6, hop="fe80::9")
    yield Packet("family IPv4, hop", UPDATE, seq=1).route([XML], hop="10.88.0.9")
    yield Packet("common family", UPDATE, seq=1).route([XML], afi=COMMON)
    yield Packet("metric, all fields", UPDATE, seq=1).route(
        [XML], delay=UNREACHABLE - 1, bandwidth=UNREACHABLE - 2, mtu=0xFFFFFE, hops=254, rel=253, load=252,
        rid="255.254.253.252")
    for bit in range(4):
        yield Packet(f"opaque flag {bit}", UPDATE, seq=1).route([XML], opaque=1 << bit)
    yield Packet("tag", UPDATE, seq=1).route([XML], attribute=0xDEADBEEF)
    yield Packet("external", UPDATE, seq=1).route(
        [XML, TRIMMED], kind=EXTERNAL, external=("192.0.2.99", 4294967295, 77, 88, 11, 3))
    yield Packet("external, tag, IPv6", UPDATE, seq=1, ipv6=True).route(
        [XML], kind=EXTERNAL, afi=IPV6, attribute=1, external=("0.0.0.1", 1, 2, 3, 2, 0))
    yield Packet("two TLVs", UPDATE, seq=1).route([XML]).route([TRIMMED], hops=1).route([XML])
    yield Packet("full", UPDATE, seq=1).route([Service((1, 2, 3, i)) for i in range(26)])
    for auth in ("md5", "sha"):
        yield Packet(f"authenticated, {auth}", UPDATE, seq=1, auth=auth).route([XML])
        yield Packet(f"authenticated, {auth}, IPv6", UPDATE, seq=1, auth=auth, ipv6=True).route(
            [XML], afi=IPV6)


def exchanges():
    gone = {"delay": UNREACHABLE}
    yield Packet("withdrawal", UPDATE, seq=2).route([TRIMMED], opaque=1, **gone)
    yield Packet("query", QUERY, seq=3).route([TRIMMED], opaque=4, **gone)
    yield Packet("reply, gone", REPLY, seq=4, ack=3, to="10.88.0.2").route([TRIMMED], **gone)
    yield Packet("reply", REPLY, seq=4, ack=3, to="10.88.0.2").route([XML], hops=2)
    yield Packet("SIA query", SIA_QUERY, seq=5, to="10.88.0.2").route([TRIMMED], opaque=4, **gone)
    yield Packet("SIA reply", SIA_REPLY, seq=6, ack=5, to="10.88.0.2").route([TRIMMED], opaque=4, **gone)
    yield Packet("request", REQUEST, seq=7, to="10.88.0.2").route([TRIMMED], kind=REQUESTED, **gone)
    yield Packet("multi-topology", UPDATE, seq=8).route([XML, TRIMMED], form=1, tag=9, hops=3)
    yield Packet("multi-topology, hop", UPDATE, seq=8).route([XML], form=1, hop="10.88.0.9", opaque=2)
    yield Packet("multi-topology, external", UPDATE, seq=8).route(
        [XML], kind=EXTERNAL, form=1, external=("192.0.2.99", 8, 7, 6, 3, 1))
    yield Packet("multi-topology, gone", UPDATE, seq=8).route([TRIMMED], form=1, **gone)
    yield Packet("multi-topology, IPv6", UPDATE, seq=8, ipv6=True).route([XML], form=1, afi=IPV6)


# --- a capture of them -----------------------------------------------------------------------

def ones_sum(octets):
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip(packet, payload):
    source, to = (ipaddress.ip_address(a) for a in (packet.source, packet.to))
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28 | 0xC0 << 20, len(payload), 88, 255) + source.packed + \
            to.packed + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0xC0, 20 + len(payload), 0, 0x4000, 1 if to.is_multicast else 64,
                       88, 0) + source.packed + to.packed
    return head[:10] + struct.pack(">H", ones_sum(head)) + head[12:] + payload


def encode(packets):
    text = "".join("\n".join((*p.words, "end", "")) for p in packets)
    run = subprocess.run([ENCODE], input=text, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    payloads = [bytes.fromhex(line) for line in run.stdout.split()]
    assert len(payloads) == len(packets)
    return payloads


def dissect(packets, payloads):
    path = os.path.join(TMP, "eigrp.pcap")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for packet, payload in zip(packets, payloads):
            octets = ip(packet, payload)
            file.write(struct.pack("<IIII", 0, 0, len(octets), len(octets)) + octets)
    run = subprocess.run(["tshark", "-n", "-r", path, "-T", "pdml"], capture_output=True, check=True)
    return ET.fromstring(run.stdout).findall("packet")


# --- the comparison --------------------------------------------------------------------------

def remarks(dissected):
    """(level, name) of each remark."""
    for field in dissected.iter("field"):
        if field.get("name") == "_ws.expert":
            inner = {f.get("name"): f.get("show") for f in field.iter("field")}
            names = [n for n in inner if n not in ("_ws.expert", "_ws.expert.message", "_ws.expert.group",
                                                   "_ws.expert.severity")]
            yield int(inner["_ws.expert.severity"]), names[0] if names else inner["_ws.expert.message"]


def digest(packet, payload):
    """The digest, computed once more by other code, from the octets."""
    zeroed = bytearray(payload)
    zeroed[2:4] = bytes(2)
    if packet.auth == "md5":
        key = PASSWORD.encode().ljust(16, b"\0")
        covered = len(payload) - 20
        text = zeroed[:44] + key + zeroed[60:covered] if covered >= 60 else (zeroed[:44] + key)[:covered]
        return hashlib.md5(text).digest()
    zeroed[44:76] = bytes(32)
    key = b"\n" + PASSWORD.encode() + packet.source.encode()
    return hmac.new(key, zeroed, "sha256").digest()


def compare(packet, payload, dissected):
    faults = []
    found = {}
    for field in dissected.iter("field"):
        found.setdefault(field.get("name"), []).append(field.get("show"))
    notes = set()
    for level, name in remarks(dissected):
        if level >= WARNING or name not in packet.notes:
            faults.append(f"remark {name} of level {level:#x}")
        notes.add(name)
    if notes != packet.notes:
        faults.append(f"remarks {notes}, not {packet.notes}")
    if any(name.startswith("_ws.malformed") for name in found if name):
        faults.append("malformed")
    packet.fields["eigrp.checksum.status"] = ["1"]
    if packet.auth != "none":
        packet.fields["eigrp.auth.digest"] = [digest(packet, payload).hex(":")]
    for name, values in packet.fields.items():
        if found.get(name) != values:
            faults.append(f"{name} is {found.get(name)}, not {values}")
    for name in found:
        if name and name.startswith(("eigrp.saf.", "eigrp.metric.", "eigrp.old_metric.", "eigrp.extdata.",
                                     "eigrp.attr.", "eigrp.tlv", "eigrp.par.")) \
                and name not in packet.fields and name not in UNSAID:
            faults.append(f"{name} was not sent")
    return [f"{packet.name}: {fault}" for fault in faults]


# Nodes of the tree that have no value of their own.
UNSAID = {"eigrp.metric.flags"}


def main():
    if shutil.which("tshark") is None:
        print("tshark is not installed")
        return 77
    packets = [p for make in (hellos, headers, services, exchanges) for p in make()]
    payloads = encode(packets)
    dissected = dissect(packets, payloads)
    assert len(dissected) == len(packets)
    faults = [fault for trio in zip(packets, payloads, dissected) for fault in compare(*trio)]
    values = sum(len(v) for p in packets for v in p.fields.values())
    print("\n".join(faults) or f"{len(packets)} packets, {values} values, each as it was sent")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
