#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The plugins that find domains, against a real dnsmasq: SRV and address rules of dns-srv, failures,
reload, metrics; and static-routes and allow-deny in front of it."""
import os
import socket

from dns_helper import EDENIED, ENOENT, ETIMEOUT, Dnsmasq, brief, lookup, need
from xmcp_helper import Broker, until

RECORDS = """
srv-host=_xmpp-server._tcp.a.test,x1.a.test,5269,10,60
srv-host=_xmpp-server._tcp.a.test,x2.a.test,5299,20,0
srv-host=_xmpps-server._tcp.a.test,x1.a.test,5270,5,0
host-record=x1.a.test,192.0.2.1,2001:db8::1
host-record=x2.a.test,192.0.2.2
host-record=plain.test,192.0.2.3,2001:db8::3
srv-host=_xmpp-server._tcp.refused.test
srv-host=_xmpps-server._tcp.refused.test,x1.a.test,5270,5,0
host-record=refused.test,192.0.2.4
srv-host=_xmpps-server._tcp.starttls.test
srv-host=_xmpp-server._tcp.starttls.test,x2.a.test,5269,1,1
srv-host=_xmpps-server._tcp.nodirect.test
host-record=nodirect.test,192.0.2.5
srv-host=_xmpp-server._tcp.dead.test,nowhere.dead.test,5269,1,1
host-record=dead.test,192.0.2.6
srv-host=_xmpp-server._tcp.cname.test,alias.cname.test,5269,1,1
cname=alias.cname.test,x2.a.test
host-record=x.invalid,192.0.2.7
host-record=x.localhost,192.0.2.8
host-record=static.test,192.0.2.9
host-record=fixed.test,192.0.2.10
host-record=xn--bcher-kva.test,192.0.2.11
server=/silent.test/127.0.0.1#%d
"""

MODULES = """
<module name="allow-deny"><federation><domain name="bücher.test"/></federation></module>
<module name="static-routes"><routes use="%(use)s">
  <route domain="static.test" address="198.51.100.1"/>
  <route domain="static.test" address="fixed.test" port="5280" tls="yes"/>
</routes></module>
<module name="dns-srv">
  <resolver address="127.0.0.1" port="%(port)d"/>
  <fallback on-failure="%(fallback)s"/>
  <timeout query="%(query)s"/>
</module>
<module name="lookup"/>
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def modules(server, use="yes", fallback="no", query="1s"):
    return MODULES % {"port": server.port, "use": use, "fallback": fallback, "query": query}


def reload(broker, text):
    broker.write(text)
    broker.reload()


def test_srv(broker):
    answer = lookup(broker, "a.test")
    assert brief(answer) == [(5, "x1.a.test", "192.0.2.1", 5270, True),
                             (5, "x1.a.test", "2001:db8::1", 5270, True),
                             (10, "x1.a.test", "192.0.2.1", 5269, False),
                             (10, "x1.a.test", "2001:db8::1", 5269, False),
                             (20, "x2.a.test", "192.0.2.2", 5299, False)], answer
    assert all(0 < r["ttl"] <= 120 and not r["secure"] for r in answer["routes"]), answer
    assert [r["priority"] for r in answer["routes"]] == [5, 5, 10, 10, 20], answer
    assert brief(lookup(broker, "starttls.test")) == \
        [(1, "x2.a.test", "192.0.2.2", 5269, False)]
    assert brief(lookup(broker, "cname.test")) == \
        [(1, "alias.cname.test", "192.0.2.2", 5269, False)]


def test_no_srv(broker):
    assert brief(lookup(broker, "plain.test")) == [
        (0, "plain.test", "192.0.2.3", 5269, False), (0, "plain.test", "2001:db8::3", 5269, False)]
    assert brief(lookup(broker, "x.invalid")) == [(0, "x.invalid", "192.0.2.7", 5269, False)]
    assert brief(lookup(broker, "x.localhost")) == [(0, "x.localhost", "192.0.2.8", 5269, False)]
    assert brief(lookup(broker, "192.0.2.77")) == [(0, "", "192.0.2.77", 5269, False)]


def test_none(broker):
    assert lookup(broker, "refused.test")["status"] == EDENIED
    assert lookup(broker, "nodirect.test")["status"] == EDENIED
    assert lookup(broker, "dead.test")["status"] == ENOENT  # and not the address of dead.test
    assert lookup(broker, "nowhere.test")["status"] == ENOENT
    assert lookup(broker, "x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "w" * 56 + ".test") \
        ["status"] == ENOENT  # with the service's labels in front it is no name any more


def test_addresses(broker):
    answer = lookup(broker, "x1.a.test", "address")
    assert [(r["address"], r["port"]) for r in answer["routes"]] == \
        [("2001:db8::1", 0), ("192.0.2.1", 0)], answer
    assert lookup(broker, "nowhere.test", "address")["status"] == ENOENT
    assert lookup(broker, "_xmpp-server._tcp.a.test", "address")["status"] == ENOENT


def test_failures(broker, server):
    # REFUSED by the server, and one that never answers
    assert lookup(broker, "elsewhere.example")["status"] == ETIMEOUT
    assert lookup(broker, "silent.test")["status"] == ETIMEOUT
    text = broker.log()
    assert "elsewhere.example" in text and "SRV: no answer within 1000 ms" in text, text
    reload(broker, modules(server, fallback="yes", query="300ms"))
    broker.control("lookup forget")
    assert lookup(broker, "silent.test")["status"] == ETIMEOUT  # it has no address either
    reload(broker, modules(server))


def test_static(broker, server):
    answer = lookup(broker, "static.test")
    assert sorted((r["target"], r.get("address", ""), r["port"], r["tls"])
                  for r in answer["routes"]) == \
        [("", "198.51.100.1", 5269, False), ("fixed.test", "", 5280, True)], answer
    assert "static.test" not in server.log()  # never DNS
    assert brief(lookup(broker, "fixed.test", "address"))[0][2] == "192.0.2.10"
    assert broker.control("lookup allowed static.test")["allowed"]
    assert broker.control("lookup allowed xn--bcher-kva.test")["allowed"]
    assert not broker.control("lookup allowed a.test")["allowed"]
    assert not broker.control("lookup allowed rooms.static.test")["allowed"]
    # both routes come first now and then
    first = {lookup(broker, "static.test")["routes"][0]["port"] for _ in range(30)}
    assert first == {5269, 5280}, first
    reload(broker, modules(server, use="no"))
    until(lambda: not broker.control("show routes static.test")["routes"], "routes are withdrawn")
    assert brief(lookup(broker, "static.test")) == [(0, "static.test", "192.0.2.9", 5269, False)]
    assert not broker.control("lookup allowed static.test")["allowed"]
    reload(broker, modules(server))
    until(lambda: lookup(broker, "static.test")["routes"][0]["port"] != 0 and
          len(broker.control("show routes static.test")["routes"]) >= 2, "routes are back")


def test_resolver_changes(broker, server):
    """A question that is open goes on with the new resolver."""
    with Dnsmasq("host-record=silent.test,192.0.2.99\nhost-record=a.test,192.0.2.98",
                 "second") as second:
        reload(broker, modules(server, query="3s"))
        broker.control("lookup forget")
        broker.control("lookup domain silent.test")
        until(lambda: "silent.test" in server.log(), "the first resolver was asked")
        reload(broker, modules(second, query="3s"))
        until(lambda: "silent.test" in second.log(), "the second resolver was asked", broker.alive)
        answer = until(lambda: (lambda a: a if a["done"] else None)(
            broker.control("show lookups")["lookups"][-1]), "an answer", broker.alive)
        assert brief(answer) == [(0, "silent.test", "192.0.2.99", 5269, False)], answer
        broker.control("lookup forget a.test")
        assert brief(lookup(broker, "a.test")) == [(0, "a.test", "192.0.2.98", 5269, False)]


def metrics(broker):
    return broker.control("show metrics")


def main():
    need("dnsmasq")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with Dnsmasq(RECORDS % silent.getsockname()[1]) as server, \
                Broker(modules(server), folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
            test_srv(broker)
            test_no_srv(broker)
            test_none(broker)
            test_addresses(broker)
            test_failures(broker, server)
            until(lambda: metrics(broker)["dns_srv_failures"] == 3, "failures are counted")
            seen = metrics(broker)
            assert seen["dns_srv_refused"] == 2 and seen["dns_srv_bogus"] == 0, seen
            assert seen["dns_srv_found"] >= 7 and seen["dns_srv_absent"] >= 3, seen
            assert seen["dns_srv_queries"] > seen["dns_srv_questions"] > 12, seen
            test_static(broker, server)
            test_resolver_changes(broker, server)
            # the broker ends while a question is open
            reload(broker, modules(server, query="3s"))
            broker.control("lookup forget")
            broker.control("lookup domain silent.test")


main()
