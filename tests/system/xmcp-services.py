#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients of the XMCP server: they register, publish, subscribe and are notified.

Both digests, both protocol versions, wildcards, take-over, what is withdrawn with which reason, and
a full set of services through a small window. With more than one worker the clients are spread by
the kernel, so events cross threads.
"""
import struct

from xmcp_helper import (ANY16, ANY32, ANY_101, FLAGS, IDENTITY, KEEPALIVE, KEEPALIVE_MS, NONCE,
                         PUBLISH_REVOKE, REASON, SERVICE_VERSION, SUBSCRIPTION, UNREGISTER,
                         UNSUBSCRIBE, Broker, Client, error, identity, success, until)

MODULES = """
<module name="auth-userpass">
  <client unauthenticated="yes"/>
  <client username="ann" password="password-of-ann"/>
  <client username="bob" password="password-of-bob"/>
</module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def ann(broker, **options):
    return Client(broker, "ann", "password-of-ann", **options)


def bob(broker, **options):
    return Client(broker, "bob", "password-of-bob", **options)


def publish_and_notify(broker):
    a, b = ann(broker), bob(broker)
    a.register()
    b.register(digest="sha256")
    b.subscribe()
    success(a.publish(1, 1, b"one"))
    notify = b.expect_notify(1, 1, b"one")
    assert FLAGS in notify.attributes
    success(a.publish(1, 2, b""))
    b.expect_notify(1, 2, b"")
    error(a.publish(1, 1, b"old"), 472)
    success(a.unpublish(1))
    b.expect_withdraw(1, 1)
    success(a.publish(2, 1))
    b.expect_notify(2, 1)
    a.close()
    b.expect_withdraw(2, 0)
    b.close()


def unregister_is_a_source_withdraw(broker):
    a, b = ann(broker), bob(broker)
    a.register()
    b.register()
    b.subscribe()
    success(a.publish(1))
    b.expect_notify(1)
    success(a.ask(UNREGISTER))
    b.expect_withdraw(1, 1)
    assert a.at_end()
    b.close()


def wildcards(broker):
    a, b = ann(broker), bob(broker)
    a.register()
    b.register()
    for sub in (1, 2):
        success(a.publish(sub))
    one = b.subscribe(identity(ANY16, 2, (1, ANY32, 3, ANY32)))
    none = b.subscribe(identity(102, ANY16, (ANY32,) * 4))
    assert b.expect_notify(2).number(SUBSCRIPTION) == one
    success(b.ask(UNSUBSCRIBE, (SUBSCRIPTION, struct.pack(">I", one))))
    error(b.ask(UNSUBSCRIBE, (SUBSCRIPTION, struct.pack(">I", one))), 476)
    success(a.publish(2, 2))
    every = b.subscribe(ANY_101)
    assert every not in (one, none)
    seen = sorted((b.event().attributes[IDENTITY] for _ in range(2)))
    assert seen == [identity(101, 1), identity(101, 2)]
    a.close()
    b.close()


def take_over(broker):
    first, other, watch = ann(broker), bob(broker), bob(broker)
    first.register()
    other.register()
    watch.register()
    watch.subscribe()
    success(first.publish(7, 5))
    watch.expect_notify(7, 5)
    error(other.publish(7, 6), 499)
    second = ann(broker)
    second.register()
    success(second.publish(7, 6))
    watch.expect_notify(7, 6)
    assert first.event().method == PUBLISH_REVOKE
    error(first.publish(7, 8), 499)
    first.close()  # takes nothing along that is not its own any more
    success(second.publish(7, 7))
    watch.expect_notify(7, 7)
    second.close()
    watch.expect_withdraw(7, 0)
    other.close()
    watch.close()


def version_1_0(broker):
    """As Cisco's Java client: no nonce, keepalive by Register, no FLAGS."""
    a, b = ann(broker, version=(1, 0)), bob(broker)
    a.use_nonce = False
    assert NONCE not in a.register().attributes
    b.register()
    success(b.publish(3, 1))
    a.subscribe()
    assert FLAGS not in a.expect_notify(3, 1).attributes
    answer = success(a.ask(1))  # Register with a handle
    assert answer.number(KEEPALIVE_MS) == 30000
    a.close()
    b.close()


def unauthenticated(broker):
    a, b, c = ann(broker), Client(broker), Client(broker)
    a.register()
    b.register()
    c.register()
    b.subscribe()
    success(a.publish(1))
    success(a.publish(2, flags=struct.pack(">HH", 3, 1)))
    b.expect_notify(2)
    success(c.publish(3))
    b.expect_notify(3)
    for client in (a, b, c):
        client.close()


def domains(broker):
    a, b = ann(broker), bob(broker)
    a.register(domain=11)
    b.register(domain=12)
    a.subscribe()
    success(b.publish(1))
    success(a.publish(1))
    a.expect_notify(1)
    until(lambda: len(broker.control("show services domain 12")["services"]) == 1,
          "the service is in its domain")
    a.close()
    b.close()


def full_set(broker):
    """500 services at once through a window of 3, then 50 changes."""
    a, b = ann(broker), bob(broker, page_size=3)
    a.register()
    b.register()
    for sub in range(500):
        success(a.publish(sub, 1, b"x" * sub))
    b.subscribe()
    seen = {}
    while len(seen) < 500:
        message = b.event()
        sub = struct.unpack(">H", message.attributes[IDENTITY][2:4])[0]
        assert sub not in seen
        seen[sub] = message.number(SERVICE_VERSION)
    for sub in range(50):
        success(a.publish(sub, 2))
    for sub in range(50):
        b.event()
    a.close()
    for _ in range(500):
        message = b.event()
        assert message.number(REASON) == 0
    success(b.ask(KEEPALIVE))
    b.close()


def main():
    with Broker(MODULES) as broker:
        for part in (publish_and_notify, unregister_is_a_source_withdraw, wildcards, take_over,
                     version_1_0, unauthenticated, domains, full_set):
            print(part.__name__)
            part(broker)
            until(lambda: not broker.control("show services")["services"], "all is withdrawn",
                  broker.alive)


main()
