# SPDX-License-Identifier: MIT
"""Name servers for tests, and what the test plugin `lookup` says of domains."""
import os
import shutil
import socket
import subprocess
import sys

from xmcp_helper import TMP, until

ENOENT, EDENIED, ETIMEOUT = -4, -7, -8


def need(*programs):
    """Skips the test when one is not there; daemons may be outside an ordinary user's path."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in programs:
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed")
            sys.exit(77)


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def answers(port):
    """Whether a name server answers there, anything."""
    question = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\4ping\4test\0\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.2)
        udp.connect(("127.0.0.1", port))
        try:
            udp.send(question)
            return udp.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False


class Server:
    """A name server program in the foreground, as `command` starts it; `port` is where."""

    def __init__(self, command, port, name):
        self.port = port
        self.log_path = os.path.join(TMP, name + ".log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: answers(port), f"{name} answers", self.alive)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def alive(self):
        assert self.process.poll() is None, f"{self.log_path}: ended with {self.process.returncode}"

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Dnsmasq(Server):
    def __init__(self, lines, name="dnsmasq"):
        port = free_port()
        path = os.path.join(TMP, name + ".conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"keep-in-foreground\nno-resolv\nno-hosts\nport={port}\nbind-interfaces\n"
                    f"listen-address=127.0.0.1\nuser=\npid-file=\nlog-queries\nlog-facility=-\n"
                    f"local-ttl=120\nlocal=/test/\nlocal=/invalid/\nlocal=/localhost/\n{lines}\n")
        super().__init__(["dnsmasq", "-C", path], port, name)


UNBOUND = """server:
  interface: 127.0.0.1@%(port)d
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "%(tmp)s"
  use-syslog: no
  log-queries: yes
  module-config: "iterator"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
"""


def write(name, text):
    with open(os.path.join(TMP, name), "w", encoding="ascii") as f:
        f.write(text)


def sign(name, zone):
    """Signs a zone, as NAME.zone in TMP; returns its DS record, and has it in the file `anchors`."""
    def run(*command):
        return subprocess.run(command, cwd=TMP, check=True, capture_output=True, timeout=60, text=True).stdout

    write(name + ".plain", zone)
    key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name).strip()
    run("ldns-signzone", "-f", name + ".zone", name + ".plain", key)
    with open(os.path.join(TMP, key + ".ds"), encoding="ascii") as f:
        ds = f.read().strip()
    write("anchors", ds + "\n")
    os.chmod(os.path.join(TMP, "anchors"), 0o644)
    return ds


class Unbound(Server):
    """Has the zones of these names, each as it stands in NAME.zone, and nothing else."""

    def __init__(self, *zones):
        port = free_port()
        write("unbound.conf", UNBOUND % {"port": port, "tmp": TMP} + "".join(
            f'auth-zone:\n  name: "{zone}."\n  zonefile: "{zone}.zone"\n  for-upstream: no\n'
            for zone in zones))
        super().__init__(["unbound", "-c", os.path.join(TMP, "unbound.conf")], port, "unbound")


def lookup(broker, name, what="domain"):
    """(status, [(target, address, port, priority, tls), ...]) sorted by priority and address."""
    broker.control(f"lookup {what} {name}")

    def last():
        asked = broker.control("show lookups")["lookups"][-1]
        return asked if asked["done"] else None

    return until(last, f"an answer for {name}", broker.alive)


def brief(answer):
    """Routes of an answer as short tuples, in the order of priority, then address."""
    assert answer["status"] == 0, answer
    return sorted((r["priority"], r["target"], r["address"], r["port"], r["tls"])
                  for r in answer["routes"])
