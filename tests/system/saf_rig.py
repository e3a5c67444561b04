# SPDX-License-Identifier: MIT
"""What the tests of the SAF forwarder stand on: brokers in namespaces of their own, on links, and
XMCP clients that publish and watch.

    with Scene() as scene:
        a, b = scene.nodes(2)
        scene.connect(a, b)
        scene.start()
        scene.converge()

A node's number is its router id, 10.0.0.N, and its host on every link: 10.88.K.N and fe80::N on link K.
Hellos go each second. Hold times are long, so that a busy machine loses no neighbour, and so that what
must happen at once is not mistaken for what would have happened anyway; only a test about the hold time
asks for a short one.

Nothing here sleeps until something has probably happened: everything is waited for, with a deadline.
"""
import datetime
import json
import os
import signal
import socket
import struct
import subprocess
import time

from saf_capture import Capture
from saf_net import Net, Space, need_network, skip
from xmcp_helper import (ANY_101, DATA, FLAGS, IDENTITY, NOTIFY, PROTOCOL, PUBLISH, REASON,
                         SERVICE_VERSION, TMP, TRANSPORT, WITHDRAW, Client, success)

SANITIZED = os.environ.get("XMB_SANITIZED") == "yes"
WAIT = 90 if SANITIZED else 30  # seconds until a test gives up
HOLD_S = 60                     # long
SHORT_HOLD_S = 9 if SANITIZED else 3
AT_ONCE_S = 45 if SANITIZED else 20 # shorter than HOLD_S: it cannot be the hold time that did it
DOMAIN = 1228                   # of the clients: the autonomous system
TRUST, LOCAL, LEARNED = 2, 0, 1 # a flag of services, and its values
# Unauthenticated clients see what is marked as visible to them, and SAF does not carry the mark.
USER, PASSWORD = "saf", "password-of-saf"
INSTANCE = "00000001000000020000000300000004" # what the helper publishes, as 32 hexadecimal digits
ENDPOINT = ("192.0.2.10", 5060, 6)
LOG_LEVEL = os.environ.get("XMB_SAF_LOG", "info")


def until(condition, what, check=lambda: None, seconds=WAIT):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        check()
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not so within {seconds} s: {what}"
        time.sleep(0.05)


def service_id(subservice, service=101, instance=INSTANCE):
    return service, subservice, instance


def xml(text):
    """Service data that tshark reads as XML, so that it complains when its bounds are wrong."""
    return f'<?xml version="1.0"?>\n<service><name>{text}</name></service>\n'.encode()


def attributes(values):
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in values.items())


def identity_octets(identity):
    """A service_id() as clients write it."""
    service, subservice, instance = identity
    return struct.pack(">HH", service, subservice) + bytes.fromhex(instance)


def transport_octets(address, port):
    six = ":" in address
    return struct.pack(">BBH", 0, 2 if six else 1, port) + \
        socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)


class Publisher(Client):
    """The helper's client, which can say of a service more than its subservice and version."""

    def publish_at(self, identity, version, data, endpoint):
        """`endpoint`: address, port and IP protocol."""
        address, port, protocol = endpoint
        return self.ask(PUBLISH, (IDENTITY, identity_octets(identity)),
                        (TRANSPORT, transport_octets(address, port)),
                        (PROTOCOL, struct.pack(">I", protocol)),
                        (SERVICE_VERSION, struct.pack(">I", version)), (DATA, data))


class Node:
    """xmbd in a namespace of its own."""

    def __init__(self, scene, number):
        self.scene, self.number, self.name = scene, number, f"{scene.name}{number}"
        self.space = Space(self.name)
        self.router_id = f"10.0.0.{number}"
        self.hold = HOLD_S
        self.ifaces = {}     # attributes of <sf-interface>, by the interface; "inner": what is in it
        self.links = {}
        self.family = {"address-family": "ipv4", "autonomous-system": DOMAIN,
                       "router-id": self.router_id}
        self.topology = {}   # attributes of <topology>
        self.inner = ""      # more elements of the service family
        self.more = ""       # more of the module
        self.users = ""      # more clients of the broker
        self.other = ""      # instead of the one service family: all of them
        self.prefix = []     # of the command
        self.process, self.port, self.runs = None, None, 0
        self.config = os.path.join(TMP, self.name + ".xml")
        self.socket = os.path.join(TMP, self.name + ".sock")
        self.log_path = None
        self.killed = False
        self.clients = []

    # --- configuration

    def iface_xml(self, name, values):
        values = {"hello_interval": 1, "hold_time": self.hold, **values}
        inner = values.pop("inner", "")
        return f"<sf-interface name='{name}'{attributes(values)}>{inner}</sf-interface>"

    def family_xml(self):
        ifaces = "".join(self.iface_xml(name, v) for name, v in self.ifaces.items())
        topology = f"<topology{attributes(self.topology)}/>" if self.topology else ""
        return f"<service-family{attributes(self.family)}>" \
            f"<sf-interface name='default' shutdown='yes'/>{ifaces}{self.inner}{topology}" \
            "</service-family>"

    def modules(self):
        return f"""
<module name="auth-userpass"><client username="{USER}" password="{PASSWORD}">
  <domain number="{DOMAIN}" mode="only"/><nonce none="yes"/><keepalive seconds="3600"/></client>
  <client unauthenticated="yes"><domain number="{DOMAIN}" mode="only"/><keepalive seconds="3600"/></client>
  {self.users}</module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
<module name="saf-eigrp">{self.more}{self.other or self.family_xml()}</module>"""

    def write(self):
        workers = os.environ.get("XMB_TEST_WORKERS", "2")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write('<?xml version="1.0"?>\n<xmb xmlns="urn:xmb:config:1">\n'
                    f'<broker workers="{workers}"><control socket="{self.socket}"/>'
                    f'<log level="{LOG_LEVEL}" format="text" to="stderr"/></broker>'
                    f'{self.modules()}\n</xmb>\n')

    def reload(self):
        """Applies what was changed here."""
        self.write()

        def answered():
            run = self.control("config reload", check=False)
            return None if "try again" in run.stdout + run.stderr else run
        run = until(answered, f"{self.name} has reloaded", self.alive)
        assert run.returncode == 0, run.stdout + run.stderr

    # --- the process

    def launch(self):
        self.runs += 1
        self.killed = False
        self.log_path = os.path.join(TMP, f"{self.name}-{self.runs}.log")
        self.write()
        with open(self.log_path, "wb") as log:
            self.process = self.space.start(
                [*self.prefix, os.environ["XMBD"], "-c", self.config, "-p", os.environ["XMB_PLUGINS"]],
                stdout=log, stderr=log)

    def ready(self):
        def listening():
            run = self.control("show listeners", check=False)
            return json.loads(run.stdout)["listeners"] if run.returncode == 0 else None
        self.port = until(listening, f"{self.name} is ready", self.alive)[0]["port"]

    def start(self):
        self.launch()
        self.ready()

    def alive(self):
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}"

    def kill(self):
        """Without a word."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def stop(self):
        """In good order, without waiting for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Waits for the end; a broker that crashed, or does not end, fails the test. It would wait for its
        clients, so these go first."""
        for client in self.clients:
            client.close()
        if self.process is None or self.killed:
            return
        try:
            status = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        assert status == 0, f"{self.name} ended with {status}"

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def said(self, *words):
        """(time in seconds since 1970, line) of the lines of its log that have all the words."""
        return [(datetime.datetime.fromisoformat(line.split(" ", 1)[0]).timestamp(), line)
                for line in self.log().splitlines() if all(w in line for w in words)]

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    # --- what it says of itself

    def control(self, words, check=True):
        """The JSON answer of `xmbctl WORDS`."""
        run = subprocess.run([os.environ["XMBCTL"], "-s", self.socket, "--json"] + words.split(),
                             capture_output=True, text=True, check=False, timeout=WAIT)
        if not check:
            return run
        assert run.returncode == 0, f"{self.name}: xmbctl {words}: {run.stdout}{run.stderr}"
        return json.loads(run.stdout)

    def eigrp(self, what, family="ipv4"):
        return self.control(f"show eigrp service-family {family} {DOMAIN} {what}")

    def neighbors(self, family="ipv4"):
        """Those that are up, by interface and address."""
        return {(n["interface"], n["address"].split("%")[0]): n
                for n in self.eigrp("neighbors", family)["neighbors"] if n.get("state", "up") == "up"}

    def topology_of(self, family="ipv4"):
        return self.eigrp("topology", family)["topology"]

    def is_passive(self):
        return all(entry["state"] == "passive" for entry in self.topology_of())

    def traffic(self):
        return self.eigrp("traffic")

    def services(self):
        """What the registry has, by subservice."""
        return {s["subservice"]: s for s in self.control(f"show services domain {DOMAIN}")["services"]}

    def address(self, link):
        return f"10.88.{self.links[link.name]}.{self.number}"

    def expected(self):
        """The neighbours it should have, as neighbors() has them."""
        return {(name, node.address(self.scene.net.links[name]))
                for name in self.links for node in self.scene.members[name]
                if node is not self and node.process is not None and node.process.poll() is None}

    def client(self, authenticated=True):
        with self.space:
            client = Publisher(self, USER, PASSWORD) if authenticated else Publisher(self)
        client.register(DOMAIN)
        self.clients.append(client)
        return client


class Watcher:
    """A client that subscribes to all services, and what it was told, in order. `trust`: of each service, as
    it was told last."""

    def __init__(self, node, authenticated=True):
        self.node, self.events, self.trust = node, [], {}
        self.client = node.client(authenticated)
        self.client.subscribe(ANY_101)

    def take(self):
        message = self.client.event()
        assert message.method in (NOTIFY, WITHDRAW), message
        subservice = int.from_bytes(message.attributes[IDENTITY][2:4], "big")
        if message.method == NOTIFY:
            flags = struct.iter_unpack(">HH", message.attributes.get(FLAGS, b""))
            self.trust[subservice] = dict(flags).get(TRUST)
            self.events.append(("notify", subservice, message.number(SERVICE_VERSION),
                                message.attributes[DATA]))
        else:
            self.events.append(("withdraw", subservice, message.number(REASON), None))

    def wait(self, condition, what, seconds=WAIT):
        """Reads until `condition()` is true."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            try:
                assert left > 0
                self.client.socket.settimeout(left)
                self.take()
            except (AssertionError, TimeoutError) as e:
                raise AssertionError(f"the client at {self.node.name} does not see within {seconds} s: "
                                     f"{what}; {self.events[-20:]}; {e}") from e

    def of(self, subservice):
        return [e for e in self.events if e[1] == subservice]

    def now(self, subservice):
        """The data of the service as it was told last; None: there is none."""
        events = self.of(subservice)
        return events[-1][3] if events else None

    def sees(self, subservice, data, seconds=WAIT):
        """Waits until this is what the service is."""
        self.wait(lambda: self.now(subservice) == data, f"subservice {subservice} is {data}", seconds)

    def sees_end(self, subservice, seconds=WAIT):
        self.wait(lambda: self.of(subservice) and self.now(subservice) is None,
                  f"subservice {subservice} is withdrawn", seconds)

    def once(self, again=False):
        """No version came twice, and each is later than the one before. `again`: services were lost and found
        in one moment; the registry tells only what is newest, so the loss may be left out."""
        last = {}
        for kind, subservice, version, data in self.events:
            if kind == "notify":
                assert subservice not in last or version > last[subservice] or \
                    (again and version == last[subservice]), \
                    f"at {self.node.name}, version {version} of {subservice} after {last[subservice]}"
                last[subservice] = version
            else:
                assert subservice in last, f"withdrawn and not there: {subservice}, {self.events}"
                del last[subservice]

    def close(self):
        self.client.close()


class Scene:
    """Nodes on links, and one capture of all links. `name`: of its files and, with a number, its nodes."""

    def __init__(self, name="n"):
        need_network()
        self.name, self.net = name, Net()
        self.all, self.members = [], {}
        self.capture = None
        self.extra = [] # what else ends with the scene: has close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for thing in self.extra:
            thing.close()
        try:
            if kind is None:
                self.stop()
        finally:
            for node in self.all:
                if node.process is not None and node.process.poll() is None:
                    node.kill()
            if self.capture is not None:
                self.capture.close(kind is not None)

    def nodes(self, count):
        first = len(self.all) + 1
        made = [Node(self, first + i) for i in range(count)]
        self.all += made
        return made

    def connect(self, *nodes, bits=24, **iface):
        """A link with an interface of each. `iface`: attributes of their <sf-interface>."""
        link = self.net.link()
        self.members[link.name] = list(nodes)
        for node in nodes:
            self.plug(node, link, bits=bits, **iface)
        return link

    def plug(self, node, link, bits=24, bridged=True, **iface):
        node.links[link.name] = list(self.net.links).index(link.name) + 1
        node.ifaces[link.name] = iface
        return link.plug(node.space, f"{node.address(link)}/{bits}", f"fe80::{node.number}/64",
                         bridged=bridged)

    def start(self, nodes=None):
        if self.capture is None:
            self.capture = Capture(self.net.wire, list(self.net.links), self.name)
        for node in nodes or self.all:
            node.launch()
        for node in nodes or self.all:
            node.ready()

    def check(self):
        for node in self.all:
            if node.process is not None and not node.killed:
                node.alive()

    def converge(self, nodes=None, seconds=WAIT):
        """Each has exactly the neighbours that it should have."""
        for node in nodes or self.all:
            until(lambda n=node: set(n.neighbors()) == n.expected(),
                  f"{node.name} has the neighbours {node.expected()}", node.alive, seconds)

    def passive(self, nodes=None):
        for node in nodes or self.all:
            until(node.is_passive, f"nothing is active at {node.name}", node.alive)

    def stop(self):
        for node in self.all:
            node.stop()
        for node in self.all:
            node.ended()

    def publish(self, client, subservice, version, data, publisher=None, endpoint=ENDPOINT,
                **identity):
        """Publishes, and tells the capture so. `identity`: what else of service_id() is unusual."""
        identity = service_id(subservice, **identity)
        self.capture.expect(identity, data, endpoint, publisher)
        success(client.publish_at(identity, version, data, endpoint))


__all__ = ["AT_ONCE_S", "DOMAIN", "ENDPOINT", "HOLD_S", "INSTANCE", "LEARNED", "LOCAL", "PASSWORD",
           "SANITIZED", "SHORT_HOLD_S", "USER", "WAIT", "Node", "Publisher", "Scene", "Space", "Watcher",
           "identity_octets", "service_id", "skip", "transport_octets", "until", "xml"]
