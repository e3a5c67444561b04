#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A whole XMCP conversation, captured on loopback and dissected by somebody else's code.

Every method, every error code the server can send, both protocol versions, all forms of integrity.
Then tshark has to say of each message that was exchanged exactly what the clients meant: nothing
malformed, every octet accounted for by a field, values as published, each response matched with its
request, and no remark of level warning or above but those that `deserved` lists. The integrity is
computed here once more, from the octets as tshark gives them.

Capturing needs privileges: without them the test is skipped.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import namedtuple

from xmcp_helper import (ANY16, ANY32, ANY_101, DATA, ERROR_CODE, FLAGS, HANDLE, IDENTITY,
                         KEEPALIVE, NONCE, NOTIFY, PAGE_SIZE, PROTOCOL, PUBLISH,
                         PUBLISH_REVOKE, REASON, REALM, REGISTER, REGISTER_REVOKE,
                         SERVICE_VERSION, SUBSCRIBE, SUBSCRIPTION, TMP, TRANSPORT, UNPUBLISH,
                         UNREGISTER, UNSUBSCRIBE, VERSION, WITHDRAW, Broker, error,
                         identity, success, until)
from xmcp_wire import Speaker, form_of, read

MODULES = """
<module name="auth-userpass">
  <client unauthenticated="yes"/>
  <client username="exampleuser" password="examplepassword"/>
  <client username="other" password="password-of-other"/>
  <client username="confined" password="password-of-confined">
    <domain number="100" mode="only"/>
  </client>
</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <limits subscriptions="2"/>
</module>
"""
CODES = {400, 401, 413, 431, 435, 436, 438, 471, 472, 473, 474, 475, 476, 477, 478, 479, 499, 500,
         501}
UNUSUAL = {400, 431, 473, 476, 477, 499, 500}  # tshark 4.0 warns of these wherever they are
UNDEFINED = 0x00C  # a method that does not exist
WARNING = 0x600000  # tshark's level; notes and chat are below
VISIBLE = struct.pack(">HH", 3, 1)

Service = namedtuple("Service", "id transport protocol data flags", defaults=(None,))


def ipv4(port, *octets):
    return struct.pack(">BBH4B", 0, 1, port, *octets)


def ipv6(port, text):
    return struct.pack(">BBH", 0, 2, port) + socket.inet_pton(socket.AF_INET6, text)


TELEPHONE = Service(identity(101, 1, (0x0A0B0C0D, 0x11223344, 0x55667788, 0x99AABBCC)),
                    ipv4(5060, 192, 0, 2, 10), 6, b'<ccd><d p="2XXX" todid="0:+498953121"/></ccd>')
SIX = Service(identity(635, 1, (1, 2, 3, 4)), ipv6(4556, "2001:db8::10"), 17, b"odd", VISIBLE)
EMPTY = Service(identity(101, 2, (0, 0, 0, 0)), ipv4(0, 0, 0, 0, 0), 0, b"")
LARGE = Service(identity(101, 3, (ANY32, 0, 0, 1)), ipv4(65535, 203, 0, 113, 255), 132,
                bytes(range(256)) * 20 + b"!")
HUGE = Service(identity(101, 4), ipv4(1, 127, 0, 0, 1), 255, b"\xff\x00" * 30000)
published = {}  # (identity, version): Service, for the comparison afterwards
speakers = []


# --- the capture -----------------------------------------------------------------------------

class Capture:
    def __init__(self, port):
        self.port = port
        self.path = os.path.join(TMP, "conversation.pcap")
        self.said = os.path.join(TMP, "dumpcap.log")
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                ["dumpcap", "-i", "lo", "-f", f"tcp port {port}", "-s", "262144", "-B", "64",
                 "-P", "-w", self.path], stdout=said, stderr=said)
        until(lambda: "Capturing on" in self.words() and "File: " in self.words(),
              "dumpcap captures", self.may_capture)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def words(self):
        with open(self.said, encoding="utf-8") as f:
            return f.read()

    def alive(self):
        assert self.process.poll() is None, self.words()

    def may_capture(self):
        if self.process.poll() is not None:
            print("dumpcap cannot capture on lo:", self.words().strip())
            sys.exit(77)

    def end(self, transaction):
        """After the request and the response with this transaction have been seen."""
        def seen():
            with open(self.path, "rb") as f:
                return f.read().count(transaction) >= 2
        until(seen, "the last message is in the capture", self.alive)
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait() == 0, self.words()
        assert "dumpcap:0/flushed:0/ps_ifdrop:0" in self.words() and "(pcap:0" in self.words(), \
            "packets were dropped: " + self.words()

    def packets(self):
        """Each packet as tshark understands it."""
        run = subprocess.run(
            ["tshark", "-n", "-r", self.path, "-d", f"tcp.port=={self.port},xmcp", "-T", "pdml",
             "-o", "tcp.desegment_tcp_streams:TRUE"], capture_output=True, check=True)
        return ET.fromstring(run.stdout).findall("packet")


# --- the conversation ------------------------------------------------------------------------

def speaker(broker, user="exampleuser", password="examplepassword", **options):
    """One address each, so that refusals of one do not count for another."""
    s = Speaker(broker, user, password, source=f"127.0.7.{len(speakers) + 1}", **options)
    speakers.append(s)
    return s


def publish(client, service, version):
    attributes = [(IDENTITY, service.id), (TRANSPORT, service.transport),
                  (PROTOCOL, struct.pack(">I", service.protocol)),
                  (SERVICE_VERSION, struct.pack(">I", version)), (DATA, service.data)]
    if service.flags is not None:
        attributes.append((FLAGS, service.flags))
    published[service.id, version] = service
    return client.ask(PUBLISH, *attributes)


def notified(clients, service, version):
    for client in clients:
        got = client.event()
        assert got.method == NOTIFY and got.attributes[IDENTITY] == service.id, got.attributes
        assert got.number(SERVICE_VERSION) == version


def withdrawn(clients, services, reason):
    """All of `services`, in whatever order."""
    for client in clients:
        missing = {s.id for s in services}
        while missing:
            got = client.event()
            assert got.method == WITHDRAW and got.number(REASON) == reason, got.attributes
            missing.remove(got.attributes[IDENTITY])


def answer_revoke(client, got):
    client.socket.sendall(client.build(got.method, [(HANDLE, struct.pack(">I", client.handle))],
                                       0x100, got.transaction))


def everyday(broker):
    """Publish, change, withdraw in every form that a client can have."""
    old = speaker(broker, version=(1, 0), padding="pad64")
    sha1, padded, sha256, both = (speaker(broker), speaker(broker, padding="pad64"),
                                  speaker(broker, digest="sha256"),
                                  speaker(broker, digest="sha256", padding="pad64"))
    nobody = speaker(broker, None, None)
    signed = [sha1, padded, sha256, both]
    for client in (old, *signed):
        error(client.register_once(), 435)  # the nonce dance
        success(client.register())
    success(nobody.register())
    success(publish(old, TELEPHONE, 2))
    wildcards = [ANY_101, identity(ANY16, 1, (0x0A0B0C0D, ANY32, ANY32, 0x99AABBCC)),
                 identity(ANY16, ANY16, (ANY32,) * 4), TELEPHONE.id]
    for client, pattern in zip(signed, wildcards):
        client.subscribe(pattern)
    nobody.subscribe(identity(ANY16, ANY16, (ANY32,) * 4))
    notified(signed, TELEPHONE, 2)
    success(publish(old, TELEPHONE._replace(data=b"<ccd/>"), 3))
    notified(signed, TELEPHONE, 3)
    success(publish(sha256, SIX, 4294967295))
    notified([sha256, nobody], SIX, 4294967295)
    for service in (EMPTY, LARGE, HUGE):
        success(publish(sha1, service, 1))
        notified([sha1, sha256], service, 1)
    for keep in (old, sha256):
        success(keep.ask(REGISTER, (PAGE_SIZE, struct.pack(">I", 20))))
        success(keep.ask(KEEPALIVE))
    success(nobody.ask(KEEPALIVE))
    id_of_old = old.subscribe()
    seen = {old.event().attributes[IDENTITY] for _ in range(4)}
    assert seen == {TELEPHONE.id, EMPTY.id, LARGE.id, HUGE.id}, "its own is among them"
    success(old.ask(UNPUBLISH, (IDENTITY, TELEPHONE.id)))
    withdrawn([old, *signed], [TELEPHONE], 1)
    success(sha1.ask(UNPUBLISH, (IDENTITY, HUGE.id)))
    withdrawn([old, sha1, sha256], [HUGE], 1)
    success(old.ask(UNSUBSCRIBE, (SUBSCRIPTION, struct.pack(">I", id_of_old))))
    success(publish(old, TELEPHONE, 2))  # the number died with the service
    notified(signed, TELEPHONE, 2)
    old.close()
    withdrawn(signed, [TELEPHONE], 0)
    success(sha256.ask(UNREGISTER))
    withdrawn([nobody], [SIX], 1)
    assert sha256.at_end()
    success(nobody.ask(UNREGISTER))
    assert nobody.at_end()
    return sha1, padded, both


def revokes(broker, watchers):
    """Take-over by the same user, and the operator's word."""
    old = speaker(broker, version=(1, 0), padding="pad64")
    young = speaker(broker, digest="sha256")
    success(old.register())
    success(young.register())
    success(publish(old, TELEPHONE, 5))
    notified(watchers, TELEPHONE, 5)
    success(publish(young, TELEPHONE, 6))
    notified(watchers, TELEPHONE, 6)
    got = old.event()
    assert got.method == PUBLISH_REVOKE and got.number(SUBSCRIPTION) == 0
    error(publish(old, TELEPHONE, 7), 499)
    third = speaker(broker)
    success(third.register())
    success(publish(third, TELEPHONE, 8))
    notified(watchers, TELEPHONE, 8)
    got = young.event()
    assert got.method == PUBLISH_REVOKE and SUBSCRIPTION not in got.attributes
    answer_revoke(young, got)
    for client in (young, old):
        broker.control(f"clear service-routing xmcp client {client.handle}")
        got = client.event()
        assert got.method == REGISTER_REVOKE and got.number(HANDLE) == client.handle
        if client is young:
            answer_revoke(client, got)
        else:
            client.close()  # as the client of 2011 does
    assert young.at_end()
    success(third.ask(UNREGISTER))
    withdrawn(watchers, [TELEPHONE], 1)
    assert third.at_end()


def errors_of_register(broker):
    half = speaker(broker)
    error(half.register_once(signed=False), 401)
    wrong = speaker(broker, password="not the password")
    error(wrong.register_once(), 431)
    unknown = speaker(broker, user="nobody")
    error(unknown.register_once(), 436)
    new = speaker(broker, version=(3, 0))
    answer = new.register_once()
    error(answer, 478)
    assert answer.attributes[VERSION] == struct.pack(">HH", 2, 0)
    confined = speaker(broker, "confined", "password-of-confined", digest="sha256")
    error(confined.register_once(101), 435)
    error(confined.register_once(101), 479)
    none = speaker(broker)
    error(none.ask(SUBSCRIBE, (HANDLE, b"\0\0\0\1"), (IDENTITY, ANY_101)), 474)
    error(none.ask(REGISTER, (HANDLE, b"\0\0\0\1")), 471)
    for client in (half, wrong, unknown, new, confined, none):
        client.close()


def errors_in_session(broker, client, watchers):
    """Each leaves the session as it was."""
    wildcard = (IDENTITY, ANY_101)
    rest = [(TRANSPORT, TELEPHONE.transport), (PROTOCOL, struct.pack(">I", 6)),
            (SERVICE_VERSION, struct.pack(">I", 1))]
    other = speaker(broker, "other", "password-of-other", padding="pad64")
    success(other.register())
    success(publish(other, SIX, 9))
    handle, client.handle = client.handle, None
    error(client.register_once(), 477)
    error(client.ask(KEEPALIVE), 400)
    client.handle = handle
    error(client.ask(PUBLISH, *rest), 400)
    error(client.ask(NOTIFY), 400)
    error(client.ask(UNDEFINED), 501)
    error(client.ask(KEEPALIVE, signed=False), 401)
    client.use_nonce = False
    answer = client.ask(KEEPALIVE)
    error(answer, 435)
    assert REALM in answer.attributes and NONCE in answer.attributes
    client.use_nonce, client.nonce = True, other.nonce
    error(client.ask(KEEPALIVE), 438)
    assert client.nonce != other.nonce
    success(client.ask(KEEPALIVE))
    good_key, client.key = client.key, b"not this client's"
    client.send(KEEPALIVE)
    client.key = good_key
    error(client.response(), 431)
    client.handle ^= 1
    error(client.ask(KEEPALIVE), 471)
    client.handle = handle
    error(client.ask(PUBLISH, wildcard, *rest), 475)
    error(client.ask(UNPUBLISH, wildcard), 475)
    error(client.ask(UNPUBLISH, (IDENTITY, TELEPHONE.id)), 473)
    error(client.ask(UNSUBSCRIBE, (SUBSCRIPTION, b"\1\1\1\1")), 476)
    error(client.ask(SUBSCRIBE, wildcard, (SUBSCRIPTION, b"\1\1\1\1")), 476)
    error(publish(client, SIX, 10), 499)
    error(publish(client, HUGE._replace(data=b"x" * 60001), 2), 413)
    success(publish(client, TELEPHONE, 8))
    notified(watchers, TELEPHONE, 8)
    answer = publish(client, TELEPHONE, 7)
    error(answer, 472)
    assert answer.number(SERVICE_VERSION) == 8
    published[TELEPHONE.id, 8] = TELEPHONE
    error(publish(client, TELEPHONE._replace(protocol=17), 8), 472)
    published[TELEPHONE.id, 8] = TELEPHONE
    for _ in range(2):
        success(client.ask(SUBSCRIBE, (IDENTITY, identity(1, 1))))
    error(client.ask(SUBSCRIBE, (IDENTITY, identity(1, 1))), 500)
    success(client.ask(KEEPALIVE))
    client.close()
    other.close()
    withdrawn(watchers, [TELEPHONE], 0)


def converse(broker):
    """Returns the transaction of the last request, which no other has."""
    sha1, padded, both = everyday(broker)
    revokes(broker, [sha1, padded, both])
    errors_of_register(broker)
    for digest, padding in (("sha1", "pad64"), ("sha256", "none")):
        client = speaker(broker, digest=digest, padding=padding)
        success(client.register())
        errors_in_session(broker, client, [sha1, padded, both])
    for client in (sha1, both):
        client.close()
    until(lambda: broker.control("show service-routing xmcp server")["connections"] == 1,
          "only the last client is left", broker.alive)
    last = b"the last one"
    success(padded.ask(KEEPALIVE, transaction=last))
    return last


# --- what tshark makes of it -----------------------------------------------------------------

def octets_of(proto):
    """The message, put together from the values of tshark's fields: each octet must be in one."""
    start, size = int(proto.get("pos")), int(proto.get("size"))
    got = {}
    for field in proto.iter("field"):
        value = field.get("unmaskedvalue") or field.get("value")
        if not value or int(field.get("size")) * 2 != len(value):
            continue
        for i, octet in enumerate(bytes.fromhex(value)):
            at = int(field.get("pos")) - start + i
            assert 0 <= at < size and got.get(at, octet) == octet, field.attrib
            got[at] = octet
    assert len(got) == size, f"{size - len(got)} octets are in no field"
    return bytes(got[i] for i in range(size))


def shown(field, name):
    return [f.get("show") for f in field.iter("field") if f.get("name") == "xmcp." + name]


def remarks(proto):
    """(name, level) of each expert item."""
    found = []
    for item in proto.iter("field"):
        if item.get("name") != "_ws.expert":
            continue
        of = {f.get("name"): f.get("show") for f in item}
        found.append((next(iter(of)), int(of["_ws.expert.severity"])))
    return found


def deserved(data):
    """What tshark may and must warn of in this message, by the name of the remark."""
    type_ = struct.unpack(">H", data[:2])[0]
    expected = []
    if type_ & 0x3EEF == UNDEFINED:
        expected.append("xmcp.msg_type_method.reserved")
    if type_ & 0x0110 == 0x0110:
        value = dict(read(data))[ERROR_CODE]
        if value[2] * 100 + value[3] in UNUSUAL:
            expected.append("xmcp.attr.error.unusual")
    return sorted(expected)


def check_remarks(proto, data):
    found = remarks(proto)
    names = [name for name, level in found if level >= WARNING]
    assert sorted(names) == deserved(data), (names, data.hex())
    for name, _ in found:
        assert name not in ("xmcp.response_without_request", "xmcp.attr.type.unknown"), data.hex()


def check_attributes(proto, data):
    """Types, lengths and padding, one by one, against our own reading of what was sent."""
    given = [f for f in proto.iter("field") if f.get("name") == "xmcp.attr"]
    expected = read(data)
    assert len(given) == len(expected), data.hex()
    for field, (kind, value) in zip(given, expected):
        assert shown(field, "attr.type") == [f"0x{kind:04x}"], field.get("showname")
        assert shown(field, "attr.length") == [str(len(value))], field.get("showname")
        padding = [f for f in field.iter("field") if f.get("name") == "xmcp.attr.padding"]
        assert sum(int(f.get("size")) for f in padding) == -len(value) % 4
        assert int(field.get("size")) == 4 + len(value) + -len(value) % 4


def check_response(proto, data):
    if struct.unpack(">H", data[:2])[0] & 0x0100:
        assert len(shown(proto, "response-to")) == 1, "no request to " + data.hex()


def check_notify(proto, client):
    """As its publisher meant it."""
    value = {f.get("name"): bytes.fromhex(f.get("value") or "") for f in proto.iter("field")
             if f.get("name") in ("xmcp.attr.service." + n
                                  for n in ("service", "subservice", "instance", "data"))}
    service_id = b"".join(value["xmcp.attr.service." + n]
                          for n in ("service", "subservice", "instance"))
    version = int(shown(proto, "attr.service.version")[0])
    meant = published[service_id, version]
    family = meant.transport[1]
    assert int(shown(proto, "attr.service.transport.family")[0], 16) == family
    assert shown(proto, "attr.service.transport.port") == [
        str(struct.unpack(">H", meant.transport[2:4])[0])]
    address = socket.inet_ntop(socket.AF_INET if family == 1 else socket.AF_INET6,
                               meant.transport[4:])
    assert shown(proto, f"attr.service.transport.ipv{4 if family == 1 else 6}") == [address]
    assert shown(proto, "attr.service.transport.protocol") == [str(meant.protocol)]
    assert value.get("xmcp.attr.service.data", b"") == meant.data
    if client.version[0] == 1:
        assert not shown(proto, "attr.flag.type")
    else:
        assert shown(proto, "attr.flag.trust") == ["0x0000"]
        visible = meant.flags == VISIBLE
        assert shown(proto, "attr.flag.service-visibility.unauthenticated") == [str(int(visible))]


def check_withdraw(proto, client):
    reason = int(shown(proto, "attr.service-removed-reason")[0])
    flag = shown(proto, "attr.flag.removal-reason.network-withdraw")
    assert flag == ([] if client.version[0] == 1 else [str(1 - reason)]), (flag, reason)


def check_message(proto, data, key):
    assert octets_of(proto) == data
    check_remarks(proto, data)
    check_attributes(proto, data)
    check_response(proto, data)
    if data[-24:-20] == b"\0\x08\0\x14" or data[-36:-32] == b"\0\x08\0\x20":
        form_of(key, octets_of(proto))


def check_from_server(proto, data, client):
    type_ = struct.unpack(">H", data[:2])[0]
    if type_ == NOTIFY:
        check_notify(proto, client)
    elif type_ == WITHDRAW:
        check_withdraw(proto, client)


def collect(packets, port):
    """{(address, port of the client): ([messages to the server], [from the server])}"""
    streams = {}
    for packet in packets:
        names = [p.get("name") for p in packet.iter("proto")]
        assert not any(n.startswith(("_ws.malformed", "_ws.short", "_ws.unreassembled"))
                       for n in names), names
        fields = {f.get("name"): f.get("show") for f in packet.iter("field")
                  if f.get("name") in ("ip.src", "ip.dst", "tcp.srcport", "tcp.dstport")}
        out = fields["tcp.srcport"] == str(port)
        client = (fields["ip.dst"], int(fields["tcp.dstport"])) if out else \
            (fields["ip.src"], int(fields["tcp.srcport"]))
        streams.setdefault(client, ([], []))[out].extend(
            p for p in packet.findall("proto") if p.get("name") == "xmcp")
    return streams


def check(packets, port):
    streams = collect(packets, port)
    count, codes, types = 0, set(), set()
    for client in speakers:
        to_server, from_server = streams.pop(client.address)
        for protos, messages in ((to_server, client.sent), (from_server, client.received)):
            assert len(protos) == len(messages), (client.address, len(protos), len(messages))
            for proto, (data, key) in zip(protos, messages):
                check_message(proto, data, key)
                if protos is from_server:
                    check_from_server(proto, data, client)
                types.add(struct.unpack(">H", data[:2])[0])
                codes.update(int(c) for c in shown(proto, "attr.error"))
                count += 1
    assert not streams, streams
    assert codes == CODES, codes ^ CODES
    requests = {t for t in types if t & 0x0110 == 0}
    assert requests == set(range(1, 12)) | {UNDEFINED}, requests
    print(f"{count} messages in {len(packets)} packets, {len(speakers)} connections, "
          f"{len(codes)} error codes: as meant")


def main():
    for program in ("dumpcap", "tshark"):
        if shutil.which(program) is None:
            print(program, "is not installed")
            sys.exit(77)
    with Broker(MODULES) as broker:
        with Capture(broker.port) as capture:
            capture.end(converse(broker))
        for client in speakers:
            client.close()
        check(capture.packets(), broker.port)


main()
