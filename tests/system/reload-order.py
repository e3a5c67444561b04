#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listeners change their places in the configuration, again and again, while clients connect to all
of them: no connection is ever taken for another listener's. What a listener stands for, a side of a
border perhaps, hangs on that.
"""
import os
import socket
import threading

from xmcp_helper import WAIT, Broker

RELOADS = 60
CONNECTIONS_MOST = 10000  # of each client: two of them leave less than the ports of one address behind


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def module(ports):
    return '<module name="order">' + "".join(
        f'<listen address="127.0.0.1" port="{p}"/>' for p in ports) + "</module>"


class Clients(threading.Thread):
    """Connects to `port` until it is told to stop. A listener that stays never refuses anybody, nor
    does the plugin say nothing: either ends this with `fault`."""

    def __init__(self, port):
        super().__init__()
        self.port, self.count, self.wrong, self.fault = port, 0, 0, None
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set() and self.count < CONNECTIONS_MOST:
                self.connect()
        except (OSError, AssertionError) as e:
            self.fault = repr(e)

    def connect(self):
        with socket.create_connection(("127.0.0.1", self.port), WAIT) as s:
            word = s.makefile().readline()
        assert word, "closed without a word"
        self.count += 1
        self.wrong += word != "right\n"


def reload_again_and_again(broker, ports):
    for i in range(RELOADS):
        turned = ports[i % 3:] + ports[:i % 3]
        broker.write(module(turned))
        broker.reload()


def main():
    ports = free_ports(3)
    with Broker(module(ports), folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        clients = [Clients(port) for port in ports for _ in range(2)]
        for client in clients:
            client.start()
        try:
            reload_again_and_again(broker, ports)
        finally:
            for client in clients:
                client.over.set()
            for client in clients:
                client.join()
        assert not any(c.fault for c in clients), [c.fault for c in clients]
        count, wrong = sum(c.count for c in clients), sum(c.wrong for c in clients)
        print(f"{count} connections over {RELOADS} reloads, {wrong} taken for another listener's")
        assert count > RELOADS and wrong == 0


if __name__ == "__main__":
    main()
