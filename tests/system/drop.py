#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Privileges. Started as root, the broker becomes its user before plugins are loaded, with the
capabilities that its configuration needs and no other, and can still reload. Started as somebody
else it stays who it is."""
import grp
import json
import os
import pwd
import signal
import socket
import subprocess
import time

TMP = os.environ["XMB_TMP"]
SOCKET = TMP + "/s"
LOG = TMP + "/xmbd.log"
NET_BIND_SERVICE, NET_RAW, DAC_READ_SEARCH = 1 << 10, 1 << 13, 1 << 2
ROOT = os.getuid() == 0


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def log_text():
    with open(LOG) as f:
        return f.read()


def write_conf(path, port, value=1, broker="", more="", modules=""):
    with open(path, "w") as f:
        f.write('<xmb xmlns="urn:xmb:config:1"><broker workers="1" %s><control socket="%s"/></broker>'
                '<module name="knob-a"><knob value="%d"/></module><module name="stay">'
                '<listen address="127.0.0.1" port="%d"/>%s</module>%s</xmb>'
                % (broker, SOCKET, value, port, more, modules))


def start(conf):
    with open(LOG, "w") as log:
        broker = subprocess.Popen([os.environ["XMBD"], "-c", conf, "-p",
                                   os.environ["XMB_TEST_PLUGINS"]], stderr=log)
    wait_for("not ready", lambda: " ready" in log_text() or broker.poll() is not None)
    assert broker.poll() is None, log_text()
    return broker


def stop(broker):
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(timeout=60) == 0


def status(broker):
    with open("/proc/%d/status" % broker.pid) as f:
        fields = dict(line.rstrip("\n").split(":", 1) for line in f)
    return {key: value.split() for key, value in fields.items()}


def ctl(*words):
    return json.loads(subprocess.check_output([os.environ["XMBCTL"], "-s", SOCKET, "--json"] +
                                              list(words)))


def low_port():
    for port in range(1000, 600, -1):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port below 1024")


def expected_user():
    try:
        return pwd.getpwnam("xmb")
    except KeyError:
        return pwd.getpwnam("nobody")


def default_user(conf, port, permitted, effective, more="", modules=""):
    write_conf(conf, port, more=more, modules=modules)
    broker = start(conf)
    seen, user = status(broker), expected_user()
    assert set(seen["Uid"]) == {str(user.pw_uid)} and set(seen["Gid"]) == {str(user.pw_gid)}, seen
    assert set(seen["Groups"]) <= {str(g) for g in os.getgrouplist(user.pw_name, user.pw_gid)}
    assert int(seen["CapPrm"][0], 16) == permitted, seen["CapPrm"]
    assert int(seen["CapEff"][0], 16) == effective, seen["CapEff"]
    assert int(seen["CapAmb"][0], 16) == 0 and int(seen["CapInh"][0], 16) == 0
    assert seen["NoNewPrivs"] == ["1"]
    write_conf(conf, port, value=2, more=more, modules=modules)
    assert ctl("config", "reload")["changed"] == ["knob-a"]
    wait_for("not reloaded", lambda: ctl("show", "knob-a", "calls")["value"] == 2)
    stop(broker)


def as_root():
    conf = TMP + "/xmbd.xml"
    default_user(conf, 0, 0, 0)
    default_user(conf, low_port(), NET_BIND_SERVICE, NET_BIND_SERVICE)
    # A listener under a name of the module's own, deeper inside.
    door = '<house><door address="127.0.0.1" port="%d"/></house>'
    default_user(conf, 0, NET_BIND_SERVICE, NET_BIND_SERVICE, more=door % low_port())
    default_user(conf, 0, 0, 0, more=door % 0)
    # Raw sockets: a plugin says that it opens some, or a listener is in a VRF.
    raw = '<module name="raw-hello" interface="lo"/>'
    default_user(conf, 0, NET_RAW, NET_RAW, modules=raw)
    both = NET_BIND_SERVICE | NET_RAW
    default_user(conf, low_port(), both, both, modules=raw)
    in_vrf = '<listen address="127.0.0.1" port="0" vrf="lo"/>'
    default_user(conf, 0, NET_RAW, NET_RAW, more=in_vrf)
    # A folder that only root can enter: the right to read is kept, but not in effect.
    os.mkdir(TMP + "/closed", 0o700)
    default_user(TMP + "/closed/xmbd.xml", 0, DAC_READ_SEARCH, 0)
    assert "keeps CAP_DAC_READ_SEARCH" in log_text()

    write_conf(conf, 0, broker='user="daemon" group="%s"' % grp.getgrgid(1).gr_name)
    broker = start(conf)
    assert set(status(broker)["Uid"]) == {str(pwd.getpwnam("daemon").pw_uid)}
    stop(broker)
    write_conf(conf, 0, broker='user="root"')
    broker = start(conf)
    assert set(status(broker)["Uid"]) == {"0"} and "stay root" in log_text()
    stop(broker)
    write_conf(conf, 0, broker='user="no-such-user"')
    done = subprocess.run([os.environ["XMBD"], "-t", "-c", conf], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "there is no user 'no-such-user'" in done.stderr, done


def as_somebody():
    conf = TMP + "/xmbd.xml"
    write_conf(conf, 0, broker='user="somebody-else"')
    broker = start(conf)
    assert set(status(broker)["Uid"]) == {str(os.getuid())}
    stop(broker)


as_root() if ROOT else as_somebody()
