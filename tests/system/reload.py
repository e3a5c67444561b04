#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reload, by xmbctl and by SIGHUP: what changed is changed on every worker, what did not is not
called, and a refused one leaves everything as it was, whichever module refuses. What needs a
restart is refused in words."""
import json
import os
import signal
import subprocess
import sys
import time

TMP = os.environ["XMB_TMP"]
CONF = TMP + "/xmbd.xml"
SOCKET = TMP + "/s"
LOG = TMP + "/xmbd.log"
NAMES = ["knob-a", "knob-b", "knob-c"]
WORKERS = int(os.environ.get("XMB_TEST_WORKERS", "3"))


def write_conf(knobs, names=NAMES, broker='workers="%d"' % WORKERS, more="", fixed="7"):
    with open(CONF + ".new", "w") as f:
        f.write('<xmb xmlns="urn:xmb:config:1">\n<broker %s><control socket="%s"/>%s</broker>\n'
                % (broker, SOCKET, more))
        for name in names:
            f.write('<module name="%s">%s</module>\n' % (name, knobs.get(name, "")))
        if fixed is not None:
            f.write('<module name="knob-fixed"><knob value="%s"/></module>\n' % fixed)
        f.write("</xmb>\n")
    os.rename(CONF + ".new", CONF)


def knob(value, fail=None):
    return '<knob value="%d"%s/>' % (value, ' fail="%s"' % fail if fail else "")


def ctl(*words):
    """While a reload still ends on a worker, none begins, and the broker says "try again"."""
    deadline = time.monotonic() + 60
    while True:
        done = subprocess.run([os.environ["XMBCTL"], "-s", SOCKET, "--json"] + list(words),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        if "try again" not in done.stdout + done.stderr or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError("%s: exit %d, %r, %r" % (words, done.returncode, done.stdout, done.stderr))


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def log_text():
    with open(LOG) as f:
        return f.read()


def state():
    """All that can be seen of the modules, for comparing: calls, and the value on each worker."""
    seen = {}
    for name in NAMES + ["knob-fixed"]:
        rc, calls = ctl("show", name, "calls")
        assert rc == 0, calls
        rc, workers = ctl("show", name, "workers")
        assert rc == 0, workers
        seen[name] = (calls, workers)
    seen["listeners"] = ctl("show", "listeners")
    return seen


def value_of(name):
    rc, workers = ctl("show", name, "workers")
    values = [w["value"] for w in workers["workers"]]
    assert rc == 0 and len(values) == WORKERS, workers
    return values


def reload_done(name, retired):
    """The old configuration of `name` is gone: every worker has moved on."""
    wait_for("%s is not retired" % name, lambda: ctl("show", name, "calls")[1]["retire"] == retired)


def refused(words, line=None):
    for command in ("check", "reload"):
        rc, answer = ctl("config", command)
        assert rc == 1, answer
        messages = [e["message"] for e in answer["errors"]]
        assert any(words in m for m in messages), messages
        assert all(e["file"] == CONF for e in answer["errors"]), answer
        if line is not None:
            assert any(e["line"] == line for e in answer["errors"]), answer


def changes_one():
    write_conf({"knob-a": knob(1), "knob-b": knob(5), "knob-c": knob(3)})
    rc, answer = ctl("config", "check")
    assert rc == 0 and answer["changed"] == ["knob-b"], answer
    assert value_of("knob-b") == [2] * WORKERS, "a check changed something"
    rc, answer = ctl("config", "reload")
    assert rc == 0 and answer["changed"] == ["knob-b"], answer
    reload_done("knob-b", 1)
    assert value_of("knob-b") == [5] * WORKERS
    assert ctl("show", "knob-a", "calls")[1]["commit"] == 1, "an unchanged module was called"


def same_again():
    with open(CONF) as f:
        text = f.read()
    with open(CONF, "w") as f:
        f.write(text.replace('value="5"', "  value='5'  ").replace("<knob", "<!-- c -->\n <knob"))
    rc, answer = ctl("config", "reload")
    assert rc == 0 and answer["changed"] == [], answer


def nth_fails():
    """All three change; the n-th prepare refuses, for all n: nothing may be left of it."""
    for n, failing in enumerate(NAMES):
        before = state()
        write_conf({name: knob(100 + n, "prepare" if name == failing else None) for name in NAMES})
        refused("module %s: told to fail" % failing, 3 + n)
        after = state()
        assert after == before, "after %s refused:\n%s\n%s" % (failing, before, after)


def all_change(base):
    retired = {name: ctl("show", name, "calls")[1]["retire"] for name in NAMES}
    write_conf({name: knob(base + n) for n, name in enumerate(NAMES)})
    rc, answer = ctl("config", "reload")
    assert rc == 0, answer
    for n, name in enumerate(NAMES):
        if name in answer["changed"]:
            reload_done(name, retired[name] + 1)
        assert value_of(name) == [base + n] * WORKERS


def needs_restart():
    before = state()
    good = {"knob-a": knob(10), "knob-b": knob(11), "knob-c": knob(12)}
    write_conf(good, broker='workers="%d"' % (WORKERS + 1))
    refused("attribute 'workers' of <broker> is not what the broker was started with (%d)" %
            WORKERS, 2)
    write_conf(good, more='<plugins dir="/elsewhere"/>')
    refused("restart it for this")
    write_conf(good, more='<registry maximum-services="5"/>')
    refused("'maximum-services' of <registry>")
    write_conf(good, names=NAMES[:2])
    refused("module knob-c was loaded at the start and is not there any more")
    write_conf(good, names=NAMES + ["another"])
    refused("module another was not there when the broker was started", 6)
    write_conf(good, names=["knob-b", "knob-a", "knob-c"])
    refused("stands in another place than at the start")
    write_conf(good, fixed="8")
    refused("module knob-fixed: it cannot change while it runs; restart the broker", 6)
    write_conf({"knob-a": '<knob valu="1"/>'})
    refused("unknown attribute 'valu' of <knob>", 3)
    with open(CONF, "w") as f:
        f.write("<xmb")
    refused("not well-formed")
    os.unlink(CONF)
    refused("cannot be opened")
    assert state() == before


def by_signal(broker):
    write_conf({"knob-a": knob(50), "knob-b": knob(51), "knob-c": knob(52)})
    broker.send_signal(signal.SIGHUP)
    wait_for("SIGHUP did not reload", lambda: value_of("knob-c") == [52] * WORKERS)
    write_conf({"knob-a": knob(60, "prepare")})
    broker.send_signal(signal.SIGHUP)
    wait_for("the refusal is not in the log", lambda: "reload refused" in log_text())
    assert CONF + ":3" in log_text() and "told to fail" in log_text()
    assert value_of("knob-a") == [50] * WORKERS


def many_at_once(broker):
    """SIGHUPs in a row: none is lost that came after the last change of the file."""
    for n in range(20):
        write_conf({"knob-a": knob(200 + n), "knob-b": knob(300 + n), "knob-c": knob(400 + n)})
        broker.send_signal(signal.SIGHUP)
    wait_for("the last SIGHUP was lost", lambda: value_of("knob-a") == [219] * WORKERS)
    wait_for("the last SIGHUP was lost", lambda: value_of("knob-c") == [419] * WORKERS)


def secret_changes(broker):
    path = TMP + "/secret"
    with open(path, "w") as f:
        f.write("one\n")
    os.chmod(path, 0o600)
    with open("/proc/%d/status" % broker.pid) as f:
        user = [int(line.split()[1]) for line in f if line.startswith("Uid:")][0]
    os.chown(path, user, -1)  # started as root, the broker is somebody else by now
    write_conf({"knob-a": '<knob value="1" secret-file="secret"/>'})
    assert ctl("config", "reload")[0] == 0
    wait_for("not reloaded", lambda: ctl("config", "check") == (0, {"changed": []}))
    with open(path, "w") as f:
        f.write("two\n")
    rc, answer = ctl("config", "check")
    assert rc == 0 and answer["changed"] == ["knob-a"], answer


def main():
    write_conf({"knob-a": knob(1), "knob-b": knob(2), "knob-c": knob(3)})
    with open(LOG, "w") as log:
        broker = subprocess.Popen([os.environ["XMBD"], "-c", CONF, "-p",
                                   os.environ["XMB_TEST_PLUGINS"]], stderr=log)
    try:
        wait_for("not ready", lambda: " ready" in log_text() or broker.poll() is not None)
        assert broker.poll() is None, log_text()
        for name, value in zip(NAMES, (1, 2, 3)):
            assert value_of(name) == [value] * WORKERS
        changes_one()
        same_again()
        all_change(20)
        nth_fails()
        all_change(10)
        needs_restart()
        by_signal(broker)
        many_at_once(broker)
        secret_changes(broker)
        for name in NAMES:
            assert ctl("show", name, "calls")[1]["in_hand"] == 0, name
        broker.send_signal(signal.SIGTERM)
        assert broker.wait(timeout=60) == 0
    finally:
        if broker.poll() is None:
            broker.kill()
            broker.wait()


main()
