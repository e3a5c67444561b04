#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What operators read is what they can use: metrics under one name everywhere, the last line of a
refused reload, an address list that nobody has, the port behind a configured 0, whether a module came
from a file, which users may come."""
import json
import os
import re
import subprocess

from xmcp_helper import TMP, Broker, until

LISTS = '<module name="allow-deny">%s</module>'
FRIENDS = '<address-list name="friends"><permit network="127.0.0.0/8"/></address-list>'
XMCP = """<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp">
<listen family="ipv4" address="127.0.0.1" port="0"/>
<listen family="ipv4" address="127.0.0.2" port="0"/>
%s</module>"""


def text(broker, words):
    run = subprocess.run([os.environ["XMBCTL"], "-s", broker.socket] + words.split(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return run.returncode, run.stdout.splitlines()


def checked(modules):
    path = TMP + "/checked.xml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<xmb xmlns="urn:xmb:config:1">\n<broker><control socket="{TMP}/c"/></broker>\n'
                f'{modules}\n</xmb>\n')
    run = subprocess.run([os.environ["XMBD"], "-t", "-c", path, "-p", os.environ["XMB_PLUGINS"]],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return run.returncode, run.stdout.replace(path, "FILE").splitlines()


def reload(broker, modules):
    """Puts them into force, or not; the reload before may not have ended on all workers."""
    broker.write(modules)
    run = []

    def done():
        run[:] = text(broker, "config reload")
        return "try again" not in run[1][-1]
    until(done, "the reload before has ended", broker.alive)
    return run


def linked_in(broker):
    """The log says of each module which file it came from; of one that came from none it says so."""
    places = re.findall(r"core (\S+): loaded version \S+ from ([^\s,]+)", broker.log())
    expected = {name: place == "preloaded" for name, place in places}
    shown = {m["name"]: m["linked_in"] for m in broker.control("show modules")["modules"]}
    assert len(shown) == 3 and shown == expected, (shown, expected)
    status, lines = text(broker, "show modules")
    column = lines[0].index("Linked in")
    words = {line.split()[0]: line[column:].split()[0] for line in lines[1:]}
    assert status == 0 and words == {n: "yes" if x else "no" for n, x in shown.items()}, lines


def metrics(broker):
    names = set(broker.control("show metrics"))
    status, lines = text(broker, "show metrics")
    assert status == 0 and names and {line.split(": ")[0] for line in lines} == names, lines
    for plugin in ("allow-deny", "auth-userpass", "xmcp"):
        out = subprocess.run(
            [os.environ["XMB_BUILD"] + "/broker/xmb-plugin-check",
             f"{os.environ['XMB_PLUGINS']}/{plugin}.so"], stdout=subprocess.PIPE, text=True,
            check=True, timeout=60).stdout.splitlines()
        told = {line.split()[1].rstrip(",") for line in out if line.startswith("metric ")}
        assert told and told <= names, told - names


def ports(broker):
    listening = broker.control("show service-routing xmcp server")["listening"]
    assert [l["port"] for l in listening] == [l["port"] for l in broker.listeners()]
    assert all(l["port"] > 0 for l in listening)


def reloads(broker):
    two = LISTS % FRIENDS + XMCP % '<max-clients total="none"/><nonsense/>'
    status, lines = reload(broker, two)
    faults = len(json.loads(broker.control("config check", check=False).stdout)["errors"])
    last = f"xmbctl: {faults} faults in the configuration"
    assert status == 1 and faults > 1, lines
    assert lines[-1] == last + "; nothing was changed, the old one stays in force", lines
    assert text(broker, "config check")[1][-1] == last
    broker.write(LISTS % FRIENDS + XMCP % "<nonsense/>")
    assert text(broker, "config check")[1][-1] == "xmbctl: 1 fault in the configuration"


def lists(broker):
    friends, foes = '<allow-list ipv4="friends"/>', '\n<allow-list ipv4="foes" ipv6="friends"/>'
    fault = 'FILE:8: module xmcp: ipv4: allow-deny has no address list "foes"'
    assert checked(LISTS % FRIENDS + XMCP % friends) == (0, [])
    assert checked(XMCP % friends + LISTS % FRIENDS) == (0, [])
    assert checked(LISTS % FRIENDS + XMCP % foes) == (1, [fault])
    # Lists with faults of their own: these are told, not what follows from them.
    status, lines = checked(LISTS % FRIENDS.replace("/8", "/80") + XMCP % friends)
    assert status == 1 and len(lines) == 1 and "/80" in lines[0], lines
    # Without the module another one may know the list: a warning, at a start only.
    assert checked(XMCP % friends) == (0, [])
    # A reload sees lists that come with it, and those that stay.
    foe = XMCP % '<allow-list ipv4="foes"/>'
    assert reload(broker, LISTS % FRIENDS + XMCP % friends)[0] == 0
    assert reload(broker, LISTS % FRIENDS + foe)[0] == 1
    assert reload(broker, LISTS % FRIENDS.replace("friends", "foes") + foe)[0] == 0
    # One that goes alone is told by the worker that has moved on.
    assert reload(broker, LISTS % FRIENDS + foe)[0] == 0
    until(lambda: "foes: allow-deny has this address list no more" in broker.log(), "the warning")
    assert broker.log().count("this address list no more") == 1


USERS = """<module name="auth-userpass">
<client unauthenticated="yes"><domain number="1228" mode="only"/><keepalive seconds="60"/></client>
<client username="ann" password="%s"><domain number="100"/><nonce lifetime="600"/></client>
</module><module name="xmcp"><listen address="127.0.0.1" port="0"/></module>"""


def users():
    """The client entries in force, for people and for scripts, and no password in either."""
    secrets = ["never shown 1", "never shown 2"]
    with Broker(USERS % secrets[0]) as broker:
        stranger = {"username": None, "unauthenticated": True, "domain": 1228,
                    "domain_mode": "only", "nonce": None, "nonce_lifetime_seconds": None,
                    "keepalive_seconds": 60}
        ann = {"username": "ann", "unauthenticated": False, "domain": 100,
               "domain_mode": "default", "nonce": "auto", "nonce_lifetime_seconds": 600,
               "keepalive_seconds": 30}
        assert broker.control("show users") == {"users": [stranger, ann]}
        assert broker.control("sh us ann") == {"users": [ann]}
        bob = broker.control("show users bob", check=False)
        assert bob.returncode == 1 and 'no user \\"bob\\"' in bob.stdout, bob
        status, lines = text(broker, "show users")
        assert status == 0 and len(lines) == 3 and lines[2].split()[0] == "ann", lines
        assert "Nonce lifetime" in lines[0] and "600" in lines[2].split(), lines
        assert reload(broker, (USERS % secrets[1]).replace('"600"', '"700"'))[0] == 0
        until(lambda: broker.control("sh users ann")["users"][0]["nonce_lifetime_seconds"] == 700,
              "the new entries", broker.alive)
        said = "\n".join(lines + text(broker, "show users")[1]) + broker.log()
        assert not any(secret in said for secret in secrets)


def main():
    users()
    with Broker(LISTS % FRIENDS + XMCP % "") as broker:
        for part in (linked_in, metrics, ports, reloads, lists):
            print(part.__name__)
            part(broker)
    with Broker(XMCP % '<allow-list ipv4="friends"/>') as broker:
        assert "allow-deny is not loaded" in broker.log()


main()
