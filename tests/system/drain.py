#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way down of routing modules. They are told at once, asked when no connection is left, and
waited for until they have said all, but not beyond the drain time: then the log names them."""
import json
import os
import signal
import socket
import subprocess
import time

TMP = os.environ["XMB_TMP"]
SOCKET = TMP + "/run/s"
LOG = TMP + "/xmbd.log"
CONF = TMP + "/xmbd.xml"
WORKERS = os.environ.get("XMB_TEST_WORKERS", "2")
TEXT = ('<xmb xmlns="urn:xmb:config:1"><broker workers="%s" drain="%s"><control socket="%s"/></broker>'
        '<module name="linger" for="%s"/>'
        '<module name="stay"><listen address="127.0.0.1" port="0"/></module></xmb>')


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def log_text():
    with open(LOG) as f:
        return f.read()


def in_order(*words):
    text, at = log_text(), 0
    for word in words:
        found = text.find(word, at)
        assert found >= 0, "no '%s' in its place:\n%s" % (word, text)
        at = found + len(word)


def start(drain, linger):
    with open(CONF, "w") as f:
        f.write(TEXT % (WORKERS, drain, SOCKET, linger))
    with open(LOG, "w") as log:
        broker = subprocess.Popen([os.environ["XMBD"], "-c", CONF, "-p",
                                   os.environ["XMB_TEST_PLUGINS"]], stderr=log)
    wait_for("not ready", lambda: " ready" in log_text() or broker.poll() is not None)
    assert broker.poll() is None
    return broker


def stop(broker):
    began = time.monotonic()
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(timeout=60) == 0
    return time.monotonic() - began


def is_waited_for():
    took = stop(start("20s", "700ms"))
    assert 0.7 <= took < 20, took
    in_order("linger: no new work", "linger: drain within 20000 ms", "linger: asked",
             "linger: all said", " stopped", "linger: end", "linger: stop")
    assert "told its peers" not in log_text()


def is_named_when_late():
    took = stop(start("1s", "1h"))
    assert 1 <= took < 30, took
    in_order("linger: drain within 1000 ms", "linger: asked",
             "module linger had not told its peers all within 1 s; it ends now", "linger: end",
             "linger: stop")
    assert "all said" not in log_text()


def is_asked_when_connections_are_gone():
    broker = start("40s", "0s")
    shown = json.loads(subprocess.check_output([os.environ["XMBCTL"], "-s", SOCKET, "--json", "show",
                                                "listeners"]))
    s = socket.create_connection(("127.0.0.1", shown["listeners"][0]["port"]), timeout=60)
    f = s.makefile("r")
    assert f.readline() == "stay\n"
    broker.send_signal(signal.SIGTERM)
    assert f.readline() == "drain\n"
    wait_for("not told", lambda: "linger: all said" in log_text())
    assert "linger: asked" not in log_text() and broker.poll() is None
    f.close()
    s.close()
    assert broker.wait(timeout=60) == 0
    in_order("linger: all said", "linger: asked", "linger: end")


def main():
    os.mkdir(TMP + "/run")
    os.chmod(TMP + "/run", 0o1777)  # for a broker that was root and unlinks its socket
    is_waited_for()
    is_named_when_late()
    is_asked_when_connections_are_gone()


main()
