# SPDX-License-Identifier: MIT
"""A broker and XMCP clients for the system tests of the server plugin.

The client here is written from the protocol notes alone and shares no code with libxmcp, so that an
error in the codec does not cancel itself out. It says what it is told to say, wrong things too, and
answers notifications by itself.
"""
import hashlib
import hmac
import json
import os
import signal
import socket
import struct
import subprocess
import time

TMP = os.environ["XMB_TMP"]
WAIT = 60 if os.environ.get("XMB_SANITIZED") == "yes" else 20  # seconds until a test gives up

COOKIE = 0x7F5A9BC7
REGISTER, UNREGISTER, REGISTER_REVOKE, PUBLISH, UNPUBLISH, PUBLISH_REVOKE, SUBSCRIBE, \
    UNSUBSCRIBE, WITHDRAW, NOTIFY, KEEPALIVE = range(1, 12)
USERNAME, INTEGRITY, ERROR_CODE, REALM, NONCE = 0x0006, 0x0008, 0x0009, 0x0014, 0x0015
CLIENT_NAME, HANDLE, VERSION, PAGE_SIZE, LABEL, KEEPALIVE_MS, IDENTITY, TRANSPORT, PROTOCOL, \
    FLAGS, SERVICE_VERSION, DATA = range(0x1001, 0x100D)
SUBSCRIPTION, REASON, DOMAIN = 0x100E, 0x100F, 0x1011
ANY16, ANY32 = 0xFFFF, 0xFFFFFFFF


class Broker:
    """xmbd with `modules` (XML) in its configuration, XMCP on a free port of 127.0.0.1. Plugins are
    the shipped ones, and those in `folders`."""

    def __init__(self, modules, name="xmbd", folders=()):
        self.config = os.path.join(TMP, name + ".xml")
        self.socket = os.path.join(TMP, name + ".sock")
        self.log_path = os.path.join(TMP, name + ".log")
        self.stopping = False
        plugins = [w for f in (os.environ["XMB_PLUGINS"], *folders) for w in ("-p", f)]
        self.write(modules)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [os.environ["XMBD"], "-c", self.config, *plugins], stdout=log, stderr=log)
        try:
            until(lambda: self.listeners(), "xmbd is ready", self.alive)
            self.port = self.listeners()[0]["port"]
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends it in good order; a broker that crashed, or does not end, fails the test."""
        if self.process.poll() is None and not self.stopping:
            self.stop()
        try:
            status = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        assert status == 0, f"xmbd ended with {status}"

    def stop(self):
        """Tells it to end; a second word would make it hurry."""
        self.stopping = True
        self.process.send_signal(signal.SIGTERM)

    def write(self, modules):
        workers = os.environ.get("XMB_TEST_WORKERS", "2")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write('<?xml version="1.0"?>\n<xmb xmlns="urn:xmb:config:1">\n'
                    f'<broker workers="{workers}"><control socket="{self.socket}"/>'
                    f'<log level="debug" format="text" to="stderr"/></broker>\n{modules}\n</xmb>\n')

    def alive(self):
        assert self.process.poll() is None, f"xmbd ended with {self.process.returncode}"

    def control(self, words, check=True):
        """The JSON answer of `xmbctl WORDS`."""
        run = subprocess.run([os.environ["XMBCTL"], "-s", self.socket, "--json"] + words.split(),
                             capture_output=True, text=True, check=False, timeout=WAIT)
        if not check:
            return run
        assert run.returncode == 0, f"xmbctl {words}: {run.stdout}{run.stderr}"
        return json.loads(run.stdout)

    def reload(self, check=True):
        """`config reload`; while the one before still ends on a worker, the broker says "try again"."""
        def answered():
            run = self.control("config reload", check=False)
            return None if "try again" in run.stdout + run.stderr else run
        run = until(answered, "the reload before has ended", self.alive)
        if not check:
            return run
        assert run.returncode == 0, f"xmbctl config reload: {run.stdout}{run.stderr}"
        return json.loads(run.stdout)

    def listeners(self):
        run = self.control("show listeners", check=False)
        return json.loads(run.stdout)["listeners"] if run.returncode == 0 else None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()


def until(condition, what, check=lambda: None):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + WAIT
    while True:
        check()
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not so within {WAIT} s: {what}"
        time.sleep(0.02)


def identity(service=101, subservice=1, instance=(1, 2, 3, 4)):
    return struct.pack(">HH4I", service, subservice, *instance)


ANY_101 = identity(101, ANY16, (ANY32,) * 4)


class Message:
    def __init__(self, data):
        self.type, _, cookie = struct.unpack(">HHI", data[:8])
        assert cookie == COOKIE
        self.data = data
        self.transaction = data[8:20]
        self.method = self.type & 0x3EEF
        self.kind = {0: "request", 0x100: "success", 0x110: "error"}[self.type & 0x110]
        self.attributes = {}
        at = 20
        while at < len(data):
            attribute, n = struct.unpack(">HH", data[at:at + 4])
            if attribute == INTEGRITY:
                self.integrity_at = at
            self.attributes[attribute] = data[at + 4:at + 4 + n]
            at += 4 + (n + 3) // 4 * 4

    def number(self, attribute):
        return struct.unpack(">I", self.attributes[attribute])[0]

    @property
    def code(self):
        value = self.attributes[ERROR_CODE]
        return value[2] * 100 + value[3]

    def __repr__(self):
        code = f" {self.code}" if self.kind == "error" else ""
        return f"<{self.kind} of method {self.method}{code}>"


class Client:
    """One connection. `user` and `password` None: unauthenticated."""

    def __init__(self, broker, user=None, password=None, version=(2, 0), page_size=10,
                 source=None, port=None, host="127.0.0.1"):
        self.user, self.version, self.page_size = user, version, page_size
        self.key = None
        if user is not None:
            self.key = hashlib.md5(f"{user}:SAF:{password}".encode()).digest()
        self.nonce = self.handle = None
        self.use_nonce = True
        self.sequence = 0
        self.input = b""
        self.waiting = []  # notifications that were read while something else was awaited
        self.socket = socket.create_connection(
            (host, port or broker.port), WAIT, source_address=(source, 0) if source else None)
        self.socket.settimeout(WAIT)

    # --- out

    def attribute(self, kind, value):
        return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)

    def sign(self, data, digest):
        size = 20 if digest == "sha1" else 32
        data = data[:2] + struct.pack(">H", len(data) - 20 + 4 + size) + data[4:]
        return data + self.attribute(INTEGRITY, hmac.new(self.key, data, digest).digest())

    def build(self, method, attributes, kind=0, transaction=None, digest="sha1", signed=True):
        self.sequence += 1
        transaction = transaction or b"test" + struct.pack(">Q", self.sequence)
        body = b"".join(self.attribute(k, v) for k, v in attributes)
        data = struct.pack(">HHI", method | kind, len(body), COOKIE) + transaction + body
        return self.sign(data, digest) if signed and self.key else data

    def send(self, method, *attributes, **options):
        """A request with the session's handle and nonce in front."""
        own = []
        if self.handle is not None:
            own.append((HANDLE, struct.pack(">I", self.handle)))
        if self.use_nonce and self.nonce is not None:
            own.append((NONCE, self.nonce))
        self.socket.sendall(self.build(method, own + list(attributes), **options))

    # --- in

    def read(self):
        """The next message, or None at the end of the connection."""
        while True:
            if len(self.input) >= 20:
                n = 20 + struct.unpack(">H", self.input[2:4])[0]
                if len(self.input) >= n:
                    break
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.input += data
        message = Message(self.input[:n])
        self.input = self.input[n:]
        self.check_integrity(message)
        self.nonce = message.attributes.get(NONCE, self.nonce)
        return message

    def check_integrity(self, message):
        given = message.attributes.get(INTEGRITY)
        if given is None:
            assert self.handle is None or self.key is None, "unsigned on a signed session"
            return
        digest = "sha1" if len(given) == 20 else "sha256"
        covered = message.data[:message.integrity_at]
        assert hmac.new(self.key, covered, digest).digest() == given, "integrity of the server"

    def answer(self, message):
        self.socket.sendall(self.build(
            message.method, [(SUBSCRIPTION, message.attributes[SUBSCRIPTION])], 0x100,
            message.transaction))

    def response(self):
        """The next response; notifications in between are answered and kept."""
        while True:
            message = self.read()
            if message is None or message.kind != "request":
                return message
            if message.method in (NOTIFY, WITHDRAW):
                self.answer(message)
            self.waiting.append(message)

    def event(self):
        """The next request of the server; a notification is answered."""
        if self.waiting:
            return self.waiting.pop(0)
        message = self.read()
        assert message is not None, "closed, and an event was expected"
        assert message.kind == "request", message
        if message.method in (NOTIFY, WITHDRAW):
            self.answer(message)
        return message

    def at_end(self):
        while True:
            message = self.read()
            if message is None:
                return True
            assert message.kind == "request", message

    # --- what clients do

    def ask(self, method, *attributes, **options):
        self.send(method, *attributes, **options)
        return self.response()

    def register_once(self, domain=None, **options):
        attributes = [(CLIENT_NAME, b"test/1"), (VERSION, struct.pack(">HH", *self.version)),
                      (PAGE_SIZE, struct.pack(">I", self.page_size)), (LABEL, b"a label")]
        if domain is not None:
            attributes.append((DOMAIN, struct.pack(">I", domain)))
        if self.user is not None:
            attributes.append((USERNAME, self.user.encode()))
        return self.ask(REGISTER, *attributes, **options)

    def register(self, domain=None, **options):
        answer = self.register_once(domain, **options)
        if answer.kind == "error" and answer.code in (401, 435, 438):
            answer = self.register_once(domain, **options)
        assert answer.kind == "success", answer
        self.handle = answer.number(HANDLE)
        return answer

    def publish(self, subservice=1, version=1, data=b"data", flags=None, **options):
        attributes = [(IDENTITY, identity(101, subservice)),
                      (TRANSPORT, struct.pack(">BBH4B", 0, 1, 5060, 192, 0, 2, 10)),
                      (PROTOCOL, struct.pack(">I", 6)),
                      (SERVICE_VERSION, struct.pack(">I", version)), (DATA, data)]
        if flags is not None:
            attributes.append((FLAGS, flags))
        return self.ask(PUBLISH, *attributes, **options)

    def unpublish(self, subservice=1):
        return self.ask(UNPUBLISH, (IDENTITY, identity(101, subservice)))

    def subscribe(self, pattern=ANY_101):
        answer = self.ask(SUBSCRIBE, (IDENTITY, pattern))
        assert answer.kind == "success", answer
        return answer.number(SUBSCRIPTION)

    def expect_notify(self, subservice, version=None, data=None):
        message = self.event()
        assert message.method == NOTIFY, message
        assert message.attributes[IDENTITY] == identity(101, subservice), message.attributes
        assert version is None or message.number(SERVICE_VERSION) == version
        assert data is None or message.attributes[DATA] == data
        return message

    def expect_withdraw(self, subservice, reason):
        message = self.event()
        assert message.method == WITHDRAW, message
        assert message.attributes[IDENTITY] == identity(101, subservice), message.attributes
        assert message.number(REASON) == reason
        return message

    def close(self):
        self.socket.close()


def error(answer, code):
    assert answer is not None, f"closed, and {code} was expected"
    assert answer.kind == "error" and answer.code == code, f"{answer}, and {code} was expected"


def success(answer):
    assert answer is not None and answer.kind == "success", answer
    return answer
