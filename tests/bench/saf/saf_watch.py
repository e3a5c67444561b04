# SPDX-License-Identifier: MIT
"""What the bench of the SAF forwarder looks with: at packets, at clients' notifications, at processes."""
import os
import selectors
import socket
import struct
import threading
import time

from xmcp_helper import (ANY_101, DATA, IDENTITY, NOTIFY, PROTOCOL, PUBLISH, SERVICE_VERSION, TRANSPORT,
                         WITHDRAW, identity)

EIGRP = 88
UPDATE, QUERY, REPLY, HELLO = 1, 3, 4, 5
INIT, EOT = 0x1, 0x8
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
TRANSPORT_VALUE = struct.pack(">BBH4B", 0, 1, 5060, 192, 0, 2, 10)
PROTOCOL_VALUE = struct.pack(">I", 6)


class Packet:
    __slots__ = ("at", "source", "opcode", "flags", "sequence", "ack", "octets")

    def __init__(self, at, ip):
        head = (ip[0] & 15) * 4
        self.at = at
        self.source = socket.inet_ntoa(ip[12:16])
        self.opcode = ip[head + 1]
        self.flags, self.sequence, self.ack = struct.unpack(">III", ip[head + 4:head + 16])
        self.octets = int.from_bytes(ip[2:4], "big") - head

    @property
    def is_data(self):
        return self.sequence != 0


class Sniffer:
    """EIGRP packets that pass ports of the wire, with the kernel's time. Use one port a link: each packet passes
    it once, in or out."""

    def __init__(self, wire, ports):
        self.packets, self.ends, self.is_over = [], [], False
        with wire:
            for port in ports:
                s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
                s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
                s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                s.bind((port, 3))
                self.ends.append(s)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        selector = selectors.DefaultSelector()
        for s in self.ends:
            selector.register(s, selectors.EVENT_READ)
        while not self.is_over:
            for key, _ in selector.select(0.2):
                self.take(key.fileobj)

    def take(self, s):
        try:
            ip, extra, _, _ = s.recvmsg(64, 64)
        except OSError:
            return # the port is down for a while
        if len(ip) >= 40 and ip[0] >> 4 == 4 and ip[9] == EIGRP:
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            self.packets.append(Packet(seconds + nanoseconds / 1e9, ip))

    def is_silent(self, seconds=1):
        """Nothing but hellos for so long."""
        last = max((p.at for p in self.packets if p.is_data), default=0)
        return time.time() - last > seconds

    def close(self):
        self.is_over = True
        self.thread.join()
        for s in self.ends:
            s.close()


class Subscribers:
    """Clients that subscribe to everything, one a node, and only count what they are told."""

    def __init__(self, nodes):
        self.told = {n: 0 for n in nodes}
        self.withdrawn = {n: 0 for n in nodes}
        self.first_at, self.last_at = {}, {}
        self.rest = {n: b"" for n in nodes}
        self.is_over = False
        self.selector = selectors.DefaultSelector()
        self.clients = []
        for node in nodes:
            client = node.client()
            client.subscribe(ANY_101)
            self.clients.append(client)
            client.socket.setblocking(False)
            self.selector.register(client.socket, selectors.EVENT_READ, (node, client))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over:
            for key, _ in self.selector.select(0.2):
                self.take(*key.data)

    def take(self, node, client):
        data = self.rest[node] + client.socket.recv(1 << 20)
        at, answers = 0, []
        while len(data) - at >= 20:
            kind, octets = struct.unpack_from(">HH", data, at)
            if len(data) - at < 20 + octets:
                break
            answers.append(self.message(node, client, kind, data[at:at + 20 + octets]))
            at += 20 + octets
        self.rest[node] = data[at:]
        out = b"".join(answers)
        client.socket.setblocking(True)
        client.socket.sendall(out)
        client.socket.setblocking(False)

    def message(self, node, client, kind, data):
        """Counts it; its answer."""
        if kind not in (NOTIFY, WITHDRAW):
            return b""
        self.told[node] += kind == NOTIFY
        self.withdrawn[node] += kind == WITHDRAW
        self.last_at[node] = time.time()
        self.first_at.setdefault(node, self.last_at[node])
        at = 20
        while at < len(data):
            attribute, octets = struct.unpack_from(">HH", data, at)
            if attribute == 0x100E: # the subscription
                return client.build(kind, [(attribute, data[at + 4:at + 4 + octets])], 0x100, data[8:20])
            at += 4 + (octets + 3) // 4 * 4
        return b""

    def close(self):
        self.is_over = True
        self.thread.join()
        for client in self.clients:
            client.close()


def publish_many(client, count, octets, version=1, burst=64):
    """Publishes services 0 to count - 1, `burst` in flight."""
    data = b"x" * octets
    for first in range(0, count, burst):
        subs = range(first, min(first + burst, count))
        for sub in subs:
            client.send(PUBLISH, (IDENTITY, identity(101, sub)), (TRANSPORT, TRANSPORT_VALUE),
                        (PROTOCOL, PROTOCOL_VALUE), (SERVICE_VERSION, struct.pack(">I", version)),
                        (DATA, data))
        for sub in subs:
            answer = client.response()
            assert answer is not None and answer.kind == "success", f"service {sub}: {answer}"


def cpu_s(pid):
    """User and system time of all its threads, finer than the ticks of /proc/PID/stat."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])
