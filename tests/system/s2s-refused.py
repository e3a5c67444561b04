#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may not be whom, from a scripted peer: each is refused with the one error that the RFC or XEP names for it, and
the streams of a good peer stay up and carry a stanza each way after each. (The XML that is refused is in
s2s-refused-xml.py.)

Unlisted domain, wrong name, expired, revoked, self-signed, unknown CA, no certificate, wrong key, spoofed
`from`, a local domain from outside, plain text where TLS is required, octets behind <starttls/>. A verification that
cannot even start (no such name, no address, a closed port, SRV ".", ourselves) is answered and not left in silence;
an unhosted db:verify gets an error for itself; a certificate with XmppAddr names is read.
And what a user inside is told when a stanza of his cannot be delivered.
"""
from s2s_peer import NS, condition, q
from s2s_refuse import MESSAGE, Refused, from_d, is_error, plain, run, scene, show
from s2s_rig import INSIDE, OUTSIDE

ALICE = "alice@a.test"
ZEROS = "0" * 64
# Why there is no stream to NAME.d.test, in the words of the event.
UNREACHABLE = {"nowhere": "no route: the name is in no table and not in DNS",
               "refused": "the domain says that it offers no federation",
               "noaddress": "no route: the name is in no table and not in DNS",
               "ourselves": "its address is our own: its DNS or route leads back to this gateway",
               "closed": "127.0.0.41:9: connect: Connection refused"}
LOCAL_OUTSIDE = "it claims a local domain, and comes from outside"
NO_NAME = "pair d.test to a.test is refused with not-authorized: the certificate does not name the domain"


class Identities(Refused):
    def connected(self, **options):
        return self.bad.connect("a.test", OUTSIDE, **options)

    def stanza_refused(self, name, own="d.test", to=ALICE, text=None):
        """On a verified stream."""
        stream = self.bad.verified("a.test", OUTSIDE)
        stream.send(text or MESSAGE % (own, to, "bad", "x"))
        stream.expect_error(name)

    def header_refused(self, own, to, name):
        stream = from_d()
        stream.header(own, to)
        stream.expect_header()
        stream.expect_error(name)

    # --- policy

    def unlisted_in_result(self):
        """A domain that is listed tries for one that is not."""
        self.result_error(self.connected(), "forbidden", own="unlisted.test")

    # --- dialback

    def not_hosted(self):
        """An unhosted db:result gets a dialback error, and the stream stays."""
        stream = self.connected()
        is_error(self.bad.ask(stream, to="nobody.test"), "item-not-found")
        assert self.bad.ask(stream).get("type") == "valid"
        self.stays(stream)

    def wrong_key(self):
        """XEP-0220, 2.3: `invalid`, and the end where nobody else is verified on the stream."""
        stream = self.connected()
        answer = self.bad.ask(stream, key=ZEROS)
        assert answer.get("type") == "invalid", show(answer)
        stream.expect_end()

    def wrong_key_beside(self):
        """An error where somebody is, who keeps his stream."""
        invalid = self.gateway.metric("xmpp_s2s_dialback_invalid")
        self.bad.file = "many"
        try:
            stream = self.connected()
            assert self.bad.ask(stream).get("type") == "valid"
            is_error(self.bad.ask(stream, own="here.d.test", key=ZEROS), "forbidden")
            assert self.gateway.metric("xmpp_s2s_dialback_invalid") == invalid + 1, "not for its key"
            assert self.bad.ask(stream, own="here.d.test").get("type") == "valid"
            self.stays(stream)
        finally:
            self.bad.file = "d.test"

    def cannot_start(self, own, name):
        """There is an answer for that pair, in its time, and the stream stays for the others."""
        stream = self.connected(cert="many")
        is_error(self.bad.ask(stream, own=own), name)
        assert self.bad.ask(stream).get("type") == "valid"
        self.stays(stream)

    def verify(self, names, kind, name=None):
        """db:verify with these and a wrong key, before anybody is verified."""
        stream = self.connected()
        own, to = names
        stream.send(f"<db:verify from='{own}' to='{to}' id='i'>{ZEROS}</db:verify>")
        answer = stream.expect(q("db", "verify"))
        assert (answer.get("from"), answer.get("to"), answer.get("id"), answer.get("type")) == \
            (to, own, "i", kind), show(answer)
        if name is not None:
            is_error(answer, name)
        assert self.bad.ask(stream).get("type") == "valid"
        stream.close()

    def authority(self, verify, name):
        self.bad.verify = verify
        try:
            self.result_error(self.connected(), name)
        finally:
            self.bad.verify = "right"

    def unverified(self):
        stream = self.connected()
        stream.send(MESSAGE % ("d.test", ALICE, "unverified", "x"))
        stream.expect_error("not-authorized")

    # --- TLS

    def plain_text(self):
        stream = plain()
        stream.send(MESSAGE % ("d.test", ALICE, "plain", "x"))
        stream.expect_error("not-authorized")

    def plain_dialback(self, kind):
        """An error for the pair, then the stream's."""
        stream = plain()
        stream.send(f"<db:{kind} from='d.test' to='a.test' id='i'>{ZEROS}</db:{kind}>")
        is_error(stream.expect(q("db", kind)), "policy-violation")
        stream.expect_error("policy-violation")

    def behind_starttls(self):
        """Plain octets behind <starttls/> never reach the encrypted stream."""
        stream = plain()
        stream.send("<starttls xmlns='%s'/><stream:stream xmlns='jabber:server' "
                    "xmlns:stream='http://etherx.jabber.org/streams' from='d.test' to='a.test' "
                    "version='1.0'>" % NS["tls"])
        error = stream.expect(q("stream", "error"))  # and no <proceed/> before it
        assert condition(error) == "policy-violation", show(error)
        stream.expect_end()

    def certificate(self, file):
        self.result_error(self.as_d(file).connect("a.test", OUTSIDE, cert=file is not None),
                          "not-authorized")

    def xmpp_addr(self):
        """ejabberd dies over such a name."""
        peer = self.as_d("xmppaddr")
        answer = peer.ask(peer.connect("a.test", OUTSIDE))
        assert answer.get("type") == "valid", show(answer)

    # --- what comes back to a user inside

    def comes_back(self, domain, name, kind, **behaviour):
        """A message to `domain`, whose server behaves so, returns with the error `name` of that type."""
        self.count += 1
        usual = {key: getattr(self.bad, key) for key in behaviour}
        stream = self.inside.verified(domain, INSIDE)
        for key, value in behaviour.items():
            setattr(self.bad, key, value)
        try:
            stream.send(MESSAGE % ("a.test", f"u@{domain}", f"out{self.count}", "x"))
            stanza = self.inside.next_stanza()
        finally:
            for key, value in usual.items():
                setattr(self.bad, key, value)
            stream.close()
        error = stanza.find(q("server", "error"))
        assert (stanza.get("id"), stanza.get("type")) == (f"out{self.count}", "error"), show(stanza)
        assert (stanza.get("from"), stanza.get("to")) == (f"u@{domain}", "u@a.test"), show(stanza)
        assert (condition(error), error.get("type")) == (name, kind), show(stanza)


def identities(r):
    yield "unlisted domain", lambda: r.header_refused("unlisted.test", "a.test", "policy-violation"), \
        "policy-violation: policy does not permit this domain"
    yield "unlisted domain in db:result", r.unlisted_in_result, \
        "pair unlisted.test to a.test is refused with forbidden: policy does not allow the foreign domain"
    yield "unhosted domain in db:result", r.not_hosted, \
        "pair d.test to nobody.test is refused with item-not-found: the domain that it is for is not served here"
    yield "wrong dialback key", r.wrong_key, \
        "the server of d.test says that the key is not its own: somebody may use its name"
    yield "wrong dialback key beside a right one", r.wrong_key_beside, \
        "pair here.d.test to a.test is refused with forbidden: the dialback key is not valid"
    yield "the authority does not answer for the domain", lambda: r.authority(
        "error", "remote-server-not-found"), "the authoritative server answers with the error item-not-found"
    yield "the authority closes", lambda: r.authority("close", "remote-server-timeout"), \
        "pair d.test to a.test is refused with remote-server-timeout: the connection ended"
    yield "the authority is silent", lambda: r.authority("silent", "remote-server-timeout"), \
        "the authoritative server did not answer in time"
    for name, words in UNREACHABLE.items():
        error = "remote-server-timeout" if name == "closed" else "remote-server-not-found"
        yield f"verification cannot start: {name}", lambda n=name, e=error: r.cannot_start(
            n + ".d.test", e), f"pair {name}.d.test to a.test is refused with {error}: {words}"
    yield "unhosted domain in db:verify", lambda: r.verify(("d.test", "nobody.test"), "error", "item-not-found"), \
        "db:verify of d.test about nobody.test is refused with item-not-found: the domain is not served here"
    yield "wrong key in db:verify", lambda: r.verify(("d.test", "a.test"), "invalid"), \
        "d.test asked about a key for a.test that is not ours: somebody uses our name"
    yield "local domain from outside", lambda: r.header_refused("a.test", "a.test", "invalid-from"), \
        "ends with the error invalid-from: " + LOCAL_OUTSIDE
    yield "local domain in db:result", lambda: r.result_error(r.connected(), "not-allowed", own="a.test"), \
        "pair a.test to a.test is refused with not-allowed: " + LOCAL_OUTSIDE
    yield "spoofed from", lambda: r.stanza_refused("invalid-from", own="c.test"), \
        "invalid-from: a stanza of a domain that is not verified on this stream"
    yield "local domain in from", lambda: r.stanza_refused("invalid-from", own="a.test"), \
        "a stanza from a.test on a stream of the side outside: " + LOCAL_OUTSIDE
    yield "another to", lambda: r.stanza_refused("host-unknown", to="x@elsewhere.test"), \
        "host-unknown: a stanza to a domain that is not served here"
    yield "no from", lambda: r.stanza_refused(
        "improper-addressing", text=f"<message to='{ALICE}'><body>x</body></message>"), \
        "improper-addressing: a stanza without from or to"
    yield "stanza before dialback", r.unverified, \
        "not-authorized: a stanza before any domain was verified"
    yield "domain that is not served", lambda: r.header_refused("d.test", "nobody.test", "host-unknown"), \
        "host-unknown: the domain is not served here"


def secured(r):
    yield "plain text", r.plain_text, "not-authorized: a stanza before any domain was verified"
    yield "db:result in plain", lambda: r.plain_dialback("result"), "policy-violation: TLS is required"
    yield "db:verify in plain", lambda: r.plain_dialback("verify"), \
        "db:verify of d.test about a.test is refused with policy-violation: TLS is required"
    yield "octets behind starttls", r.behind_starttls, "policy-violation: octets in plain behind starttls"
    yield "certificate: another name", lambda: r.certificate("c.test"), NO_NAME
    for file, words in (("expired", "it, or one of its issuers, has expired"),
                        ("revoked", "its issuer has revoked it"),
                        ("selfsigned", "it is signed by itself and not trusted"),
                        ("unknown", "no trusted authority has signed it"),
                        (None, "the peer shows no certificate")):
        yield f"certificate: {file}", lambda f=file: r.certificate(f), \
            "pair d.test to a.test is refused with not-authorized: " + words
    yield "certificate: XmppAddr alone", r.xmpp_addr, "pair d.test to a.test is verified by dialback"
    for what, file in (("of another", "xmppaddr-c"), ("of a user", "xmppaddr-user"),
                       ("that is none", "xmppaddr-odd")):
        yield f"certificate: XmppAddr {what}", lambda f=file: r.certificate(f), NO_NAME


def returned(r):
    for domain, name, kind in (("nowhere.d.test", "remote-server-not-found", "cancel"),
                               ("refused.d.test", "remote-server-not-found", "cancel"),
                               ("ourselves.d.test", "remote-server-not-found", "cancel"),
                               ("closed.d.test", "remote-server-timeout", "wait"),
                               ("unlisted.test", "not-allowed", "cancel")):
        words = UNREACHABLE.get(domain.split(".")[0])
        yield f"back from {domain}: {name}", lambda d=domain, n=name, k=kind: r.comes_back(d, n, k), \
            f"no stream from a.test: {words}" if words else "policy denies it, its stanzas go back"
    invalid, timeout = ("internal-server-error", "cancel"), ("remote-server-timeout", "wait")
    refuses = "TLS failed: the peer refused to start it"
    for (name, kind), behaviour, words in (
            (invalid, {"accept": "invalid"}, "the peer calls our dialback key invalid"),
            (timeout, {"accept": "error"}, "the peer answers our dialback with the error item-not-found"),
            (timeout, {"accept": "close"}, "the connection ended before our dialback was answered"),
            (timeout, {"accept": "silent"}, "the peer did not answer our dialback in time"),
            (timeout, {"file": "expired"}, "it, or one of its issuers, has expired"),
            (timeout, {"file": "c.test"}, "the certificate does not name the domain"),
            (timeout, {"tls": "only-say"}, refuses),
            (timeout, {"tls": False}, refuses)):
        yield f"back from d.test, {behaviour}: {name}", \
            lambda n=name, k=kind, b=behaviour: r.comes_back("d.test", n, k, **b), words


if __name__ == "__main__":
    with scene(Identities) as refused:
        run(refused, [*identities(refused), *secured(refused), *returned(refused)])
