#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What XEP-0368 wants of TLS itself, which real servers do not show: a listener for TLS from the first octet selects
the protocol xmpp-server (ALPN) without a setting, and lets in a client that speaks of none; when we dial, we offer
xmpp-server and the domain's name (SNI). The peer is a scripted one; Python's ssl is its TLS.
"""
import queue
import socket
import threading

from s2s_peer import Peer, Stream, client_context, server_context
from s2s_rig import (A_ADDRESS, INSIDE, OUTSIDE, WAIT, Certificates, Gateway, World, local_domain,
                     profiles)

B, PORT = "127.0.0.40", 5270
number = 0


class Secure(Peer):
    """Has TLS from the first octet, and notes what the gateway asks of it."""

    def __init__(self, *arguments):
        super().__init__(*arguments, listen=False)
        self.names, self.protocols = queue.Queue(), queue.Queue()
        self.context = server_context(self.certs, self.file)
        self.context.set_alpn_protocols(["h2", "xmpp-server"])
        self.context.sni_callback = lambda _socket, name, _context: self.names.put(name)
        self.listener = socket.create_server((self.address, PORT))
        threading.Thread(target=self.serve, daemon=True).start()

    def session(self, sock):
        sock = self.context.wrap_socket(sock, True)
        self.protocols.put(sock.selected_alpn_protocol())
        super().session(sock)

    def greet(self, stream):
        stream.tls = True
        super().greet(stream)


def passes(stream, own, to, receiver):
    global number
    number += 1
    stream.send(f"<message from='u@{own}' to='v@{to}' id='m{number}'><body>x</body></message>")
    assert receiver.next_stanza().get("id") == f"m{number}"


def comes_in(a, b, protocols):
    """A stream of b.test; returns what the gateway selected of `protocols`."""
    context = client_context(b.certs, b.file)
    if protocols:
        context.set_alpn_protocols(protocols)
    stream = Stream(context.wrap_socket(socket.create_connection((OUTSIDE, PORT), WAIT),
                                        server_hostname="a.test"))
    stream.own, stream.to, stream.tls = "b.test", "a.test", True
    stream.header("b.test", "a.test")
    stream.expect_header()
    stream.expect_features()
    assert b.ask(stream).get("type") == "valid"
    passes(stream, "b.test", "a.test", a)
    selected = stream.sock.selected_alpn_protocol()
    stream.close()
    return selected


def main():
    certs = Certificates()
    for domain in ("a.test", "b.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    a, b = Peer(certs, A_ADDRESS, "a.test"), Secure(certs, B, "b.test")
    records = [f"srv-host=_xmpps-server._tcp.b.test,h.b.test,{PORT},1,1", f"address=/h.b.test/{B}"]
    with World({}, extra=records), \
            Gateway(broker=profiles(certs), local=local_domain("a.test", (A_ADDRESS, 5269)),
                    inside_dns=False, more=f"<listen side='outside' address='{OUTSIDE}' "
                    f"port='{PORT}' tls='outside' direct-tls='yes'/>"):
        for protocols, selected in ((["xmpp-server"], "xmpp-server"),
                                    (["h2", "xmpp-server"], "xmpp-server"), (None, None)):
            print("a client offers", protocols)
            got = comes_in(a, b, protocols)
            assert got == selected, f"{got} was selected of {protocols}"
        print("and we dial")
        passes(a.verified("b.test", INSIDE), "a.test", "b.test", b)
        asked = [(b.names.get(timeout=WAIT), b.protocols.get(timeout=WAIT))]
        while not b.protocols.empty():  # the streams on which b.test was asked about its keys, too
            asked.append((b.names.get(), b.protocols.get()))
        assert set(asked) == {("b.test", "xmpp-server")}, asked


if __name__ == "__main__":
    main()
