#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the XMCP server does not let in: address lists, limits, wrong credentials, stale nonces,
and every malformed vector. After each the server goes on serving.
"""
import json
import os
import socket
import time

from xmcp_helper import (DOMAIN, KEEPALIVE, NONCE, REALM, REGISTER, VERSION, WAIT, Broker, Client,
                         error, success, until)

MODULES = """
<module name="auth-userpass">
  <client unauthenticated="yes"/>
  <client username="ann" password="password-of-ann"><nonce lifetime="5"/></client>
  <client username="only" password="password-of-only"><domain number="100" mode="only"/></client>
</module>
<module name="allow-deny">
  <address-list name="friends">
    <deny network="127.0.0.9/32"/>
    <permit network="127.0.0.0/8"/>
  </address-list>
</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <allow-list ipv4="friends"/>
  <max-clients total="4" unauthenticated="1"/>
  <limits service-data="1k"/>
</module>
"""


def ann(broker, **options):
    return Client(broker, "ann", "password-of-ann", **options)


def nobody_is_left(broker):
    until(lambda: broker.control("show service-routing xmcp server")["connections"] == 0,
          "all connections are gone", broker.alive)


def address_list(broker):
    """Refused without an octet, and before one is read."""
    stranger = Client(broker, source="127.0.0.9")
    assert stranger.read() is None
    friend = Client(broker, source="127.0.0.8")
    friend.register()
    friend.close()


def limits(broker):
    clients = [Client(broker, source="127.0.1.1")]
    clients[0].register()
    second = Client(broker, source="127.0.1.1")
    error(second.register_once(), 500)
    assert second.at_end()
    for _ in range(3):
        clients.append(ann(broker, source="127.0.1.2"))
        clients[-1].register()
    late = ann(broker, source="127.0.1.3")
    late.use_nonce = False
    error(late.register_once(), 435)
    error(late.register_once(), 500)
    assert late.at_end()
    numbers = broker.control("show service-routing xmcp server")
    assert numbers["clients"] == 4 and numbers["clients_unauthenticated"] == 1, numbers
    assert numbers["max_clients_total"] == 4 and numbers["max_clients_unauthenticated"] == 1
    error(clients[1].publish(data=b"x" * 1025), 413)
    success(clients[1].publish(data=b"x" * 1024))
    clients[0].close()
    # Connected and not registered: an address may have half of max-clients of these, and the
    # end of all is twice max-clients. 3 clients are left.
    until(lambda: broker.control("show service-routing xmcp server")["connections"] == 3,
          "the others are gone", broker.alive)
    nobody = []
    for address in ("127.0.1.4", "127.0.1.5"):
        nobody += [ann(broker, source=address) for _ in range(2)]
        assert ann(broker, source=address).read() is None, "a third silent one from " + address
    other = ann(broker, source="127.0.1.6")
    other.register()
    assert ann(broker, source="127.0.1.7").read() is None, "a ninth connection"
    for client in clients + nobody + [other]:
        client.close()


def credentials(broker):
    wrong = Client(broker, "ann", "not her password", source="127.0.2.1")
    began = time.monotonic()
    error(wrong.register_once(), 431)
    assert time.monotonic() - began >= 0.9  # held back: it can be more, never less
    unknown = Client(broker, "nobody", "at all", source="127.0.2.1")
    error(unknown.register_once(), 436)
    half = Client(broker, source="127.0.2.2")
    half.user = "ann"
    answer = half.register_once()
    error(answer, 401)
    assert REALM in answer.attributes and NONCE in answer.attributes
    only = Client(broker, "only", "password-of-only", source="127.0.2.3")
    error(only.register_once(domain=7), 435)
    answer = only.register_once(domain=7)
    error(answer, 479)
    assert answer.number(DOMAIN) == 100
    new = ann(broker, version=(3, 0), source="127.0.2.4")
    answer = new.register_once()
    error(answer, 478)
    assert answer.attributes[VERSION] == b"\0\2\0\0"
    for client in (wrong, unknown, half, only, new):
        client.close()


def nonces(broker):
    a = ann(broker, source="127.0.3.1")
    a.register()
    old = a.nonce
    success(a.ask(KEEPALIVE))
    error(ann_with(broker, old), 438)

    def expired():
        a.nonce = old
        answer = a.ask(KEEPALIVE)
        if answer.kind == "success":
            return False
        error(answer, 438)
        return True

    until(expired, "the nonce has expired")
    assert a.nonce != old
    success(a.ask(KEEPALIVE))
    a.close()


def ann_with(broker, nonce):
    """Another connection with the nonce of the first."""
    b = ann(broker, source="127.0.3.2")
    b.nonce = nonce
    answer = b.register_once()
    b.close()
    return answer


def malformed(broker):
    path = os.path.join(os.environ["XMB_SRC"], "tests", "data", "xmcp-vectors.json")
    with open(path, encoding="utf-8") as f:
        vectors = [v for v in json.load(f)["vectors"] if v["name"].startswith("malformed/")]
    assert len(vectors) == 18
    for i, vector in enumerate(vectors):
        c = Client(broker, source=f"127.0.4.{2 + i}")  # one has room for two that are silent
        c.socket.sendall(bytes.fromhex(vector["hex"]))
        if vector["expect"].startswith("close"):
            assert c.read() is None, vector["name"]
        else:
            error(c.read(), 400)
        c.close()
    c = Client(broker, source="127.0.4.1")
    overrun = next(v for v in vectors if v["name"] == "malformed/attribute_overrun")
    c.socket.sendall(bytes.fromhex(overrun["hex"]) * 10)
    for _ in range(10):
        error(c.read(), 400)
    assert c.read() is None  # ten in a row
    c.close()


def cut_off(broker):
    """Ends in the middle of a message, and a message in single octets."""
    for n in (1, 7, 19, 21):
        c = ann(broker, source="127.0.5.1")
        c.socket.sendall(c.build(REGISTER, [])[:n])
        c.close()
        nobody_is_left(broker)  # an address has room for two that have not registered
    c = Client(broker, source="127.0.5.1")
    for octet in c.build(REGISTER, []):
        c.socket.sendall(bytes([octet]))
    success(c.response())
    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.close()  # with a reset


def main():
    assert WAIT > 10
    with Broker(MODULES) as broker:
        for part in (address_list, limits, credentials, nonces, malformed, cut_off):
            print(part.__name__)
            part(broker)
            nobody_is_left(broker)


main()
