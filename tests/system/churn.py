#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Everything at once, for a fixed amount of work, on four workers.

Clients come, publish, subscribe and go in each way there is: goodbye, FIN, half-close, RST. Meanwhile
the configuration is reloaded, by SIGHUP and by an operator, with other users, listeners and limits;
all clients are cleared; operators look at everything. Through all of that watchers keep a picture of
all services, and start afresh when they were thrown out. When the work is done the picture of each
has to become what `show services` says. Then the broker is told to stop with all of them connected.

It is made for the sanitizers: what they find ends the broker, and the test with it.
"""
import itertools
import json
import os
import signal
import socket
import struct
import threading

os.environ["XMB_TEST_WORKERS"] = "4"

from xmcp_helper import (ANY16, ANY32, IDENTITY, KEEPALIVE, NOTIFY, REGISTER_REVOKE,
                         SERVICE_VERSION, SUBSCRIBE, UNREGISTER, WITHDRAW, Broker, Client, identity,
                         success, until)

SLOW = os.environ.get("XMB_SANITIZED") == "yes"
CHURNERS, LIVES = 6, 20 if SLOW else 60
RELOADS = 12
LOOKERS, LOOKS = 2, 20 if SLOW else 60
WATCHERS = 6
KEEPERS, KEPT = 4, 400  # so many rows that the answer does not fit into a socket

EVERYTHING = identity(ANY16, ANY16, (ANY32,) * 4)
RST = struct.pack("ii", 1, 0)
CLIENT = '<client username="%s" password="password-of-%s"><nonce none="yes"/>' \
         '<keepalive seconds="3600"/></client>\n'
LOOK_AT = ("show services", "show metrics", "show listeners", "show modules", "config check",
           "show service-routing xmcp server", "show service-routing xmcp clients detail")


def modules(bob=True, second=True, total=1000):
    return ('<module name="auth-userpass">\n<client unauthenticated="yes"/>\n' + CLIENT % ("ann", "ann")
            + (CLIENT % ("bob", "bob") if bob else "") + '</module>\n<module name="xmcp">\n'
            '<listen address="127.0.0.1" port="0"/>\n'
            + ('<listen address="127.0.0.2" port="0" backlog="%d"/>\n' % total if second else "")
            + '<max-clients total="%d"/>\n</module>\n' % total)


sources = itertools.count()


def client_of(broker, user, **options):
    """From an address of its own: after failed Registers, an address is not let in for a while."""
    n = next(sources)
    return Client(broker, user, user and "password-of-" + user,
                  source="127.1.%d.%d" % (n // 250 % 250, n % 250 + 1), **options)


class Watcher(threading.Thread):
    """Keeps `view`, identity to version, of all that is published, over as many sessions as it takes."""

    def __init__(self, broker):
        super().__init__()
        self.broker = broker
        self.view = {}
        self.sessions = 0
        self.ending = False
        self.again = threading.Event()

    def session(self):
        client = client_of(self.broker, "ann")
        try:
            client.register()
            self.view = view = {}
            success(client.ask(SUBSCRIBE, (IDENTITY, EVERYTHING)))
            self.sessions += 1
            while True:
                message = client.event()
                if message.method == REGISTER_REVOKE:
                    return
                key = message.attributes[IDENTITY]
                if message.method == NOTIFY:
                    view[key] = message.number(SERVICE_VERSION)
                elif message.method == WITHDRAW:
                    del view[key]  # it was notified
        finally:
            client.close()

    def run(self):
        while not self.ending:
            try:
                self.session()
            except (AssertionError, OSError):  # refused, or thrown out; a KeyError is a fault
                self.again.wait(0.05)


def live_once(broker, n, ports):
    """One client from birth to death; that it is thrown out meanwhile is part of the game."""
    where = [("127.0.0.1", ports[0]), ("127.0.0.2", ports[1])][n % 3 == 2]
    client = client_of(broker, ("ann", "bob", None)[n % 3], host=where[0], port=where[1])
    try:
        if n % 7 != 0:
            client.register()
            for i in range(4):
                client.publish(1 + (n * 4 + i) % 97, 1 + n, b"x" * (n % 5 * 700), bytes(4))
            if n % 2:
                client.subscribe()
            client.unpublish(1 + n * 4 % 97)
        if n % 5 == 0:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        elif n % 5 == 1:
            client.socket.shutdown(socket.SHUT_WR)
            while client.read() is not None:
                pass
        elif n % 5 == 2:
            client.ask(UNREGISTER)
        elif n % 5 == 3:
            client.socket.sendall(b"\1\2half of a head"[:n % 15])
    finally:
        client.close()


def churn(broker, first, ports, lived):
    for n in range(first, first + LIVES):
        broker.alive()
        try:
            live_once(broker, n, ports)
            lived.append(n)
        except (AssertionError, OSError, AttributeError, KeyError):
            pass  # refused, revoked, or its listener was taken away


def look(broker):
    for n in range(LOOKS):
        broker.alive()
        broker.control(LOOK_AT[n % len(LOOK_AT)], check=False)


def operate(broker, ports):
    for n in range(RELOADS):
        broker.write(modules(bob=n % 2 == 0, second=n % 3 != 0, total=(1000, 20, 300)[n % 3]))
        if n % 2:
            broker.process.send_signal(signal.SIGHUP)
        broker.control("config reload", check=False)
        for listener in broker.listeners():
            ports[listener["address"] == "127.0.0.2"] = listener["port"]
        if n % 4 == 3:
            broker.control("clear service-routing xmcp client all")


def run_all(threads):
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def keep(broker, n):
    """What stays: published, some of it changed, some of it taken back."""
    client = client_of(broker, "bob")
    client.register()
    for i in range(KEPT):
        success(client.publish(1000 + n * KEPT + i, 1, b"kept"))
        if i % 3 == 0:
            success(client.publish(1000 + n * KEPT + i, 2, b"changed"))
        if i % 10 == 9:
            success(client.unpublish(1000 + n * KEPT + i))
    return client


def shown(broker):
    """What `show services` says, in the form of a watcher's view."""
    return {identity(s["service"], s["subservice"],
                     [int(word, 16) for word in s["instance"].split(".")]): s["sequence"]
            for s in broker.control("show services")["services"]}


def slow_operator(broker):
    """Asks for more than the socket holds, three times, before a reply is read."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(broker.socket)
        s.sendall(b'{"words": ["show", "services"]}\n' * 3)
        broker.control("show services")  # was asked later
        with s.makefile("rb") as lines:
            answers = [json.loads(lines.readline()) for _ in range(3)]
    assert all(a["status"] == 0 and a["answer"] == answers[0]["answer"] for a in answers)
    assert len(answers[0]["answer"]["services"]) == KEEPERS * KEPT * 9 // 10


def main():
    with Broker(modules()) as broker:
        ports = [broker.listeners()[0]["port"], broker.listeners()[1]["port"]]
        lived = []
        watchers = [Watcher(broker) for _ in range(WATCHERS)]
        for w in watchers:
            w.start()
        until(lambda: all(w.sessions for w in watchers), "watchers watch", broker.alive)
        try:
            run_all([threading.Thread(target=churn, args=(broker, i * LIVES, ports, lived))
                     for i in range(CHURNERS)]
                    + [threading.Thread(target=look, args=(broker,)) for _ in range(LOOKERS)]
                    + [threading.Thread(target=operate, args=(broker, ports))])
            broker.alive()
            broker.write(modules())
            until(lambda: broker.control("config reload", check=False).returncode == 0,
                  "the last reload is done", broker.alive)
            until(lambda: broker.control("show service-routing xmcp server")["clients"] == WATCHERS,
                  "all but the watchers are gone", broker.alive)
            until(lambda: not shown(broker), "their services too", broker.alive)
            print(len(lived), "lives ended as they were meant to;",
                  [w.sessions for w in watchers], "sessions of the watchers")
            assert len(lived) >= CHURNERS * LIVES // 4
            assert max(w.sessions for w in watchers) > 1, "nobody was cleared"
            keepers = [keep(broker, n) for n in range(KEEPERS)]
            services = shown(broker)
            assert len(services) == KEEPERS * KEPT * 9 // 10, len(services)
            for w in watchers:
                until(lambda w=w: not w.is_alive() or w.view == services, "a view is right",
                      broker.alive)
                assert w.view == services and w.is_alive()
            slow_operator(broker)
            for k in keepers:
                success(k.ask(KEEPALIVE))
            assert shown(broker) == services
        finally:
            for w in watchers:
                w.ending = True
                w.again.set()
            broker.stop()
            for w in watchers:
                w.join()
        for k in keepers:
            assert k.at_end()
            k.close()
    for word in ("Sanitizer", "runtime error:"):
        assert word not in broker.log(), word


main()
