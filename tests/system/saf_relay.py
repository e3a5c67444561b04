# SPDX-License-Identifier: MIT
"""A link that loses packets, for kernels without netem: a process that carries frames from one interface
to another and back, and drops some of those of IP protocol 88, in each direction, by a seeded die.

    saf_relay.py LEFT RIGHT PERCENT SEED

It says "ready" when it carries, and what it did when it is ended (SIGTERM): "carried N dropped M".
As a module: `Relay` starts one.
"""
import os
import random
import select
import signal
import socket
import subprocess
import sys

EIGRP = 88
OUTGOING = 4 # PACKET_OUTGOING: what we sent ourselves
ALL = 3      # ETH_P_ALL


class Carrier:
    def __init__(self, left, right, percent, seed):
        self.ends = [self.open(left), self.open(right)]
        self.percent, self.die = percent, random.Random(seed)
        self.carried = self.dropped = 0

    @staticmethod
    def open(interface):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.bind((interface, ALL))
        s.setblocking(False)
        return s

    @staticmethod
    def is_eigrp(frame):
        kind = frame[12:14]
        return kind == b"\x08\x00" and frame[23] == EIGRP or kind == b"\x86\xdd" and frame[20] == EIGRP

    def carry(self, source, to):
        while True:
            try:
                frame, (_, _, kind, *_) = source.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                return # an interface is down
            if kind == OUTGOING:
                continue
            if self.is_eigrp(frame):
                if self.die.random() * 100 < self.percent:
                    self.dropped += 1
                    continue
                self.carried += 1
            try:
                to.send(frame)
            except OSError:
                pass # likewise

    def run(self):
        left, right = self.ends
        while True:
            for s in select.select(self.ends, [], [])[0]:
                self.carry(s, right if s is left else left)


class Relay:
    """A process that carries between two interfaces of a namespace."""

    def __init__(self, space, left, right, percent, seed=1):
        with space:
            self.process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), left, right, str(percent), str(seed)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def end(self):
        """Returns how many packets it carried and dropped."""
        self.process.send_signal(signal.SIGTERM)
        words = self.process.stdout.readline().split()
        assert self.process.wait(30) == 0 and words[0] == "carried", words
        return int(words[1]), int(words[3])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def main():
    carrier = Carrier(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))

    def end(*_):
        print(f"carried {carrier.carried} dropped {carrier.dropped}", flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    carrier.run()


if __name__ == "__main__":
    main()
