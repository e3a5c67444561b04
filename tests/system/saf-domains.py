#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A site finds its border gateway by SAF. Two brokers speak EIGRP over a link between two networks. A is the gateway
of a.test and announces it; B serves b.test, learns what is announced, and has its modules in the order that the
documentation wants: static-routes, saf-eigrp, dns-srv. DNS names another server for a.test, and a static route
another one for s.test, which A announces, too. Before that there is a B that has saf-eigrp behind dns-srv: its ways
are the same, because dns-srv is only asked for what nobody has.

    b.test server  10.9.0.11 --inside--> 10.9.0.3  B  10.9.0.2 --outside--> 10.9.0.1  A --inside--> a.test server
                                                                             10.9.0.77  a.test, as DNS has it
                                                                             10.9.0.78  s.test, by a static route

A stanza for a.test goes to A as long as it announces the domain, and where DNS says when A is gone: stopped, killed,
reloaded without the announcement, or not listened to any more. B lives in a network of its own; its servers, and all
else, in the test's. What goes over the link is captured, and what announces a domain is as the documentation says.
"""
import contextlib
import hashlib
import os
import shutil
import socket
import struct
import subprocess

from s2s_peer import Peer
from s2s_rig import TMP, Certificates, Gateway, World, local_domain, profiles, skip, until
from saf_capture import Capture
from saf_net import Here

FAR = f"xmb{os.getpid()}"  # the network namespace of B
A_INSIDE, A_OUTSIDE, A_SERVER = "127.0.0.30", "10.9.0.1", "127.0.0.10"
B_INSIDE, B_OUTSIDE, B_SERVER = "10.9.0.3", "10.9.0.2", "10.9.0.11"
BY_DNS, BY_STATIC = "10.9.0.77", "10.9.0.78"
A_ROUTER_ID = "10.9.0.1"
count = 0


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


def make_network():
    for words in (f"netns add {FAR}", f"link add near type veth peer name far netns {FAR}",
                  "link set near up", f"-n {FAR} link set far up", f"-n {FAR} link set lo up",
                  *(f"addr add {a}/24 dev near" for a in (A_OUTSIDE, B_SERVER, BY_DNS, BY_STATIC)),
                  *(f"-n {FAR} addr add {a}/24 dev far" for a in (B_OUTSIDE, B_INSIDE))):
        ip(words)


def forwarder(interface, router_id, learn, *announced):
    """The module saf-eigrp of one broker; a neighbour that is silent for 3 s is gone."""
    domains = "".join(f"<announce domain='{d}' address='{a}' priority='{p}'/>"
                      for d, a, p in announced)
    return f"""<module name='saf-eigrp'>
<service-family address-family='ipv4' autonomous-system='1228' router-id='{router_id}'>
<sf-interface name='default' shutdown='yes'/>
<sf-interface name='{interface}' shutdown='no' hello-interval='1' hold-time='3'/>
<xmpp-domains learn='{learn}'>{domains}</xmpp-domains>
</service-family></module>"""


def forwarder_a(*announced):
    return forwarder("near", A_ROUTER_ID, "no", *announced)


def modules_b(learn, is_behind_dns=False):
    """saf-eigrp behind static-routes, which the rig writes first, and before dns-srv, or behind that too."""
    dns = f"<module name='dns-srv'><resolver address='{A_OUTSIDE}' port='53'/></module>"
    modules = [forwarder("far", "10.9.0.2", learn), dns]
    return "".join(reversed(modules) if is_behind_dns else modules)


ANNOUNCED = (("a.test", A_OUTSIDE, 20), ("s.test", A_OUTSIDE, 20))


def gateway_a(certs):
    """Its own dns-srv finds b.test, which nobody announces."""
    return Gateway("xmbd-a", broker=profiles(certs), inside=A_INSIDE, outside=A_OUTSIDE,
                   local=local_domain("a.test", (A_SERVER, 5269)), dns=A_OUTSIDE, inside_dns=False,
                   secret="the secret of A", modules=forwarder_a(*ANNOUNCED))


class FarGateway(Gateway):
    """A gateway in the network FAR. `ip netns exec` execs: it is the same process."""

    def __init__(self, certs, is_behind_dns=False):
        xmbd = os.environ["XMBD"]
        script = os.path.join(TMP, "xmbd-far")
        with open(script, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\nexec ip netns exec {FAR} {xmbd} "$@"\n')
        os.chmod(script, 0o755)
        os.environ["XMBD"] = script
        try:
            super().__init__(
                "xmbd-b", broker=profiles(certs, "b.test"), inside=B_INSIDE, outside=B_OUTSIDE,
                local=local_domain("b.test", (B_SERVER, 5269)), dns=None, inside_dns=False,
                routes=f"<route domain='s.test' address='{BY_STATIC}'/>", secret="the secret of B",
                modules=modules_b("yes", is_behind_dns), more="<backoff minimum='1s' maximum='2s'/>")
        finally:
            os.environ["XMBD"] = xmbd

    def routes(self, domain, module="saf-eigrp"):
        return [r for r in self.control("show routes " + domain)["routes"]
                if r["module"] == module]


# --- what is on the link ----------------------------------------------------------------------

def word(*parts):
    return hashlib.sha256(b"".join(parts)).digest()[:4]


def announcement(domain, priority):
    """(identity, data, where) of the service by which A says that it has this domain."""
    where = A_OUTSIDE, 5269
    digest = hashlib.sha256(domain.encode()).digest()[:8]
    assert b"\xff" * 4 not in (digest[:4], digest[4:])
    place = word(b"\x04", socket.inet_aton(where[0]), bytes(12), struct.pack(">H", where[1]))
    router = word(socket.inet_aton(A_ROUTER_ID), socket.gethostname().encode())
    data = f'<xmpp-domain xmlns="urn:xmb:saf:xmpp-domain:1" name="{domain}" priority="{priority}" ' \
        'weight="0" tls="no"/>'
    return (5269, 1, (digest + place + router).hex()), data.encode(), (*where, 6)


def capture():
    """Of the link, with all that A ever announces."""
    made = Capture(Here(), ["near"], "domains")
    for domain, priority in (("a.test", 20), ("s.test", 20), ("a.test", 7)):
        identity, data, where = announcement(domain, priority)
        made.expect(identity, data, where, A_ROUTER_ID)
    return made


def on_the_link(made):
    """Each was seen whole, and withdrawn in A's name."""
    services = [s for f in made.check() for s in f.services]
    told = {(s.id, s.data) for s in services if s.is_reachable}
    assert told == {(i, d) for i, versions in made.published.items() for d, _, _ in versions}, told
    for identity in made.published:  # at the end of behind_dns, in announced_anew, and when A stopped
        ends = {s.sequence for s in services if s.id == identity and s.route["eigrp.metric.flags.srcwd"] == "1"}
        assert len(ends) >= 3, f"{identity} was withdrawn with {ends}"


class Scene:
    def __init__(self, certs):
        self.certs = certs
        self.a = self.b = None
        self.server_a = Peer(certs, A_SERVER, "a.test")
        self.server_b = Peer(certs, B_SERVER, "b.test")
        self.other_a = Peer(certs, BY_DNS, "a.test")
        self.static_s = Peer(certs, BY_STATIC, "s.test")

    def send(self, to, receiver):
        """A message from b.test arrives at `receiver`, and at no other server."""
        global count
        count += 1
        stream = self.server_b.verified(to, B_INSIDE)
        stream.send(f"<message from='u@b.test' to='v@{to}' id='m{count}'><body>{count}</body></message>")
        stanza = receiver.next_stanza()
        assert stanza.get("id") == f"m{count}", stanza.attrib
        for other in (self.server_a, self.other_a, self.static_s):
            assert other.stanzas.empty(), f"a stanza for {to} came to {other.address}, too"
        stream.close()

    def is_learned(self):
        until(lambda: self.b.routes("a.test"), "B has learned a.test", self.b.alive)

    def is_forgotten(self):
        until(lambda: not self.b.routes("a.test") and not self.b.routes("s.test"),
              "B has lost what A announced", self.b.alive)

    def drop_streams(self):
        """The next stanza has to look for its way: streams that are there would be used on."""
        self.b.control("clear federation connection all")
        until(lambda: not self.streams_to("a.test"), "the streams to a.test are gone", self.b.alive)

    def streams_to(self, domain):
        return [c for c in self.b.connections() for p in c["pairs"] if p["remote"] == domain]

    # --- the scenes; at the beginning and the end of each A announces, and B has learned

    def found(self):
        """The way is A's, which DNS does not know; the static route stands before it."""
        (route,) = self.b.routes("a.test")
        assert (route["target"], route["port"], route["priority"]) == (A_OUTSIDE, 5269, 20), route
        self.send("a.test", self.server_a)
        assert len(self.b.routes("s.test")) == 1, "s.test was not learned"
        self.send("s.test", self.static_s)
        services = self.b.control("show services")["services"]
        assert sum(s["service"] == 5269 for s in services) == 2, services

    def announced_anew(self):
        """Another priority, then no announcement at all: B follows. It stays away until it is there again."""
        self.a.reload(modules=forwarder_a(("a.test", A_OUTSIDE, 7)))
        until(lambda: [r["priority"] for r in self.b.routes("a.test")] == [7] and
              not self.b.routes("s.test"), "B has the new priority, and s.test is gone", self.b.alive)
        self.a.reload(modules=forwarder_a())
        self.is_forgotten()
        self.drop_streams()
        self.send("a.test", self.other_a)
        self.a.reload(modules=forwarder_a(*ANNOUNCED))
        self.is_learned()
        self.drop_streams()
        self.send("a.test", self.server_a)

    def not_learning(self):
        """B does not want to know; the services are there all the same."""
        self.b.reload(modules=modules_b("no"))
        self.is_forgotten()
        services = self.b.control("show services")["services"]
        assert sum(s["service"] == 5269 for s in services) == 2, services
        self.b.reload(modules=modules_b("yes"))
        self.is_learned()

    def gone(self, end):
        end()
        self.is_forgotten()
        self.send("a.test", self.other_a)


def behind_dns(scene, certs):
    """What was learned counts before what DNS would say, though B has dns-srv before it."""
    print("--- behind_dns")
    with FarGateway(certs, is_behind_dns=True) as scene.b, gateway_a(certs) as scene.a:
        scene.is_learned()
        scene.found()


def play(scene, certs, stack):
    with gateway_a(certs) as scene.a:
        scene.is_learned()
        for step in (scene.found, scene.announced_anew, scene.not_learning):
            print("---", step.__name__)
            step()
        print("--- stopped")
    scene.gone(lambda: None)
    print("--- killed")
    scene.a = gateway_a(certs)
    stack.callback(lambda: scene.a.process.poll() is None and scene.a.kill())
    scene.is_learned()
    scene.drop_streams()
    scene.send("a.test", scene.server_a)
    scene.gone(scene.a.kill)


def main():
    need_programs()
    make_network()
    certs = Certificates()
    for domain in ("a.test", "b.test", "s.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    try:
        with contextlib.ExitStack() as stack:
            made = capture()
            stack.callback(made.close)
            stack.enter_context(World({"a.test": (BY_DNS, 5269), "b.test": (B_OUTSIDE, 5269)}, A_OUTSIDE))
            scene = Scene(certs)
            behind_dns(scene, certs)
            scene.b = stack.enter_context(FarGateway(certs))
            play(scene, certs, stack)
            on_the_link(made)
    finally:
        subprocess.run(["ip", "netns", "del", FAR], check=False)


def need_programs():
    if os.geteuid() != 0:
        skip("needs root, for a network namespace and raw IP sockets")
    for program in ("ip", "dnsmasq", "openssl", "dumpcap", "tshark"):
        if shutil.which(program) is None and not os.path.exists("/usr/sbin/" + program):
            skip(program + " is not installed")


if __name__ == "__main__":
    main()
