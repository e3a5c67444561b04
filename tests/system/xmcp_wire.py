# SPDX-License-Identifier: MIT
"""XMCP messages as octets, for tests that look at the wire: a strict reader, every form of
MESSAGE-INTEGRITY, and a client that keeps what it sent and received.

Like xmcp_helper, on which it builds, it is written from the protocol notes and shares nothing with
libxmcp. What it reads it holds to the letter: pad octets are zero, the integrity comes last, no
attribute twice.
"""
import hashlib
import hmac
import struct

from xmcp_helper import (COOKIE, DOMAIN, ERROR_CODE, FLAGS, HANDLE, IDENTITY, INTEGRITY,
                         KEEPALIVE_MS, PAGE_SIZE, PROTOCOL, REALM, REASON, SERVICE_VERSION,
                         SUBSCRIPTION, TRANSPORT, VERSION, Client)

FIXED = {HANDLE: {4}, VERSION: {4}, PAGE_SIZE: {4}, KEEPALIVE_MS: {4}, IDENTITY: {20},
         TRANSPORT: {8, 20}, PROTOCOL: {4}, SERVICE_VERSION: {4}, SUBSCRIPTION: {4}, REASON: {4},
         DOMAIN: {4}, REALM: {5}, INTEGRITY: {20, 32}}


def key_of(user, password):
    return hashlib.md5(f"{user}:SAF:{password}".encode()).digest()


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def message(type_, transaction, attributes):
    body = b"".join(attribute(k, v) for k, v in attributes)
    return struct.pack(">HHI", type_, len(body), COOKIE) + transaction + body


def mac(key, covered, digest, padding):
    """The HMAC over `covered`: header, with its final length, and all attributes before."""
    whole = len(covered) + 4 + (20 if digest == "sha1" else 32)
    if padding == "pad64":
        covered = covered.ljust((whole + 63) // 64 * 64, b"\0")
    return hmac.new(key, covered, digest).digest()


def sign(key, data, digest, padding):
    """`data`, a whole message without MESSAGE-INTEGRITY, with one at its end."""
    size = 20 if digest == "sha1" else 32
    data = data[:2] + struct.pack(">H", len(data) - 20 + 4 + size) + data[4:]
    return data + attribute(INTEGRITY, mac(key, data, digest, padding))


def without_integrity(data, attributes):
    """The message of these octets again from `attributes`, its integrity left out."""
    return message(struct.unpack(">H", data[:2])[0], data[8:20],
                   [(k, v) for k, v in attributes if k != INTEGRITY])


def form_of(key, data):
    """(digest, padding) of a signed message; both None without MESSAGE-INTEGRITY."""
    kind, value = read(data)[-1] if len(data) > 20 else (None, b"")
    if kind != INTEGRITY:
        return None, None
    digest = "sha1" if len(value) == 20 else "sha256"
    covered = data[:-4 - len(value)]
    for padding in ("none", "pad64"):
        if mac(key, covered, digest, padding) == value:
            return digest, padding
    raise AssertionError("MESSAGE-INTEGRITY does not verify in any form")


def read(data):
    """[(type, value)] of a message that must be right in every respect."""
    type_, length, cookie = struct.unpack(">HHI", data[:8])
    assert cookie == COOKIE and length == len(data) - 20 and length % 4 == 0, data.hex()
    assert type_ & 0xC000 == 0 and type_ & 0x0110 != 0x0010, hex(type_)
    attributes, at = [], 20
    while at < len(data):
        kind, n = struct.unpack(">HH", data[at:at + 4])
        end = at + 4 + n
        at = end + -n % 4
        assert at <= len(data), f"attribute {kind:#06x} of {n} octets leaves the message"
        assert not any(data[end:at]), f"pad octets of {kind:#06x} are not zero"
        assert n in FIXED.get(kind, {n}), f"attribute {kind:#06x} has {n} octets"
        assert kind not in [k for k, _ in attributes], f"attribute {kind:#06x} twice"
        assert not attributes or attributes[-1][0] != INTEGRITY, "integrity is not the last"
        assert kind != FLAGS or n % 4 == 0, "flags are no pairs"
        assert kind != ERROR_CODE or n >= 4, "error code is too short"
        attributes.append((kind, data[end - n:end]))
    return attributes


class Speaker(Client):
    """A client that signs in one form, wants it back, and keeps all messages."""

    def __init__(self, broker, user=None, password=None, digest="sha1", padding="none", **options):
        super().__init__(broker, user, password, **options)
        self.digest, self.padding = digest, padding
        self.sent, self.received = [], []  # (octets, key that they are signed with or None)
        self.address = self.socket.getsockname()[:2]

    def sign(self, data, digest):
        return sign(self.key, data, self.digest, self.padding)

    def build(self, *arguments, **options):
        data = super().build(*arguments, **options)
        self.sent.append((data, self.key))
        return data

    def read(self):
        got = super().read()
        if got is not None:
            self.received.append((got.data, self.key))
        return got

    def check_integrity(self, got):
        if INTEGRITY in got.attributes:
            assert form_of(self.key, got.data) == (self.digest, self.padding), got
        else:
            assert self.handle is None or self.key is None, f"unsigned on a signed session: {got}"
