#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS from the first octet (XEP-0368) with real servers: Prosody and ejabberd outside, each both ways, then
both inside, where inside-dns sends them to such a listener. There are no records for STARTTLS, so nothing else
can be what worked.
"""
from s2s_pair import A_SERVER, GATEWAY_A, B_SERVER, alices, bobs, clear, dialled, inside, streams, \
    talk_all
from s2s_rig import (B_ADDRESS, INSIDE, OUTSIDE, Certificates, Ejabberd, Gateway, Prosody, World,
                     listens, need, profiles, until)

PORT, NOBODY = 5270, 5999
WHAT = ("message", "presence", "ping")
DIRECT = {Prosody: {"extra": f"s2s_direct_tls_ports = {{ {PORT} }}"},
          Ejabberd: {"listen": f"""  -
    ip: "{B_ADDRESS}"
    port: {PORT}
    module: ejabberd_s2s_in
    tls: true
"""}}
LISTEN = "<listen side='%s' address='%s' port='5270' tls='%s' direct-tls='yes'/>"
INSIDE_DNS = f"""<module name='inside-dns'><listen address='{INSIDE}' port='53'/>
  <gateway address='{INSIDE}' port='{NOBODY}' tls-port='{PORT}'/></module>"""


def record(domain, address):
    return [f"srv-host=_xmpps-server._tcp.{domain},direct.{domain},{PORT},1,1",
            f"address=/direct.{domain}/{address}"]


def outside(certs, alice_on, bob_on):
    with World({}, extra=record("a.test", OUTSIDE) + record("b.test", B_ADDRESS)), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER),
                    more=LISTEN % ("outside", OUTSIDE, "outside")) as gateway, \
            alices(alice_on, certs), bobs(bob_on, certs, **DIRECT[bob_on]):
        until(lambda: listens(B_ADDRESS, PORT), "it has a port for TLS", gateway.alive)
        talk_all(gateway, what=WHAT)
        ports = {c["port"] for c in streams(gateway, "outside") if c["direction"] == "outgoing"}
        assert ports == {PORT}, gateway.connections()
        assert dialled(gateway, "outside") == {B_ADDRESS}, gateway.connections()
        assert all(c["tls"] for c in streams(gateway, "outside")), gateway.connections()
        clear(gateway)


def on_the_inside(certs, alice_on, bob_on):
    """A <server> is dialled with STARTTLS; it comes to us as inside-dns says."""
    with World({"a.test": GATEWAY_A, "b.test": B_SERVER}), \
            Gateway(broker=profiles(certs), local=inside("a.test", A_SERVER), inside_dns=False,
                    modules=INSIDE_DNS, more=LISTEN % ("inside", INSIDE, "inside")) as gateway, \
            alices(alice_on, certs), bobs(bob_on, certs):
        talk_all(gateway, what=WHAT)
        assert all(c["tls"] for c in streams(gateway, "inside")), gateway.connections()


def main():
    need("prosody", "erl", "dnsmasq", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    for where in (outside, on_the_inside):
        for alice_on, bob_on in ((Prosody, Ejabberd), (Ejabberd, Prosody)):
            print(f"--- {where.__name__}: {alice_on.__name__} inside, {bob_on.__name__} outside")
            where(certs, alice_on, bob_on)


if __name__ == "__main__":
    main()
