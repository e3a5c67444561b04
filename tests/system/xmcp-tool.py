#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The xmcp command and what it tells the shell: exit status and words for usage mistakes, for a
server that hangs up or says nothing, for an interrupt, and for an output that cannot be written.

The server is a few lines here, for sessions without credentials; the real one has its own tests.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

TMP = os.environ["XMB_TMP"]
XMCP = os.environ["XMCP"]
COOKIE = 0x7F5A9BC7
REGISTER, UNREGISTER, PUBLISH, UNPUBLISH, SUBSCRIBE, KEEPALIVE = 1, 2, 4, 5, 7, 11


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind, transaction, body):
    return struct.pack(">HHI", kind, len(body), COOKIE) + transaction + body


def answer(method, transaction):
    body = attribute(0x1002, struct.pack(">I", 7))
    if method == REGISTER:
        body += attribute(0x1006, struct.pack(">I", 30000))
    if method == SUBSCRIBE:
        body += attribute(0x100E, struct.pack(">I", 1))
    return message(0x0100 | method, transaction, body)


class Server:
    """Answers every request up to the method `silent` or `hang_up`; keeps what was asked."""

    def __init__(self, silent=None, hang_up=None):
        self.silent, self.hang_up = silent, hang_up
        self.methods = []
        self.got_silent = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listener.accept()
        stream = connection.makefile("rb")
        while len(header := stream.read(20)) == 20:
            method, length = struct.unpack(">HH", header[:4])
            stream.read(length)
            self.methods.append(method)
            if method == self.hang_up:
                break
            if method == self.silent:
                self.got_silent.set()
            else:
                connection.sendall(answer(method, header[8:]))
        stream.close()
        connection.close()


def run(*words, server="127.0.0.1:1", stdin=b"", **more):
    more.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([XMCP, "-s", server] + list(words), input=stdin, timeout=60,
                          stderr=subprocess.PIPE, **more)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def usage_mistakes():
    long_line = TMP + "/long"
    with open(long_line, "w") as f:
        f.write("x" * 600)
    big = TMP + "/big"
    with open(big, "w") as f:
        f.write("x" * 64000)
    wrong = [
        ([], "a command is missing"),
        (["sing"], "no such command"),
        (["ping", "ping"], "more than one command"),
        (["-u", "a", "ping"], "-u needs"),
        (["-p", "a", "ping"], "a password needs -u"),
        (["publish"], "--service is missing"),
        (["publish", "--service", "1"], "subservice"),
        (["publish", "--service", "1:*:1.2.3.4"], "wildcard"),
        (["publish", "--service", "1:1:1.2.3"], "is not SERVICE"),
        (["publish", "--service", "1:1", "--address", "here"], "not an IPv4 or IPv6 address"),
        (["publish", "--service", "1:1", "--data-file", big], "do not fit"),
        (["--domain", "65536", "ping"], "is not a number from 1 to 65535"),
        (["--timeout", "soon", "ping"], "is not a number of seconds"),
        (["-u", "a", "--password-file", long_line, "ping"], "longer than a password"),
        (["-u", "a", "--password-file", TMP + "/none", "ping"], "No such file"),
        (["-u", "a", "--password-file", "-", "--data-file", "-", "publish", "--service", "1:1"],
         "only one option can read standard input"),
    ]
    for words, reason in wrong:
        code, out, err = run(*words, stdin=b"password\ndata")
        assert code == 2 and reason in err and out == "", (words, code, out, err)


def good():
    server = Server()
    code, out, err = run("ping", server=server.name)
    assert code == 0 and "round trip" in out and err == "", (code, out, err)
    assert server.methods == [REGISTER, KEEPALIVE, UNREGISTER], server.methods
    server = Server()
    code, out, err = run("--json", "publish", "--service", "101:1:1.2.3.4", "--for", "0.001",
                         server=server.name)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [e["event"] for e in events] == ["registered", "published"], (code, out)
    assert events[1]["instance"] == "00000001.00000002.00000003.00000004", events
    assert server.methods == [REGISTER, PUBLISH, UNPUBLISH, UNREGISTER], server.methods


def hung_up():
    for method in (REGISTER, KEEPALIVE):
        code, _, err = run("ping", server=Server(hang_up=method).name)
        assert code == 1 and err == "xmcp: connection lost\n", (code, err)
    code, out, _ = run("--json", "ping", server=Server(hang_up=REGISTER).name)
    assert json.loads(out) == {"event": "error", "code": 0, "reason": "connection lost"}, out


def silence():
    code, _, err = run("--timeout", "0.1", "ping", server=Server(silent=REGISTER).name)
    assert code == 1 and "timed out" in err, (code, err)


def start(server, *words):
    return subprocess.Popen([XMCP, "-s", server.name] + list(words), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def interrupted():
    """After the service is published that is the good end; before, nothing was achieved."""
    for number in (signal.SIGINT, signal.SIGTERM):
        server = Server()
        xmcp = start(server, "publish", "--service", "101:1")
        while b"published" not in xmcp.stdout.readline():
            assert xmcp.poll() is None
        xmcp.send_signal(number)
        assert xmcp.wait(60) == 0, xmcp.stderr.read()
        assert server.methods == [REGISTER, PUBLISH, UNPUBLISH, UNREGISTER], server.methods
        for silent in (REGISTER, PUBLISH):
            server = Server(silent=silent)
            xmcp = start(server, "publish", "--service", "101:1")
            assert server.got_silent.wait(60)
            xmcp.send_signal(number)
            assert xmcp.wait(60) == 1
            assert b"interrupted" in xmcp.stderr.read()


def output_full():
    for words in (["ping"], ["--json", "ping"]):
        with open("/dev/full", "w") as full:
            code, _, err = run(*words, server=Server().name, stdout=full)
        assert code == 1 and "standard output" in err, (words, code, err)


def main():
    for case in (usage_mistakes, good, hung_up, silence, interrupted, output_full):
        print(case.__name__, flush=True)
        case()


sys.exit(main())
