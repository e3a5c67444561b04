#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays Cisco's Java client of 2011, as it was seen on the wire, against the server.

Its messages are those that were observed, octet by octet, with only the server's numbers put in. It
has no idea of nonces, does not see the last 24 octets of what it receives, wants certain
attributes, loses a Notify that comes together with the answer to Subscribe, sends a Publish again
that was not answered, lives by Register with a handle, never says goodbye, answers no revoke, and
comes back with the version numbers it had. With all that it has to be served.
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
REGISTERED, PUBLISHED, UNPUBLISHED, SUBSCRIBED, UNSUBSCRIBED = (  # the answers
    0x0101, 0x0104, 0x0105, 0x0107, 0x0108)
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
    """A message as that client sees it: without its end, and the first attribute of a kind."""

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
        if seen.type == SUBSCRIBED:
            self.subscription = seen.number(SUBSCRIPTION)
        if seen.type in (NOTIFY, WITHDRAW):
            assert seen.number(SUBSCRIPTION) == self.subscription
            self.say("notify_response" if seen.type == NOTIFY else "withdraw_response",
                     seen.transaction)
        self.messages.append(seen)

    def hear(self, type_):
        """The first message of this type; others, which may come in between, are kept."""
        while True:
            for i, seen in enumerate(self.messages):
                if seen.type == type_:
                    return self.messages.pop(i)
            assert self.take(), f"closed by the server, and {type_:#06x} was expected"

    def heard_all(self):
        assert not self.messages and not self.input, [hex(m.type) for m in self.messages]

    def ask(self, name, type_):
        self.say(name)
        return self.hear(type_)

    # --- what it does

    def register(self):
        """The first try is refused for want of a nonce; the second one has none either."""
        self.socket.sendall(OBSERVED["register"])
        assert self.hear(0x0111).attributes[ERROR_CODE][:4] == b"\0\0\4\x23"
        answer = self.ask("register", REGISTERED)
        assert answer.number(KEEPALIVE_MS) == 6000
        self.handle = answer.number(HANDLE)

    def subscribe(self):
        """Returns the seconds from the answer to the first Notify; 0 when they came as one."""
        self.ask("subscribe", SUBSCRIBED)
        answered = time.monotonic()
        together = bool(self.messages or self.input)
        self.hear(NOTIFY)
        return 0 if together else time.monotonic() - answered


def first_messages(broker):
    """Register, publish, subscribe: and the Notify does not follow on the heels of the answer."""
    java = JavaClient(broker)
    java.register()
    java.ask("publish", PUBLISHED)
    early = 0
    for _ in range(4):
        early += java.subscribe() < 0.05  # 0.3 are due; only a reader that was held up sees less
        java.ask("unsubscribe", UNSUBSCRIBED)
    assert early <= 1, f"{early} of 4 first notifications came right behind the answer"
    java.subscribe()
    java.heard_all()
    return java


def publishes_again(java, other):
    """It hears no answer and sends the same three times more: that is one change."""
    java.version += 1
    for _ in range(4):
        java.say("publish")
    for _ in range(4):
        java.hear(PUBLISHED)
    assert java.hear(NOTIFY).number(SERVICE_VERSION) == java.version
    other.expect_notify(1, java.version)
    java.version += 1
    java.ask("publish", PUBLISHED)
    assert java.hear(NOTIFY).number(SERVICE_VERSION) == java.version
    other.expect_notify(1, java.version)
    java.heard_all()


def is_told_of_others(java, other):
    for version, data in ((1, b"<x/>"), (2, b"")):
        success(other.publish(2, version, data))
        notify = java.hear(NOTIFY)
        assert notify.attributes[IDENTITY] == identity(101, 2)
        assert notify.number(SERVICE_VERSION) == version and notify.attributes[DATA] == data
        other.expect_notify(2, version)
    success(other.unpublish(2))
    assert java.hear(WITHDRAW).attributes[IDENTITY] == identity(101, 2)
    other.expect_withdraw(2, 1)
    java.ask("unpublish", UNPUBLISHED)
    java.hear(WITHDRAW)
    other.expect_withdraw(1, 1)
    java.ask("publish", PUBLISHED)  # the same version: the number died with the service
    java.hear(NOTIFY)
    other.expect_notify(1, java.version)
    java.heard_all()


def keeps_alive(java, other):
    """By Register with its handle, after half the interval without a word; then it falls silent."""
    for _ in range(3):
        assert not select.select([java.socket], [], [], 3)[0], "the server speaks unasked"
        answer = java.ask("keepalive", REGISTERED)
        assert answer.number(HANDLE) == java.handle and answer.number(KEEPALIVE_MS) == 6000
    assert java.hear(REGISTER_REVOKE).number(HANDLE) == java.handle
    other.expect_withdraw(1, 0)


def comes_back(java, other):
    """Without a word on the old connection, on a new one, with the versions that it had."""
    old = java.handle
    java.close()
    java.connect()
    java.register()
    assert java.handle != old
    java.ask("publish", PUBLISHED)
    other.expect_notify(1, java.version)
    java.subscribe()
    java.heard_all()


def is_cleared(broker, java, other):
    broker.control(f"clear service-routing xmcp client {java.handle}")
    java.hear(REGISTER_REVOKE)
    other.expect_withdraw(1, 0)
    comes_back(java, other)


def is_taken_over(broker, java):
    """Its new connection is faster than the end of the old one, which lives on without service."""
    second = JavaClient(broker)
    second.version = java.version
    second.register()
    second.ask("publish", PUBLISHED)
    assert java.hear(PUBLISH_REVOKE).attributes[IDENTITY] == identity(101, 1)
    java.ask("keepalive", REGISTERED)
    java.close()
    return second


def main():
    with Broker(MODULES) as broker:
        java = first_messages(broker)
        other = Client(broker, "other", "password-of-other")
        other.register()
        other.subscribe()
        other.expect_notify(1, 2)
        publishes_again(java, other)
        is_told_of_others(java, other)
        keeps_alive(java, other)
        comes_back(java, other)
        is_cleared(broker, java, other)
        java = is_taken_over(broker, java)
        java.close()
        other.close()
        until(lambda: not broker.control("show services")["services"], "withdrawn", broker.alive)


main()
