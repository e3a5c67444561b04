# SPDX-License-Identifier: MIT
"""A scripted server of XMPP federation: it does what a test tells it, wrong things too.

`Stream` is one stream over a socket, either end. `Peer` is a server of some domains: it can connect, and it
listens in a thread, answers for its own dialback keys, and keeps the stanzas that came. It shares no code with the
gateway, and its XML comes from Python's expat.
"""
import base64
import hashlib
import hmac
import os
import queue
import select
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ET

from s2s_rig import WAIT

NS = {"stream": "http://etherx.jabber.org/streams", "server": "jabber:server",
      "db": "jabber:server:dialback", "tls": "urn:ietf:params:xml:ns:xmpp-tls",
      "sasl": "urn:ietf:params:xml:ns:xmpp-sasl", "streams": "urn:ietf:params:xml:ns:xmpp-streams",
      "stanzas": "urn:ietf:params:xml:ns:xmpp-stanzas", "ping": "urn:xmpp:ping",
      "bidi": "urn:xmpp:bidi", "bidi-feature": "urn:xmpp:features:bidi"}
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
          "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'")


def q(prefix, name):
    return "{%s}%s" % (NS[prefix], name)


def condition(error):
    """The name of the condition in a stream or stanza error, or in a failure."""
    return next((c.tag.split("}")[1] for c in error if not c.tag.endswith("}text")), None)


class Closed(Exception):
    """The other end is gone, and an element was expected."""


class Stream:
    """One end of a stream. `tls` tells whether it is encrypted, `peer` are the attributes of the other header."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(WAIT)
        self.using = threading.Lock()  # the TLS library serves one thread at a time
        self.sending = threading.Lock()
        self.tls = False
        self.bidi = False
        self.peer = None
        self.raw = bytearray()  # all octets that came
        self.hold = threading.Event()  # cleared: nothing is read
        self.hold.set()
        self.restart()

    def restart(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.depth = 0
        self.ready = []
        self.root = None

    def attempt(self, operation, event):
        """What `operation` on the socket returns. While it would have to wait, others may use the socket."""
        while True:
            with self.using:
                self.sock.settimeout(0)
                try:
                    return operation()
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
                finally:
                    self.sock.settimeout(WAIT)
            poll = select.poll()
            poll.register(self.sock, event)
            if not poll.poll(WAIT * 1000):
                raise TimeoutError("the socket is not ready")

    def send(self, text):
        data = memoryview(text.encode() if isinstance(text, str) else text)
        with self.sending:
            while data:
                data = data[self.attempt(lambda d=data: self.sock.send(d), select.POLLOUT):]

    def header(self, own="", other="", identity=None, version="1.0", more="", default="jabber:server"):
        attributes = "".join(f" {k}='{v}'" for k, v in (("from", own), ("to", other)) if v)
        if identity is not None:
            attributes += f" id='{identity}'"
        if version:
            attributes += f" version='{version}'"
        self.send(HEADER.replace("'jabber:server'", f"'{default}'") + attributes + more + ">")

    def feed(self):
        self.hold.wait()
        try:
            data = self.attempt(lambda: self.sock.recv(65536), select.POLLIN)
        except (ConnectionError, ssl.SSLError, BrokenPipeError):
            data = b""
        if not data:
            raise Closed()
        self.raw += data
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "start" and self.depth == 1:
                self.root = element
                self.peer = dict(element.attrib)
                self.ready.append(element)
            elif event == "end" and self.depth == 1:
                self.ready.append(element)
                self.root.remove(element)
            elif event == "end" and self.depth == 0:
                self.ready.append(None)

    def read(self):
        """The header, a first-level element, or None at the stream's end. Closed: without that."""
        while not self.ready:
            self.feed()
        return self.ready.pop(0)

    def expect(self, tag):
        element = self.read()
        assert element is not None and element.tag == tag, \
            f"{tag} was expected, and came {ET.tostring(element) if element is not None else None}"
        return element

    def expect_header(self):
        return self.expect(q("stream", "stream"))

    def expect_features(self):
        return self.expect(q("stream", "features"))

    def expect_error(self, name):
        """A stream error `name`, with the end of the stream behind it; others things may come before."""
        while True:
            element = self.read()
            assert element is not None, f"the end, and the stream error {name} was expected"
            if element.tag == q("stream", "error"):
                assert condition(element) == name, f"{condition(element)}, and {name} was expected"
                self.expect_end()
                return element

    def expect_end(self):
        try:
            while self.read() is not None:
                pass
        except Closed:
            pass

    def starttls(self, context, name=None):
        """As the initiator: asks for TLS, and restarts the stream's parser."""
        self.send("<starttls xmlns='%s'/>" % NS["tls"])
        self.expect(q("tls", "proceed"))
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.tls = True
        self.restart()

    def close(self):
        try:
            self.send("</stream:stream>")
        except OSError:
            pass
        self.sock.close()


def client_context(certs, file=None):
    """TLS as a client that verifies nothing itself, with a certificate when `file` names one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if file is not None:
        context.load_cert_chain(certs.path(file + ".crt"), certs.path(file + ".key"))
    return context


def server_context(certs, file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs.path(file + ".crt"), certs.path(file + ".key"))
    return context


def listener(address, port, buffer):
    """`buffer`: octets that the system takes for a connection of it at about most."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.bind((address, port))
    sock.listen(1024)
    return sock


class Peer:
    """A server of `domains` at `address`. Behaviour is in attributes that a test sets:

    verify    what is answered to db:verify: "right" (by the key), "valid", "invalid", "silent", "error", "close"
    accept    what is answered to db:result: "valid", "invalid", "error", "silent", "close"
    pong      answers pings from the gateway
    tls       STARTTLS is offered: True, False (and refused, when asked for), or "only-say" (offered, and refused)
    bidi      both directions on one stream: is offered, and asked for (XEP-0288)
    """

    def __init__(self, certs, address, *domains, file=None, port=5269, listen=True, direct=False, buffer=None):
        self.certs, self.address, self.domains, self.port = certs, address, domains, port
        self.file = file or domains[0]
        self.secret = os.urandom(16).hex()
        self.verify, self.accept, self.pong, self.tls = "right", "valid", True, True
        self.features = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
        self.direct = direct
        self.bidi = False
        self.stanzas = queue.Queue()
        self.accepted = []
        self.reverse = {}
        self.errors = []
        if listen:
            self.listener = listener(address, port, buffer)
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self.serve, daemon=True).start()

    def key(self, target, sender, identity):
        secret = hashlib.sha256(self.secret.encode()).hexdigest().encode()
        return hmac.new(secret, f"{target} {sender} {identity}".encode(), "sha256").hexdigest()

    # --- as the initiator

    def connect(self, to, gateway, own=None, cert=True, source=None, tls=True, port=5269, more="",
                default="jabber:server"):
        """A stream to `to` at the gateway's address, with TLS up, before any dialback. `more` goes into the header,
        whose default namespace is `default`."""
        own = own or self.domains[0]
        stream = Stream(socket.create_connection((gateway, port), WAIT,
                                                 source_address=(source or self.address, 0)))
        stream.own, stream.to = own, to
        if tls != "direct":
            stream.header(own, to)
            stream.expect_header()
            features = stream.expect_features()
        if tls:
            context = client_context(self.certs, self.file if cert is True else cert or None)
            if tls == "direct":
                context.set_alpn_protocols(["xmpp-server"])
                stream.sock = context.wrap_socket(stream.sock, server_hostname=to)
                stream.tls = True
            else:
                assert features.find(q("tls", "starttls")) is not None, "no STARTTLS is offered"
                stream.starttls(context)
            stream.header(own, to, more=more, default=default)
            stream.expect_header()
            features = stream.expect_features()
        stream.features = features
        if self.bidi:
            assert features.find(q("bidi-feature", "bidi")) is not None, "no bidi is offered"
            stream.send("<bidi xmlns='%s'/>" % NS["bidi"])
            stream.bidi = True
        return stream

    def read_on(self, stream):
        """What comes on a stream that we opened is handled from now on, in a thread."""
        def loop():
            try:
                while (element := stream.read()) is not None:
                    self.handle(stream, element)
                stream.close()
            except (Closed, OSError, ValueError, ET.ParseError) as e:
                self.errors.append(repr(e))
        threading.Thread(target=loop, daemon=True).start()

    def ask(self, stream, own=None, to=None, key=None):
        """db:result for a pair on `stream`; returns the answer."""
        own, to = own or stream.own, to or stream.to
        key = key or self.key(to, own, stream.peer["id"])
        stream.send(f"<db:result from='{own}' to='{to}'>{key}</db:result>")
        answer = self.until(stream, q("db", "result"))
        if answer.get("type") == "valid":
            self.reverse[own, to] = stream
        return answer

    def until(self, stream, tag):
        while True:
            element = stream.read()
            if element is None:
                raise Closed()
            if element.tag == tag:
                return element
            self.handle(stream, element)

    def verified(self, to, gateway, **options):
        """A stream on which the gateway has verified us for `to`."""
        stream = self.connect(to, gateway, **options)
        answer = self.ask(stream)
        assert answer.get("type") == "valid", ET.tostring(answer)
        return stream

    def external(self, stream, own=None):
        own = own or stream.own
        stream.send("<auth xmlns='%s' mechanism='EXTERNAL'>%s</auth>" % (
            NS["sasl"], base64.b64encode(own.encode()).decode()))
        return stream.read()

    # --- as the server

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(sock,), daemon=True).start()

    def in_use(self):
        """The stream on which the gateway sends to us; on others it only asks."""
        return next(s for s in list(self.accepted) if b"<db:result" in s.raw)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # the thread in accept holds the port until then
        self.listener.close()
        for stream in list(self.accepted):
            try:
                stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def tls_context(self):
        """For one connection: no session of another is known to it."""
        return server_context(self.certs, self.file)

    def session(self, sock):
        stream = Stream(sock)
        self.accepted.append(stream)
        try:
            if self.direct:
                stream.sock = self.tls_context().wrap_socket(sock, True)
                stream.tls = True
            self.greet(stream)
            while True:
                element = stream.read()
                if element is None:
                    stream.close()
                    return
                self.handle(stream, element)
        except (Closed, OSError, ET.ParseError) as e:
            self.errors.append(repr(e))
        finally:
            self.accepted.remove(stream)

    def greet(self, stream):
        header = stream.expect_header()
        stream.own, stream.to = header.get("to"), header.get("from")
        stream.identity = os.urandom(8).hex()
        stream.header(stream.own, stream.to, stream.identity)
        starttls = "" if stream.tls or not self.tls else \
            "<starttls xmlns='%s'><required/></starttls>" % NS["tls"]
        stream.send("<stream:features>%s%s</stream:features>" % (
            starttls, "" if starttls else self.features + (
                "<bidi xmlns='%s'/>" % NS["bidi-feature"] if self.bidi else "")))

    def handle(self, stream, element):
        if element.tag == q("tls", "starttls"):
            if self.tls is not True:
                stream.send("<failure xmlns='%s'/></stream:stream>" % NS["tls"])
                raise Closed()
            stream.send("<proceed xmlns='%s'/>" % NS["tls"])
            stream.sock = self.tls_context().wrap_socket(stream.sock, True)
            stream.tls = True
            stream.restart()
            self.greet(stream)
        elif element.tag == q("db", "verify") and element.get("type") is None:
            self.answer_verify(stream, element)
        elif element.tag == q("db", "result") and element.get("type") is None:
            self.answer_result(stream, element)
        elif element.tag in (q("server", n) for n in ("message", "presence", "iq")):
            self.stanza(stream, element)
        elif element.tag == q("bidi", "bidi") and self.bidi:
            stream.bidi = True
        elif element.tag == q("stream", "error"):
            self.errors.append(condition(element))

    def answer_verify(self, stream, e):
        own, to, identity = e.get("to"), e.get("from"), e.get("id")
        right = (e.text or "").strip() == self.key(to, own, identity)
        kind = {"right": "valid" if right else "invalid"}.get(self.verify, self.verify)
        if kind == "close":
            raise Closed()
        if kind == "silent":
            return
        inner = "" if kind != "error" else \
            "<error type='cancel'><item-not-found xmlns='%s'/></error>" % NS["stanzas"]
        stream.send(f"<db:verify from='{own}' to='{to}' id='{identity}' type='{kind}'>{inner}"
                    "</db:verify>")

    def answer_result(self, stream, e):
        own, to = e.get("to"), e.get("from")
        if self.accept == "close":
            raise Closed()
        if self.accept == "silent":
            return
        inner = "" if self.accept != "error" else \
            "<error type='cancel'><item-not-found xmlns='%s'/></error>" % NS["stanzas"]
        stream.send(f"<db:result from='{own}' to='{to}' type='{self.accept}'>{inner}</db:result>")
        if stream.bidi and self.accept == "valid":
            self.reverse[own, to] = stream

    def stanza(self, stream, element):
        if element.tag == q("server", "iq") and element.get("type") == "get" and \
                element.find(q("ping", "ping")) is not None and \
                (element.get("id") or "").startswith(("xmb-", "xmb.")):
            if self.pong:
                self.answer_ping(element)
            return
        self.stanzas.put(element)

    def answer_ping(self, element):
        """The answer goes over a stream of our own, as servers do it."""
        own, to = element.get("to"), element.get("from")
        stream = self.reverse.get((own, to))
        if stream is None:
            return
        try:
            stream.send(f"<iq type='result' from='{own}' to='{to}' id='{element.get('id')}'/>")
        except OSError:
            pass

    def next_stanza(self):
        return self.stanzas.get(timeout=WAIT)
