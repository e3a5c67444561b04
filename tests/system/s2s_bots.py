#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A component (XEP-0114) of a real server that sends numbered stanzas at a steady rate and writes them down as
s2s_flood.py does, so that a test counts what an unmodified server and the gateway do with them. It answers pings. When
its server is gone it connects again.

    s2s_bots.py OWN ADDRESS SECRET TO RATE
"""
import hashlib
import itertools
import os
import socket
import sys
import threading
import time
import xml.etree.ElementTree as ET

PORT = 5347
HEADER = ("<stream:stream xmlns='jabber:component:accept' "
          "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>")


class Bots:
    def __init__(self, own, address, secret, to, rate):
        self.own, self.address, self.secret, self.to = own, address, secret, to
        self.interval = 1 / float(rate)
        self.log = os.open(own + ".flood", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.sending = threading.Lock()

    def note(self, kind, what):
        os.write(self.log, f"{kind} {what} {time.time():.3f}\n".encode())

    def send(self, sock, text):
        with self.sending:
            sock.sendall(text.encode())

    def elements(self, sock):
        """The header and each first-level element, until the end."""
        parser, depth, root = ET.XMLPullParser(events=("start", "end")), 0, None
        while data := sock.recv(65536):
            parser.feed(data)
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                if event == "start" and depth == 1:
                    root = element
                    yield element
                elif event == "end" and depth == 1:
                    yield element
                    root.remove(element)

    def handle(self, sock, element):
        kind = element.tag.split("}")[1]
        if kind == "message" and element.get("type") == "error":
            error = next(e for e in element if e.tag.endswith("}error"))
            name = next(e.tag.split("}")[1] for e in error if not e.tag.endswith("}text"))
            self.note("E", f"{element.get('id')} {name}")
        elif kind == "message":
            self.note("R", element.get("id"))
        elif kind == "iq" and element.get("type") == "get":
            self.send(sock, "<iq type='result' from='%s' to='%s' id='%s'/>" % (
                element.get("to"), element.get("from"), element.get("id")))

    def read(self, sock, ready, gone):
        try:
            elements = self.elements(sock)
            key = hashlib.sha1((next(elements).get("id") + self.secret).encode()).hexdigest()
            self.send(sock, f"<handshake>{key}</handshake>")
            assert next(elements).tag.endswith("}handshake"), "the handshake is refused"
            ready.set()
            for element in elements:
                self.handle(sock, element)
        except (OSError, StopIteration, ET.ParseError):
            pass
        gone.set()
        ready.set()

    def connected(self, sock, count):
        """One connection: what is sent on it has `count` in its id."""
        ready, gone = threading.Event(), threading.Event()
        self.send(sock, HEADER % self.own)
        threading.Thread(target=self.read, args=(sock, ready, gone), daemon=True).start()
        ready.wait()
        due = time.monotonic()
        for number in itertools.count(1):
            if gone.is_set():
                return
            if os.path.exists(self.own + ".stop"):
                gone.wait()
                return
            identity = f"{self.own}-1-{count}-{number}"
            self.note("S", identity)
            try:
                self.send(sock, f"<message from='u@{self.own}' to='u@{self.to}' id='{identity}'>"
                                f"<body>{'x' * 200}</body></message>")
            except OSError:
                self.note("X", identity)
                return
            due += self.interval
            time.sleep(max(0, due - time.monotonic()))

    def run(self):
        for count in itertools.count(1):
            try:
                with socket.create_connection((self.address, PORT), 10) as sock:
                    sock.settimeout(None)
                    self.connected(sock, count)
            except OSError:
                pass
            time.sleep(0.2)  # between attempts to connect


if __name__ == "__main__":
    Bots(*sys.argv[1:]).run()
