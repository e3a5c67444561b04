#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Raw IP sockets and interfaces in whole brokers. Two of them, each in a network namespace of its
own and an unprivileged user by then, hear each other over a wire; the wire and the interface go
and come back. When one stops, the other is told; it is waited for a routing module that has more to
say, within the drain time. A check of the configuration needs no right to open a raw socket."""
import os
import shutil
import signal
import subprocess
import sys
import time

TMP = os.environ["XMB_TMP"]
NET_RAW = 1 << 13


def wait_for(what, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def sh(command):
    subprocess.run(command, shell=True, check=True)


class Namespace:
    """Of this process, or one that a sleeping child holds."""

    def __init__(self, fresh):
        self.holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE) if fresh else None
        mine = os.readlink("/proc/self/ns/net")
        if fresh:
            wait_for("no namespace", lambda: os.readlink("/proc/%d/ns/net" % self.holder.pid) != mine)
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-n"] if fresh else []

    def sh(self, command):
        subprocess.run(self.enter + ["sh", "-c", command], check=True)

    def end(self):
        self.holder.stdin.close()
        self.holder.wait()


class Broker:
    def __init__(self, name, namespace, interface, linger="0s", drain="10s"):
        self.log, conf = "%s/%s.log" % (TMP, name), "%s/%s.xml" % (TMP, name)
        with open(conf, "w") as f:
            f.write('<xmb xmlns="urn:xmb:config:1"><broker workers="1" drain="%s"><control '
                    'socket="%s/%s.s"/></broker><module name="raw-hello" interface="%s" linger="%s"/>'
                    '</xmb>' % (drain, TMP, name, interface, linger))
        self.command = [os.environ["XMBD"], "-c", conf, "-p", os.environ["XMB_TEST_PLUGINS"]]
        self.namespace = namespace
        self.process = None

    def start(self):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.namespace.enter + self.command, stderr=log)
        wait_for("not ready", lambda: self.logged(" ready") or self.process.poll() is not None)
        assert self.process.poll() is None
        return self

    def logged(self, text):
        with open(self.log) as f:
            return text in f.read()

    def hears(self, text):
        wait_for("%s: no '%s'" % (self.log, text), lambda: self.logged(text))

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0
        return time.monotonic() - began


def capabilities(pid):
    with open("/proc/%d/status" % pid) as f:
        return {line.split()[0]: int(line.split()[1], 16) for line in f if line.startswith("Cap")}


def hear_each_other(near, far):
    a = Broker("a", near, "near").start()
    b = Broker("b", far, "far", linger="700ms").start()
    assert capabilities(a.process.pid)["CapPrm:"] == NET_RAW
    a.hears("heard hello with 1 hops")
    b.hears("heard hello with 1 hops")
    far.sh("ip link set far down")
    a.hears("near: is down")
    far.sh("ip link set far up")
    for broker, up in ((a, "near: is up"), (b, "far: is up")):
        wait_for("not up again", lambda: open(broker.log).read().count(up) == 2)
    assert b.stop() >= 0.7
    a.hears("heard goodbye")
    text = open(b.log).read()
    assert text.index("drain within 10000 ms") < text.index("all said") < text.index(": end")
    assert "told its peers" not in text
    a.stop()
    assert a.logged(": end")


def late(near):
    """What is not said by the end of the drain time is not waited for."""
    a = Broker("late", near, "near", linger="50s", drain="1s").start()
    took = a.stop()
    assert 1 <= took < 30, took
    assert a.logged("module raw-hello had not told its peers all within 1 s; it ends now")
    assert a.logged(": end") and not a.logged("all said")


def comes_later(near, far):
    """The interface is not there at the start; when it is, its number is a new one."""
    near.sh("ip link del near")
    a = Broker("a", near, "near").start()
    for _ in range(2):
        near.sh("ip link add near type veth peer name far netns %d" % far.holder.pid)
        connect(near, far)
        b = Broker("b", far, "far").start()
        b.hears("heard hello")
        b.stop()
        near.sh("ip link del near")
    wait_for("not gone", lambda: open(a.log).read().count("near: is gone") == 2)
    a.stop()


def check_needs_no_right(near):
    broker = Broker("check", near, "lo")
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"]
    done = subprocess.run(nobody + broker.command + ["-t"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(nobody + broker.command, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "no raw socket: error -7" in done.stderr, done


def connect(near, far):
    near.sh("ip addr add 10.0.0.1/24 dev near && ip link set near up")
    far.sh("ip addr add 10.0.0.2/24 dev far && ip link set far up")


def why_not():
    if os.getuid() != 0:
        return "not root: no network namespaces, no raw sockets"
    for tool in ("unshare", "nsenter", "ip", "setpriv"):
        if shutil.which(tool) is None:
            return "there is no " + tool
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        return "this system makes no network namespaces"
    return None


def main():
    if why_not() is not None:
        print("skipped:", why_not())
        sys.exit(77)
    os.chmod(TMP, 0o1777)  # for brokers that were root and unlink their sockets
    near, far = Namespace(False), Namespace(True)
    sh("ip link add near type veth peer name far netns %d" % far.holder.pid)
    connect(near, far)
    hear_each_other(near, far)
    late(near)
    comes_later(near, far)
    check_needs_no_right(near)
    far.end()


main()
