#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No secret, key or message body in a log at any level. With everything at debug, XMCP clients talk and are refused,
an operator's configurations with secrets in them are refused, servers federate and a component connects, and are
refused; then the log has what it has to have, and of the passwords, message integrities, service data, stanzas,
dialback keys and handshakes nothing: not as they are, not as hex, not as base64.
"""
import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import sys
import xml.etree.ElementTree as ET

from s2s_peer import Peer, q
from s2s_rig import A_ADDRESS, B_ADDRESS, INSIDE, OUTSIDE, Certificates, Gateway, local_domain, profiles
from xmcp_helper import DATA, IDENTITY, INTEGRITY, NOTIFY, PUBLISH, TMP, WITHDRAW, Broker, Client, error, \
    identity, success, until

ENOUGH = 9  # octets of a secret: it need not stand there in full to be found


class Secrets:
    """What must not be found; each is told apart by its first octets."""

    def __init__(self):
        self.parts = {}

    def add(self, secret, what):
        octets = secret.encode() if isinstance(secret, str) else secret
        assert len(octets) >= ENOUGH, (what, octets)
        part = octets[:ENOUGH]
        for shape in (part.lower(), part.hex().encode(), base64.b64encode(part).lower()):
            self.parts[shape] = what
        return secret

    def found_in(self, text):
        return {what for shape, what in self.parts.items() if shape in text.lower()}


def look(secrets, log, *known):
    """The log is what it should be: it says what happened, and none of the secrets."""
    for line in known:
        assert re.search(line, log), f"the log does not say: {line}"
    found = secrets.found_in(log.encode())
    assert not found, f"the log tells: {sorted(found)}"


def look_does_find():
    """In each shape, or all of this says nothing."""
    for text in (b"key=wally-the-secret", b"key=" + b"wally-the-secret".hex().upper().encode(),
                 b"key=" + base64.b64encode(b"wally-the-secret")):
        secrets = Secrets()
        secrets.add("wally-the-secret", "it")
        assert secrets.found_in(text) == {"it"}, text


# --- XMCP -------------------------------------------------------------------------------------

RING = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"


def type7(secrets, text):
    """A password as IOS shows it; the text itself is a secret too."""
    seed = 9
    octets = bytes(c ^ RING[(seed + i) % len(RING)] for i, c in enumerate(text.encode()))
    return secrets.add(f"{seed:02}" + octets.hex().upper(), "type 7 of " + text)


class Listed(Client):
    """A client that notes the keys and integrities that it uses and is given."""

    def __init__(self, secrets, broker, user, password):
        super().__init__(broker, user, password)
        self.secrets = secrets
        secrets.add(password, "password of " + user)
        secrets.add(self.key, "key of " + user)

    def sign(self, data, digest):
        signed = super().sign(data, digest)
        self.secrets.add(signed[-20 if digest == "sha1" else -32:], "an integrity that was sent")
        return signed

    def check_integrity(self, message):
        super().check_integrity(message)
        if INTEGRITY in message.attributes:
            self.secrets.add(message.attributes[INTEGRITY], "an integrity that came")


def users(plain, obfuscated, in_file):
    return f"""<client username="plain" password="{plain}"/>
<client username="seven" password="{obfuscated}" encryption-type="7"/>
<client username="filed" password-file="{in_file}"/>"""


def modules(clients):
    return (f'<module name="auth-userpass">{clients}</module>\n<module name="xmcp">'
            '<listen family="ipv4" address="127.0.0.1" port="0"/></module>')


def file_of(secrets, text):
    path = os.path.join(TMP, "filed.secret")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
        f.write(secrets.add(text, "content of a file") + "\n")
    return path


def is_told(subscriber, data):
    """Withdrawals of those who are gone come in between."""
    while (message := subscriber.event()).method != NOTIFY:
        assert message.method == WITHDRAW, message
    assert message.attributes[DATA] == data


def converse(secrets, broker):
    """Each kind of user publishes, and is told; sometimes what is said is wrong."""
    subscriber = Listed(secrets, broker, "plain", "plainly-a-password")
    subscriber.register(digest="sha256")
    subscriber.subscribe()
    for n, (user, password) in enumerate((("plain", "plainly-a-password"), ("seven", "obfuscated-secret"),
                                          ("filed", "in-a-file-of-its-own"))):
        publisher = Listed(secrets, broker, user, password)
        publisher.register()
        for version, data in ((1, f"{n}-service-data-of-{user}"), (2, f"{n}+changed-data-of-{user}")):
            secrets.add(data, "service data")
            success(publisher.publish(n, version, data.encode()))
            is_told(subscriber, data.encode())
        # Without a transport; what is there is not told either.
        error(publisher.ask(PUBLISH, (IDENTITY, identity()), (DATA, b"refused-service-data")), 400)
        publisher.socket.sendall(b"\0\4\xff\xff" + b"refused-service-data")
        publisher.close()
    secrets.add("refused-service-data", "service data that was refused")
    wrong = Listed(secrets, broker, "plain", "guessed-a-password")
    answer = wrong.register_once()
    assert answer.kind == "error" and answer.code in (401, 431), answer
    wrong.nonce = wrong.nonce or b""
    wrong.register_once()
    wrong.close()
    subscriber.close()


# Configurations that are refused; %s is a secret of each.
FAULTY = (
    '<client username="a" password="%s" encryption-type="7"/>',
    '<client username="a" password="%s" encryption-type="5"/>',
    '<client username="a" password="%s' + "x" * 60 + '"/>',
    '<client username="a" password="%s" password-file="/nowhere"/>',
    '<client username="a" password="%s" unauthenticated="yes"/>',
    '<client username="a" password="%s" unauthenticated="no"/>',
    '<client username="a" passwort="%s"/>',
    '<client username="a" password="%s"/><client username="a" password="another-password"/>',
    '<client username="a" password="%s" password="another-password"/>',
    '<client username="a"><password>%s</password></client>',
    '<client username="a">%s</client>',
    '<client username="a" password="x&amp;%s"><unknown/></client>',
    '<client username="a" password="%s&lt"/>',
    '<client username="a" password="&%s;more"/>',
    '<client username="a" password="%s/>',
    '<client username="a" password=%s/>',
    '<client username="a" password="%s"word"/>',
    '<client username="a" password="<%s"/>',
    '<client username="a" password="<%s>"/>',
    '<client username="a" password="word" %s"/>',
    '<client username="a" password="word" %s:more="word"/>',
    '<!-- <client username="a" password="%s"/>',
    '<!-- ' + "x" * 60 + '<client username="a" password="%s"/>',
    '<?%s',
)


def refused(secrets, broker, what):
    """By an operator, who is told why, and by SIGHUP, of which the log tells."""
    run = broker.reload(check=False)
    assert run.returncode != 0, what
    told = secrets.found_in((run.stdout + run.stderr).encode())
    assert not told, f"{told}: {run.stdout}{run.stderr}"
    before = broker.log().count("reload refused")
    broker.process.send_signal(signal.SIGHUP)
    until(lambda: broker.log().count("reload refused") > before, "the log tells it", broker.alive)


def faults(secrets, broker, good):
    for n, faulty in enumerate(FAULTY):
        secret = secrets.add(f"configured{n:02}secret"[::-1], "a password in: " + faulty)
        broker.write(modules(faulty % secret))
        refused(secrets, broker, faulty)
    file_of(secrets, "short-one")
    broker.write(modules(good))
    refused(secrets, broker, "a password of nine characters")


def xmcp():
    secrets = Secrets()
    good = users(secrets.add("plainly-a-password", "a plain password"), type7(secrets, "obfuscated-secret"),
                 file_of(secrets, "in-a-file-of-its-own"))
    with Broker(modules(good)) as broker:
        converse(secrets, broker)
        faults(secrets, broker, good)
        file_of(secrets, "another-in-the-file")
        broker.reload()
    look(secrets, broker.log(), r"debug.* connection closed: ", r"session 0x[0-9a-f]+ of filed ",
         r"the password of user \"a\" is not a password of encryption type 7",
         r"the password of user \"filed\" has 9 characters")


# --- federation -------------------------------------------------------------------------------

COMPONENT = (f"<local-domain name='bots.a.test'><component address='{INSIDE}' port='5347' "
             "secret='%s'/></local-domain>")
COMPONENT_HEADER = ("<stream:stream xmlns='jabber:component:accept' "
                    "xmlns:stream='http://etherx.jabber.org/streams' to='bots.a.test'>")


def note_keys(secrets, *peers):
    """Those that the peers heard, from streams that are open; the gateway's and theirs have one look."""
    keys = {key for peer in peers for stream in list(peer.accepted)
            for key in re.findall(rb">([0-9a-f]{64})<", stream.raw)}
    for key in keys:
        secrets.add(key, "a dialback key")
    return len(keys)


def message(secrets, sender, to, body):
    return f"<message from='{sender}' to='{to}'><body>{secrets.add(body, 'a body')}</body></message>"


def component(secrets, secret, stanza):
    """Connects with that secret; True: it was let in, and has sent the stanza."""
    with socket.create_connection((INSIDE, 5347), 30) as s:
        s.settimeout(30)
        s.sendall(COMPONENT_HEADER.encode())
        header = s.recv(4096).decode()
        identity_of = re.search(r" id=['\"]([^'\"]+)", header).group(1)
        digest = hashlib.sha1((identity_of + secret).encode()).hexdigest()
        s.sendall(f"<handshake>{secrets.add(digest, 'a handshake')}</handshake>".encode())
        answer = s.recv(4096)
        if b"<handshake" not in answer:
            return False
        s.sendall(stanza.encode())
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
    return True


def delivered(peer, body):
    stanza = peer.next_stanza()
    assert stanza.findtext(q("server", "body")) == body, ET.tostring(stanza)


def refusals(secrets, outside):
    """A key that is not right, a stanza of another's, and one that is not XML."""
    stream = outside.connect("a.test", OUTSIDE)
    key = outside.ask(stream, key=secrets.add("f00d" * 16, "a wrong key"))
    assert key.get("type") != "valid", ET.tostring(key)
    for wrong in ("<message from='x@c.test' to='u@a.test'><body>%s</body></message>",
                  "<message from='v@b.test' to='u@a.test'><body>%s</wrong></message>",
                  "<message from='v@b.test' to='u@a.test' %s><body/></message>"):
        stream = outside.verified("a.test", OUTSIDE)
        stream.send(wrong % secrets.add(f"not-for-a-log-{len(secrets.parts)}"[::-1], "a refused stanza"))
        stream.expect_end()


def converse_federated(secrets, inside, outside, gateway):
    out, back = inside.verified("b.test", INSIDE), outside.verified("a.test", OUTSIDE)
    out.send(message(secrets, "u@a.test", "v@b.test", "from-within-outwards"))
    delivered(outside, "from-within-outwards")
    back.send(message(secrets, "v@b.test", "u@a.test", "outside-to-within"))
    delivered(inside, "outside-to-within")
    nowhere = inside.verified("nowhere.test", INSIDE)
    nowhere.send(message(secrets, "u@a.test", "v@nowhere.test", "bounced-and-gone"))
    assert inside.next_stanza().get("type") == "error"
    bots = message(secrets, "echo@bots.a.test", "v@b.test", "a-bot-says-it")
    assert component(secrets, secrets.add("of-the-component", "its secret"), bots)
    delivered(outside, "a-bot-says-it")
    assert not component(secrets, secrets.add("guessed-at-the-component", "a guess"), bots)
    until(lambda: note_keys(secrets, inside, outside) >= 2, "keys of the gateway are seen", gateway.alive)
    refusals(secrets, outside)


def federation():
    secrets, certs = Secrets(), Certificates()
    certs.make("a.test", names="DNS:a.test,DNS:bots.a.test")
    certs.make("b.test")
    certs.make("gateway.inside.test", file="inside-gw")
    inside, outside = Peer(certs, A_ADDRESS, "a.test"), Peer(certs, B_ADDRESS, "b.test")
    for peer in (inside, outside):
        secrets.add(peer.secret, "the secret of a peer")
    with Gateway(broker=profiles(certs), dns=None, inside_dns=False, log_format="json", drain="1s",
                 secret=secrets.add("dialback-secret-of-the-site", "the site's secret"),
                 local=local_domain("a.test", (A_ADDRESS, 5269)) + COMPONENT % "of-the-component",
                 routes=f"<route domain='b.test' address='{B_ADDRESS}'/>") as gateway:
        converse_federated(secrets, inside, outside, gateway)
    look(secrets, gateway.log(), r'"level": ?"debug".*', "is verified by dialback",
         "the component is connected", "the handshake is not of our secret")


def main():
    look_does_find()
    xmcp()
    if shutil.which("openssl") is None:
        print("skipped: openssl is not installed, so no server federates")
        return 77
    federation()
    return 0


sys.exit(main())
