#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The one line that Prosody and ejabberd each need, as the page of inside-dns has it, with nothing but addresses
and paths changed: with it all that the server sends to others comes to the gateway. The system's own resolver stays
another one, and knows where b.example really is: it is not asked for that.
"""
import os
import re

from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, TMP, WORLD_DNS, Certificates, Ejabberd,
                     Gateway, Prosody, World, local_domain, need, profiles, talk)

SOURCE = os.environ["XMB_SRC"]
SYSTEM_DNS = "127.0.0.54"  # the resolver of the machine on which the server inside is
EXAMPLE = ("local=/example/", "log-queries", "log-facility=-")
RECORDS = {"a.example": (OUTSIDE, 5269), "b.example": (B_ADDRESS, 5269)}


def page(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def documented():
    """The texts for Prosody's configuration, in two ways, and for ejabberd's inetrc."""
    text = page("plugins/inside-dns/README.md")
    forward = re.search(r"```lua\n(.*?)\n```", text, re.S).group(1)
    file = re.search(r"; or\s+`(unbound = .*?)`", text).group(1)
    inetrc = re.search(r"```erlang\n(.*?)```", text, re.S).group(1)
    words = page("doc/operations.md").split()
    for lines in (forward, inetrc):
        assert " ".join(lines.split()) in " ".join(words), f"operations.md has not the same: {lines}"
    assert "10.0.0.1" in forward and "/etc/prosody/resolv.conf" in file and "10,0,0,1" in inetrc
    return forward.replace("10.0.0.1", INSIDE), file, \
        inetrc.replace("10,0,0,1", INSIDE.replace(".", ","))


def write(name, text):
    path = os.path.join(TMP, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def inside_dns(name=""):
    return (f"<module name='inside-dns'><listen address='{INSIDE}' port='53'/>"
            f"<gateway address='{INSIDE}' {name}/></module>")


def scene(certs, what, gateway, alices, bob_on):
    """`alices` starts the server inside under the system's resolver."""
    print("---", what)
    with World(RECORDS, extra=EXAMPLE), World(RECORDS, SYSTEM_DNS, EXAMPLE) as system, \
            Gateway(broker=profiles(certs, "a.example"), inside_dns=False, modules=gateway,
                    local=local_domain("a.example", (A_ADDRESS, 5269))) as g, \
            alices(), bob_on("b.example", B_ADDRESS, certs, WORLD_DNS, {"bob": "bobpw"}):
        before = len(system.log())
        talk(f"alice@a.example:alicepw@{A_ADDRESS}", f"bob@b.example:bobpw@{B_ADDRESS}",
             "message", "presence", "ping")
        asked = system.log()[before:]
        assert "b.example" not in asked, "the system's resolver was asked: " + asked
        assert g.metric("inside_dns_answered") > 0, "nobody asked the gateway"
        assert any(c["side"] == "inside" and c["direction"] == "incoming" and c["stanzas_in"]
                   for c in g.connections()), g.connections()


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.example", "b.example"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    forward, file, inetrc = documented()
    resolv = write("inside-resolv.conf", f"nameserver {INSIDE}\n")
    hosts = write("hosts", f"127.0.0.1 localhost\n{INSIDE} gateway.inside\n")

    def alices(server, **options):
        return lambda: server("a.example", A_ADDRESS, certs, SYSTEM_DNS, {"alice": "alicepw"},
                              **options)

    scene(certs, "Prosody: " + forward, inside_dns(), alices(Prosody, unbound=forward), Ejabberd)
    file = file.replace("/etc/prosody/resolv.conf", resolv)
    scene(certs, "Prosody: " + file, inside_dns(), alices(Prosody, unbound=file), Ejabberd)
    scene(certs, "ejabberd: " + inetrc, inside_dns("name='gateway.inside'"),
          alices(Ejabberd, inetrc=write("inetrc", inetrc), hosts=hosts), Prosody)


if __name__ == "__main__":
    main()
