#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The steady state asks nothing of malloc for a notification.

100 subscribers, and services that change again and again. Once the broker is warm, 20,000 short
notifies take no slab from malloc (`slab_mallocs` of `show metrics`) but for the records of what is
published, one in a hundred notifies, and 20,000 long ones no more than those and the encodings that
all their receivers share: one for each publish and worker. Then all
calls of malloc and its kin are counted, by a library that is loaded before the others: they may
grow with what is published, since the registry keeps a record of it, but not with how many
subscribers are told. That second part needs a build without sanitizers, which have a malloc of
their own.
"""
import os
import struct
import subprocess
import sys

from xmcp_helper import (DATA, IDENTITY, NOTIFY, PROTOCOL, PUBLISH, SERVICE_VERSION, TMP, TRANSPORT,
                         Broker, Client, identity, success, until)

SUBSCRIBERS, SERVICES, WARM_ROUNDS, ROUNDS = 100, 10, 10, 20
NOTIFIES = SUBSCRIBERS * SERVICES * ROUNDS
WORKERS = int(os.environ.get("XMB_TEST_WORKERS", "2"))
SHORT, LONG = 200, 8000  # octets; long ones stand in a slab of their own, for all receivers
FEW = 20  # a burst that falls together differently than in the warm rounds needs some
MALLOCS_A_PUBLISH_MAX = 4 + 2 * WORKERS

MODULES = """
<module name="auth-userpass">
  <client username="ann" password="password-of-ann">
    <nonce none="yes"/><keepalive seconds="3600"/>
  </client>
</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <max-clients total="200"/>
</module>
"""


class Count:
    """Of malloc in the broker; None where it cannot be known."""

    def __init__(self):
        self.path = None
        if os.environ.get("XMB_SANITIZED") == "yes":
            return
        self.path = os.path.join(TMP, "mallocs")
        with open(self.path, "wb") as f:
            f.write(bytes(4096))
        os.chmod(self.path, 0o666)
        self.library = os.path.join(TMP, "malloc_count.so")
        source = os.path.join(os.environ["XMB_SRC"], "tests", "system", "malloc_count.c")
        subprocess.run(os.environ["XMB_CC"].split() +
                       ["-shared", "-fPIC", "-O1", "-fno-builtin", "-o", self.library, source],
                       check=True)

    def broker(self):
        """A broker that is counted; what is started later is not."""
        if self.path is None:
            return Broker(MODULES)
        os.environ.update(LD_PRELOAD=self.library, XMB_MALLOC_COUNT=self.path)
        try:
            return Broker(MODULES)
        finally:
            del os.environ["LD_PRELOAD"], os.environ["XMB_MALLOC_COUNT"]

    def now(self):
        if self.path is None:
            return None
        with open(self.path, "rb") as f:
            return struct.unpack("=Q", f.read(8))[0]


def client(broker, **options):
    c = Client(broker, "ann", "password-of-ann", **options)
    c.register()
    return c


def publish_all(publisher, version, data):
    """All services at once."""
    for i in range(SERVICES):
        publisher.send(PUBLISH, (IDENTITY, identity(101, i)),
                       (TRANSPORT, struct.pack(">BBH4B", 0, 1, 5060, 192, 0, 2, 10)),
                       (PROTOCOL, struct.pack(">I", 6)),
                       (SERVICE_VERSION, struct.pack(">I", version)), (DATA, data))
    for _ in range(SERVICES):
        success(publisher.response())


def one_round(publisher, subscribers, version, data):
    """Nothing is overtaken: the next change comes when everybody has seen this one."""
    publish_all(publisher, version, data)
    for subscriber in subscribers:
        for _ in range(SERVICES):
            got = subscriber.event()
            assert got.method == NOTIFY and got.number(SERVICE_VERSION) == version, got
            assert got.attributes[DATA] == data


def metrics(broker):
    return broker.control("show metrics")


def find(shown, name):
    """The value of a metric, wherever the answer has it."""
    if isinstance(shown, dict):
        if name in shown:
            return shown[name]
        shown = list(shown.values())
    found = [find(v, name) for v in shown if isinstance(v, (dict, list))] \
        if isinstance(shown, list) else []
    return next((v for v in found if v is not None), None)


def steady(broker, count, publisher, subscribers, first_version, data):
    version = first_version
    for _ in range(WARM_ROUNDS):
        one_round(publisher, subscribers, version, data)
        version += 1
    before, mallocs = metrics(broker), count.now()
    for _ in range(ROUNDS):
        one_round(publisher, subscribers, version, data)
        version += 1
    mallocs_after, after = count.now(), metrics(broker)
    notifies = find(after, "xmcp_notifies") - find(before, "xmcp_notifies")
    slabs = find(after, "core_slab_mallocs") - find(before, "core_slab_mallocs")
    assert find(before, "core_slab_mallocs") > 0, "nothing is counted"
    assert notifies == NOTIFIES, notifies
    print(f"{len(data)} octets: {notifies} notifies, {slabs} slabs from malloc")
    published = SERVICES * ROUNDS
    # A record is made on a worker and given up by whoever is last: its memory does not always come
    # back to where it is needed, so a publish may take one. No notify does.
    assert slabs <= FEW + published * (1 + (WORKERS if len(data) == LONG else 0))
    if mallocs is None:
        return version
    assert mallocs > 1000, "the library that counts was not loaded"
    used = mallocs_after - mallocs
    print(f"  all of malloc: {used} calls, {used / published:.2f} for each publish, "
          f"{used / notifies:.4f} for each notify")
    assert used <= MALLOCS_A_PUBLISH_MAX * published + FEW
    return version


def main():
    count = Count()
    with count.broker() as broker:
        publisher = client(broker)
        publish_all(publisher, 1, b"")
        subscribers = [client(broker, page_size=SERVICES + 2) for _ in range(SUBSCRIBERS)]
        for subscriber in subscribers:
            subscriber.subscribe()
            for _ in range(SERVICES):
                subscriber.event()
        version = 2
        for size in (SHORT, LONG):
            version = steady(broker, count, publisher, subscribers, version, bytes(size))
        for c in [publisher, *subscribers]:
            c.close()
        until(lambda: not broker.control("show services")["services"], "withdrawn", broker.alive)


if not os.environ.get("XMB_CC"):
    print("no compiler")
    sys.exit(77)
main()
