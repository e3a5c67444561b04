#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Privileges. Started as root, the broker becomes its user before plugins are loaded, with the
capabilities that its configuration needs and no other, and can still reload. Started as somebody
else it stays who it is. The control socket is for its owner and its group, and for nobody else. The
log of the start is where the configuration wants it."""
import grp
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import time

TMP = os.environ["XMB_TMP"]
SOCKET = TMP + "/s"
LOG = TMP + "/xmbd.log"
TO = TMP + "/to.log"  # when <log to=> says so
NET_BIND_SERVICE, NET_RAW, DAC_READ_SEARCH = 1 << 10, 1 << 13, 1 << 2
TO_OWN = TMP + "/log/xmbd.log" # the same, in a folder of the broker's user
ROOT = os.getuid() == 0


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return f.read().splitlines()


def log_text():
    with open(LOG) as f:
        return f.read()


def write_conf(path, port, value=1, broker="", more="", modules="", control="", log=""):
    with open(path, "w") as f:
        f.write('<xmb xmlns="urn:xmb:config:1"><broker workers="1" %s><control socket="%s" %s/>%s'
                '</broker><module name="knob-a"><knob value="%d"/></module><module name="stay">'
                '<listen address="127.0.0.1" port="%d"/>%s</module><module name="born"/>%s</xmb>'
                % (broker, SOCKET, control, log, value, port, more, modules))


def start(conf, *by):
    count = len(lines_of(TO_OWN))
    with open(LOG, "w") as log:
        broker = subprocess.Popen([*by, os.environ["XMBD"], "-c", conf, "-p",
                                   os.environ["XMB_TEST_PLUGINS"]], stderr=log)
    wait_for("not ready", lambda: broker.poll() is not None or
             any("ready: xmbd" in line for line in lines_of(LOG) + lines_of(TO) + lines_of(TO_OWN)[count:]))
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


def code_ran_as(user):
    """No code of a plugin ran as somebody else, not even what runs while its file is mapped."""
    assert ctl("show", "born") == {"at_load": user, "at_init": user}, (ctl("show", "born"), user)


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
    code_ran_as(user.pw_uid)
    write_conf(conf, port, value=2, more=more, modules=modules)
    assert ctl("config", "reload")["changed"] == ["knob-a"]
    wait_for("not reloaded", lambda: ctl("show", "knob-a", "calls")["value"] == 2)
    stop(broker)


STRANGER, A_GROUP, OTHER_GROUP = 65533, "daemon", "games"


def show_version(group):
    """xmbctl as a user who is in no group but `group`: whether it got an answer, and its words."""
    done = subprocess.run(["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER),
                           "--groups", str(group), os.environ["XMBCTL"], "-s", SOCKET, "show",
                           "version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60)
    return done.returncode == 0, done.stdout


def socket_is(mode, gid):
    """So it is, and the kernel lets those in who may come by it, and nobody else."""
    st = os.stat(SOCKET)
    assert stat.S_ISSOCK(st.st_mode) and stat.S_IMODE(st.st_mode) == mode, oct(st.st_mode)
    assert (st.st_uid, st.st_gid) == (expected_user().pw_uid, gid), (st, gid)
    served, words = show_version(STRANGER)
    assert served == bool(mode & 0o002), words
    assert served or "Permission denied" in words, words
    served, words = show_version(gid)
    assert served == bool(mode & 0o020), words


def reloaded(conf, control):
    write_conf(conf, 0, control=control)
    assert ctl("config", "reload")["changed"] == ["broker"]


def rights_of_the_unit():
    """Root as systemd starts it: with the bounding set of the unit, which has no CAP_FOWNER."""
    with open(os.environ["XMB_SRC"] + "/packaging/xmbd.service.in") as f:
        sets = [line.split("=")[1] for line in f if line.startswith("CapabilityBoundingSet=")]
    rights = " ".join(sets).lower().replace("cap_", "+").split()
    assert "+chown" in rights and "+fowner" not in rights, rights
    return "setpriv", "--bounding-set", ",".join(["-all", *rights])


def control_socket(conf):
    own = expected_user().pw_gid
    some = grp.getgrnam(A_GROUP).gr_gid
    assert STRANGER not in (own, some) and own != some
    write_conf(conf, 0)
    broker = start(conf)
    socket_is(0o660, own)
    reloaded(conf, 'mode="0600"')
    wait_for("mode", lambda: stat.S_IMODE(os.stat(SOCKET).st_mode) == 0o600)
    socket_is(0o600, own)
    reloaded(conf, 'mode="0666"')
    wait_for("mode", lambda: stat.S_IMODE(os.stat(SOCKET).st_mode) == 0o666)
    socket_is(0o666, own)
    stop(broker)
    # A group of its own, which the broker's user is not in: only the start, as root, can give it.
    write_conf(conf, 0, control='group="%s" mode="660"' % A_GROUP)
    broker = start(conf)
    socket_is(0o660, some)
    reloaded(conf, 'group="%s" mode="0640"' % A_GROUP)
    wait_for("mode", lambda: stat.S_IMODE(os.stat(SOCKET).st_mode) == 0o640)
    socket_is(0o640, some)
    reloaded(conf, 'group="%s" mode="0660"' % OTHER_GROUP)
    wait_for("refused", lambda: "control socket keeps its old group and mode" in log_text())
    socket_is(0o640, some)
    stop(broker)
    write_conf(conf, 0, control='group="%s"' % A_GROUP)
    broker = start(conf, *rights_of_the_unit())
    socket_is(0o660, some)
    stop(broker)
    write_conf(conf, 0, control='group="no-such-group"')
    broker = start(conf)
    assert "no-such-group: there is no such group" in log_text()
    socket_is(0o660, own)
    stop(broker)


def log_file_of_the_user(conf):
    """In a folder of the broker's user, under the unit: root may not write there, and need not."""
    folder = os.path.dirname(TO_OWN)
    own = expected_user()
    os.mkdir(folder, 0o750)
    os.chown(folder, own.pw_uid, own.pw_gid)
    write_conf(conf, 0, log='<log to="%s"/>' % TO_OWN)
    check = [*rights_of_the_unit(), os.environ["XMBD"], "-t", "-c", conf, "-p",
             os.environ["XMB_TEST_PLUGINS"]]
    for _ in range(2): # the second finds the file of the first
        done = subprocess.run(check, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0, done
        stop(start(conf, *rights_of_the_unit()))
        made = os.stat(TO_OWN)
        assert (made.st_uid, made.st_gid) == (own.pw_uid, own.pw_gid), made
    assert sum("stopped" in line for line in lines_of(TO_OWN)) == 2
    write_conf(conf, 0, log='<log to="%s/other.log"/>' % folder)
    assert subprocess.run(check, timeout=60).returncode == 0
    assert not os.path.exists(folder + "/other.log"), "-t made a file"
    write_conf(conf, 0, log='<log to="%s/no-folder/xmbd.log"/>' % folder)
    done = subprocess.run(check, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "No such file or directory" in done.stderr, done
    # Neither root under the unit nor the broker's user may make a file there: -t says so as well.
    os.mkdir(TMP + "/of-another", 0o755)
    os.chown(TMP + "/of-another", STRANGER, STRANGER)
    write_conf(conf, 0, log='<log to="%s/of-another/xmbd.log"/>' % TMP)
    done = subprocess.run(check, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "Permission denied" in done.stderr, done


def log_of_the_start(conf):
    """From its first line on it is in the place and in the form that the configuration says."""
    write_conf(conf, 0, log='<log format="json" to="%s"/>' % TO,
               control='group="no-such-group"')
    stop(start(conf))
    assert log_text() == "", log_text()
    events = [json.loads(line) for line in lines_of(TO)]
    words = [(e.get("object"), e["message"]) for e in events]
    assert words[0][0] == "no-such-group", words
    assert any(m.startswith("loaded version") for _, m in words), words
    assert any(m == "running as this user now" for _, m in words) == ROOT, words
    assert words[-1] == (conf, "stopped"), words
    os.unlink(TO)
    write_conf(conf, 0, log='<log format="json" level="error"/>')
    broker = subprocess.Popen([os.environ["XMBD"], "-c", conf, "-p",
                               os.environ["XMB_TEST_PLUGINS"]], stderr=subprocess.PIPE, text=True)
    wait_for("not there", lambda: subprocess.call(
        [os.environ["XMBCTL"], "-s", SOCKET, "show", "version"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL) == 0)
    stop(broker)
    assert broker.stderr.read() == ""
    # What fails is told as text, to who started it, in the words of -t.
    write_conf(conf, 0, value=-1, log='<log format="json" to="%s"/>' % TO)
    done = subprocess.run([os.environ["XMBD"], "-c", conf, "-p", os.environ["XMB_TEST_PLUGINS"]],
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith(conf + ":1: "), done
    assert done.stderr.endswith("xmbd: not started\n"), done
    os.unlink(TO)


def as_root():
    conf = TMP + "/xmbd.xml"
    control_socket(conf)
    log_file_of_the_user(conf)
    log_of_the_start(conf)
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
    code_ran_as(pwd.getpwnam("daemon").pw_uid)
    stop(broker)
    write_conf(conf, 0, broker='user="root"')
    broker = start(conf)
    assert set(status(broker)["Uid"]) == {"0"} and "stay root" in log_text()
    code_ran_as(0)
    stop(broker)
    write_conf(conf, 0, broker='user="no-such-user"')
    done = subprocess.run([os.environ["XMBD"], "-t", "-c", conf], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "there is no user 'no-such-user'" in done.stderr, done


def as_somebody():
    conf = TMP + "/xmbd.xml"
    write_conf(conf, 0, broker='user="somebody-else"')
    broker = start(conf)
    assert set(status(broker)["Uid"]) == {str(os.getuid())}
    code_ran_as(os.getuid())
    assert stat.S_IMODE(os.stat(SOCKET).st_mode) == 0o660
    stop(broker)
    log_of_the_start(conf)
    print("not root: the control socket's group, and that a stranger is refused, were not tried")


as_root() if ROOT else as_somebody()
