#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is to be sent at the same time leaves in the same system call. 100 publishes that come in one piece are
answered, and the subscriber is told, with less than half of 200 calls: short notifications, which are copied
together, and long ones, which stay where they are and are gathered. The same publishes one after the other need a call
for each answer and each notification, so what is counted are the calls.
"""
import struct

from xmcp_helper import (DATA, HANDLE, IDENTITY, NOTIFY, PROTOCOL, PUBLISH, SERVICE_VERSION, TRANSPORT, Broker,
                         Client, identity, success, until)

SERVICES = 100
SHORT, LONG = 4, 2000  # octets of service data
CALLS_MAX = SERVICES  # half of one for each message; the kernel may hand a piece over in several, and take it so

MODULES = """
<module name="auth-userpass">
  <client username="ann" password="password-of-ann"><nonce none="yes"/><keepalive seconds="3600"/></client>
</module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def client(broker):
    one = Client(broker, "ann", "password-of-ann", page_size=SERVICES + 2)
    one.register()
    return one


def publish(publisher, service, version, size):
    """The octets of it."""
    return publisher.build(PUBLISH, [
        (HANDLE, struct.pack(">I", publisher.handle)), (IDENTITY, identity(101, service)),
        (TRANSPORT, struct.pack(">BBH4B", 0, 1, 5060, 192, 0, 2, 10)), (PROTOCOL, struct.pack(">I", 6)),
        (SERVICE_VERSION, struct.pack(">I", version)), (DATA, bytes(size))])


def is_told(subscriber, service, version):
    event = subscriber.event()
    assert event.method == NOTIFY and event.attributes[IDENTITY] == identity(101, service), event
    assert event.number(SERVICE_VERSION) == version


def one_by_one(publisher, subscriber, version, size):
    for service in range(SERVICES):
        publisher.socket.sendall(publish(publisher, service, version, size))
        success(publisher.response())
        is_told(subscriber, service, version)


def at_once(publisher, subscriber, version, size):
    publisher.socket.sendall(b"".join(publish(publisher, s, version, size) for s in range(SERVICES)))
    for _ in range(SERVICES):
        success(publisher.response())
    for service in range(SERVICES):
        is_told(subscriber, service, version)


def calls(broker, what, *arguments):
    before = broker.control("show metrics")
    what(*arguments)
    after = broker.control("show metrics")
    assert after["xmcp_notifies"] - before["xmcp_notifies"] == SERVICES
    made = after["core_writes"] - before["core_writes"]
    print(f"{what.__name__}: {made} calls for {2 * SERVICES} messages")
    return made


def main():
    with Broker(MODULES) as broker:
        publisher, subscriber = client(broker), client(broker)
        subscriber.subscribe()
        assert calls(broker, one_by_one, publisher, subscriber, 1, SHORT) == 2 * SERVICES
        for version, size in enumerate((SHORT, LONG, SHORT, LONG), 2):
            assert calls(broker, at_once, publisher, subscriber, version, size) < CALLS_MAX
        for one in (publisher, subscriber):
            one.close()
        until(lambda: not broker.control("show services")["services"], "withdrawn", broker.alive)


main()
