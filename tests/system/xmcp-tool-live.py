#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The xmcp command and a real broker: what scripts get (JSON lines, exit status), and what people see.

What it says to a server that misbehaves, and to a wrong command line, is in xmcp-tool.py.
"""
import json
import os
import signal
import subprocess

from xmcp_helper import ANY_101, TMP, WAIT, Broker, Client
from xmcp_tool import (ANN, BOB, Tool, command, empty, notify, publisher, run, run_json, subscriber,
                       withdraw)

UUID = "12345678-9abc-def0-0123-456789abcdef"
UUID_WORDS = "12345678.9abcdef0.01234567.89abcdef"
WORDS_1234 = "00000001.00000002.00000003.00000004"
BINARY = b"\0\x80\xff\n"

MODULES = """
<module name="auth-userpass">
  %s
  <client username="ann" password="password-of-ann"/>
  <client username="bob" password="password-of-bob"><keepalive seconds="60"/></client>
  <client username="only" password="password-of-only"><domain number="100" mode="only"/></client>
</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <limits service-data="1k"/>
</module>
"""


# --- the fields ------------------------------------------------------------------------------


def all_fields(broker):
    """A service in all its fields, seen from both ends, and the reasons of its end."""
    sub = subscriber(broker, "--count", "4")
    registered = sub.event(0)
    assert registered == {"event": "registered", "handle": registered["handle"], "domain": 7177,
                          "keepalive_ms": 30000, "version": "2.0"}, registered
    assert registered["handle"] > 0
    assert sub.event(1) == {"event": "subscribed", "service": 101, "subservice": 65535,
                            "instance": "ffffffff.ffffffff.ffffffff.ffffffff"}
    words = ("--protocol", "17", "--address", "192.0.2.10", "--port", "5060",
             "--data", 'grüße, "8XXX"\n☎', "--sequence", "7")
    pub = publisher(broker, "101:3:1.2.3.4", *words)
    assert pub.event(0)["keepalive_ms"] == 60000
    assert pub.event(1) == {"event": "published", "service": 101, "subservice": 3,
                            "instance": WORDS_1234, "sequence": 7}
    full = notify(3, WORDS_1234, sequence=7, protocol=17, address="192.0.2.10", port=5060,
                  data='grüße, "8XXX"\n☎')
    assert sub.event(2) == full, sub.lines()
    assert pub.stop() == 0 and len(pub.lines()) == 2, pub.lines()
    assert sub.event(3) == withdraw(3, WORDS_1234), sub.lines()
    # A session that is just gone: the service was lost, not taken back.
    pub = publisher(broker, "101:3:1.2.3.4", *words)
    assert sub.event(4) == full
    pub.process.kill()
    pub.wait()
    assert sub.event(5) == withdraw(3, WORDS_1234, "network"), sub.lines()
    assert sub.wait() == 0 and len(sub.lines()) == 6
    empty(broker)


def data_of_all_kinds(broker):
    """Text is `data`; what JSON's text cannot hold is `data_base64`, in each of its three ends."""
    path = os.path.join(TMP, "data")
    sub = subscriber(broker)
    kinds = [(b"", {"data": ""}), (b"\xff", {"data_base64": "/w=="}),
             (b"\xfb\xff", {"data_base64": "+/8="}), (b"\xff\xfe\xfd", {"data_base64": "//79"}),
             (b"a\0b", {"data_base64": "YQBi"}), (BINARY, {"data_base64": "AID/Cg=="}),
             (b"\x1b[2J\t", {"data": "\x1b[2J\t"}), (b"x" * 1024, {"data": "x" * 1024})]
    for number, (data, field) in enumerate(kinds):
        with open(path, "wb") as f:
            f.write(data)
        code, events = run_json(broker, *BOB, "publish", "--service", "101:1:0.0.0.%x" % number,
                                "--data-file", path, "--for", "0.001")
        assert code == 0 and [e["event"] for e in events] == ["registered", "published"], events
        instance = "00000000.00000000.00000000.%08x" % number
        assert sub.event(2 + 2 * number) == notify(1, instance, **field), sub.lines()
        assert sub.event(3 + 2 * number) == withdraw(1, instance), sub.lines()
    code, _ = run_json(broker, *BOB, "publish", "--service", "101:2:1.2.3.4", "--data-file", "-",
                       "--for", "0.001", stdin=b"from standard input\n")
    assert code == 0
    at = 2 + 2 * len(kinds)
    assert sub.event(at) == notify(2, WORDS_1234, data="from standard input\n"), sub.lines()
    assert sub.stop() == 0


def instances(broker):
    """Short words, a UUID, an IPv6 address; and none: one is made, never twice the same."""
    sub = subscriber(broker)
    made = []
    for service in ("101:1:1.2.3.4", "101:1:" + UUID, "101:1:" + UUID.upper(), "101:1", "101:1"):
        code, events = run_json(broker, *BOB, "publish", "--service", service, "--for", "0.001",
                                "--address", "2001:db8::1", "--port", "65535")
        assert code == 0, events
        made.append(events[1]["instance"])
        assert sub.event(2 * len(made)) == notify(1, made[-1], address="2001:db8::1", port=65535)
        assert sub.event(2 * len(made) + 1) == withdraw(1, made[-1])
    assert made[:3] == [WORDS_1234, UUID_WORDS, UUID_WORDS], made
    assert made[3] != made[4], made
    assert all([len(word) for word in i.split(".")] == [8] * 4 for i in made), made
    assert sub.stop() == 0


def patterns(broker):
    """Wildcards in each part and each word. What is published first is outside of each pattern."""
    star = "ffffffff"
    cases = [
        ("101:1:1.*.3.*", 101, 1, f"00000001.{star}.00000003.{star}", "101:1:2.2.3.4"),
        ("*:1:1.2.3.4", 65535, 1, WORDS_1234, "101:2:1.2.3.4"),
        ("101:*:1.2.3.4", 101, 65535, WORDS_1234, "102:1:1.2.3.4"),
        ("101:1:*", 101, 1, ".".join([star] * 4), "101:2:1.2.3.4"),
        ("101:1", 101, 1, ".".join([star] * 4), "101:2:1.2.3.4"),
        ("101", 101, 65535, ".".join([star] * 4), "102:1:1.2.3.4"),
        ("101:1:00000001-0000-0002-0000-000300000004", 101, 1, WORDS_1234, "101:1:1.2.3.5"),
    ]
    for pattern, service, subservice, instance, outside in cases:
        sub = subscriber(broker, "--count", "1", pattern=pattern)
        assert sub.event(1) == {"event": "subscribed", "service": service,
                                "subservice": subservice, "instance": instance}, pattern
        pubs = [publisher(broker, outside), publisher(broker, "101:1:1.2.3.4")]
        assert sub.event(2) == notify(1, WORDS_1234), (pattern, sub.lines())
        assert sub.wait() == 0 and len(sub.lines()) == 3, (pattern, sub.lines())
        assert [pub.stop() for pub in pubs] == [0, 0]
    empty(broker)


# --- ends ------------------------------------------------------------------------------------


def counts_and_times(broker):
    pubs = [publisher(broker, "101:1:0.0.0.%d" % i) for i in range(3)]
    code, events = run_json(broker, *ANN, "subscribe", "--service", "101:*:*", "--count", "2")
    assert code == 0 and [e["event"] for e in events] == \
        ["registered", "subscribed", "notify", "notify"], events
    code, events = run_json(broker, *ANN, "subscribe", "--service", "101:*:*", "--timeout", "1",
                            "--count", "4")
    assert code == 1 and events[-1] == {"event": "error", "code": 0, "reason": "timed out"}, events
    code, out, err = run(broker, *ANN, "subscribe", "--service", "102:*:*", "--timeout", "0.5")
    assert code == 1 and err == "xmcp: timed out\n" and "notify" not in out, (code, out, err)
    assert [pub.stop(signal.SIGINT) for pub in pubs] == [0, 0, 0]
    code, events = run_json(broker, *ANN, "ping")
    assert code == 0 and [e["event"] for e in events] == ["registered", "ping"], events
    assert list(events[1]) == ["event", "round_trip_ms"] and events[1]["round_trip_ms"] > 0
    empty(broker)


def taken_over(broker):
    """The same user in another session replaces the service with the version above."""
    sub = subscriber(broker)
    first = publisher(broker, "101:1:1.2.3.4", "--sequence", "5", "--data", "first")
    second = publisher(broker, "101:1:1.2.3.4", "--data", "second")
    assert second.event(1)["sequence"] == 6, second.lines()
    assert first.wait() == 1
    assert first.event(2) == {"event": "error", "code": 0,
                              "reason": "the server took the service back"}, first.lines()
    assert sub.event(2) == notify(1, WORDS_1234, sequence=5, data="first"), sub.lines()
    assert sub.event(3) == notify(1, WORDS_1234, sequence=6, data="second"), sub.lines()
    assert second.stop() == 0
    assert sub.event(4) == withdraw(1, WORDS_1234), sub.lines()
    assert sub.stop() == 0


def revoked(broker):
    """An operator ends the session: said, and exit status 1."""
    sub = subscriber(broker)
    assert broker.control("clear service-routing xmcp client all")["cleared"] == 1
    assert sub.wait() == 1
    error = sub.event(2)
    assert error["event"] == "error" and error["code"] == 0 and error["reason"], error
    empty(broker)


# --- refusals --------------------------------------------------------------------------------


def refused(broker, code, reason, *words):
    """In both forms: exit status 1, the server's code, its reason."""
    status, events = run_json(broker, *words)
    assert status == 1, (words, events)
    assert events[-1] == {"event": "error", "code": code, "reason": reason}, (words, events)
    status, _, err = run(broker, *words)
    assert status == 1 and err == f"xmcp: the server refused: {code} {reason}\n", (words, err)


def refusals(broker):
    refused(broker, 436, "Unknown Username", "-u", "nobody", "-p", "of-this-name", "ping")
    refused(broker, 431, "Integrity Check Failure", "-u", "ann", "-p", "not her password", "ping")
    refused(broker, 479, "Unknown or Forbidden Domain", "-u", "only", "-p", "password-of-only",
            "--domain", "7", "ping")
    long = os.path.join(TMP, "long")
    with open(long, "wb") as f:
        f.write(b"x" * 1025)
    refused(broker, 413, "Request Too Large", *ANN, "publish", "--service", "101:1:1.2.3.4",
            "--data-file", long)
    pub = publisher(broker, "101:1:1.2.3.4")
    refused(broker, 499, "Miscellaneous Request Error", *ANN, "publish", "--service",
            "101:1:1.2.3.4")
    assert pub.stop() == 0
    empty(broker)


def without_anybody(broker):
    """A server that wants credentials, and one that is not there."""
    refused(broker, 401, "Unauthorized", "ping")
    broker.stop()
    broker.process.wait(WAIT)
    code, out, err = run(broker, "ping")
    assert code == 1 and out == "" and "127.0.0.1" in err and "refused" in err, (code, out, err)
    code, events = run_json(broker, "ping")
    assert code == 1 and [(e["event"], e["code"]) for e in events] == [("error", 0)], events


# --- who it says it is -----------------------------------------------------------------------


def clients(broker):
    return broker.control("show service-routing xmcp clients")["clients"]


def names(broker):
    """The options of the session as the server sees them."""
    with open(os.path.join(TMP, "password"), "w", encoding="ascii") as f:
        f.write("password-of-only\nnot this line\n")
    password = ("--password-file", os.path.join(TMP, "password"))
    sub = subscriber(broker, "--name", "a name", "--label", "a label", "--domain", "100",
                     user=("-u", "only", *password))
    seen = clients(broker)[0]
    assert (seen["name"], seen["label"], seen["username"], seen["domain"]) == \
        ("a name", "a label", "only", 100), seen
    assert seen["handle"] == sub.event(0)["handle"] and sub.event(0)["domain"] == 100, seen
    assert sub.stop() == 0
    sub = subscriber(broker)
    seen = clients(broker)[0]
    assert (seen["name"], seen["label"], seen["domain"]) == ("xmcp", "ann", 7177), seen
    assert sub.stop() == 0
    code, _ = run_json(broker, "-u", "only", "--password-file", "-", "ping",
                       stdin=b"password-of-only\n")
    assert code == 0
    for form in (("--sha256",), ("--pad64",), ("--sha256", "--pad64")):
        code, events = run_json(broker, *ANN, *form, "ping")
        assert code == 0 and events[0]["version"] == "2.0", (form, events)


def version_1(broker):
    """A session of 1.0 has no flags: the server does not say where the service comes from."""
    pub = publisher(broker, "101:1:1.2.3.4", "--version1", "--pad64")
    sub = subscriber(broker, "--version1", "--count", "2")
    assert sub.event(0)["version"] == pub.event(0)["version"] == "1.0"
    expected = notify(1, WORDS_1234)
    del expected["source"]
    assert sub.event(2) == expected, sub.lines()
    assert pub.stop() == 0
    assert sub.event(3) == withdraw(1, WORDS_1234), sub.lines()
    assert sub.wait() == 0
    code, events = run_json(broker, *ANN, "--version1", "ping")
    assert code == 0 and events[-1]["event"] == "ping", events


def visible(broker):
    """Without a user: a session that sees what is shown to all, and nothing else of bob's."""
    pubs = [publisher(broker, "101:1:0.0.0.1"), publisher(broker, "101:1:0.0.0.2", "--visible")]
    sub = subscriber(broker, "--count", "2", user=())
    assert [c["username"] for c in clients(broker) if c["handle"] == sub.event(0)["handle"]] == \
        [None]
    pubs += [publisher(broker, "101:1:0.0.0.3"), publisher(broker, "101:1:0.0.0.4", "--visible")]
    assert sub.event(2) == notify(1, "00000000.00000000.00000000.00000002"), sub.lines()
    assert sub.event(3) == notify(1, "00000000.00000000.00000000.00000004"), sub.lines()
    assert sub.wait() == 0
    assert [pub.stop() for pub in pubs] == [0] * 4


# --- people ----------------------------------------------------------------------------------


def on_terminal(broker, *words):
    """What a terminal gets from a command that ends by itself."""
    master, slave = os.openpty()
    process = subprocess.Popen(command(broker, *words), stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=subprocess.PIPE)
    os.close(slave)
    out = b""
    while True:
        try:
            out += os.read(master, 65536)
        except OSError:  # all that had the other end are gone
            break
    os.close(master)
    _, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0 and err == b"", (process.returncode, err)
    return out.decode().replace("\r\n", "\n")


def people(broker):
    """One line an event in words; colour on a terminal only, and none of the publisher's."""
    pub = Client(broker, "bob", "password-of-bob")
    pub.register()
    pub.publish(1, 9, b"we answer 8XXX")
    words = (*ANN, "subscribe", "--service", "101:1:*", "--count", "1")
    code, out, err = run(broker, *words)
    lines = out.splitlines()
    assert code == 0 and err == "" and len(lines) == 3, (code, out, err)
    assert lines[0].startswith("registered handle 0x") and \
        lines[0].endswith(", domain 7177, keepalive 30 s, version 2.0"), lines
    assert lines[1] == "subscribed 101:1:*", lines
    assert lines[2] == ("notify     101:1:1.2.3.4 sequence 9 tcp 192.0.2.10:5060 local"
                        " we answer 8XXX"), lines
    shown = on_terminal(broker, *words).splitlines()
    assert shown[1] == "\033[36msubscribed\033[0m 101:1:*", shown
    assert shown[2] == "\033[32mnotify    \033[0m " + lines[2][11:], shown
    pub.publish(1, 10, b"\x1b[2J\xff\nx")
    shown = on_terminal(broker, *words).splitlines()
    assert len(shown) == 3 and shown[2].endswith(r" local \x1b[2J\xff\nx"), shown
    shown = on_terminal(broker, "--json", *words).splitlines()
    assert json.loads(shown[2])["data_base64"] == "G1sySv8KeA==", shown
    sub = Tool(broker, *ANN, "subscribe", "--service", "101", "--count", "3")
    assert sub.line(2).startswith("notify "), sub.lines()
    pub.unpublish(1)
    assert sub.line(3) == "withdraw   101:1:1.2.3.4 taken back", sub.lines()
    v6 = Tool(broker, *BOB, "publish", "--service", "101:2:" + UUID, "--protocol", "132",
              "--address", "2001:db8::1", "--port", "5060")
    assert v6.line(1) == "published  101:2:12345678.9abcdef0.1234567.89abcdef sequence 1"
    assert sub.line(4) == ("notify     101:2:12345678.9abcdef0.1234567.89abcdef sequence 1"
                           " protocol 132 [2001:db8::1]:5060 local"), sub.lines()
    assert sub.wait() == 0 and v6.stop() == 0
    pub.close()


def heard_by_others(broker):
    """What the command publishes is what a client that shares no code with it is told."""
    other = Client(broker, "ann", "password-of-ann")
    other.register()
    other.subscribe(ANY_101)
    pub = publisher(broker, "101:4:1.2.3.4", "--data", "data", "--sequence", "3")
    other.expect_notify(4, 3, b"data")
    assert pub.stop() == 0
    other.expect_withdraw(4, 1)
    other.close()


PARTS = (all_fields, data_of_all_kinds, instances, patterns, counts_and_times, taken_over, revoked,
         refusals, names, version_1, visible, people, heard_by_others)


def main():
    with Broker(MODULES % '<client unauthenticated="yes"/>') as broker:
        for part in PARTS:
            print(part.__name__)
            part(broker)
            empty(broker)
    with Broker(MODULES % "") as broker:
        print(without_anybody.__name__)
        without_anybody(broker)


main()
