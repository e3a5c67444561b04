#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A policy module that answers late, in a real broker: a Register waits for its verdict, which comes from a thread of
its own or from a timer, and goes on then on the worker that asked. What was denied, and what was never answered until the
chain's deadline, is refused; a client that goes while its question is open harms nobody.
"""
import os

from xmcp_helper import CLIENT_NAME, REGISTER, Broker, Client, error, success, until

AUTHENTICATE = 2  # XMB_POINT_AUTHENTICATE


def late(attributes):
    return f'<module name="policy-late" points="{AUTHENTICATE}" {attributes}/>\n' + \
        '<module name="auth-userpass"><client unauthenticated="yes"/></module>\n' \
        '<module name="allow-deny"><address-list name="near"><permit network="127.0.0.0/8"/>' \
        '</address-list></module>\n' \
        '<module name="xmcp"><listen address="127.0.0.1" port="0"/><allow-list ipv4="near"/></module>'


def sessions(attributes, expect, count):
    with Broker(late(attributes), folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        clients = [Client(broker) for _ in range(count)]
        for client in clients:
            client.send(REGISTER, (CLIENT_NAME, b"test/1"))
        clients[0].close()  # its verdict comes too late for it
        for client in clients[1:]:
            expect(client.response())
        registered = count - 1 if expect is success else 0
        until(lambda: len(broker.control("show service-routing xmcp clients")["clients"]) ==
              registered, "the clients that were allowed are registered", broker.alive)
        for client in clients[1:]:
            client.close()


def refused(answer):
    error(answer, 401)


def main():
    for by in ("thread", "timer"):
        sessions(f'verdict="abstain" by="{by}" after="20ms"', success, 50)
        sessions(f'verdict="deny" by="{by}" after="20ms"', refused, 5)
    sessions('by="never"', lambda answer: error(answer, 500), 3)


if __name__ == "__main__":
    main()
