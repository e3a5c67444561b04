#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""xmbd with the shipped plugins linked in (configure --enable-static-plugins), as `./dev check` builds
it in build-static/. It is no test of `make check`, where plugins are shared objects.

With an empty plugin folder every plugin runs and works. The linked-in one wins over a file of its
name, and a plugin that is not linked in still comes from the folder. One program has one room for
names: no two plugins, nor a plugin and the broker, may define the same one, or the linker takes one
for both without a word.
"""
import os
import re
import shutil
import socket
import subprocess

from xmcp_helper import TMP, Broker, Client, success, until

SRC, BUILD = os.environ["XMB_SRC"], os.environ["XMB_BUILD"]
EMPTY, FOLDER = os.path.join(TMP, "empty"), os.path.join(TMP, "folder")

# Without root there is no raw socket: the forwarder is there, and at rest.
AT_REST = "no" if os.geteuid() == 0 else "yes"
MODULES = {
    "auth-userpass": '<client username="ann" password="password-of-ann"><domain number="100"/></client>',
    "allow-deny": '<federation mode="allow-list"><domain name="partner.example"/></federation>',
    "xmcp": '<listen family="ipv4" address="127.0.0.1" port="0"/>',
    "static-routes": '<routes><route domain="partner.example" address="192.0.2.10"/></routes>',
    "dns-srv": '<resolver address="127.0.0.1" port="9"/>',
    "inside-dns": '<listen address="127.0.0.1" port="0"/><gateway address="127.0.0.1"/>',
    "xmpp-s2s": '<listen side="inside" address="127.0.0.1" port="0"/>',
    "saf-eigrp": '<service-family address-family="ipv4" autonomous-system="1228" '
                 f'router-id="192.0.2.1" shutdown="{AT_REST}"/>',
}
LINE = {"line": '<listen address="127.0.0.1" port="0"/>'}


def shipped():
    plugins = os.path.join(SRC, "plugins")
    return {n for n in os.listdir(plugins) if os.path.exists(f"{plugins}/{n}/Makefile.inc")}


def start(modules, folder):
    os.environ["XMB_PLUGINS"] = folder
    return Broker("\n".join(f'<module name="{n}">{c}</module>' for n, c in modules.items()))


def port_of(broker, module):
    return next(x["port"] for x in broker.listeners()
                if x["module"] == module and x["transport"] == "tcp")


def came_from(broker):
    """module -> what the log says of its place: a path, or `preloaded`."""
    return dict(re.findall(r"core (\S+): loaded version \S+ from ([^\s,]+)", broker.log()))


def all_run(broker, modules):
    """Operators see of each that it runs, and whether it is linked in, in both forms."""
    seen = {m["name"]: (m["state"], m["linked_in"])
            for m in broker.control("show modules")["modules"]}
    assert seen == {name: ("running", name in MODULES) for name in modules}, seen
    text = subprocess.run([os.environ["XMBCTL"], "-s", broker.socket, "show", "modules"], check=True,
                          capture_output=True, text=True, timeout=60).stdout.splitlines()
    column = text[0].index("Linked in")
    answers = {line.split()[0]: line[column:].split()[0] for line in text[1:]}
    assert answers == {n: "yes" if n in MODULES else "no" for n in modules}, text


def service_is_seen(broker):
    subscriber, publisher = (Client(broker, "ann", "password-of-ann", port=port_of(broker, "xmcp"))
                             for _ in range(2))
    for client in (subscriber, publisher):
        client.register()
    subscriber.subscribe()
    success(publisher.publish(9, 4, b"linked in"))
    subscriber.expect_notify(9, 4, b"linked in")
    services = [(s["service"], s["subservice"]) for s in broker.control("show services")["services"]]
    assert services == [(101, 9)], services
    subscriber.close()
    publisher.close()


def route_is_known(broker):
    def there():
        return "192.0.2.10" in str(broker.control("show routes partner.example"))
    until(there, "the static route is in the router", broker.alive)


def without_any_file():
    os.mkdir(EMPTY)
    with start(MODULES, EMPTY) as broker:
        all_run(broker, MODULES)
        assert came_from(broker) == {name: "preloaded" for name in MODULES}, came_from(broker)
        service_is_seen(broker)
        route_is_known(broker)
    assert os.listdir(EMPTY) == []


def build_line():
    """The template of a protocol plugin, as an author would link it."""
    template = f"{SRC}/sdk/template/protocol"
    with open(f"{TMP}/line.rng.h", "wb") as header:
        subprocess.run(["sh", f"{SRC}/build-aux/embed.sh", f"{template}/line.rng"], check=True,
                       stdout=header)
    subprocess.run([*os.environ["XMB_CC"].split(), "-shared", "-fPIC", "-fvisibility=hidden",
                    "-Wl,-z,defs", f"-I{SRC}/sdk/include", f"-I{TMP}", "-o", f"{FOLDER}/line.so",
                    f"{template}/line.c"], check=True)


def beside_files():
    """Files that could not be loaded have the names of the shipped plugins: nobody looks at them."""
    os.mkdir(FOLDER)
    for name in MODULES:
        with open(f"{FOLDER}/{name}.so", "w", encoding="ascii") as f:
            f.write("no shared object\n")
    build_line()
    # libltdl would open this one, were its search path asked for a linked-in plugin's archive.
    shutil.copy(f"{FOLDER}/line.so", f"{FOLDER}/auth-userpass.a")
    os.environ["LTDL_LIBRARY_PATH"] = FOLDER
    expected = {name: "preloaded" for name in MODULES} | {"line": f"{FOLDER}/line.so"}
    with start(MODULES | LINE, FOLDER) as broker:
        all_run(broker, MODULES | LINE)
        assert came_from(broker) == expected, came_from(broker)
        with socket.create_connection(("127.0.0.1", port_of(broker, "line")), 20) as line:
            line.sendall(b"one\n")
            assert line.makefile("rb").readline() == b"hello\n"


def defined_in(archive):
    out = subprocess.run(["nm", "-g", "--defined-only", archive], check=True, capture_output=True,
                         text=True).stdout
    return {words[2] for words in map(str.split, out.splitlines()) if len(words) == 3}


def no_name_twice():
    archives = ["broker/.libs/libbroker.a", "lib/xmcp/.libs/libxmcp.a"]
    archives += [f"plugins/{name}/.libs/{name}.a" for name in sorted(MODULES)]
    owner, twice = {}, []
    for archive in archives:
        names = defined_in(os.path.join(BUILD, archive))
        assert names, f"{archive} defines nothing"
        twice += [f"{n}: {owner[n]}, {archive}" for n in names if n in owner]
        owner.update(dict.fromkeys(names, archive))
    assert not twice, "defined twice:\n" + "\n".join(sorted(twice))


def main():
    assert set(MODULES) == shipped(), f"not tried here: {set(MODULES) ^ shipped()}"
    no_name_twice()
    without_any_file()
    beside_files()


main()
