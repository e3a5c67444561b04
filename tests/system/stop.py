#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way down. SIGTERM or SIGINT: nothing is accepted any more, connections are told, and when
the last one is gone the broker ends with 0. A connection that stays is cut after the drain time;
a second signal does not wait for that. The control socket is gone afterwards. A reload that is
under way ends first, none begins any more, and commands that run harm nobody."""
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
        '<module name="stay"><listen address="127.0.0.1" port="0" backlog="%d"/></module></xmb>')


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def log_text():
    with open(LOG) as f:
        return f.read()


def start():
    with open(LOG, "w") as log:
        broker = subprocess.Popen([os.environ["XMBD"], "-c", CONF, "-p",
                                   os.environ["XMB_TEST_PLUGINS"]], stderr=log)
    wait_for("not ready", lambda: " ready" in log_text() or broker.poll() is not None)
    assert broker.poll() is None
    shown = json.loads(subprocess.check_output([os.environ["XMBCTL"], "-s", SOCKET, "--json", "show",
                                                "listeners"]))
    return broker, shown["listeners"][0]["port"]


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    f = s.makefile("r")
    assert f.readline() == "stay\n"
    return s, f


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True


def leaves_when_told(signo):
    broker, port = start()
    s, f = connect(port)
    broker.send_signal(signo)
    assert f.readline() == "drain\n"
    wait_for("still accepts", lambda: refuses(port))
    assert broker.poll() is None, "did not wait for its connection"
    f.close()
    s.close()
    assert broker.wait(timeout=60) == 0
    assert " stopped" in log_text() and "are cut" not in log_text()
    assert not os.path.exists(SOCKET), "the control socket is left"


def second_signal():
    broker, port = start()
    s, f = connect(port)
    broker.send_signal(signal.SIGTERM)
    assert f.readline() == "drain\n"
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(timeout=60) == 1
    assert "ending at once" in log_text()
    f.close()
    s.close()


def cut_at_the_end():
    broker, port = start()
    s, f = connect(port)
    broker.send_signal(signal.SIGTERM)
    assert f.readline() == "drain\n"
    try:
        assert f.readline() == "", "not cut"
    except ConnectionResetError:
        pass
    assert broker.wait(timeout=60) == 0
    assert "1 connections did not end within 10 s and are cut" in log_text()
    f.close()
    s.close()


def write_conf(backlog, drain="10s"):
    with open(CONF, "w") as f:
        f.write(TEXT % (WORKERS, drain, SOCKET, backlog))


def drain_time_changes_live():
    broker, port = start()
    s, f = connect(port)
    write_conf(100, "0s")
    assert reload_fails("drain"), "a drain time of nothing was taken"
    write_conf(100, "2s")
    assert not reload_fails("")
    broker.send_signal(signal.SIGTERM)
    assert f.readline() == "drain\n"
    assert broker.wait(timeout=60) == 0
    assert "1 connections did not end within 2 s and are cut" in log_text()
    f.close()
    s.close()
    write_conf(100)


def reload_fails(word):
    done = subprocess.run([os.environ["XMBCTL"], "-s", SOCKET, "config", "reload"], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode != 0 and word in done.stdout


def reload_and_stop_at_once():
    """The listeners that the reload keeps are still there when it ends."""
    for backlog in (10, 20, 30):
        broker, port = start()
        write_conf(backlog)
        broker.send_signal(signal.SIGHUP)
        broker.send_signal(signal.SIGTERM)
        assert broker.wait(timeout=60) == 0
        assert not os.path.exists(SOCKET)


def no_reload_any_more():
    broker, port = start()
    s, f = connect(port)
    broker.send_signal(signal.SIGTERM)
    assert f.readline() == "drain\n"
    write_conf(40)
    done = subprocess.run([os.environ["XMBCTL"], "-s", SOCKET, "config", "reload"], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and "the broker is stopping" in done.stdout, done
    f.close()
    s.close()
    assert broker.wait(timeout=60) == 0


def stop_under_commands():
    """Operators who ask faster than is answered: some command is always on its way."""
    broker, port = start()
    operators = []
    for n in range(8):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(60)
        s.connect(SOCKET)
        what = "services" if n % 2 else "metrics"
        s.sendall((json.dumps({"words": ["show", what]}) + "\n").encode() * 400)
        operators.append(s)
    assert operators[0].recv(1) == b"{"
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(timeout=60) == 0
    for s in operators:
        s.close()


def main():
    os.mkdir(TMP + "/run")
    os.chmod(TMP + "/run", 0o1777)  # for a broker that was root and unlinks its socket
    write_conf(100)
    leaves_when_told(signal.SIGTERM)
    leaves_when_told(signal.SIGINT)
    second_signal()
    cut_at_the_end()
    drain_time_changes_live()
    reload_and_stop_at_once()
    no_reload_any_more()
    stop_under_commands()


main()
