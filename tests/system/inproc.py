#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin publishes and subscribes with no network in between (tests/plugins/inproc.c): what it
publishes reaches an XMCP client, what the client publishes reaches the plugin, updates and
withdrawals too, and a reload of the plugin is an update. A name is a publisher: who is called
otherwise cannot take the plugin's service over."""
import os

from xmcp_helper import Broker, Client, error, success, until

MODULES = """
<module name="auth-userpass">
  <client username="ann" password="password-of-ann"><domain number="100"/></client>
</module>
<module name="inproc" domain="100" text="%s"/>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def seen(broker):
    """What the plugin sees, its own service included: subservice -> (sequence, owner, data)."""
    return {s["subservice"]: (s["sequence"], s["owner"], s["data"])
            for s in broker.control("show inproc seen")["seen"]}


def sees(broker, expected):
    until(lambda: seen(broker) == expected, f"the plugin sees {expected}", broker.alive)


def main():
    with Broker(MODULES % "one", folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        sees(broker, {7: (1, "inproc", "one")})
        client = Client(broker, "ann", "password-of-ann")
        client.register()
        client.subscribe()
        client.expect_notify(7, 1, b"one")

        success(client.publish(9, 4, b"from the client"))
        client.expect_notify(9, 4)
        sees(broker, {7: (1, "inproc", "one"), 9: (4, "ann", "from the client")})
        success(client.publish(9, 5, b"updated"))
        client.expect_notify(9, 5)
        sees(broker, {7: (1, "inproc", "one"), 9: (5, "ann", "updated")})

        error(client.publish(7, 99, b"not mine"), 499)

        broker.write(MODULES % "two")
        assert broker.reload()["changed"] == ["inproc"]
        client.expect_notify(7, 2, b"two")
        sees(broker, {7: (2, "inproc", "two"), 9: (5, "ann", "updated")})

        success(client.unpublish(9))
        client.expect_withdraw(9, 1)
        sees(broker, {7: (2, "inproc", "two")})

        broker.write((MODULES % "three").replace('"inproc" domain="100"', '"inproc" domain="200"'))
        broker.reload()
        client.expect_withdraw(7, 1)
        sees(broker, {7: (3, "inproc", "three")})
        client.close()


main()
