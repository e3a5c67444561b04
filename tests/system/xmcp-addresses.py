#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where XMCP clients come from and where they find the server: IPv6, the address lists of both
families, the port that everybody knows, and the two configurations of tests/data/contract at work,
on the addresses and ports that stand in them.

Those, and addresses beside the loopback's, need a network of the test's own (tests/system/run).
"""
import json
import os
import re
import socket
import subprocess
import sys

from xmcp_helper import (DOMAIN, IDENTITY, KEEPALIVE, KEEPALIVE_MS, NONCE, TRANSPORT, WAIT, Broker,
                         Client, error, success, until)

SOURCE = os.environ["XMB_SRC"]
TMP = os.environ["XMB_TMP"]
MORE = ("192.0.2.8", "192.0.2.9", "2001:db8::8", "2001:db8::9")  # on lo, in a network of our own
USERS = """
<module name="auth-userpass"><client unauthenticated="yes"/></module>
"""
XMCP = """
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <listen family="ipv6" address="::1" port="0"/>
  %s
</module>
"""


def lists(**of):
    """allow-deny with a list for each NAME=(DENIED, PERMITTED), and one that nobody is in."""
    each = "".join(f'<address-list name="{name}"><deny network="{denied}"/>'
                   f'<permit network="{permitted}"/></address-list>'
                   for name, (denied, permitted) in of.items())
    return ('<module name="allow-deny"><address-list name="nobody"><deny network="0.0.0.0/0"/>'
            f'<deny network="::/0"/></address-list>{each}</module>')


def port_at(broker, address):
    return next(l["port"] for l in broker.listeners() if l["address"] == address)


def client(broker, host, *credentials, source=None):
    return Client(broker, *credentials, host=host, port=port_at(broker, host), source=source)


def served(broker, host, source=None):
    one = client(broker, host, source=source)
    one.register()
    success(one.ask(KEEPALIVE))
    one.close()


def closed_unread(broker, host, source=None):
    """Nothing was sent, so nothing that was read can be the reason."""
    one = client(broker, host, source=source)
    assert one.read() is None, (host, source)
    one.close()


# --- IPv6 ------------------------------------------------------------------------------------


def ipv6(broker):
    """A session over IPv6 is one like every other, and an operator finds it by its address."""
    six, four = client(broker, "::1"), client(broker, "127.0.0.1")
    six.register()
    four.register()
    four.subscribe()
    address = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    transport = b"\0\2" + (5060).to_bytes(2, "big") + address
    success(six.publish(2))
    assert four.expect_notify(2).attributes[TRANSPORT][1] == 1
    success(six.ask(4, (IDENTITY, b"\0\x65\0\3" + bytes(15) + b"\1"), (TRANSPORT, transport),
                    (0x1009, b"\0\0\0\6"), (0x100B, b"\0\0\0\1"), (0x100C, b"data")))
    assert four.event().attributes[TRANSPORT] == transport
    shown = broker.control("show service-routing xmcp clients ::1")["clients"]
    assert [(c["handle"], c["address"], c["port"]) for c in shown] == \
        [(six.handle, "::1", six.socket.getsockname()[1])], shown
    server = broker.control("show service-routing xmcp server")
    assert [(l["address"], l["port"]) for l in server["listening"]] == \
        [(a, port_at(broker, a)) for a in ("127.0.0.1", "::1")], server
    assert broker.control("clear service-routing xmcp client ::1")["cleared"] == 1
    assert six.at_end()
    six.close()
    four.expect_withdraw(2, 0)
    four.event()
    success(four.ask(KEEPALIVE))
    four.close()


# --- address lists ---------------------------------------------------------------------------


def each_family_has_its_list():
    """The list of one family says nothing about the other, in each direction."""
    for allow, inside, outside in (('ipv4="first" ipv6="nobody"', "127.0.0.1", "::1"),
                                   ('ipv4="nobody" ipv6="first"', "::1", "127.0.0.1"),
                                   ('ipv6="nobody"', "127.0.0.1", "::1"),
                                   ('ipv4="nobody"', "::1", "127.0.0.1")):
        rules = lists(first=("192.0.2.9/32", "127.0.0.0/8") if inside == "127.0.0.1" else
                      ("2001:db8::9/128", "::1/128"))
        with Broker(USERS + rules + XMCP % f"<allow-list {allow}/>") as broker:
            closed_unread(broker, outside)
            served(broker, inside)
            closed_unread(broker, outside)
            numbers = broker.control("show service-routing xmcp server")
            assert numbers["refused_list"] == 2 and numbers["accepted"] == 1, numbers
            assert broker.log().count("policy denies this address") == 2, broker.log()
            # Another configuration: for those that come, not for those that are there.
            stays = client(broker, inside)
            stays.register()
            broker.write(USERS + rules + XMCP % '<allow-list ipv4="nobody" ipv6="nobody"/>')
            broker.reload()
            closed_unread(broker, inside)
            success(stays.ask(KEEPALIVE))
            stays.close()
            broker.write(USERS + rules + XMCP % "")
            broker.reload()
            served(broker, outside)


def entries_of_a_list():
    """A denied one, permitted ones, and one that no entry fits; mapped IPv4 is IPv4."""
    rules = lists(four=("192.0.2.9/32", "192.0.2.0/24"), six=("2001:db8::9/128", "2001:db8::/64"))
    with Broker(USERS + rules + XMCP % '<allow-list ipv4="four" ipv6="six"/>') as broker:
        served(broker, "127.0.0.1", "192.0.2.8")
        closed_unread(broker, "127.0.0.1", "192.0.2.9")
        closed_unread(broker, "127.0.0.1", "127.0.0.1")
        served(broker, "::1", "2001:db8::8")
        closed_unread(broker, "::1", "2001:db8::9")
        closed_unread(broker, "::1", "::1")
        port = port_at(broker, "127.0.0.1")
        for source, let_in in (("::ffff:192.0.2.8", True), ("::ffff:192.0.2.9", False)):
            one = Client(broker, host="::ffff:127.0.0.1", port=port, source=source)
            if let_in:
                one.register()
            else:
                assert one.read() is None, source
            one.close()


# --- the contract's configurations at work ---------------------------------------------------


class Sample(Broker):
    """xmbd on a file of tests/data/contract; only paths and the socket's group are adapted."""

    def write(self, modules):
        with open(f"{SOURCE}/tests/data/contract/{modules}.xml", encoding="utf-8") as f:
            text = f.read()
        for there, here in (('"/run/xmb/xmbd.sock"', f'"{self.socket}"'), (' group="xmb"', ""),
                            ("/usr/lib/xmb/plugins", os.environ["XMB_PLUGINS"]),
                            ("/var/log/xmb/", TMP + "/json-"), ("/etc/xmb/", TMP + "/")):
            text = text.replace(there, here)
        assert not re.search(r'"/(run|usr/lib|var|etc)/', text), text
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def listening(self):
        return [(l["module"], l["address"], l["port"]) for l in self.listeners()]


def ping(*words):
    done = subprocess.run([os.environ["XMCP"], "--json", *words, "ping"], capture_output=True,
                          text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, (words, done)
    return json.loads(done.stdout.splitlines()[0])


def basic():
    """A <listen/> without a word: port 4788 of both families, at every address."""
    user = ("exampleuser", "examplepassword")
    with Sample("xmcp-basic", name="basic") as broker:
        assert broker.listening() == [("xmcp", "0.0.0.0", 4788), ("xmcp", "::", 4788)], \
            broker.listening()
        for host in ("127.0.0.1", "::1", *MORE):
            one = Client(broker, *user, host=host, port=4788)
            assert one.register().number(DOMAIN) == 100
            shown = broker.control(f"show service-routing xmcp clients {one.handle}")["clients"]
            assert shown[0]["address"] == one.socket.getsockname()[0], shown
            one.close()
        refused = Client(broker, *user, host="::1", port=4788)
        error(refused.register_once(domain=7), 435)
        error(refused.register_once(domain=7), 479)
        refused.close()
        password = ("-u", user[0], "-p", user[1])
        for server in ((), ("-s", "127.0.0.1"), ("-s", "::1"), ("-s", "[::1]"),
                       ("-s", "[2001:db8::9]:4788")):
            assert ping(*server, *password)["domain"] == 100, server


def register(broker, host, user=None, password=None, domain=None):
    """The answer to the Register of a client that asks for a domain, or for none."""
    one = Client(broker, user, password, host=host, port=2000)
    answer = one.register(domain)
    one.close()
    return answer.number(KEEPALIVE_MS), answer.number(DOMAIN), NONCE in answer.attributes


def users_of_advanced(broker, host):
    assert register(broker, host) == (60000, 1228, False)
    stranger = Client(broker, host=host, port=2000)
    answer = stranger.register_once(domain=7)
    error(answer, 479)
    assert answer.number(DOMAIN) == 1228
    stranger.close()
    example = ("example-user", "example-password")
    assert register(broker, host, *example)[:2] == (100000, 100)
    assert register(broker, host, *example, domain=7)[:2] == (100000, 7)
    # Without nonces the first Register is the last one.
    legacy = Client(broker, "legacy-user", "legacy-password", host=host, port=2000)
    answer = success(legacy.register_once())
    assert NONCE not in answer.attributes
    assert (answer.number(KEEPALIVE_MS), answer.number(DOMAIN)) == (30000, 7177)
    legacy.close()
    assert register(broker, host, "file-user", "a-long-secret")[:2] == (30000, 7177)
    wrong = Client(broker, "file-user", "another-secret", host=host, port=2000)
    answer = wrong.register_once()
    error(answer, 431)
    wrong.close()


def advanced():
    """Four kinds of clients, two families, an address list for each."""
    with open(os.open(TMP + "/file-user.secret", os.O_CREAT | os.O_WRONLY, 0o600), "w",
              encoding="ascii") as f:
        f.write("a-long-secret\n")
    with Sample("xmcp-advanced", name="advanced") as broker:
        assert broker.listening() == [("xmcp", "127.0.0.1", 2000), ("xmcp", "::1", 2000)], \
            broker.listening()
        for host in ("127.0.0.1", "::1"):
            users_of_advanced(broker, host)
        served(broker, "127.0.0.1", "127.0.0.8")
        for host, source in (("127.0.0.1", "127.0.0.9"), ("127.0.0.1", "192.0.2.8"),
                             ("::1", "2001:db8::8")):
            closed_unread(broker, host, source)
        server = broker.control("show service-routing xmcp server")
        assert (server["max_clients_total"], server["max_clients_unauthenticated"]) == (100, 10)
        assert server["refused_list"] == 3, server
        until(lambda: "policy denies this address" in log_of_advanced(), "the log says it")
    for line in log_of_advanced().splitlines():
        assert {"time", "level", "module", "message"} <= set(json.loads(line)), line


def log_of_advanced():
    with open(TMP + "/json-xmbd.log", encoding="utf-8") as f:
        return f.read()


# ---------------------------------------------------------------------------------------------


def has_own_network():
    return os.getuid() == 0 and [name for _, name in socket.if_nameindex()] == ["lo"]


def with_own_network():
    for address in MORE:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"] +
                       (["nodad"] if ":" in address else []), check=True)
    for part in (entries_of_a_list, basic, advanced):
        print(part.__name__)
        part()


def main():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as e:
        print(f"skipped: there is no IPv6 on the loopback: {e}")
        return 77
    with Broker(USERS + XMCP % "") as broker:
        print(ipv6.__name__)
        ipv6(broker)
    print(each_family_has_its_list.__name__)
    each_family_has_its_list()
    if has_own_network():
        with_own_network()
    else:
        print("not tried: addresses beside the loopback's, and the contract's configurations on"
              " their own ports, which need root and a network of its own")
    return 0


sys.exit(main())
