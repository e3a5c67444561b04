#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crosses the border between the registry and SAF, and what does not. Domain N is autonomous system N:
what is published in another domain stays at home, whether or not another service family is of it. Clients
see by the Trust flag what was learned. A service with more data than a packet takes is there for those at
its own broker alone, and comes and goes elsewhere with its size.
"""
from saf_rig import DOMAIN, LEARNED, LOCAL, PASSWORD, USER, Scene, Watcher, until, xml
from xmcp_helper import ANY_101, Client, success

OTHER = 1300      # a domain, and an autonomous system
ALONE = 1400      # a domain without one
TOO_MUCH = b"<x>" + b"y" * 1400 + b"</x>" # data-max is 1300


def family(node, number):
    return f"<service-family address-family='ipv4' autonomous-system='{number}' " \
        f"router-id='{node.router_id}'><sf-interface name='default' shutdown='yes'/>" + node.iface_xml("l1", {}) + "</service-family>"


def member(node, domain):
    """A client of one of the other domains."""
    with node.space:
        client = Client(node, f"{USER}-{domain}", PASSWORD)
    client.register(domain)
    node.clients.append(client)
    return client


def users():
    return "".join(f"<client username='{USER}-{n}' password='{PASSWORD}'><domain number='{n}' mode='only'/>"
                   "<nonce none='yes'/><keepalive seconds='3600'/></client>" for n in (OTHER, ALONE))


class Border:
    def __init__(self, scene):
        self.scene = scene
        self.a, self.b = scene.nodes(2)
        scene.connect(self.a, self.b)
        for node in (self.a, self.b):
            node.users = users()
            node.other = family(node, DOMAIN) + family(node, OTHER)
        scene.start()
        scene.converge()
        for node in (self.a, self.b):
            until(lambda n=node: self.has_peer(n, OTHER), f"{node.name} has its neighbour twice", node.alive)
        self.publisher = self.a.client()
        self.here, self.there = Watcher(self.a), Watcher(self.b)

    @staticmethod
    def has_peer(node, number):
        return node.control(f"show eigrp service-family ipv4 {number} neighbors")["neighbors"]

    def mark(self, number):
        """Whatever was published before at a would be at b by now, were it meant to."""
        self.scene.publish(self.publisher, 50, number, xml(f"mark {number}"), self.a.router_id)
        self.there.sees(50, xml(f"mark {number}"))


def services(node, domain):
    return {s["subservice"]: s for s in node.control(f"show services domain {domain}")["services"]}


def domains(border):
    """One service in each domain at a: at b, each domain has its own, and ALONE nothing."""
    a, b = border.a, border.b
    clients = {domain: member(a, domain) for domain in (OTHER, ALONE)}
    strangers = {domain: member(b, domain) for domain in (OTHER, ALONE)}
    for client in strangers.values():
        client.subscribe(ANY_101)
    for sub, (domain, client) in enumerate(clients.items(), 2):
        success(client.publish(sub, 1, xml(f"of {domain}")))
    border.scene.publish(border.publisher, 1, 1, xml("of all"), a.router_id)
    border.there.sees(1, xml("of all"))
    strangers[OTHER].expect_notify(2, data=xml(f"of {OTHER}"))
    border.mark(1)
    assert {n: set(services(b, n)) for n in (DOMAIN, OTHER, ALONE)} == \
        {DOMAIN: {1, 50}, OTHER: {2}, ALONE: set()}, "a service is in a domain that is not its own"
    assert set(services(a, ALONE)) == {3}, "a keeps it"
    assert {e[1] for e in border.there.events} == {1, 50}, border.there.events
    success(strangers[ALONE].publish(3, 1, xml("mine"))) # nothing was in front of it
    strangers[ALONE].expect_notify(3, data=xml("mine"))
    success(clients[OTHER].unpublish(2))
    border.mark(2)
    until(lambda: not services(b, OTHER), "it is gone in its own domain", b.alive)
    assert {1, 50} == set(services(b, DOMAIN)), services(b, DOMAIN)


def trust(border):
    """The same service, at home and away."""
    border.here.sees(1, xml("of all"))
    assert border.here.trust[1] == LOCAL, border.here.trust
    assert border.there.trust[1] == LEARNED, border.there.trust
    own = border.b.client()
    border.scene.publish(own, 4, 1, xml("of b"), border.b.router_id)
    border.there.sees(4, xml("of b"))
    border.here.sees(4, xml("of b"))
    assert (border.there.trust[4], border.here.trust[4]) == (LOCAL, LEARNED), (border.there, border.here)


def refusals(node):
    return sum("is not announced to other routers" in line for line in node.log().splitlines())


def too_large(border, sub):
    """For all at a, for none at b."""
    border.here.sees(sub, TOO_MUCH)
    assert border.a.services()[sub]["bytes"] == len(TOO_MUCH)
    late = Watcher(border.a)
    late.sees(sub, TOO_MUCH)
    late.close()
    assert sub not in border.b.services()


def oversize(border):
    """Too large at first, then small, then too large again."""
    a, scene = border.a, border.scene
    success(border.publisher.publish(7, 1, TOO_MUCH))
    border.mark(3)
    too_large(border, 7)
    assert not border.there.of(7), border.there.of(7)
    until(lambda: refusals(a) == 1, "a says so", a.alive)
    scene.publish(border.publisher, 7, 2, xml("small"), a.router_id)
    border.there.sees(7, xml("small"))
    success(border.publisher.publish(7, 3, TOO_MUCH))
    border.there.sees_end(7)
    border.mark(4)
    too_large(border, 7)
    until(lambda: refusals(a) == 2, "a says so again", a.alive)
    assert not [e for e in border.here.of(7) if e[0] == "withdraw"], "nobody at home noticed"
    assert sum(e["kind"] == "refused" for e in a.eigrp("events")["events"]) == 2


def main():
    with Scene() as scene:
        border = Border(scene)
        for step in (domains, trust, oversize):
            print(step.__name__)
            step(border)
        border.here.once()
        border.there.once()
        scene.stop()
        scene.capture.stop()
        words = ("-T", "fields", "-e", "eigrp.as", "-e", "eigrp.saf.subservice")
        said = scene.capture.tshark("-Y", f"eigrp.saf.service && eigrp.as != {DOMAIN}", *words)
        said = said.decode().split()
        assert said and set(said) == {str(OTHER), "2"}, f"in another autonomous system: {said}"
        scene.capture.check(f"eigrp && eigrp.as == {DOMAIN}") # no fault in the other one either


main()
