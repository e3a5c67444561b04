#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that sends numbered stanzas at a steady rate and writes down, line by line and at once, what it sent (S),
received (R) and got back as an error (E, with its condition), and what it could not send after all (X); the time, of
the wall clock, is the last word. A stanza's id is the domain, the run, the stream and its number on it. When the
gateway ends its stream, it ends it too, and opens another. A process of its own, so that a test may kill or freeze it.

    s2s_flood.py OWN ADDRESS TO GATEWAY CERTS FILE SECRET RATE RUN
"""
import itertools
import os
import sys
import threading
import time

from s2s_peer import Closed, Peer, condition, q


class Certs:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)


class Flood(Peer):
    def __init__(self, log, *arguments, **options):
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.turn, self.current, self.unanswered = threading.Lock(), None, []
        super().__init__(*arguments, **options)

    def note(self, kind, what):
        os.write(self.log, f"{kind} {what} {time.time():.3f}\n".encode())

    def answer_ping(self, element):
        """What is asked while we have no stream is answered on the next one, as servers do."""
        with self.turn:
            if self.current is None:
                self.unanswered.append(element)
            else:
                super().answer_ping(element)

    def turn_to(self, stream):
        with self.turn:
            self.current = stream
            while stream is not None and self.unanswered:
                super().answer_ping(self.unanswered.pop(0))

    def stanza(self, stream, element):
        if element.tag == q("server", "message"):
            if element.get("type") == "error":
                self.note("E", f"{element.get('id')} {condition(element.find(q('server', 'error')))}")
            else:
                self.note("R", element.get("id"))
            return
        super().stanza(stream, element)


def watch(flood, stream):
    """Reads what the gateway says on our stream: nothing, or its end."""
    try:
        while stream.read() is not None:
            pass
    except (Closed, OSError):
        pass
    flood.turn_to(None)
    stream.gone = True


def main():
    own, address, to, gateway, certs, file, secret, rate, run = sys.argv[1:]
    flood = Flood(f"{own}.flood", Certs(certs), address, own, file=file)
    flood.secret = secret
    interval = 1 / float(rate)
    for count in itertools.count(1):
        try:
            stream = flood.verified(to, gateway)
        except (Closed, OSError, AssertionError):
            time.sleep(0.2)  # between attempts to connect, as servers do
            continue
        stream.gone, number = False, 0
        flood.turn_to(stream)
        threading.Thread(target=watch, args=(flood, stream), daemon=True).start()
        due = time.monotonic()
        while not stream.gone and not os.path.exists(f"{own}.stop"):
            number += 1
            identity = f"{own}-{run}-{count}-{number}"
            flood.note("S", identity)
            try:
                stream.send(f"<message from='u@{own}' to='u@{to}' id='{identity}'>"
                            f"<body>{identity} {'x' * 200}</body></message>")
            except OSError:
                flood.note("X", identity)
                break
            due += interval
            time.sleep(max(0, due - time.monotonic()))
        while not stream.gone:
            time.sleep(0.05)
        stream.close()


if __name__ == "__main__":
    main()
