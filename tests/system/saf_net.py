# SPDX-License-Identifier: MIT
"""Networks for the tests of the SAF forwarder: namespaces, and links between them.

A namespace here has no name: it lives as long as its descriptor in this process, or a process in it.
So there is nothing to clean up, whatever becomes of the test, and tests beside each other do not meet.

All links are bridges in one more namespace, the wire. There every frame of every link passes once,
so that one dumpcap captures all of them, and there a link can be cut: at one end with its carrier,
which both the kernel and the broker see, or silently, which only a hold time finds out.

    node n1 [l1]---port  bridge l1  port---[l1] node n2 [l2]---port  bridge l2  port---...  wire
"""
import ctypes
import os
import shutil
import subprocess
import sys

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need_network():
    """Skips the test where the caller may not make namespaces, or cannot capture."""
    if os.geteuid() != 0:
        skip("needs root, for network namespaces")
    for program in ("ip", "bridge", "unshare", "dumpcap", "tshark"):
        if shutil.which(program) is None and not os.path.exists("/usr/sbin/" + program):
            skip(program + " is not installed")


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


class Space:
    """A network namespace. `with space:` what is opened or started is in it."""

    def __init__(self, name):
        self.name = name
        self.outside = []
        with open("/proc/thread-self/ns/net", "rb") as before:
            call("unshare", CLONE_NEWNET)
            try:
                self.file = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                call("setns", before.fileno(), CLONE_NEWNET)
        self.path = f"/proc/{os.getpid()}/fd/{self.file}"
        with self:
            # No duplicate address detection: it takes seconds, and nobody else is here.
            for kind in ("all", "default"):
                for name, value in (("accept_dad", 0), ("dad_transmits", 0), ("accept_ra", 0),
                                    ("addr_gen_mode", 1)):
                    sysctl(f"ipv6/conf/{kind}/{name}", value)
        self.ip("link set lo up")

    def __enter__(self):
        self.outside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        call("setns", self.file, CLONE_NEWNET)
        return self

    def __exit__(self, *_):
        before = self.outside.pop()
        call("setns", before, CLONE_NEWNET)
        os.close(before)

    def run(self, *command, **options):
        with self:
            return subprocess.run(command, check=True, **options)

    def ip(self, *lines):
        """Each is the words of an `ip` command."""
        self.run("ip", "-batch", "-", input="\n".join(lines) + "\n", text=True,
                 stdout=subprocess.DEVNULL)

    def start(self, command, **options):
        """A process in it, which sees its interfaces in /sys as well. Its pid is the command's."""
        with self:
            return subprocess.Popen(
                ["unshare", "-m", "sh", "-c", 'mount -t sysfs none /sys && exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL, **options)

    def forward(self):
        """It is a router from now on."""
        with self:
            sysctl("ipv4/ip_forward", 1)
            sysctl("ipv6/conf/all/forwarding", 1)


class Here:
    """The namespace that the test is in, as far as a capture needs it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def start(self, command, **options):
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)


def sysctl(name, value):
    with open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
        f.write(str(value))


class Link:
    """A bridge in the wire, and what is plugged into it: `ports` by the other end's namespace."""

    def __init__(self, net, name):
        self.net, self.name = net, name
        self.ports = {}
        # Multicast goes to all ports; and no spanning tree, no address of its own.
        net.wire.ip(f"link add {name} type bridge mcast_snooping 0 stp_state 0 forward_delay 0",
                    f"link set {name} up")

    def plug(self, space, *addresses, bridged=True):
        """An interface of the link's name in `space`. Returns the name of its other end in the wire."""
        port = f"{self.name}p{len(self.ports)}"
        self.net.wire.ip(f"link add {port} type veth peer name {self.name} netns {space.path}",
                         f"link set {port} up",
                         *([f"link set {port} master {self.name}"] if bridged else []))
        space.ip(f"link set {self.name} up",
                 *(f"addr add {a} dev {self.name}" + (" nodad" if ":" in a else "") for a in addresses))
        self.ports[space] = port
        return port

    def cut(self, space):
        """Pulls the plug of `space`: it sees that its link is down."""
        self.net.wire.ip(f"link set {self.ports[space]} down")

    def mend(self, space):
        self.net.wire.ip(f"link set {self.ports[space]} up")

    def mute(self, space, is_muted=True):
        """Nothing of `space` passes any more, and nobody is told."""
        self.net.wire.run("bridge", "link", "set", "dev", self.ports[space], "state",
                          "0" if is_muted else "3")


class Net:
    def __init__(self):
        self.wire = Space("wire")
        self.links = {}

    def link(self, name=None):
        name = name or f"l{len(self.links) + 1}"
        self.links[name] = Link(self, name)
        return self.links[name]
