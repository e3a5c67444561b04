# SPDX-License-Identifier: MIT
"""A link with a delay, for kernels without netem: carries frames from one interface to another and back, each
so many milliseconds later, and before all other processes where it may, so that a busy machine adds little.

    delay.py LEFT RIGHT MILLISECONDS

It says "ready" when it carries, and ends with SIGTERM.
"""
import collections
import os
import select
import socket
import sys
import time

OUTGOING = 4 # PACKET_OUTGOING: what we sent ourselves
ALL = 3      # ETH_P_ALL


def opened(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((interface, ALL))
    s.setblocking(False)
    return s


def take(source, to, due_at, waiting):
    while True:
        try:
            frame, (_, _, kind, *_) = source.recvfrom(65536)
        except OSError:
            return # nothing more, or an interface is down
        if kind != OUTGOING:
            waiting.append((due_at, to, frame))


def send_due(waiting):
    """Seconds until the next is due; None: nothing waits."""
    while waiting:
        left = waiting[0][0] - time.monotonic()
        if left > 0:
            return left
        _, to, frame = waiting.popleft()
        try:
            to.send(frame)
        except OSError:
            pass # likewise
    return None


def main():
    left, right = opened(sys.argv[1]), opened(sys.argv[2])
    delay_s = float(sys.argv[3]) / 1000
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass # an ordinary process, then
    waiting = collections.deque()
    print("ready", flush=True)
    while True:
        for s in select.select([left, right], [], [], send_due(waiting))[0]:
            take(s, right if s is left else left, time.monotonic() + delay_s, waiting)


if __name__ == "__main__":
    main()
