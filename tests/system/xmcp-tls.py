#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""XMCP over TLS: a <listen tls=> with a profile of the broker, certificates made here by openssl.

A client that verifies registers, publishes and is notified, with more data than a record. A session
lives on when a reload brings another certificate; the next one is shown that. A certificate that
cannot be used is refused with its line, and the good one stays. Plain octets at the TLS port, and a
peer that goes in the middle of a handshake, are the end of that connection and of nothing else.
"""
import os
import shutil
import socket
import ssl
import subprocess
import sys

from xmcp_helper import ANY32, KEEPALIVE, TMP, WAIT, Broker, Client, identity, success, until

USERS = '<module name="auth-userpass"><client username="ann" password="password-of-ann"/></module>\n'
XMCP = USERS + '<module name="xmcp"><listen address="127.0.0.1" port="0" tls="outside"/></module>'
PROFILE = '<tls name="outside" certificate="%s" key="%s" minimum="1.2"/>'


def make_certificate(name):
    """A key and a certificate of its own for `name`, readable by a broker that was root."""
    paths = [os.path.join(TMP, name + end) for end in (".crt", ".key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:" + name, "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    for path in paths:
        os.chmod(path, 0o644)
    return paths


class TlsBroker(Broker):
    """A Broker with something more inside its <broker>."""
    inside = ""

    def write(self, modules):
        super().write(modules)
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace("</broker>", self.inside + "</broker>"))


class TlsClient(Client):
    def __init__(self, broker, name, trusted, version=None):
        super().__init__(broker, "ann", "password-of-ann")
        context = ssl.create_default_context(cafile=trusted)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, server_hostname=name)


def session(broker, name, trusted, version=None, subservice=1):
    client = TlsClient(broker, name, trusted, version)
    client.register()
    client.subscribe(identity(101, subservice, (ANY32,) * 4))
    for n in range(1, 4):
        success(client.publish(subservice, n, b"%d" % n * 50000))
        client.expect_notify(subservice, n, b"%d" % n * 50000)
    return client


def by_s_client(broker, trusted):
    """The handshake of somebody else's client, as an operator would look."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % broker.port, "-CAfile", trusted,
         "-verify_return_error", "-brief"], input="", capture_output=True, text=True, timeout=WAIT)
    assert "Verification: OK" in done.stderr, done.stderr


def no_tls(broker):
    with socket.create_connection(("127.0.0.1", broker.port), WAIT) as plain:
        plain.sendall(b"this is no handshake, and long enough to be seen as none\n" * 10)
        try:
            while plain.recv(4096):  # an alert, perhaps
                pass
        except ConnectionResetError:
            pass
    with socket.create_connection(("127.0.0.1", broker.port), WAIT) as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
    until(lambda: broker.control("show metrics")["core_connections"] == 1, "only ours is left",
          broker.alive)


def other_name_is_refused(broker, trusted):
    try:
        TlsClient(broker, "elsewhere.example", trusted)
        raise SystemExit("a name that is not in the certificate was accepted")
    except ssl.SSLCertVerificationError:
        pass


def reload(broker, first, second):
    old = session(broker, "one.example", first[0])
    for path, new in zip(first, second):  # the same file names, as a renewal does it
        shutil.copy(path, path + ".kept")
        shutil.copy(new, path)
    broker.reload()
    new = session(broker, "two.example", second[0], subservice=2)
    success(old.ask(KEEPALIVE))
    with open(first[0], "w", encoding="ascii") as f:
        f.write("no certificate")
    refused = broker.reload(check=False)
    assert refused.returncode == 1 and first[0] in refused.stdout, refused
    third = session(broker, "two.example", second[0], subservice=3)
    for client in (old, new, third):
        success(client.ask(KEEPALIVE))
        client.close()


def tls():
    first, second = make_certificate("one.example"), make_certificate("two.example")
    with TlsBroker(XMCP) as broker:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = session(broker, "one.example", first[0], version)
            assert client.socket.version() == version.name.replace("_", ".")
            by_s_client(broker, first[0])
            other_name_is_refused(broker, first[0])
            no_tls(broker)
            success(client.ask(KEEPALIVE))
            client.close()
            until(lambda: broker.control("show metrics")["core_connections"] == 0, "it is gone",
                  broker.alive)
        reload(broker, first, second)


def main():
    if shutil.which("openssl") is None:
        print("skipped: there is no openssl program")
        sys.exit(77)
    TlsBroker.inside = PROFILE % tuple(os.path.join(TMP, "one.example" + end)
                                       for end in (".crt", ".key"))
    tls()


main()
