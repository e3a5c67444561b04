#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The words of xmbctl and the JSON behind them are a contract with scripts: each command of the
table answers with every key of its row, of the right type, from one broker in which each list has a
row (pairs of domains and neighbours need a peer: the tests of the gateway and of the forwarder have
them). What is not a use of the program exits with 2, and `?` tells what can follow."""
import json
import os
import re
import socket
import subprocess

from xmcp_helper import Broker, Client, success, until

ROOT = os.getuid() == 0  # raw sockets of the forwarder
NUMBER, TEXT, TEXTS, TEXT_OR_NULL = int, str, [str], (str, type(None))
INSTANCE = re.compile(r"[0-9a-f]{8}(\.[0-9a-f]{8}){3}")
SOURCE = re.compile("local|learned")
DIRECTION = re.compile("incoming|outgoing")
STATUS = re.compile("active|inactive")
ROUTE_STATE = re.compile("passive|active")

MODULES = """
<module name="auth-userpass"><client username="ann" password="password-of-ann"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
<module name="allow-deny"><federation mode="off"/></module>
<module name="routes" domain="example.net" target="xmpp.example.net"/>
<module name="xmpp-s2s">
  <listen side="outside" address="127.0.0.1" port="0"/>
  <listen side="inside" address="127.0.0.1" port="0"/>
  <local-domain name="example.com"><server address="127.0.0.1" port="1"/></local-domain>
  <dialback secret="a secret of the site"/>
  <security mode="no-tls"/>
</module>
"""
FORWARDER = """
<module name="saf-eigrp">
  <service-family address-family="ipv4" autonomous-system="7177" router-id="10.0.0.1">
    <sf-interface name="lo"/>
  </service-family>
</module>
"""

CLIENT = {"handle": NUMBER, "address": TEXT, "port": NUMBER, "name": TEXT, "label": TEXT,
          "username": TEXT_OR_NULL, "domain": NUMBER, "keepalive": NUMBER, "uptime_seconds": NUMBER,
          "services": NUMBER, "subscriptions": NUMBER}
SERVICE = {"domain": NUMBER, "service": NUMBER, "subservice": NUMBER, "instance": INSTANCE,
           "sequence": NUMBER, "source": SOURCE, "protocol": NUMBER, "address": TEXT,
           "port": NUMBER, "bytes": NUMBER}
ROUTE = {"domain": TEXT, "module": TEXT, "target": TEXT, "port": NUMBER, "priority": NUMBER,
         "weight": NUMBER}
FAULT = {"file": TEXT, "line": NUMBER, "message": TEXT}
CLIENTS, FEDERATION = "show service-routing xmcp clients", "show federation "

# The words, and what their answer has: a list of one dict is a list of such rows, one at least.
TABLE = [
    ("show version", {"version": TEXT, "abi": TEXT, "uptime_seconds": NUMBER}),
    ("show modules", {"modules": [{"name": TEXT, "version": TEXT, "roles": TEXTS, "state": TEXT}]}),
    ("show listeners", {"listeners": [{"module": TEXT, "address": TEXT, "port": NUMBER}]}),
    ("show service-routing xmcp server",
     {"listening": [dict], "clients": NUMBER, "clients_unauthenticated": NUMBER,
      "max_clients_total": NUMBER, "max_clients_unauthenticated": NUMBER, "services": NUMBER,
      "subscriptions": NUMBER}),
    (CLIENTS, {"clients": [CLIENT]}),
    (CLIENTS + " 127.0.0.1", {"clients": [CLIENT]}),
    (CLIENTS + " detail", {"clients": [{
        **CLIENT, "service_list": [dict], "subscription_list": [dict], "messages": [dict]}]}),
    ("show services", {"services": [SERVICE]}),
    ("show services domain 7177", {"services": [SERVICE]}),
    ("show routes", {"routes": [ROUTE]}),
    ("show routes example.net", {"routes": [ROUTE]}),
    (FEDERATION + "status", {"status": STATUS, "reason": TEXT_OR_NULL, "local_domains": TEXTS,
                             "security_mode": TEXT, "privacy_mode": TEXT}),
    (FEDERATION + "connections", {"connections": [{
        "id": TEXT, "address": TEXT, "port": NUMBER, "direction": DIRECTION, "pairs": list,
        "tls": TEXT_OR_NULL, "verified_by": TEXT_OR_NULL, "idle_seconds": NUMBER,
        "stanzas_in": NUMBER, "stanzas_out": NUMBER}]}),
    ("config check", {"changed": list}),
    ("config reload", {"changed": list}),
]
FORWARDER_TABLE = [
    ("show eigrp service-family ipv4 7177 topology", {"topology": [{
        "service": TEXT, "state": ROUTE_STATE, "successors": NUMBER, "feasible_distance": NUMBER,
        "via": list}]}),
    ("show eigrp service-family ipv4 neighbors", {"neighbors": list}),
    ("show eigrp service-family ipv4 7177 interfaces", {"interfaces": list}),
    ("show eigrp service-family ipv4 7177 traffic", {"traffic": [dict]}),
]
# Last: these take away what the others show.
CLEARING = [
    (FEDERATION.replace("show", "clear") + "connection ID", {"cleared": NUMBER}),
    ("clear service-routing xmcp client all", {"cleared": NUMBER}),
]


def check(value, wanted, place):
    if isinstance(wanted, dict):
        assert isinstance(value, dict), (place, value)
        for key, inner in wanted.items():
            assert key in value, f"{place} has no {key}: {value}"
            check(value[key], inner, f"{place}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(value, list) and value, f"{place} has no row: {value}"
        for row in value:
            check(row, wanted[0], place + "[]")
    elif isinstance(wanted, re.Pattern):
        assert isinstance(value, str) and wanted.fullmatch(value), (place, value)
    else:
        assert isinstance(value, wanted) and not isinstance(value, bool), (place, value)


def run(broker, *words):
    return subprocess.run([os.environ["XMBCTL"], "-s", broker.socket, *words], capture_output=True,
                          text=True, check=False, timeout=60)


def all_of(broker, table):
    for words, wanted in table:
        check(broker.control(words), wanted, words)


def metrics(broker):
    """Every counter and gauge: one number under each name, those of each module among them."""
    shown = broker.control("show metrics")
    check(shown, {key: NUMBER for key in shown}, "show metrics")
    for module in ("core", "xmcp", "xmpp_s2s"):
        assert any(key.startswith(module + "_") for key in shown), (module, shown)


def errors(broker):
    """A refused configuration: `errors`, and exit status 1 with the message."""
    broker.write(MODULES.replace('port="0"', 'port="none"'))
    for command in ("check", "reload"):
        done = run(broker, "--json", "config", command)
        assert done.returncode == 1 and done.stderr, done
        check(json.loads(done.stdout), {"errors": [FAULT]}, "config " + command)
    broker.write(MODULES + (FORWARDER if ROOT else ""))


def usage(broker):
    for words in ([], ["--json"], ["--no-such-option", "show", "version"], ["-x"], ["-s"]):
        done = subprocess.run([os.environ["XMBCTL"], *words], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 2 and "usage: xmbctl" in done.stderr, (words, done)
        assert done.stdout == "", (words, done)
    for words in (["show", "nonsense"], ["show"], ["show", "services", "domain", "none"]):
        done = run(broker, *words)
        assert done.returncode in (1, 2) and done.stderr.startswith("xmbctl: "), (words, done)


def help_and_beginnings(broker):
    done = run(broker, "show", "serv", "?")
    assert done.returncode == 0 and done.stderr == "", done
    # "serv" may be services, which can end there, or service-routing.
    shown = [line.split()[0] for line in done.stdout.splitlines()]
    assert shown == ["domain", "<cr>", "xmcp"], done
    assert "the services in the registry" in done.stdout, done
    done = run(broker, "?")
    assert done.returncode == 0, done
    words = {line.split()[0] for line in done.stdout.splitlines()}
    assert words >= {"show", "clear", "config"}, done
    done = run(broker, "--json", "sh", "service-r", "x", "c", "d")
    assert done.returncode == 0 and "service_list" in json.loads(done.stdout)["clients"][0], done


def stream_from_outside(broker):
    port = [l["port"] for l in broker.control("show listeners")["listeners"]
            if l["module"] == "xmpp-s2s"][0]
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.sendall(b"<stream:stream xmlns='jabber:server' version='1.0'"
                 b" xmlns:stream='http://etherx.jabber.org/streams'"
                 b" from='example.org' to='example.com'>")
    until(lambda: broker.control("show federation connections")["connections"], "it is shown")
    return peer


def main():
    modules = MODULES + (FORWARDER if ROOT else "")
    with Broker(modules, folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        client = Client(broker, "ann", "password-of-ann")
        client.register()
        success(client.publish(5, 3, b"four"))
        client.subscribe()
        client.expect_notify(5, 3)
        peer = stream_from_outside(broker)
        all_of(broker, TABLE)
        if ROOT:
            all_of(broker, FORWARDER_TABLE)
        metrics(broker)
        errors(broker)
        usage(broker)
        help_and_beginnings(broker)
        number = broker.control("show federation connections")["connections"][0]["id"]
        all_of(broker, [(words.replace("ID", str(number)), wanted) for words, wanted in CLEARING])
        peer.close()
        client.close()
    if not ROOT:
        print("not root: the words of the SAF forwarder were not tried")


main()
