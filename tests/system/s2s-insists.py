#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server inside that insists on certificates: Prosody as Debian ships it, with s2s_secure_auth = true. It wants the
foreign domain's name in what the gateway shows, from an authority that it trusts. That the authority alone is
trusted is not enough, and nothing gets through; with an <identity> for each foreign domain, made by an authority of
one's own, it is, and messages go both ways.
"""
from s2s_rig import (A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, WORLD_DNS, Certificates, Ejabberd,
                     Gateway, Prosody, World, local_domain, need, profiles, talk)

REFUSED = "Forbidding insecure connection to/from b.test because its certificate is not valid for this name"
ALICE, BOB = f"alice@a.test:alicepw@{A_ADDRESS}", f"bob@b.test:bobpw@{B_ADDRESS}"


def with_identity(certs, *domains):
    """The profile of the inside has a certificate for each of `domains` besides its own."""
    text = profiles(certs)
    own = f"<tls name='inside' certificate='{certs.path('inside-gw.crt')}' " \
          f"key='{certs.path('inside-gw.key')}' ca='{certs.ca}'/>"
    assert own in text
    inner = "".join(f"<identity certificate='{certs.path('for-' + d + '.crt')}' "
                    f"key='{certs.path('for-' + d + '.key')}'/>" for d in domains)
    return text.replace(own, own[:-2] + ">" + inner + "</tls>")


def fails(server):
    """It is the certificate that `server` refuses; the servers are there, as the next message shows."""
    got_through = True
    try:
        talk("--seconds", "10", ALICE, BOB, "message")
    except AssertionError:
        got_through = False
    assert not got_through, "a message got through, though no certificate names b.test"
    with open(server.server_log, encoding="utf-8") as f:
        assert REFUSED in f.read(), f"{server.name} refused it for another reason"


def main():
    need("prosody", "dnsmasq", "erl", "openssl")
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    certs.make("b.test", file="for-b.test")
    with World({"a.test": (OUTSIDE, 5269), "b.test": (B_ADDRESS, 5269)}), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    security="<security authentication='dialback'/>") as gateway, \
            Prosody("a.test", A_ADDRESS, certs, INSIDE, {"alice": "alicepw"}, secure_auth=True) as server, \
            Ejabberd("b.test", B_ADDRESS, certs, WORLD_DNS, {"bob": "bobpw"}):
        fails(server)
        gateway.reload(broker=with_identity(certs, "b.test"))
        talk(ALICE, BOB, "message")


if __name__ == "__main__":
    main()
