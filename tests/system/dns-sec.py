#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""DNSSEC and TLSA of dns-srv: a zone that is signed here and served by a real unbound; some of its
records are changed after they were signed."""
import os
import re

from dns_helper import ENOENT, ETIMEOUT, Unbound, lookup, need, sign, write
from xmcp_helper import TMP, Broker, until

PIN = "a5" * 32
ZONE = f"""$ORIGIN sec.test.
$TTL 300
@ IN SOA ns host 1 3600 600 86400 40
@ IN NS ns
ns IN A 127.0.0.1
@ IN A 192.0.2.20
_xmpp-server._tcp IN SRV 10 5 5269 x
_xmpps-server._tcp IN SRV 10 5 5270 x
x IN A 192.0.2.1
x IN AAAA 2001:db8::1
_5269._tcp.x IN TLSA 3 1 1 {PIN}
_5269._tcp.x IN TLSA 2 0 1 {PIN}
plain IN A 192.0.2.21
_xmpp-server._tcp.out IN SRV 10 5 5269 x.insec.test.
_xmpp-server._tcp.in IN SRV 10 5 5269 y
y IN A 192.0.2.22
badsrv IN A 192.0.2.23
_xmpp-server._tcp.badsrv IN SRV 10 5 5269 x
_xmpp-server._tcp.badaddr IN SRV 10 5 5269 z
_xmpp-server._tcp.badaddr IN SRV 20 5 5269 y
z IN A 192.0.2.24
_xmpp-server._tcp.badpin IN SRV 10 5 5269 w
w IN A 192.0.2.25
_5269._tcp.w IN TLSA 3 1 1 {PIN}
""" + "".join(f"_tcp.{name} IN TXT here\n"  # a server's proofs of empty names are not the subject
              for name in ("in", "out", "badsrv", "badaddr", "badpin", "x", "y", "w", "z"))
# What becomes something else after it was signed: the text as ldns writes it.
CHANGES = [(r"^(_xmpp-server\._tcp\.badsrv\.sec\.test\.\s.*SRV\s+)10 5", r"\g<1>11 5"),
           (r"^(z\.sec\.test\.\s.*A\s+)192\.0\.2\.24", r"\g<1>192.0.2.66"),
           (r"^(_5269\._tcp\.w\.sec\.test\.\s.*TLSA\s+3 1 1 )a5", r"\g<1>00")]
UNSIGNED = """$ORIGIN insec.test.
$TTL 300
@ IN SOA ns host 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
_xmpp-server._tcp IN SRV 10 5 5269 x
x IN A 192.0.2.30
_5269._tcp.x IN TLSA 3 1 1 %s
""" % PIN
MODULES = """
<module name="dns-srv">
  <resolver address="127.0.0.1" port="%d"/>
  %s
</module>
<module name="lookup"/>
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def change():
    """What was signed, made something else: the signatures stay."""
    with open(TMP + "/sec.test.zone", encoding="ascii") as f:
        text = f.read()
    for pattern, changed in CHANGES:
        text, n = re.subn(pattern, changed, text, flags=re.MULTILINE)
        assert n == 1, (pattern, n)
    write("sec.test.zone", text)


def routes(answer):
    assert answer["status"] == 0, answer
    return sorted((r["address"], r["port"], r["secure"], r["tlsa"]) for r in answer["routes"])


def test_proven(broker, server):
    assert routes(lookup(broker, "sec.test")) == [
        ("192.0.2.1", 5269, True, 2), ("192.0.2.1", 5270, True, 0),
        ("2001:db8::1", 5269, True, 2), ("2001:db8::1", 5270, True, 0)]
    assert routes(lookup(broker, "in.sec.test")) == [("192.0.2.22", 5269, True, 0)]
    # proven that it has no SRV records: the domain itself
    assert routes(lookup(broker, "plain.sec.test")) == [("192.0.2.21", 5269, True, 0)]
    assert "_5269._tcp.y.sec.test. TLSA" in server.log()
    answer = lookup(broker, "x.sec.test", "address")
    assert [(r["address"], r["secure"]) for r in answer["routes"]] == \
        [("2001:db8::1", True), ("192.0.2.1", True)], answer
    assert lookup(broker, "nowhere.sec.test")["status"] == ENOENT


def test_unproven(broker, server):
    assert routes(lookup(broker, "insec.test")) == [("192.0.2.30", 5269, False, 0)]
    assert routes(lookup(broker, "out.sec.test")) == [("192.0.2.30", 5269, False, 0)]
    assert "_5269._tcp.x.insec.test. TLSA" not in server.log()


def test_bogus(broker):
    assert lookup(broker, "badsrv.sec.test")["status"] == ETIMEOUT  # and not its address
    assert routes(lookup(broker, "badaddr.sec.test")) == [("192.0.2.22", 5269, True, 0)]
    assert lookup(broker, "z.sec.test", "address")["status"] == ETIMEOUT
    assert lookup(broker, "badpin.sec.test")["status"] == ETIMEOUT
    until(lambda: broker.control("show metrics")["dns_srv_bogus"] == 4, "bogus answers are counted")
    assert "badsrv.sec.test is bogus" in broker.log()


def main():
    need("unbound", "ldns-keygen", "ldns-signzone")
    ds = sign("sec.test", ZONE)
    change()
    write("insec.test.zone", UNSIGNED)
    os.chmod(TMP, 0o755)  # the broker gives up being root
    with Unbound("sec.test", "insec.test") as server, \
            Broker(MODULES % (server.port, f'<dnssec anchor-file="{TMP}/anchors"/>'),
                   folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        test_proven(broker, server)
        test_unproven(broker, server)
        test_bogus(broker)
        # without an anchor the same records are believed as they are, and prove nothing
        broker.write(MODULES % (server.port, '<fallback on-failure="yes"/>'))
        broker.reload()
        broker.control("lookup forget")
        assert routes(lookup(broker, "badsrv.sec.test")) == [
            ("192.0.2.1", 5269, False, 0), ("2001:db8::1", 5269, False, 0)]
        broker.write(MODULES % (server.port, '<fallback on-failure="yes"/>'
                                      f'<dnssec trust-anchor="{" ".join(ds.split())}"/>'))
        broker.reload()
        broker.control("lookup forget")
        assert lookup(broker, "badsrv.sec.test")["status"] == ETIMEOUT  # bogus never falls back


main()
