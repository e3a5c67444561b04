#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The DNS responder for servers inside, asked over sockets: UDP and TCP on one port, every name is
the gateway, a reload changes answers and loses no question, and a port below 1024 is still there
when root has become somebody else. The system's own resolver understands the answers."""
import os
import socket
import struct
import subprocess

from xmcp_helper import TMP, WAIT, Broker, until

A, AAAA, MX, SRV = 1, 28, 15, 33
MODULE = '<module name="inside-dns">%s</module>'
LISTEN = '<listen address="127.0.0.1" port="0"/>'


def name_of(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def query(name, kind, number=7):
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + name_of(name) + struct.pack(">HH", kind, 1)


class Answer:
    """Reads what is needed of an answer, without a library."""

    def __init__(self, data):
        self.data = data
        self.number, flags, questions, answers, authority, _ = struct.unpack(">6H", data[:12])
        assert flags & 0x8000 and not flags & 0x0080, "an answer, and no recursion"
        self.rcode, self.truncated = flags & 15, bool(flags & 0x0200)
        assert questions == 1
        _, at = self.name(12)
        at += 4
        self.records, self.authority = [], []
        for section, count in ((self.records, answers), (self.authority, authority)):
            for _ in range(count):
                at = self.record(at, section)

    def name(self, at):
        labels, end = [], None
        while self.data[at]:
            if self.data[at] >= 0xC0:
                end = end or at + 2
                at = (self.data[at] & 0x3F) << 8 | self.data[at + 1]
            else:
                labels.append(self.data[at + 1:at + 1 + self.data[at]].decode())
                at += 1 + self.data[at]
        return ".".join(labels), end or at + 1

    def record(self, at, section):
        _, at = self.name(at)
        kind, _, ttl, n = struct.unpack(">HHIH", self.data[at:at + 10])
        at += 10
        value = self.data[at:at + n]
        if kind == A:
            value = socket.inet_ntop(socket.AF_INET, value)
        elif kind == AAAA:
            value = socket.inet_ntop(socket.AF_INET6, value)
        elif kind == SRV:
            value = struct.unpack(">HHH", value[:6]) + (self.name(at + 6)[0],)
        section.append((kind, ttl, value))
        return at + n


def over_udp(port, name, kind):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT)
        s.connect(("127.0.0.1", port))
        s.send(query(name, kind))
        return Answer(s.recv(4096))


def over_tcp(port, name, kind):
    with socket.create_connection(("127.0.0.1", port), WAIT) as s:
        q = query(name, kind)
        s.sendall(struct.pack(">H", len(q)) + q)
        with s.makefile("rb") as f:
            return Answer(f.read(struct.unpack(">H", f.read(2))[0]))


def port_of(broker):
    ports = {one["transport"]: one["port"] for one in broker.listeners()}
    assert set(ports) == {"tcp", "udp"} and ports["tcp"] == ports["udp"], ports
    return ports["udp"]


def ask_reload(broker, inner):
    broker.write(MODULE % inner)
    return broker.reload(check=False)


def reload(broker, inner):
    run = ask_reload(broker, inner)
    assert run.returncode == 0, run.stdout + run.stderr


def answers(broker):
    port = port_of(broker)
    for ask in (over_udp, over_tcp):
        assert ask(port, "far.example", A).records == [(A, 60, "10.0.0.1")]
        assert ask(port, "far.example", AAAA).records == [(AAAA, 60, "2001:db8::1")]
        assert ask(port, "_xmpp-server._tcp.far.example", SRV).records == [
            (SRV, 60, (0, 0, 5269, "far.example"))]
        nothing = ask(port, "far.example", MX)
        assert nothing.rcode == 0 and not nothing.records and len(nothing.authority) == 1
    metrics = broker.control("show metrics")
    assert metrics["inside_dns_queries_udp"] == 4 and metrics["inside_dns_queries_tcp"] == 4
    assert metrics["core_datagrams_received"] == 4 and metrics["core_datagrams_sent"] == 4


def reloads(broker):
    """The socket stays, so what is asked meanwhile is answered, by the old or by the new."""
    port = port_of(broker)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT)
        s.connect(("127.0.0.1", port))
        for turn in range(5):
            for number in range(20):
                s.send(query("far.example", A, number))
            reload(broker, LISTEN + '<gateway address="10.0.1.%d"/><ttl seconds="0"/>' % turn)
            assert sorted(Answer(s.recv(4096)).number for _ in range(20)) == list(range(20))
            until(lambda: over_udp(port, "far.example", A).records == [(A, 0, "10.0.1.%d" % turn)],
                  "the new answer", broker.alive)
    assert port_of(broker) == port
    reload(broker, '<gateway address="10.0.0.1"/>')
    until(lambda: broker.listeners() == [], "the sockets are gone", broker.alive)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT)
        s.connect(("127.0.0.1", port))
        s.send(b"x")
        try:
            s.recv(1)
            raise AssertionError("somebody still reads there")
        except ConnectionRefusedError:
            pass
    reload(broker, LISTEN + '<gateway address="10.0.0.1"/>')
    until(broker.listeners, "they are back", broker.alive)


def faults(broker):
    """A port that somebody has is a fault, and what runs goes on."""
    port = port_of(broker)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        run = ask_reload(broker, '<listen address="127.0.0.1" port="%d"/>'
                         '<gateway address="10.0.0.1"/>' % taken.getsockname()[1])
        assert run.returncode == 1 and "cannot read UDP on 127.0.0.1" in run.stdout + run.stderr
    assert port_of(broker) == port
    assert over_udp(port, "far.example", A).rcode == 0


def system_resolver():
    """getaddrinfo of the C library, with a resolv.conf of its own. None: done; else why not."""
    conf = os.path.join(TMP, "resolv.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("nameserver 127.0.0.1\n")
    script = f"mount --bind {conf} /etc/resolv.conf && exec getent ahosts far.example"
    try:
        run = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True,
                             check=False, timeout=WAIT)
    except FileNotFoundError:
        return "there is no unshare"
    if "mount" in run.stderr or "unshare" in run.stderr:
        return run.stderr.strip()
    assert run.returncode == 0 and "10.0.0.1" in run.stdout, (run.stdout, run.stderr)
    return None


def port_53():
    """In the network of this test nobody else has it."""
    inner = '<listen address="127.0.0.1"/><gateway address="10.0.0.1"/>'
    with Broker(MODULE % inner, name="low") as broker:
        assert port_of(broker) == 53
        assert over_udp(53, "far.example", A).records == [(A, 60, "10.0.0.1")]
        with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":", 1) for line in f)
        assert status["Uid"].split()[1] != "0"
        assert int(status["CapEff"], 16) == 1 << 10, status["CapEff"]
        reason = system_resolver()
        if reason:
            print(f"not tried: the system's resolver: {reason}")
        # Another address on that port, with the rights that are left.
        reload(broker, inner.replace("127.0.0.1", "127.0.0.2"))
        until(lambda: [one["address"] for one in broker.listeners()] == ["127.0.0.2"] * 2,
              "the other address", broker.alive)


def has_own_network():
    return os.getuid() == 0 and [name for _, name in socket.if_nameindex()] == ["lo"]


def main():
    both = '<gateway address="10.0.0.1"/><gateway address="2001:db8::1"/>'
    with Broker(MODULE % (LISTEN + both)) as broker:
        answers(broker)
        reloads(broker)
        faults(broker)
    if has_own_network():
        port_53()
    else:
        print("not tried: port 53, which needs root and a network of its own")


main()
