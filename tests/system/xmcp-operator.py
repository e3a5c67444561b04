#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The operator and the XMCP server: show, clear, reload with clients connected, shutdown."""
from xmcp_helper import (HANDLE, KEEPALIVE, REGISTER_REVOKE, SUBSCRIBE, IDENTITY, ANY_101, Broker,
                         Client, error, success, until)

USERS = """
<module name="auth-userpass">
  <client unauthenticated="yes"><keepalive seconds="60"/></client>
  <client username="ann" password="password-of-ann"/>
  %s
</module>
"""
BOB = '<client username="bob" password="password-of-bob"/>'
XMCP = """
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <max-clients total="%u"/>
</module>
"""


def ann(broker):
    client = Client(broker, "ann", "password-of-ann")
    client.register()
    return client


def bob(broker):
    client = Client(broker, "bob", "password-of-bob")
    client.register()
    return client


def clients(broker, words=""):
    return broker.control("show service-routing xmcp clients " + words)["clients"]


def show(broker):
    a, b = ann(broker), Client(broker, source="127.0.0.7")
    b.register()
    success(a.publish(5, 3, b"four"))
    a.subscribe()
    a.expect_notify(5, 3)
    both = clients(broker)
    assert len(both) == 2
    of = {c["handle"]: c for c in both}
    assert of[a.handle]["username"] == "ann" and of[b.handle]["username"] is None
    assert of[a.handle]["label"] == "a label" and of[a.handle]["name"] == "test/1"
    assert of[a.handle]["address"] == "127.0.0.1"
    assert of[a.handle]["port"] == a.socket.getsockname()[1]
    assert of[a.handle]["domain"] == 7177 and of[a.handle]["keepalive"] == 30
    assert of[b.handle]["keepalive"] == 60
    assert of[a.handle]["services"] == 1 and of[a.handle]["subscriptions"] == 1
    assert of[a.handle]["uptime_seconds"] >= 0
    assert [c["handle"] for c in clients(broker, "127.0.0.7")] == [b.handle]
    assert [c["handle"] for c in clients(broker, str(b.handle))] == [b.handle]
    assert [c["handle"] for c in clients(broker, f"0x{b.handle:08x}")] == [b.handle]
    assert not clients(broker, "127.0.0.99")
    detail = clients(broker, f"{a.handle} detail")[0]
    service = detail["service_list"][0]
    assert service["instance"] == "00000001.00000002.00000003.00000004"
    assert service["sequence"] == 3 and service["bytes"] == 4
    assert detail["subscription_list"][0]["notified"] == 1
    assert any(m["method"] == "Publish" and m["received"] == 1 for m in detail["messages"])
    server = broker.control("show service-routing xmcp server")
    assert server["clients"] == 2 and server["clients_unauthenticated"] == 1
    assert server["services"] == 1 and server["subscriptions"] == 1
    assert server["max_clients_total"] == 100
    assert server["listening"][0]["address"] == "127.0.0.1"
    assert len(server["listening"]) == 1
    bad = broker.control("show service-routing xmcp clients nonsense", check=False)
    assert bad.returncode != 0
    a.close()
    b.close()


def clear(broker):
    a, b = ann(broker), ann(broker)
    cleared = broker.control(f"clear service-routing xmcp client {a.handle}")["cleared"]
    assert cleared == 1
    revoke = a.event()
    assert revoke.method == REGISTER_REVOKE and revoke.number(HANDLE) == a.handle
    assert a.at_end()
    a.close()
    success(b.ask(KEEPALIVE))
    assert broker.control("clear service-routing xmcp client 127.0.0.1")["cleared"] == 1
    assert b.event().method == REGISTER_REVOKE
    b.close()
    c, d = ann(broker), ann(broker)
    assert broker.control("clear service-routing xmcp client all")["cleared"] == 2
    assert c.at_end() and d.at_end()
    c.close()
    d.close()
    assert broker.control("clear service-routing xmcp client all")["cleared"] == 0


def reload(broker):
    a, b = ann(broker), bob(broker)
    a.subscribe()
    success(b.publish(1))
    a.expect_notify(1)
    broker.write(USERS % "" + XMCP % 100)  # bob is gone; the XMCP module is not touched
    broker.reload()
    assert b.event().method == REGISTER_REVOKE
    assert b.at_end()
    b.close()
    a.expect_withdraw(1, 0)
    broker.write(USERS % "" + XMCP % 1)
    broker.reload()
    success(a.ask(KEEPALIVE))  # who was there stays
    until(lambda: len(clients(broker)) == 1, "bob's session is gone")
    extra = Client(broker, "ann", "password-of-ann")
    error(extra.register_once(), 435)
    error(extra.register_once(), 500)
    assert extra.at_end()
    extra.close()
    broker.write(USERS % BOB + XMCP % 100)
    broker.reload()
    b = bob(broker)
    success(b.publish(2))
    a.expect_notify(2)
    a.close()
    b.close()


def shutdown(broker):
    a, silent = ann(broker), Client(broker)
    success(a.ask(SUBSCRIBE, (IDENTITY, ANY_101)))
    broker.stop()
    assert a.event().method == REGISTER_REVOKE
    assert a.at_end()
    assert silent.read() is None
    a.close()
    silent.close()


def main():
    with Broker(USERS % BOB + XMCP % 100) as broker:
        for part in (show, clear, reload, shutdown):
            until(lambda: not clients(broker) and not broker.control("show services")["services"],
                  "nothing is left of the part before", broker.alive)
            print(part.__name__)
            part(broker)
        log = broker.log()
        assert "password-of" not in log


main()
