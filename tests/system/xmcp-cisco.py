#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays Cisco's Java client of 2011, as it was seen on the wire, against the server.

Its messages are those that were observed, octet by octet, with only the server's numbers put in. It
has no idea of nonces, does not see the last 24 octets of what it receives, wants certain attributes,
loses a Notify that comes together with the answer to Subscribe, sends a Publish again that was not
answered, lives by Register with a handle, never says goodbye, answers no revoke, and comes back with
the version numbers it had. With all that it has to be served.
"""
import json
import os
import select
import socket
import struct
import time

from xmcp_helper import (DATA, ERROR_CODE, FLAGS, HANDLE, IDENTITY, INTEGRITY, KEEPALIVE_MS,
                         NOTIFY, PROTOCOL, PUBLISH_REVOKE, REGISTER_REVOKE, SERVICE_VERSION,
                         SUBSCRIPTION, TRANSPORT, WAIT, WITHDRAW, Broker, Client, identity, success,
                         until)
from xmcp_wire import form_of, key_of, message, read, sign

MODULES = """
<module name="auth-userpass">
  <client username="exampleuser" password="examplepassword"><keepalive seconds="6"/></client>
  <client username="other" password="password-of-other"/>
</module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""
KEY = key_of("exampleuser", "examplepassword")
UNSEEN = 24  # octets at the end of every message, which the client takes for the integrity
NEEDED = {NOTIFY: (SUBSCRIPTION, IDENTITY, SERVICE_VERSION, TRANSPORT, PROTOCOL, DATA),
          WITHDRAW: (SUBSCRIPTION, IDENTITY), PUBLISH_REVOKE: (SUBSCRIPTION, IDENTITY),
          REGISTER_REVOKE: (HANDLE,)}  # and any other request makes it throw


def load():
    path = os.path.join(os.environ["XMB_SRC"], "tests", "data", "xmcp-vectors.json")
    with open(path, encoding="utf-8") as f:
        return {v["name"].split("/")[1]: bytes.fromhex(v["hex"]) for v in json.load(f)["vectors"]
                if v["name"].startswith("observed-cisco-java-client/")}


OBSERVED = load()


class Seen:
    """A message as that client sees it: without its end, first attribute of a kind, by tolerance."""

    def __init__(self, data):
        self.type, _, _ = struct.unpack(">HHI", data[:8])
        self.transaction = data[8:20]
        self.attributes = {}
        at, end = 20, len(data) - UNSEEN
        while at < end:
            kind, n = struct.unpack(">HH", data[at:at + 4])
            self.attributes.setdefault(kind, data[at + 4:min(at + 4 + n, end)])
            at += 4 + (n + 3) // 4 * 4

    def number(self, kind):
        return struct.unpack(">I", self.attributes[kind])[0]


class JavaClient:
    def __init__(self, broker):
        self.port = broker.port
        self.version = 2  # of its service; the first that it publishes has this
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), WAIT)
        self.input = b""
        self.messages = []
        self.handle = self.subscription = None

    def close(self):
        self.socket.close()

    # --- out

    def say(self, name, transaction=None):
        """One of the observed messages; its transaction is new unless one is answered."""
        own = {SERVICE_VERSION: struct.pack(">I", self.version)}
        if self.handle is not None:
            own[HANDLE] = struct.pack(">I", self.handle)
        if self.subscription is not None:
            own[SUBSCRIPTION] = struct.pack(">I", self.subscription)
        data = OBSERVED[name]
        attributes = [(k, own.get(k, v)) for k, v in read(data) if k != INTEGRITY]
        out = sign(KEY, message(struct.unpack(">H", data[:2])[0], transaction or os.urandom(12),
                                attributes), "sha1", "pad64")
        assert len(out) == len(data)
        self.socket.sendall(out)

    # --- in

    def take(self):
        """One read. Returns False at the end of the connection."""
        self.socket.settimeout(WAIT)
        chunk = self.socket.recv(65536)
        self.input += chunk
        while len(self.input) >= 20:
            n = 20 + struct.unpack(">H", self.input[2:4])[0]
            if len(self.input) < n:
                break
            self.receive(self.input[:n])
            self.input = self.input[n:]
        return chunk != b""

    def receive(self, data):
        # It does not look at the integrity, but it has to be there, in its own form, and last.
        assert form_of(KEY, data) == ("sha1", "pad64") and len(read(data)[-1][1]) + 4 == UNSEEN
        seen = Seen(data)
        if seen.type & 0x0110 == 0:
            for kind in NEEDED[seen.type]:
                assert kind in seen.attributes, f"type {seen.type:#x} without {kind:#x}"
            assert FLAGS not in seen.attributes
        if seen.type in (NOTIFY, WITHDRAW):
            assert seen.number(SUBSCRIPTION) == self.subscription
            self.say("notify_response" if seen.type == NOTIFY else "withdraw_response",
                     seen.transaction)
        self.messages.append(seen)

    def hear(self):
        while not self.messages:
            assert self.take(), "closed by the server"
        return self.messages.pop(0)

    def ask(self, name, type_):
        self.say(name)
        answer = self.hear()
        assert answer.type == type_, f"{name}: {answer.type:#06x} {answer.attributes}"
        return answer

    # --- what it does

    def register(self):
        """The first try is refused for want of a nonce; the second one is the same."""
        self.socket.sendall(OBSERVED["register"])
        refused = self.hear()
        assert refused.type == 0x0111 and refused.attributes[ERROR_CODE][:4] == b"\0\0\4\x23"
        answer = self.ask("register", 0x0101)
        assert answer.number(KEEPALIVE_MS) == 6000
        self.handle = answer.number(HANDLE)

    def subscribe(self):
        """Returns the seconds from the answer to the first Notify; 0 when it would be lost."""
        self.subscription = None
        self.say("subscribe")
        while not self.messages:
            assert self.take()
        answered = time.monotonic()
        answer = self.messages.pop(0)
        assert answer.type == 0x0107
        self.subscription = answer.number(SUBSCRIPTION)
        lost = bool(self.messages or self.input)
        assert self.hear().type == NOTIFY
        return 0 if lost else time.monotonic() - answered

    def expect(self, type_, version=None):
        got = self.hear()
        assert got.type == type_, f"{got.type:#06x} {got.attributes}"
        assert version is None or got.number(SERVICE_VERSION) == version
        return got


def first_messages(broker):
    """Register, publish, subscribe: and the Notify does not follow on the heels of the answer."""
    java = JavaClient(broker)
    java.register()
    java.ask("publish", 0x0104)
    early = 0
    for _ in range(4):
        early += java.subscribe() < 0.05  # 0.3 are due; a tired reader may see one of them late
        java.ask("unsubscribe", 0x0108)
    assert early <= 1, f"{early} of 4 first notifications came right behind the answer"
    java.subscribe()
    return java


def publishes_again(java, other):
    """An answer is lost: it sends the same three times more, and nothing happens."""
    java.version += 1
    for _ in range(4):
        java.say("publish")
    types = [java.hear().type for _ in range(5)]
    assert sorted(types) == [NOTIFY, 0x0104, 0x0104, 0x0104, 0x0104], types
    other.event()
    java.version += 1
    java.say("publish")
    types = sorted(java.hear().type for _ in range(2))
    assert types == [NOTIFY, 0x0104]
    assert other.event().number(SERVICE_VERSION) == java.version, "notified of a repetition"
    java.ask("unpublish", 0x0105) if not java.messages else None


def keeps_alive(java):
    """By Register with its handle, after half the interval without a word; then it falls silent."""
    for _ in range(3):
        assert not select.select([java.socket], [], [], 3)[0], "the server speaks unasked"
        answer = java.ask("keepalive", 0x0101)
        assert answer.number(HANDLE) == java.handle and answer.number(KEEPALIVE_MS) == 6000
    assert java.expect(REGISTER_REVOKE).number(HANDLE) == java.handle


def comes_back(java, other, version):
    """On a new connection, without a word on the old one, with the versions that it had."""
    java.close()
    old = java.handle
    java.connect()
    java.register()
    assert java.handle != old
    java.version = version
    java.ask("publish", 0x0104)
    java.subscribe()
    assert other.expect_notify(1).number(SERVICE_VERSION) == version


def main():
    with Broker(MODULES) as broker:
        java = first_messages(broker)
        other = Client(broker, "other", "password-of-other")
        other.register()
        other.subscribe()
        other.expect_notify(1, 2)
        java.version += 1
        publish_and_repeat(java, other)
        told_of_others(java, other)
        keeps_alive(java)
        other.expect_withdraw(1, 0)
        comes_back(java, other, java.version)
        cleared(broker, java, other)
        taken_over(broker, java, other)
        java.close()
        other.expect_withdraw(1, 0)
        other.close()


main()
