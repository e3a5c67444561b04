#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hostile server outside, with a listed domain of its own, tries to become another one, to be heard in plain, to
end the streams of others, and to use up what all share. After each try a good peer's stream still carries a stanza,
and nothing of the attacker's came through.

Identity: answers to the questions of others, answers to nothing, keys of another stream, other ways to write a local
or an unlisted domain, addresses with two domains in them, EXTERNAL for another domain, a certificate out of a resumed
session, the side of a stream while a reload changes the listeners. TLS: octets behind <proceed/>, STARTTLS taken out
of the features, a header without a version. XML: what the gateway's parser would take and the next server's end the
stream over. Room: pairs, questions that nobody answers, a peer that does not read, one that is slow, domains that do
not answer.
"""
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ET

from s2s_peer import HEADER, NS, Closed, Peer, Stream, client_context, condition, q
from s2s_rig import A_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, World, local_domain, \
    profiles, skip, until

C, D, HOLE = "127.0.0.40", "127.0.0.41", "127.0.0.42"
MESSAGE = "<message from='%s' to='alice@a.test' id='%s'><body>x</body></message>"
LOCAL = ("A.TEST", "a.test.", "\uff41.test", "a\u3002test", "\uff21.Test.", "a\u00ad.test")


def until_error(stream):
    """The condition of the stream error that comes, whatever is before it."""
    while True:
        element = stream.read()
        assert element is not None, "the end, and a stream error was expected"
        if element.tag == q("stream", "error"):
            return condition(element)


def says_something(stream, seconds):
    """1: the other end has said something, or is gone."""
    stream.sock.settimeout(seconds)
    try:
        stream.sock.recv(4096)
    except TimeoutError:
        return 0
    finally:
        stream.sock.settimeout(30)
    return 1


class Liar(Peer):
    """As an authority it says something before its answer, on the stream that it is asked on."""

    lie = None

    def answer_verify(self, stream, e):
        if self.lie:
            stream.send(self.lie)
        super().answer_verify(stream, e)


class Swapped(Gateway):
    """`swap`: its two listeners stand the other way round in the configuration."""

    def write(self):
        super().write()
        if self.parts.get("swap"):
            with open(self.config, encoding="utf-8") as f:
                lines = f.read().splitlines()
            at = [i for i, line in enumerate(lines) if line.startswith("<listen side=")]
            lines[at[0]], lines[at[1]] = lines[at[1]], lines[at[0]]
            with open(self.config, "w", encoding="utf-8") as f:
                f.write("\n".join(lines))


class Attack:
    counter = 0

    def __init__(self, gateway, inside, good, bad):
        self.gateway, self.inside, self.good, self.bad = gateway, inside, good, bad
        self.stream = good.verified("a.test", OUTSIDE)
        self.reverse = inside.verified("c.test", INSIDE)
        inside.verified("d.test", INSIDE)  # answers to pings

    def still_up(self):
        """A stanza each way between good domains, and none of the attacker's before it."""
        Attack.counter += 1
        name = f"good{Attack.counter}"
        self.stream.send(MESSAGE % ("u@c.test", name))
        stanza = self.inside.next_stanza()
        assert stanza.get("id") == name, "came through: " + ET.tostring(stanza, encoding="unicode")
        self.reverse.send(f"<message from='alice@a.test' to='u@c.test' id='{name}'/>")
        assert self.good.next_stanza().get("id") == name

    def result(self, stream, own, kind, name=None, **names):
        answer = self.bad.ask(stream, own=own, **names)
        assert answer.get("type") == kind, ET.tostring(answer)
        if name is not None:
            assert condition(answer.find(q("server", "error"))) == name, ET.tostring(answer)

    def alive(self, stream):
        """The stream takes a question still."""
        stream.send(f"<db:verify from='d.test' to='a.test' id='alive'>{'0' * 64}</db:verify>")
        answer = self.bad.until(stream, q("db", "verify"))
        assert answer.get("id") == "alive", ET.tostring(answer)

    # --- who

    def answers_for_others(self):
        """c.test's server is silent; the attacker answers in its place, on a stream where it was asked for itself."""
        stream = self.bad.connect("a.test", OUTSIDE, cert=False)
        identity = stream.peer["id"]
        self.good.verify = "silent"
        self.bad.lie = "".join(
            f"<db:verify from='{own}' to='a.test' id='{identity}' type='valid'/>"
            f"<db:result from='{own}' to='a.test' type='valid'/>" for own in ("c.test", "d.test"))
        try:
            stream.send(f"<db:result from='c.test' to='a.test'>{'0' * 64}</db:result>")
            other = self.bad.connect("a.test", OUTSIDE, cert=False)
            self.result(other, "d.test", "valid")
            self.alive(stream)
            stream.send(MESSAGE % ("u@c.test", "crossed"))
            stream.expect_error("not-authorized")
        finally:
            self.good.verify, self.bad.lie = "right", None

    def answers_to_nothing(self):
        stream = self.bad.connect("a.test", OUTSIDE)
        identity = stream.peer["id"]
        for kind in ("valid", "error", ""):
            stream.send(f"<db:verify from='d.test' to='a.test' id='{identity}' type='{kind}'/>"
                        f"<db:result from='d.test' to='a.test' type='{kind}'/>")
        self.alive(stream)
        stream.send(MESSAGE % ("u@d.test", "unasked"))
        stream.expect_error("not-authorized")

    def key_of_another_stream(self):
        first = self.bad.connect("a.test", OUTSIDE)
        second = self.bad.connect("a.test", OUTSIDE)
        assert first.peer["id"] != second.peer["id"]
        self.result(second, "d.test", "invalid",
                    key=self.bad.key("a.test", "d.test", first.peer["id"]))
        self.result(first, "d.test", "invalid",
                    key=self.bad.key("b.test", "d.test", first.peer["id"]))

    def local_by_another_name(self):
        for name in LOCAL:
            stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
            stream.header(name, "a.test")
            stream.expect_error("invalid-from")
        stream = self.bad.connect("a.test", OUTSIDE)
        for name in LOCAL:
            stream.send(f"<db:result from='{name}' to='a.test'>{'0' * 64}</db:result>")
            answer = stream.expect(q("db", "result"))
            assert condition(answer.find(q("server", "error"))) == "not-allowed", ET.tostring(answer)
        stream.close()

    def unlisted_by_another_name(self):
        stream = self.bad.connect("a.test", OUTSIDE, cert=False)
        for name in ("sub.d.test", "xd.test", "d.test.test", "D.TEST.c.test", "[::1]", "127.0.0.1"):
            self.result(stream, name, "error", "forbidden")
        for name in ("d test", "d.test/x", "u@d.test", "d..test", "-d.test", "xn--d.test", ""):
            broken = self.bad.connect("a.test", OUTSIDE, cert=False)
            broken.send(f"<db:result from='{name}' to='a.test'>{'0' * 64}</db:result>")
            broken.expect_error("improper-addressing")
        stream.close()

    def two_domains_in_an_address(self):
        for name in ("a.test/u@d.test", "u@d.test@a.test", "u@c.test/@d.test", "d.test@c.test/d.test",
                     "u@sub.d.test", "c.test/d.test", "u&#64;c&#46;test", "u@d.test\x7f"):
            stream = self.bad.verified("a.test", OUTSIDE)
            stream.send(MESSAGE % (name, "two"))
            stream.expect_error("invalid-from")
        for more in ("<message xmlns:x='jabber:server' x:from='u@d.test' to='alice@a.test'/>",
                     "<message from='u@d.test' xmlns:x='jabber:server' x:to='alice@a.test'/>"):
            stream = self.bad.verified("a.test", OUTSIDE)
            stream.send(more)
            stream.expect_error("improper-addressing")

    def own_by_another_name(self):
        """Only what is the same domain is: the attacker's own, in capitals, comes through, as itself."""
        stream = self.bad.verified("a.test", OUTSIDE)
        stream.send(MESSAGE % ("u@D.Test/c.test", "own"))
        stanza = self.inside.next_stanza()
        assert stanza.get("from") == "u@D.Test/c.test", ET.tostring(stanza)
        stream.close()

    def external_for_another(self):
        stream = self.bad.connect("a.test", OUTSIDE)
        assert stream.features.find(q("sasl", "mechanisms")) is not None
        for name in ("c.test", "a.test", "A.Test", "sub.d.test", "d.test@c.test", "c.test\0d.test"):
            answer = self.bad.external(stream, name)
            assert answer.tag == q("sasl", "failure"), ET.tostring(answer)
        stream.close()
        stream = self.bad.connect("a.test", OUTSIDE)
        assert self.bad.external(stream).tag == q("sasl", "success")
        stream.restart()
        stream.header("c.test", "a.test")
        stream.expect_error("improper-addressing")
        stream = self.bad.connect("a.test", OUTSIDE)
        assert self.bad.external(stream).tag == q("sasl", "success")
        stream.restart()
        stream.header("d.test", "a.test")
        stream.expect_header()
        stream.expect_features()
        self.result(stream, "c.test", "error", "not-authorized")
        stream.send(MESSAGE % ("u@c.test", "external"))
        stream.expect_error("invalid-from")

    def external_in_plain(self):
        stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
        stream.header("d.test", "a.test")
        stream.expect_header()
        assert stream.expect_features().find(q("sasl", "mechanisms")) is None
        assert self.bad.external(stream, "d.test").tag == q("sasl", "failure")
        stream.close()

    def resumed_session(self):
        """A session is its certificate: it proves what the first handshake did, and no more."""
        context = client_context(self.bad.certs, "d.test")
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # its ticket comes with the handshake
        session = None
        for name, tag in (("d.test", "success"), ("d.test", "success"), ("c.test", "failure")):
            stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
            stream.header(name, "a.test")
            stream.expect_header()
            stream.expect_features()
            stream.send("<starttls xmlns='%s'/>" % NS["tls"])
            stream.expect(q("tls", "proceed"))
            stream.sock = context.wrap_socket(stream.sock, session=session)
            assert session is None or stream.sock.session_reused
            session = stream.sock.session
            stream.restart()
            stream.header(name, "a.test")
            stream.expect_header()
            stream.expect_features()
            assert self.bad.external(stream, name).tag == q("sasl", tag)
            stream.sock.close()

    # --- TLS, where the gateway is the client

    def outwards(self, server):
        """The gateway is made to connect; `server` talks to it as d.test. What it sends in plain comes back."""
        heard = []
        done = threading.Event()

        def serve():
            sock, _ = listener.accept()
            sock.settimeout(10)
            try:
                heard.append(sock.recv(4096))
                sock.sendall((HEADER + " from='d.test' to='a.test' id='x' version='1.0'>").encode())
                server(sock, heard)
                while data := sock.recv(4096):
                    heard.append(data)
            except OSError:
                pass
            sock.close()
            done.set()

        listener = socket.create_server((HOLE, 5269))
        threading.Thread(target=serve, daemon=True).start()
        stream = self.inside.verified("hole.test", INSIDE)
        stream.send("<message from='alice@a.test' to='u@hole.test' id='out'><body>secret</body></message>")
        assert done.wait(60)
        listener.close()
        error = self.inside.next_stanza()
        assert (error.get("id"), error.get("type")) == ("out", "error"), ET.tostring(error)
        stream.close()
        plain = b"".join(heard)
        assert b"secret" not in plain and b"db:result" not in plain, plain

    def behind_proceed(self):
        def server(sock, heard):
            sock.sendall(b"<stream:features><starttls xmlns='%s'/></stream:features>" % NS["tls"].encode())
            heard.append(sock.recv(4096))
            sock.sendall(b"<proceed xmlns='%s'/><stream:features/>" % NS["tls"].encode())
        self.outwards(server)

    def stripped(self):
        """Whoever takes STARTTLS out of the features gets no dialback in plain."""
        def server(sock, _):
            sock.sendall(b"<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
                         b"</stream:features>")
        self.outwards(server)

    def no_version(self):
        def serve():
            sock, _ = listener.accept()
            sock.settimeout(10)
            heard.append(sock.recv(4096))
            sock.sendall((HEADER + " from='hole.test' to='a.test' id='x'>").encode())
            heard.append(sock.recv(4096))
            sock.close()

        heard = []
        listener = socket.create_server((HOLE, 5269))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        stream = self.inside.verified("hole.test", INSIDE)
        stream.send("<message from='alice@a.test' to='u@hole.test' id='out'><body>secret</body></message>")
        thread.join(60)
        listener.close()
        assert self.inside.next_stanza().get("type") == "error"
        assert b"policy-violation" in heard[1] and b"db:result" not in heard[1], heard
        stream.close()

    # --- the side of a stream

    def listeners_change_places(self):
        """While a reload gives listeners other numbers, nobody outside is taken for a server inside."""
        stop = threading.Event()
        taken, refused = [], [0] * 4

        def knock(i):
            while not stop.is_set():
                try:
                    stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
                    stream.header("a.test", "c.test")
                    stream.expect_header()
                    answer = stream.read()
                    if answer is not None and answer.tag == q("stream", "features"):
                        taken.append(stream.peer)
                    elif answer is not None and condition(answer) == "host-unknown":
                        refused[i] += 1
                    stream.sock.close()
                except (AssertionError, Closed, OSError, ET.ParseError):
                    pass  # the end, in the middle of a reload: neither taken nor counted

        threads = [threading.Thread(target=knock, args=(i,), daemon=True) for i in range(4)]
        for thread in threads:
            thread.start()
        for i in range(40):
            until(lambda n=i: self.reloads(n % 2 == 0), "it reloads", self.gateway.alive)
        stop.set()
        for thread in threads:
            thread.join()
        until(lambda: self.reloads(False), "it reloads", self.gateway.alive)
        assert not taken, f"{len(taken)} streams from outside were taken for one from inside"
        assert all(refused), f"a thread was never refused as it should be: {refused}"

    def reloads(self, swap):
        self.gateway.parts["swap"] = swap
        self.gateway.write()
        return self.gateway.control("config reload", check=False).returncode == 0

    # --- what the next server would end the stream over

    def poison(self):
        for inner in ("<\U00010000/>", "<x \U00010000='1'/>", "<x xmlns='a&#10;b'/>", "<x xmlns:y='a&#9;b'/>",
                      "<x xmlns:y=''/>", "<x:y/>", "<x:/>", "<xmlns:x/>", "<a:b:c xmlns:a='u'/>",
                      "<x xmlns:xml='u'/>", "<x xmlns:y='http://www.w3.org/2000/xmlns/'/>",
                      "<x xmlns='http://www.w3.org/XML/1998/namespace'/>",
                      "]]>", "&#0;", "&#xD800;", "&#xFFFE;", "&#1;", "\x01", "\ufffe", "<x a='1' a='2'/>",
                      "<x xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/>"):
            stream = self.bad.verified("a.test", OUTSIDE)
            stream.send(f"<message from='u@d.test' to='alice@a.test'><body/>{inner}</message>")
            error = until_error(stream)
            assert error in ("not-well-formed", "bad-namespace-prefix", "restricted-xml"), (inner, error)
        for inner in (b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\0",
                      b"<![CDATA[\xed\xa0\x80]]>", b"<![CDATA[\0]]>"):
            stream = self.bad.verified("a.test", OUTSIDE)
            stream.send(b"<message from='u@d.test' to='alice@a.test'><body/>" + inner + b"</message>")
            error = until_error(stream)
            assert error in ("not-well-formed", "unsupported-encoding"), (inner, error)

    # --- room

    def pairs(self):
        """The 65th pair of a stream has no room, and the first stays."""
        stream = self.bad.verified("a.test", OUTSIDE, cert=False)
        self.bad.verify = "silent"
        try:
            for i in range(70):
                stream.send(f"<db:result from='p{i}.many.test' to='a.test'>{'0' * 64}</db:result>")
            names = [condition(stream.expect(q("db", "result")).find(q("server", "error")))
                     for _ in range(70)]
        finally:
            self.bad.verify = "right"
        assert names.count("resource-constraint") == 7, names
        assert set(names) == {"resource-constraint", "remote-server-timeout"}, names
        self.alive(stream)
        stream.close()

    def many_refusals(self):
        """Who asks for pairs again and again, and has none, is sent away."""
        stream = self.bad.connect("a.test", OUTSIDE, cert=False)
        for i in range(200):
            try:
                stream.send(f"<db:result from='n{i}.test' to='a.test'>{'0' * 64}</db:result>")
            except OSError:
                break
        assert until_error(stream) == "policy-violation"

    def reads_nothing(self):
        """Answers that are not read do not pile up: the stream is cut."""
        stream = self.bad.connect("a.test", OUTSIDE)
        question = f"<db:verify from='d.test' to='a.test' id='{'i' * 4000}'>{'0' * 64}</db:verify>"
        sent = 0
        try:
            while sent < 400 << 20:
                stream.send(question * 16)
                sent += 16 * len(question)
        except OSError:
            return
        raise AssertionError(f"{sent} octets of questions were taken, whose answers nobody reads")

    def slowly(self):
        """An octet now and then is no reason to wait for ever."""
        stream = Stream(socket.create_connection((OUTSIDE, 5269), 30, source_address=(D, 0)))
        end = time.monotonic() + 60
        try:
            for octet in HEADER + " " * 10000:
                stream.send(octet)
                if says_something(stream, 0.1):
                    break
                assert time.monotonic() < end, "it still waits for a header"
        except OSError:
            pass
        stream.sock.close()

    def no_answer(self):
        """Stanzas for domains that do not exist or do not answer come back, every one, and nothing stays behind."""
        before = self.gateway.metric("xmpp_s2s_bounced")
        streams = []
        for i in range(40):
            name = f"b{i}.hole.test" if i % 2 else f"n{i}.test"
            stream = self.inside.verified(name, INSIDE)
            for k in range(10):
                stream.send(f"<message from='alice@a.test' to='u@{name}' id='{i}.{k}'/>")
            streams.append(stream)
        ids = set()
        while len(ids) < 400:
            error = self.inside.next_stanza()
            assert error.get("type") == "error", ET.tostring(error)
            assert error.get("id") not in ids, "twice: " + error.get("id")
            ids.add(error.get("id"))
        for stream in streams:
            stream.close()
        assert self.gateway.metric("xmpp_s2s_bounced") == before + 400


CASES = ("answers_for_others", "answers_to_nothing", "key_of_another_stream", "local_by_another_name",
         "unlisted_by_another_name", "two_domains_in_an_address", "own_by_another_name",
         "external_for_another", "external_in_plain", "resumed_session", "behind_proceed", "stripped",
         "no_version", "listeners_change_places", "poison", "pairs", "many_refusals",
         "reads_nothing", "slowly", "no_answer")


def make_certificates():
    certs = Certificates()
    for domain in ("a.test", "c.test"):
        certs.make(domain)
    certs.make("d.test", names="DNS:d.test,DNS:*.many.test")
    certs.make("gateway.inside.test", file="inside-gw")
    return certs


def main():
    certs = make_certificates()
    inside = Peer(certs, A_ADDRESS, "a.test")
    good, bad = Peer(certs, C, "c.test"), Liar(certs, D, "d.test")
    listed = "".join(f"<domain name='{n}'/>" for n in ("c.test", "d.test")) + \
        "".join(f"<domain name='{n}' suffix='yes'/>" for n in ("many.test", "hole.test"))
    with World({"c.test": (C, 5269), "d.test": (D, 5269)},
               extra=[f"address=/many.test/{D}", f"address=/hole.test/{HOLE}"]), \
            Swapped(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    lists="mode='allow-list'", domains=listed, inside_dns=False,
                    more="<timeouts negotiation='5' dialback='2' connect='2'/>"
                         "<backoff minimum='1' maximum='1'/>") as gateway:
        attack = Attack(gateway, inside, good, bad)
        attack.still_up()
        failed = 0
        for name in CASES:
            try:
                getattr(attack, name)()
                attack.still_up()
                print("held:", name)
            except (AssertionError, Closed, OSError, ET.ParseError) as e:
                failed += 1
                print("FAILED:", name, repr(e)[:400])
        assert failed == 0, f"{failed} attacks succeeded"
        status = gateway.control("show federation status")
        until(lambda: gateway.metric("xmpp_s2s_queued") == 0, "nothing waits", gateway.alive)
        assert status["streams_incoming"] >= 2, status


if __name__ == "__main__":
    import os
    import shutil
    if shutil.which("dnsmasq") is None and not os.path.exists("/usr/sbin/dnsmasq"):
        skip("dnsmasq is not installed")
    main()
