#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every knob of the XMCP server and of its users: what is out of range, malformed or unknown is
refused by `xmbd -t` in one line, with the line of the element and words that say what is right; both
ends of each range are accepted without a word. Then a broker with nothing but a <listen> says what
the defaults are."""
import os
import re
import socket
import subprocess

from xmcp_helper import Broker, Client

TMP = os.environ["XMB_TMP"]
FILE = os.path.join(TMP, "knobs.xml")
FIRST = 4  # the line on which what a test says inside a module begins
LONG = "a long password"
# What stands in the modules that are not the one in question.
OTHERS = {
    "allow-deny": '<address-list name="friends"><permit network="127.0.0.0/8"/></address-list>',
    "auth-userpass": '<client unauthenticated="yes"/>',
    "xmcp": '<listen port="0"/>',
}


def told(module, inner):
    """Exit status and words of `xmbd -t` about `inner` in `module`."""
    rest = "\n".join(f'<module name="{m}">{text}</module>' for m, text in OTHERS.items() if m != module)
    with open(FILE, "w", encoding="utf-8") as f:
        f.write(f'<xmb xmlns="urn:xmb:config:1">\n<broker><control socket="{TMP}/s"/></broker>\n'
                f'<module name="{module}">\n{inner}\n</module>\n{rest}\n</xmb>\n')
    run = subprocess.run([os.environ["XMBD"], "-t", "-c", FILE, "-p", os.environ["XMB_PLUGINS"]],
                         capture_output=True, text=True, check=False, timeout=60)
    return run.returncode, run.stdout + run.stderr


def refused(module, inner, part, line=FIRST):
    status, words = told(module, inner)
    lines = words.splitlines()
    assert status == 1, f"{inner}: exit {status}, {words}"
    assert len(lines) == 1, f"{inner}: not one line: {words}"
    assert lines[0].startswith(f"{FILE}:{line}: module {module}: "), f"{inner}: {words}"
    assert part in lines[0], f"{inner}: {part!r} is not in {words}"


def accepted(module, inner):
    assert told(module, inner) == (0, ""), f"{inner}: {told(module, inner)}"


def whole(element, attribute, value, low, high):
    """The words about a whole number that is none, or out of range."""
    return (f"attribute '{attribute}' of <{element}> is '{value}'; expected a whole number from "
            f"{low} to {high}")


# --- xmcp ---

def numbers(element, attribute, low, high):
    """Both ends, one past each, and what is no number. What the schema knows, it says in its words."""
    for value in (low, high):
        accepted("xmcp", f'<{element} {attribute}="{value}"/>')
    refused("xmcp", f'\n<{element} {attribute}="{high + 1}"/>',
            whole(element, attribute, high + 1, low, high), FIRST + 1)
    for value in (low - 1, "many", "1.5", ""):
        refused("xmcp", f'\n<{element} {attribute}="{value}"/>',
                f"attribute '{attribute}' of <{element}> is '{value}'; expected a whole number",
                FIRST + 1)


def listen():
    for port in (0, 65535):
        accepted("xmcp", f'<listen family="ipv4" address="127.0.0.1" port="{port}"/>')
    for port in (-1, 65536, "xmcp", ""):
        refused("xmcp", f'<listen port="{port}"/>', whole("listen", "port", port, 0, 65535))
    accepted("xmcp", '<listen family="ipv4" port="0"/>\n<listen family="ipv6" address="::1" port="0"/>')
    refused("xmcp", '<listen family="ipx"/>', "'family' of <listen> is 'ipx'; expected ipv4 or ipv6")
    for address in ("127.0.0.256", "localhost", ""):
        refused("xmcp", f'<listen address="{address}" port="0"/>',
                f"'address' of <listen> is '{address}'; expected an IPv4 or IPv6 address")
    refused("xmcp", '<listen family="ipv4" address="::1" port="0"/>', "the address is not of family ipv4")
    refused("xmcp", '<listen family="ipv6" address="127.0.0.1" port="0"/>',
            "the address is not of family ipv6")
    accepted("xmcp", f'<listen port="0" vrf="{"v" * 15}"/>')
    for vrf in ("v" * 16, ""):
        refused("xmcp", f'<listen port="0" vrf="{vrf}"/>', f'vrf "{vrf}" is not the name of a device')
    refused("xmcp", '<listen port="0" tls="none"/>', 'there is no <tls name="none"/>')
    for backlog in (1, 65535):
        accepted("xmcp", f'<listen port="0" backlog="{backlog}"/>')
    refused("xmcp", '<listen port="0" backlog="65536"/>', whole("listen", "backlog", 65536, 1, 65535))
    refused("xmcp", '<listen port="0" backlog="0"/>', "'backlog' of <listen> is '0'; expected a whole")
    refused("xmcp", '<listen port="0" queue="some"/>', "'queue' of <listen> is 'some'; expected bytes")
    refused("xmcp", '<listen prot="1"/>', "unknown attribute 'prot' of <listen>; known: family")


def xmcp():
    accepted("xmcp", "")
    listen()
    accepted("xmcp", '<allow-list ipv4="friends" ipv6="friends"/>')
    for family in ("ipv4", "ipv6"):
        refused("xmcp", f'\n\n<allow-list {family}="strangers"/>',
                f'{family}: allow-deny has no address list "strangers"', FIRST + 2)
    refused("xmcp", '<allow-list ipv5="friends"/>', "unknown attribute 'ipv5' of <allow-list>")
    numbers("max-clients", "total", 1, 1000000)
    numbers("max-clients", "unauthenticated", 0, 1000000)
    refused("xmcp", '<max-clients most="1"/>', "unknown attribute 'most' of <max-clients>")
    refused("xmcp", '<max-clients/>\n<max-clients/>', "<max-clients> may stand only once", FIRST - 1)
    numbers("limits", "services", 1, 100000)
    numbers("limits", "subscriptions", 1, 65536)
    for size in ("0", "60000", "58k"):
        accepted("xmcp", f'<limits service-data="{size}"/>')
    for size in ("60001", "59k", "-1", "much", ""):
        refused("xmcp", f'<limits service-data="{size}"/>',
                f"'service-data' of <limits> is '{size}'; expected bytes, or a number with k, m or g, "
                "from 0 to 60000 bytes")
    for time in ("1", "1000ms", "60", "60s", "1m"):
        accepted("xmcp", f'<limits register-within="{time}"/>')
    for time, bounds in (("0", "1 to 60 s"), ("61", "1 to 60 s"), ("61s", "1 to 60 s"),
                         ("999ms", "1000 to 60000 ms"), ("60001ms", "1000 to 60000 ms"),
                         ("2m", "1 to 60 s"), ("soon", "1 to 60 s"), ("-1", "1 to 60 s")):
        refused("xmcp", f'<limits register-within="{time}"/>',
                f"'register-within' of <limits> is '{time}'; expected seconds, or a number with ms, s, "
                f"m, h or d, from {bounds}")
    for hide in ("yes", "no"):
        accepted("xmcp", f'<unknown-users hide="{hide}"/>')
    refused("xmcp", '<unknown-users hide="maybe"/>', "'hide' of <unknown-users> is 'maybe'; expected yes")
    refused("xmcp", '<unknown-users/>', "attribute 'hide' is missing in <unknown-users>")
    refused("xmcp", '<colour/>', "unknown element <colour> in <module>; known: listen, allow-list, "
                                 "max-clients, limits, unknown-users")


# --- users ---

RING = "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"


def type7(text, seed=3):
    return f"{seed:02d}" + "".join(f"{ord(c) ^ ord(RING[(seed + i) % len(RING)]):02X}"
                                   for i, c in enumerate(text))


def user(*inside, password=LONG):
    return f'<client username="ann" password="{password}">\n{"".join(inside)}\n</client>'


def secret(text, mode=0o600):
    """The name of a file with `text`, beside the configuration."""
    path = os.path.join(TMP, "ann.secret")
    if os.path.exists(path):
        os.unlink(path)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, mode), "w", encoding="utf-8") as f:
        f.write(text)
    return "ann.secret"


def passwords():
    def each(n):
        """Plain, of type 7, in a file, and of type 7 in a file."""
        text = "p" * n
        yield f'<client username="ann" password="{text}"/>'
        yield f'<client username="ann" password="{type7(text)}" encryption-type="7"/>'
        yield f'<client username="ann" password-file="{secret(text)}"/>'
        yield f'<client username="ann" password-file="{secret(type7(text))}" encryption-type="7"/>'
    for n in (11, 62):
        for client in each(n):
            accepted("auth-userpass", client)
    for n in (10, 63):
        for client in each(n):
            refused("auth-userpass", client,
                    f'the password of user "ann" has {n} characters; 11 to 62 are allowed')
    for wrong in ("0", "031", "99" + "41" * 11, "03" + "4G" * 11, LONG):
        refused("auth-userpass", f'<client username="ann" password="{wrong}" encryption-type="7"/>',
                'the password of user "ann" is not a password of encryption type 7')
    refused("auth-userpass", f'<client username="ann" password="{LONG}" encryption-type="5"/>',
            "'encryption-type' of <client> is '5'; expected 0 or 7")
    refused("auth-userpass", '<client username="ann" password-file="nowhere"/>', "'nowhere'")
    refused("auth-userpass", f'<client username="ann" password-file="{secret(LONG, 0o644)}"/>',
            "cannot use the file 'ann.secret'")
    refused("auth-userpass", f'<client username="ann" password="{LONG}" password-file="x"/>',
            "exclude each other")
    refused("auth-userpass", '<client username="ann"/>', "'password' or 'password-file' is missing")


def nonces():
    for lifetime in ("5", "3600", "5000ms", "60m", "1h"):
        accepted("auth-userpass", user(f'<nonce lifetime="{lifetime}"/>'))
    for lifetime, bounds in (("4", "5 to 3600 s"), ("3601", "5 to 3600 s"), ("4s", "5 to 3600 s"),
                             ("4999ms", "5000 to 3600000 ms"), ("61m", "5 to 3600 s"),
                             ("long", "5 to 3600 s"), ("", "5 to 3600 s")):
        refused("auth-userpass", user(f'<nonce lifetime="{lifetime}"/>'),
                f"'lifetime' of <nonce> is '{lifetime}'; expected seconds, or a number with ms, s, m, h "
                f"or d, from {bounds}", FIRST + 1)
    for policy in ('none="yes"', 'required="yes"', 'required="yes" lifetime="5"'):
        accepted("auth-userpass", user(f'<nonce {policy}/>'))
    refused("auth-userpass", user('<nonce none="no"/>'), "'none' of <nonce> is 'no'", FIRST + 1)
    refused("auth-userpass", user('<nonce none="yes" lifetime="600"/>'), "exclude each other", FIRST + 1)
    for nonce in ('none="yes"', 'lifetime="600"', 'required="yes"'):
        refused("auth-userpass", f'<client unauthenticated="yes">\n<nonce {nonce}/>\n</client>',
                "a nonce does not go with the unauthenticated client", FIRST + 1)


def users():
    for name in ("a", "n" * 255):
        accepted("auth-userpass", f'<client username="{name}" password="{LONG}"/>')
    refused("auth-userpass", f'<client username="" password="{LONG}"/>', "username has 0 octets; 1 to 255")
    refused("auth-userpass", f'<client username="{"n" * 256}" password="{LONG}"/>',
            "username has 256 octets; 1 to 255")
    refused("auth-userpass", user() + "\n" + user(), 'user "ann" is here a second time', FIRST + 3)
    accepted("auth-userpass", '<client unauthenticated="yes"/>')
    refused("auth-userpass", '<client unauthenticated="no"/>', "'unauthenticated' of <client> is 'no'")
    refused("auth-userpass", '<client unauthenticated="yes"/>\n<client unauthenticated="yes"/>',
            "a second unauthenticated client; the first is in line 4", FIRST + 1)
    refused("auth-userpass", "", "there is no <client>", FIRST - 1)
    passwords()
    for number in (1, 65535):
        for mode in ("", ' mode="default"', ' mode="only"'):
            accepted("auth-userpass", user(f'<domain number="{number}"{mode}/>'))
    for number in (0, 65536, -1, "work", ""):
        refused("auth-userpass", user(f'<domain number="{number}"/>'),
                whole("domain", "number", number, 1, 65535), FIRST + 1)
    refused("auth-userpass", user('<domain number="1" mode="both"/>'),
            "'mode' of <domain> is 'both'; expected default or only", FIRST + 1)
    refused("auth-userpass", user('<domain mode="only"/>'), "'number' is missing in <domain>", FIRST + 1)
    nonces()
    for seconds in ("5", "3600", "1h"):
        accepted("auth-userpass", user(f'<keepalive seconds="{seconds}"/>'))
    for seconds in ("4", "3601", "61m", "often"):
        refused("auth-userpass", user(f'<keepalive seconds="{seconds}"/>'),
                f"'seconds' of <keepalive> is '{seconds}'; expected seconds, or a number with ms, s, m, h "
                "or d, from 5 to 3600 s", FIRST + 1)
    refused("auth-userpass", user('<keepalive/>'), "'seconds' is missing in <keepalive>", FIRST + 1)


# --- lists ---

def lists():
    for network in ("0.0.0.0/0", "192.0.2.1/32", "192.0.2.1", "::/0", "2001:db8::1/128"):
        OTHERS["xmcp"] = '<listen port="0"/><allow-list ipv4="x" ipv6="x"/>'
        accepted("allow-deny", f'<address-list name="x"><permit network="{network}"/></address-list>')
    OTHERS["xmcp"] = '<listen port="0"/>'
    for network in ("192.0.2.0/33", "2001:db8::/129", "friends", ""):
        refused("allow-deny", f'<address-list name="x">\n<deny network="{network}"/></address-list>',
                f"'network' of <deny> is '{network}'; expected a network such as", FIRST + 1)
    refused("allow-deny", '<address-list name="x"/>\n<address-list name="x"/>',
            'address list "x" is here a second time; the first is in line 4', FIRST + 1)


# --- all at once ---

def all_at_once():
    """Each fault of a module, in one go, and those of the others."""
    OTHERS["auth-userpass"] = '<client username="ann" password="short"><domain number="0"/></client>'
    OTHERS["allow-deny"] = '<address-list name="friends"><permit network="x"/></address-list>'
    status, words = told("xmcp", """<listen port="0" vrf="much too long a name"/>
<listen address="nowhere" port="0" queue="x" tls="none"/>
<max-clients total="1000001" unauthenticated="1000001"/>
<limits service-data="60001" services="100001" subscriptions="65537" register-within="61s"/>
""")
    found = [re.match(re.escape(FILE) + r":(\d+): module (\S+): ", line).groups()
             for line in words.splitlines()]
    assert status == 1 and found == (
        [("4", "xmcp")] + 3 * [("5", "xmcp")] + 2 * [("6", "xmcp")] + 4 * [("7", "xmcp")] +
        [("10", "allow-deny")] + 2 * [("11", "auth-userpass")]), words
    for attribute in ("vrf", "address", "queue", "tls", "total", "unauthenticated", "service-data",
                      "services", "subscriptions", "register-within", "network", "password", "number"):
        assert attribute in words, f"{attribute}: {words}"
    # A schema that refuses one module hides nothing of the others.
    OTHERS["xmcp"] = '<max-clients total="0"/>'
    status, words = told("auth-userpass", '<client username="ann" password="short"/>')
    assert status == 1 and [line.split(": ")[1] for line in words.splitlines()] == [
        "module auth-userpass", "module allow-deny", "module xmcp"], words


def reload():
    """The same of a broker that runs: nothing is hidden, nothing is changed, and nothing is told that is
    no fault: of an address list that is new too, allow-deny could only say that it has none so far."""
    with Broker('<module name="allow-deny"/><module name="auth-userpass"><client unauthenticated="yes"/>'
                '</module>\n<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/>'
                '<max-clients total="7"/></module>') as broker:
        broker.write('<module name="allow-deny"><address-list name="new" age="0"/></module>'
                     '\n<module name="auth-userpass"><client username="ann" password="short"/></module>'
                     '\n<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/>'
                     '<allow-list ipv4="new"/></module>')
        for words in ("config check", "config reload"):
            run = broker.control(words, check=False)
            said = run.stdout + run.stderr
            assert run.returncode == 1 and "unknown attribute 'age' of <address-list>" in said, said
            assert "11 to 62 are allowed" in said and "2 faults in the configuration" in said, said
        server = broker.control("show service-routing xmcp server")
        assert server["max_clients_total"] == 7 and server["allow_list_ipv4"] is None, server
        Client(broker).register()


# --- defaults ---

def port_4788():
    """' port="0"' where somebody has the usual port already, so that it cannot be tried."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", 4788))
        except OSError:
            print("port 4788 is taken on this machine: the default port is not tried")
            return ' port="0"'
    return ""


def defaults():
    port = port_4788()
    with Broker('<module name="auth-userpass"><client unauthenticated="yes"/>'
                f'<client username="ann" password="{LONG}"/></module>\n<module name="xmcp">'
                f'<listen family="ipv4" address="127.0.0.1"{port}/></module>') as broker:
        server = broker.control("show service-routing xmcp server")
        assert port or server["listening"][0]["port"] == broker.port == 4788, server
        for key, value in (("max_clients_total", 1024), ("max_clients_unauthenticated", 1024),
                           ("max_service_data", 60000), ("max_services", 4096),
                           ("max_subscriptions", 1024), ("allow_list_ipv4", None),
                           ("allow_list_ipv6", None)):
            assert server[key] == value, f"{key}: {server}"
        both = Client(broker, "ann", LONG), Client(broker)
        for client in both:
            client.register()
        shown = broker.control("show service-routing xmcp clients")["clients"]
        assert len(shown) == 2
        for client in shown:  # the nonce's 800 s: tests/unit/test_auth_userpass.c
            assert client["domain"] == 7177 and client["keepalive"] == 30, client
        for client in both:
            client.close()


xmcp()
users()
lists()
defaults()
reload()
all_at_once()
