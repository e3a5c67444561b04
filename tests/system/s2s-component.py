#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server inside that connects as a component (XEP-0114), and Prosody outside, then ejabberd: what bob@b.test
writes to bots.a.test reaches it and is answered, whichever worker its connection is on; disco, ping and presence
pass both ways; status and connections say so; while it is away, senders get errors. A wrong secret, and a domain
that it does not have, are refused.
"""
import os
import socket
import subprocess

from s2s_rig import (B_ADDRESS, HERE, INSIDE, OUTSIDE, PYTHON, WORLD_DNS, Certificates, Ejabberd,
                     Gateway, Prosody, World, need, profiles, until)

COMPONENT = (f"<local-domain name='bots.a.test'><component address='{INSIDE}' port='5347' "
             "secret='s3cr3t'/></local-domain>")
HEADER = ("<stream:stream xmlns='jabber:component:accept' "
          "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>")


def refused(to, handshake, error):
    with socket.create_connection((INSIDE, 5347), 30) as s:
        s.sendall((HEADER % to + handshake).encode())
        heard = b""
        while True:
            octets = s.recv(65536)
            if not octets:
                break
            heard += octets
    assert f"<{error} ".encode() in heard, heard


def reachable(gateway):
    status = gateway.control("show federation status")
    return {i["domain"]: i["state"] for i in status["inside"]}["bots.a.test"]


def echo(gateway):
    """s2s_echo.py, and the queue-time that it asks for."""
    with subprocess.Popen([PYTHON, os.path.join(HERE, "s2s_echo.py"),
                           f"bots.a.test:s3cr3t@{INSIDE}:5347", f"bob@b.test:bobpw@{B_ADDRESS}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env={k: v for k, v in os.environ.items()
                                          if k != "PYTHONPATH"}) as run:
        for line in run.stdout:
            print(line, end="")
            if line.startswith("queue-time "):
                gateway.reload(more=f"<limits queue-time='{line.split()[1]}'/>")
                run.stdin.write("set\n")
                run.stdin.flush()
    assert run.returncode == 0, "s2s_echo.py failed"


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain, names=f"DNS:{domain},DNS:bots.{domain},DNS:conference.{domain}")
    certs.make("gateway.inside.test", file="inside-gw")
    # By dialback: after EXTERNAL Prosody 0.12 sends new stanzas before those that it had queued, and the
    # order is what is looked at.
    with World({"bots.a.test": (OUTSIDE, 5269), "b.test": (B_ADDRESS, 5269)}), \
            Gateway(broker=profiles(certs), local=COMPONENT, workers="4",
                    security="<security authentication='dialback'/>") as gateway:
        assert reachable(gateway) == "unreachable"
        refused("bots.a.test", "<handshake>" + "0" * 40 + "</handshake>", "not-authorized")
        refused("a.test", "", "host-unknown")
        refused("bots.a.test", "<message from='bots.a.test' to='bob@b.test'/>", "not-authorized")
        with Prosody("b.test", B_ADDRESS, certs, WORLD_DNS, {"bob": "bobpw"}):
            for _ in range(3):  # each time the connection is likely to be on another worker
                echo(gateway)
        with Ejabberd("b.test", B_ADDRESS, certs, WORLD_DNS, {"bob": "bobpw"}):
            echo(gateway)
        until(lambda: reachable(gateway) == "unreachable", "the component is gone", gateway.alive)
        text = gateway.log()
        assert "s3cr3t" not in text
        assert "XMPPFederation bots.a.test: the component is connected" in text


if __name__ == "__main__":
    main()
