# SPDX-License-Identifier: MIT
"""A SAF forwarder in a few lines of Python, for the tests that need a neighbour who misbehaves. It is
written from the protocol notes and shares no code with the plugin.

It says hello, answers INIT with INIT, acknowledges, and sends what it is told to send, wrong things too.
It never reads the clock to wait: `Speaker.run` serves the link until a condition holds.
"""
import hashlib
import hmac
import random
import socket
import struct
import time

GROUP = "224.0.0.10"
UPDATE, REQUEST, QUERY, REPLY, HELLO, SIA_QUERY, SIA_REPLY = 1, 2, 3, 4, 5, 10, 11
INIT, CR, RS, EOT = 1, 2, 4, 8
UNREACHABLE = 0xFFFFFFFFFFFF
PARAMETER, SOFTWARE, STUB = 0x0001, 0x0004, 0x0006
AS = 1228
VRID = 0x8000


def ones_sum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tlv(kind, value):
    return struct.pack(">HH", kind, 4 + len(value)) + value


def parameter(hold=60, k=(1, 0, 1, 0, 0, 0)):
    return tlv(PARAMETER, bytes(k) + struct.pack(">H", hold))


def software(major=2):
    return tlv(SOFTWARE, bytes((1, 0, major, 0)))


GOODBYE = parameter(k=(255,) * 5 + (0,))


def packet(opcode, tlvs=b"", flags=0, seq=0, ack=0, vrid=VRID, asn=AS, version=2, checksum=None):
    head = struct.pack(">BBHIIIHH", version, opcode, 0, flags, seq, ack, vrid, asn)
    value = ones_sum(head + tlvs) if checksum is None else checksum
    return head[:2] + struct.pack(">H", value) + head[4:] + tlvs


def service_block(subservice=1, data=b"<a/>", sequence=1, instance=(1, 2, 3, 4), service=101,
                  address="192.0.2.10", port=5060, protocol=6, kind=None, length=None):
    """`address` None: it says of no address where it is."""
    kind = kind or (1 if data else 2)
    return struct.pack(">HH4IHH", service, subservice, *instance, kind,
                       len(data) if length is None else length) + \
        struct.pack(">HHH", 0 if address is None else 1, port, protocol) + \
        socket.inet_aton(address or "0.0.0.0") + bytes(12) + \
        struct.pack(">I", sequence) + data


def route(*blocks, router_id="10.0.0.99", delay=10**7, bandwidth=10**6, mtu=1500, hops=0, opaque=0,
          kind=0x0602, afi=0x4001, tid=0, next_hop="0.0.0.0"):
    metric = struct.pack(">BBBB", 0, 0, 255, 1) + mtu.to_bytes(3, "big") + bytes((hops,)) + \
        delay.to_bytes(6, "big") + bandwidth.to_bytes(6, "big") + bytes(2) + bytes((opaque, 0))
    return tlv(kind, struct.pack(">HH", tid, afi) + socket.inet_aton(router_id) + metric +
               socket.inet_aton(next_hop) + b"".join(blocks))


def md5_digest(payload, key):
    """Of a packet, for its authentication TLV (see the reference's 2.6)."""
    zeroed = bytearray(payload)
    zeroed[2:4] = bytes(2)
    covered = len(payload) - 20
    slot = key.ljust(16, b"\0")
    if covered < 60: # it ends in front of the key, or in it
        return hashlib.md5((bytes(zeroed[:44]) + slot)[:covered]).digest()
    return hashlib.md5(bytes(zeroed[:44]) + slot + bytes(zeroed[60:covered])).digest()


def sha256_digest(payload, key, source):
    zeroed = bytearray(payload)
    zeroed[2:4] = bytes(2)
    zeroed[44:76] = bytes(32)
    return hmac.new(b"\n" + key + source.encode(), zeroed, "sha256").digest()


def ip_header(source, to, size, ttl=1):
    head = struct.pack(">BBHHHBBH", 0x45, 0xC0, 20 + size, 0, 0x4000, ttl, 88, 0) + \
        socket.inet_aton(source) + socket.inet_aton(to)
    return head[:10] + struct.pack(">H", ones_sum(head)) + head[12:]


class Forger:
    """Sends as anybody: whole frames, by the packet socket of an interface."""

    def __init__(self, space, interface):
        with space:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((interface, 0))
        self.mac = self.socket.getsockname()[4]

    def send(self, payload, source, to=GROUP, mac=b"\x01\x00\x5e\x00\x00\x0a"):
        frame = mac + self.mac + b"\x08\x00" + ip_header(source, to, len(payload)) + payload
        while True:
            try:
                self.socket.send(frame)
                return
            except OSError: # the queue is full: let it drain
                time.sleep(0.001)

    def close(self):
        self.socket.close()


class Packet:
    def __init__(self, data):
        self.head = (data[0] & 15) * 4
        self.source = socket.inet_ntoa(data[12:16])
        self.to = socket.inet_ntoa(data[16:20])
        self.octets = data[self.head:]
        (self.version, self.opcode, _, self.flags, self.seq, self.ack, self.vrid,
         self.asn) = struct.unpack(">BBHIIIHH", self.octets[:20])
        self.tlvs = self.octets[20:]


class Speaker:
    """A neighbour at `address` on an interface of `space`."""

    def __init__(self, space, interface, address, hold=60, seed=1):
        self.address, self.hold = address, hold
        self.random = random.Random(seed)
        self.seq = 1000
        self.peers = {}   # who is there: the state of each, by address
        self.seen = []    # all reliable packets, newest last; bounded
        self.next_hello = 0
        self.is_silent = False
        with space:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, 88)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            index = socket.if_nametoindex(interface)
            request = struct.pack("=4s4si", socket.inet_aton(GROUP), socket.inet_aton(address), index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xC0)

    # --- out

    def send(self, payload, to=GROUP):
        try:
            self.socket.sendto(payload, (to, 0))
        except OSError:
            pass # no room now: as if it was lost

    def hello(self, tlvs=None):
        self.send(packet(HELLO, parameter(self.hold) + software() if tlvs is None else tlvs))

    def number(self):
        self.seq += 1
        return self.seq

    def update(self, to, tlvs, flags=0, opcode=UPDATE):
        """A reliable packet; returns its number, which is in `acked` of the peer once acknowledged."""
        seq = self.number()
        self.send(packet(opcode, tlvs, flags, seq, self.peers[to]["last"]), to)
        return seq

    # --- in

    def take(self, p):
        if p.source == self.address or p.vrid != VRID or p.asn != AS:
            return
        peer = self.peers.setdefault(p.source, {"last": 0, "acked": set(), "init": 0, "up": False})
        if p.ack:
            peer["acked"].add(p.ack)
            if p.ack == peer["init"]:
                peer["up"] = True
        if p.opcode == HELLO:
            return
        self.seen = [*self.seen[-999:], p]
        if p.flags & INIT and not p.flags & RS:
            if p.seq == peer["last"]: # once more, because it missed what we said to it
                self.send(packet(UPDATE, b"", INIT, peer["init"], p.seq), p.source)
                return
            peer["up"] = False
            peer["last"] = p.seq
            peer["init"] = self.number()
            self.send(packet(UPDATE, b"", INIT, peer["init"], p.seq), p.source)
            return
        peer["last"] = p.seq
        self.send(packet(HELLO, b"", ack=p.seq), p.source)
        if p.opcode == QUERY:
            self.reply(p)

    def reply(self, p):
        """Whatever it is, there is no way to it from here: the query's own TLVs, which say that."""
        self.send(packet(REPLY, p.tlvs, 0, self.number(), p.seq), p.source)

    def serve(self, moment=0.05):
        """Whatever is there, or comes within a moment."""
        now = time.monotonic()
        if now >= self.next_hello and not self.is_silent:
            self.hello()
            self.next_hello = now + 1
        self.socket.settimeout(moment)
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError: # nothing more now
                return
            if len(data) >= 40:
                self.take(Packet(data))
            self.socket.settimeout(0)

    def run(self, condition, what, seconds):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not so within {seconds} s: {what}"
            self.serve()

    def meet(self, *addresses, seconds):
        """Until those have acknowledged our INIT."""
        self.run(lambda: all(self.peers.get(a, {}).get("up") for a in addresses),
                 f"the speaker at {self.address} is a neighbour of {addresses}", seconds)

    def close(self):
        self.socket.close()
