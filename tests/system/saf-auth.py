#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Authentication between two SAF forwarders, a way on each link: MD5 with a key chain, SHA-256, and mismatches,
which are logged and make no neighbour. A key chain rolls over, and a wrong key is put right, while they run.
Every digest on the links is computed once more, by other code.
"""
from saf_rig import Scene, Watcher, until, xml
from saf_speaker import md5_digest, sha256_digest

KEYS = {1: b"the-first-key", 2: b"the-second-key-is-longer-than-16"}
SHA_KEY, OTHER_KEY = b"a-shared-key-of-30-octets-----", b"another-key-of-23-chars"
MD5, SHA, WRONG, ONE_SIDED, MODES = "l1", "l2", "l3", "l4", "l5"
PAST = "2020-01-01"


def chain(**first):
    """Both keys; what is said of the first one."""
    first = "".join(f" {k.replace('_', '-')}='{v}'" for k, v in first.items())
    return f"<key-chain name='K'><key id='1' string='{KEYS[1].decode()}'{first}/>" \
        f"<key id='2' string='{KEYS[2].decode()}'/></key-chain>"


def auth(mode, **values):
    return {"inner": f"<authentication mode='{mode}'" +
            "".join(f" {k.replace('_', '-')}='{v}'" for k, v in values.items()) + "/>"}


def set_up(a, b):
    sha, other = SHA_KEY.decode(), OTHER_KEY.decode()
    for node in (a, b):
        node.more = chain()
        node.ifaces[MD5] = auth("md5", key_chain="K")
        node.ifaces[SHA] = auth("hmac-sha-256", key=sha)
    a.ifaces[WRONG] = auth("hmac-sha-256", key=sha)
    b.ifaces[WRONG] = auth("hmac-sha-256", key=other)
    a.ifaces[ONE_SIDED] = auth("md5", key_chain="K")
    a.ifaces[MODES] = auth("md5", key="the-first-key", key_id=1)
    b.ifaces[MODES] = auth("hmac-sha-256", key="the-first-key")


def links_up(node):
    return {interface for interface, _ in node.neighbors()}


def drops(node):
    return {r["reason"]: r["count"] for r in node.traffic()["traffic"][0]["reasons"]}


def refused(a, b):
    """What does not fit is counted and logged, with neighbour, interface and reason; and never up."""
    for node, reasons in ((a, {"auth-digest", "auth-missing", "auth-type"}),
                          (b, {"auth-digest", "auth-unexpected", "auth-type"})):
        until(lambda n=node, r=reasons: all(drops(n).get(x, 0) >= 3 for x in r - {"auth-type"}),
              f"{node.name} counts refused hellos", node.alive)
        log = node.log()
        for link in (WRONG, ONE_SIDED, MODES):
            other = "2" if node is a else "1"
            source = f"10.88.{link[1]}.{other}"
            assert any(source in line and link in line and "authentication" in line
                       for line in log.splitlines()), f"{node.name} does not log {source} on {link}"
        for key in (*KEYS.values(), SHA_KEY, OTHER_KEY):
            assert key.decode() not in log, "a key in the log"
        assert links_up(node) == {MD5, SHA}


def roll_over(a, b, watcher):
    """From key 1 to key 2, one end after the other."""
    before = {n: n.neighbors()[MD5, f"10.88.1.{3 - n.number}"]["uptime_seconds"] for n in (a, b)}
    for node in (b, a):
        node.more = chain(send_until=PAST)
        node.reload()
        serial = node.traffic()["traffic"][0]["hellos_sent"]
        until(lambda n=node, s=serial: n.traffic()["traffic"][0]["hellos_sent"] >= s + 10,
              "hellos with the new key went out", node.alive)
    for node in (a, b):
        node.more = chain(send_until=PAST, accept_until=PAST)
        node.reload()
    for node in (a, b):
        up = node.neighbors()[MD5, f"10.88.1.{3 - node.number}"]
        assert up["uptime_seconds"] >= before[node], "the neighbour was lost on the way"
    assert not [e for e in watcher.events if e[0] == "withdraw"]


def put_right(a, b):
    b.ifaces[WRONG] = a.ifaces[WRONG]
    b.reload()
    until(lambda: links_up(a) == links_up(b) == {MD5, SHA, WRONG}, "the third link is up", b.alive)


def on_the_links(capture):
    frames = capture.check()
    octets = capture.octets()
    assert len(frames) == len(octets)
    used = set()
    for frame, payload in zip(frames, octets):
        kind = frame.fields.get("eigrp.auth.type")
        if frame.link == ONE_SIDED and frame.source.endswith(".2"):
            assert kind is None, frame
            continue
        digest = bytes.fromhex(frame["eigrp.auth.digest"].replace(":", ""))
        if kind == "2":
            key_id = frame.number("auth.keyid")
            used.add((frame.link, frame.source, key_id))
            assert md5_digest(payload, KEYS[key_id]) == digest, frame
        else:
            assert kind == "3" and frame.number("auth.keyid") == 0, frame
            assert any(sha256_digest(payload, key, frame.source) == digest
                       for key in (SHA_KEY, OTHER_KEY, KEYS[1])), frame
    for source in ("10.88.1.1", "10.88.1.2"):
        assert {k for link, s, k in used if link == MD5 and s == source} == {1, 2}, used
    assert not any(f.services for f in frames if f.link in (ONE_SIDED, MODES)), "told to no neighbour"


def main():
    with Scene() as scene:
        a, b = scene.nodes(2)
        for _ in range(5):
            scene.connect(a, b)
        set_up(a, b)
        scene.start()
        until(lambda: links_up(a) == links_up(b) == {MD5, SHA}, "the links that fit are up", scene.check)
        publisher, watcher = a.client(), Watcher(b)
        scene.publish(publisher, 1, 1, xml("signed"), a.router_id)
        watcher.sees(1, xml("signed"))
        refused(a, b)
        roll_over(a, b, watcher)
        put_right(a, b)
        scene.publish(publisher, 1, 2, xml("signed anew"), a.router_id)
        watcher.sees(1, xml("signed anew"))
        watcher.once()
        scene.stop()
        on_the_links(scene.capture)


main()
