#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One server, 10,000 registered clients, each with one service (1,000 in a build with a sanitizer).

A new subscriber receives all of them, each once and complete. Then all clients leave, half with
Unregister and half by closing, and it receives as many withdrawals, with the reason that belongs to
each. Nothing here is measured but for a line of memory use; the limit is that of `run`.
"""
import os
import resource
import struct
import sys

from xmcp_helper import (ANY16, ANY32, DATA, HANDLE, IDENTITY, KEEPALIVE, NOTIFY, PROTOCOL,
                         PUBLISH, REASON, REGISTER, SERVICE_VERSION, TRANSPORT, UNREGISTER,
                         USERNAME, WITHDRAW, Broker, Client, identity, success, until)

COUNT = 1000 if os.environ.get("XMB_SANITIZED") == "yes" else 10000
FILES = COUNT + 1000  # in this process and in xmbd, which inherits the limit
BATCH = 250  # requests under way at once
PAYLOAD = bytes(range(256)) * 8

MODULES = f"""
<module name="auth-userpass">
  <client username="many" password="password-of-many">
    <nonce none="yes"/><keepalive seconds="3600"/>
  </client>
</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <max-clients total="{COUNT + 1}"/>
  <limits register-within="60s"/>
</module>
"""


def may_open_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= FILES:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(hard, FILES)))
        return True
    except (ValueError, OSError) as error:
        print(f"needs {FILES} open files, and {hard} is the limit: {error}")
        return False


def connect(broker, i, **options):
    """From one address for each thousand, for their ports' sake."""
    return Client(broker, "many", "password-of-many", source=f"127.0.20.{1 + i // 1000}", **options)


def service(i):
    """Everything about it tells which one it is."""
    return {IDENTITY: identity(101, i % 7, (i, ~i & ANY32, 3, 4)),
            TRANSPORT: struct.pack(">BBHI", 0, 1, i, 0x0A000000 + i),
            PROTOCOL: struct.pack(">I", i % 256), SERVICE_VERSION: struct.pack(">I", i + 1),
            DATA: struct.pack(">I", i) + PAYLOAD[:i % 1500]}


def come(broker):
    clients = []
    for first in range(0, COUNT, BATCH):
        batch = [connect(broker, i) for i in range(first, min(first + BATCH, COUNT))]
        for client in batch:
            client.send(REGISTER, (USERNAME, b"many"))
        for client in batch:
            client.handle = success(client.response()).number(HANDLE)
        for i, client in enumerate(batch, first):
            client.send(PUBLISH, *service(i).items())
        for client in batch:
            success(client.response())
        clients += batch
    assert len({client.handle for client in clients}) == COUNT, "a handle is used twice"
    return clients


def receives_all(subscriber):
    missing = {service(i)[IDENTITY]: i for i in range(COUNT)}
    while missing:
        notify = subscriber.event()
        assert notify.method == NOTIFY, notify
        i = missing.pop(notify.attributes[IDENTITY], None)
        assert i is not None, "notified twice, or of what nobody published"
        for kind, value in service(i).items():
            assert notify.attributes[kind] == value, (i, hex(kind))


def leave(clients):
    """Those with an even number say so."""
    for first in range(0, COUNT, BATCH):
        batch = list(enumerate(clients))[first:first + BATCH]
        for i, client in batch:
            if i % 2 == 0:
                client.send(UNREGISTER)
        for i, client in batch:
            if i % 2 == 0:
                success(client.response())
            client.close()


def sees_all_leave(subscriber):
    missing = {service(i)[IDENTITY]: i for i in range(COUNT)}
    while missing:
        withdraw = subscriber.event()
        assert withdraw.method == WITHDRAW, withdraw
        i = missing.pop(withdraw.attributes[IDENTITY], None)
        assert i is not None, "withdrawn twice"
        assert withdraw.number(REASON) == 1 - i % 2, "source withdraw for the even ones"


def resident_kib(broker):
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def main():
    if not may_open_files():
        sys.exit(77)
    with Broker(MODULES) as broker:
        before_kib = resident_kib(broker)
        clients = come(broker)
        print(f"{COUNT} clients with a service each: "
              f"{(resident_kib(broker) - before_kib) / COUNT:.1f} KiB of xmbd for each")
        subscriber = connect(broker, COUNT, page_size=255)
        subscriber.register()
        server = broker.control("show service-routing xmcp server")
        assert server["clients"] == COUNT + 1 and server["services"] == COUNT, server
        subscriber.subscribe(identity(ANY16, ANY16, (ANY32,) * 4))
        receives_all(subscriber)
        success(subscriber.ask(KEEPALIVE))
        assert not subscriber.waiting, "more than all"
        leave(clients)
        sees_all_leave(subscriber)
        success(subscriber.ask(KEEPALIVE))
        assert not subscriber.waiting, "more than all"
        until(lambda: broker.control("show service-routing xmcp server")["connections"] == 1,
              "all others are gone", broker.alive)
        subscriber.close()


main()
