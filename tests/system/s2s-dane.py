#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""DANE from end to end: a zone that is signed here and served by a real unbound says with TLSA records which key the
server of a domain has. A self-signed certificate with that key is as good as one of an authority, also where
certificates are required; one of a trusted authority with another key is refused, and the log and the sender
are told; without TLSA records the self-signed one proves nothing.
"""
import hashlib
import subprocess

from dns_helper import Unbound, sign
from s2s_peer import Peer, condition, q
from s2s_rig import (A_ADDRESS, INSIDE, TMP, Certificates, Gateway, local_domain, need, profiles)

GOOD, BAD, NONE = "127.0.0.40", "127.0.0.41", "127.0.0.42"
ZONE = """$ORIGIN sec.test.
$TTL 300
@ IN SOA ns host 1 3600 600 86400 40
@ IN NS ns
ns IN A 127.0.0.1
""" + "".join(f"""_xmpp-server._tcp.{name} IN SRV 10 5 5269 h.{name}
h.{name} IN A {address}
_tcp.h.{name} IN TXT here
_tcp.{name} IN TXT here
""" for name, address in (("good", GOOD), ("bad", BAD), ("none", NONE))) + """
_5269._tcp.h.good IN TLSA 3 1 1 %s
_5269._tcp.h.bad IN TLSA 3 1 1 %s
"""


def run(*command, **options):
    return subprocess.run(command, cwd=TMP, check=True, capture_output=True, timeout=60,
                          **options).stdout


def digest(certs, file):
    """Of the public key: what TLSA 3 1 1 has."""
    pem = run("openssl", "x509", "-in", certs.path(file + ".crt"), "-pubkey", "-noout")
    return hashlib.sha256(run("openssl", "pkey", "-pubin", "-outform", "DER", input=pem)).hexdigest()


def dns_srv(port):
    return (f"<module name='dns-srv'><resolver address='127.0.0.1' port='{port}'/>"
            f"<dnssec anchor-file='{TMP}/anchors'/></module>")


def sends(a, domain):
    stream = a.verified(domain, INSIDE)
    stream.send(f"<message from='u@a.test' to='v@{domain}' id='to-{domain}'><body>x</body></message>")


def arrives(a, peer):
    sends(a, peer.domains[0])
    assert peer.next_stanza().get("id") == "to-" + peer.domains[0]


def comes_back(a, peer):
    sends(a, peer.domains[0])
    error = a.next_stanza()
    assert error.get("id") == "to-" + peer.domains[0] and error.get("type") == "error", error.attrib
    assert condition(error.find(q("server", "error"))) == "remote-server-timeout", error.attrib
    assert peer.stanzas.empty()


def main():
    need("unbound", "ldns-keygen", "ldns-signzone", "openssl")
    certs = Certificates()
    certs.make("a.test")
    certs.make("gateway.inside.test", file="inside-gw")
    certs.make("good.sec.test", self_signed=True)
    certs.make("bad.sec.test")  # an authority that we trust says so
    certs.make("none.sec.test", self_signed=True)
    sign("sec.test", ZONE % (digest(certs, "good.sec.test"), digest(certs, "good.sec.test")))
    a = Peer(certs, A_ADDRESS, "a.test")
    good, bad, none = (Peer(certs, address, name + ".sec.test") for name, address in
                       (("good", GOOD), ("bad", BAD), ("none", NONE)))
    with Unbound("sec.test") as server, \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    inside_dns=False, dns=None, modules=dns_srv(server.port),
                    security="<security require-client-certificates='yes'/>") as gateway:
        print("the key is that of the TLSA record, and certificates are required")
        arrives(a, good)
        print("another key, of an authority that we trust")
        comes_back(a, bad)
        assert "TLSA" in "".join(line for line in gateway.log().splitlines()
                                 if "bad.sec.test" in line and " warn " in line), gateway.log()
        print("no TLSA record, and self-signed")
        comes_back(a, none)


if __name__ == "__main__":
    main()
