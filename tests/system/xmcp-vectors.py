#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test vectors, played to a live server.

test_xmcp_vectors holds the codec to them; here each scenario is a conversation. What the client
says is taken from the vectors with only the handle, nonces and subscription of this connection put
in, and signed again in the same form; what the server says is compared with its vectors attribute
by attribute, in their order, and learned from. Then the malformed ones, before and after Register,
and messages cut off at every octet. After each of those another client is still served.
"""
import functools
import json
import os
import socket
import struct

from xmcp_helper import (DATA, ERROR_CODE, FLAGS, HANDLE, IDENTITY, INTEGRITY, KEEPALIVE, NONCE,
                         NOTIFY, PROTOCOL, PUBLISH, REGISTER, SERVICE_VERSION, SUBSCRIPTION,
                         TRANSPORT, USERNAME, Broker, error, identity, success, until)
from xmcp_wire import Speaker, form_of, key_of, message, read, sign

USER, PASSWORD = "exampleuser", "examplepassword"
EXAMPLE = f'<client username="{USER}" password="{PASSWORD}">%s</client>'
OTHER = '<client username="other" password="password-of-other"/>'
PLAIN = '<client username="plain" password="password-of-plain"><nonce none="yes"/></client>'
NOBODY = '<client unauthenticated="yes"><domain number="1228" mode="only"/></client>'
ALL_VISIBLE = struct.pack(">HH", 3, 1)


def modules(*users):
    return f"""
<module name="auth-userpass">{"".join(users)}</module>
<module name="xmcp">
  <listen family="ipv4" address="127.0.0.1" port="0"/>
  <limits service-data="1024" subscriptions="2"/>
</module>"""


class Vector:
    def __init__(self, of):
        self.name = of["name"]
        self.scenario = self.name.rpartition("/")[0]
        self.from_client = of["direction"] == "client->server"
        self.data = bytes.fromhex(of["hex"])
        self.type = struct.unpack(">H", self.data[:2])[0]
        self.expect = of["expect"]
        self.form = of["integrity"]


def load():
    path = os.path.join(os.environ["XMB_SRC"], "tests", "data", "xmcp-vectors.json")
    with open(path, encoding="utf-8") as f:
        vectors = [Vector(v) for v in json.load(f)["vectors"]]
    assert len(vectors) == 157
    return vectors


def of_scenario(vectors, scenario):
    found = [v for v in vectors if v.scenario == scenario]
    assert found, scenario
    return found


class Player(Speaker):
    """One connection on which vectors are played; `here` says what stands for their values."""
    addresses = 0

    def __init__(self, broker, user=USER, password=PASSWORD, form=None, **options):
        Player.addresses += 1  # one each, so that refusals of one do not count for another
        high, low = divmod(Player.addresses, 200)
        form = form or {"digest": "sha1", "padding": "none"}
        super().__init__(broker, user, password, form["digest"], form["padding"],
                         source=f"127.0.{10 + high}.{1 + low}", **options)
        self.here = {}
        self.unread = []  # messages of the server that no vector was compared with yet

    def check_integrity(self, got):
        if self.key is not None and INTEGRITY in got.attributes:
            form_of(self.key, got.data)

    # --- out

    def adapt(self, vector, transaction=None):
        """The vector's octets with this connection's values, signed again in its form."""
        attributes = [(k, self.here.get((k, v), v)) for k, v in read(vector.data)
                      if k != INTEGRITY]
        data = message(vector.type, transaction or vector.data[8:20], attributes)
        if vector.form is None:
            return data
        key = self.key if vector.form["verifies"] else key_of(USER, "wrongpassword")
        return sign(key, data, vector.form["digest"], vector.form["padding"])

    def say(self, vector, transaction=None):
        self.socket.sendall(self.adapt(vector, transaction))

    # --- in

    def hear(self, type_):
        """The first message of this type that was not heard yet."""
        while True:
            for i, got in enumerate(self.unread):
                if got.type == type_:
                    return self.unread.pop(i)
            got = self.read()
            assert got is not None, f"closed; heard and not expected: {self.unread}"
            self.unread.append(got)

    def compare(self, vector, got, unsigned=False):
        """The same attributes in the same order, the same values but for what is this session's."""
        expected = [(k, v) for k, v in read(vector.data) if not (unsigned and k == INTEGRITY)]
        given = read(got.data)
        if NONCE not in dict(expected):  # "when due"
            given = [(k, v) for k, v in given if k != NONCE]
        assert [k for k, _ in given] == [k for k, _ in expected], (vector.name, given)
        for (kind, meant), (_, value) in zip(expected, given):
            if kind == INTEGRITY:
                form = (vector.form["digest"], vector.form["padding"])
                assert form_of(self.key, got.data) == form, vector.name
            elif kind == NONCE:
                assert len(value) == 32 and int(value, 16) >= 0
                self.here[NONCE, meant] = value
            elif kind in (HANDLE, SUBSCRIPTION):
                assert self.here.setdefault((kind, meant), value) == value, vector.name
            elif kind == ERROR_CODE:
                same_error(vector, meant, value)
            else:
                assert value == meant, (vector.name, hex(kind), value, meant)


def same_error(vector, meant, value):
    assert value[:4] == meant[:4], (vector.name, value)
    code = value[2] * 100 + value[3]
    if code not in (400, 500):  # these say what exactly is wrong
        assert value == meant, (vector.name, value)
    assert len(value) > 4 and value[4:].decode().isprintable()


def play(player, vectors, causes=None):
    """All vectors of a scenario in their order. `causes` makes the server speak unasked."""
    last_request = None
    for vector in vectors:
        if vector.name in (causes or {}):
            causes[vector.name](vector)
        if not vector.from_client:
            last_request = player.hear(vector.type)
            player.compare(vector, last_request)
        elif vector.type & 0x0110:
            player.say(vector, last_request.transaction)
        else:
            player.say(vector)
    assert not player.unread, player.unread


# --- scenarios -------------------------------------------------------------------------------

def session_1_0(broker, vectors):
    player = Player(broker, form={"digest": "sha1", "padding": "pad64"})
    play(player, of_scenario(vectors, ""))
    assert player.at_end()  # after Unregister
    player.close()


def session_2_0(broker, vectors, scenario):
    """With what it takes to make the server withdraw and revoke."""
    vectors = of_scenario(vectors, scenario)
    player = Player(broker, form=vectors[0].form)
    service = identity(635, 1, (1, 2, 3, 4))
    by_name = {v.name.split("/")[1]: v for v in vectors}

    def nonce_expires(_):
        def expired():
            player.say(by_name["keepalive_method"])
            answer = player.read()
            assert answer.kind == "success" or answer.code == 438, answer
            return answer.kind == "error"
        until(expired, "the nonce expires", broker.alive)

    def local(vector):
        """This server is where it was published: trust local, and visible as it asked."""
        attributes = [(k, struct.pack(">HH", 2, 0) + ALL_VISIBLE if k == FLAGS else v)
                      for k, v in read(vector.data)]
        vector.data = message(vector.type, vector.data[8:20], attributes)

    def taken_and_lost(_):
        """Another session of the user takes the service over and dies."""
        thief = Player(broker)
        success(thief.register(domain=100))
        publish = by_name["publish_ipv6"]
        attributes = [(k, struct.pack(">I", 8) if k == SERVICE_VERSION else v)
                      for k, v in read(publish.data) if k not in (HANDLE, NONCE, INTEGRITY)]
        success(thief.ask(publish.type, *attributes))
        assert player.hear(NOTIFY).number(SERVICE_VERSION) == 8
        thief.close()

    def cleared(_):
        broker.control(f"clear service-routing xmcp client {handle_of(player)}")

    play(player, vectors, {
        f"{scenario}/publish_ipv6_stale_nonce": nonce_expires,
        f"{scenario}/notify_learned": local,
        f"{scenario}/withdraw_network": taken_and_lost,
        f"{scenario}/register_revoke": cleared,
    })
    assert player.at_end()  # the revoke was answered
    player.close()
    assert service in [v for _, v in read(by_name["publish_ipv6"].data)]


def handle_of(player):
    return next(struct.unpack(">I", v)[0] for (k, _), v in player.here.items() if k == HANDLE)


def unauthenticated(broker, vectors):
    """Is told of what everybody may see, and of nothing else."""
    player = Player(broker, None, None)
    publisher = Player(broker)
    success(publisher.register(domain=1228))
    success(publisher.publish(1, data=b"hidden"))
    success(publisher.publish(2, data=b"seen", flags=ALL_VISIBLE))

    def sees(_):
        notify = player.hear(NOTIFY)
        assert notify.attributes[IDENTITY] == identity(101, 2)
        player.answer(notify)

    play(player, of_scenario(vectors, "unauthenticated"), {"unauthenticated/unregister": sees})
    assert player.at_end()
    player.close()
    publisher.close()


# --- errors ----------------------------------------------------------------------------------

SERVICE_OF_ERRORS = identity(101, 1, (0x0A0B0C0D, 0x11223344, 0x55667788, 0x99AABBCC))
UNSIGNED = {474, 478}  # no key is known where we cause these; the vectors have one


def publish_it(client, version):
    success(client.ask(PUBLISH, (IDENTITY, SERVICE_OF_ERRORS),
                       (TRANSPORT, struct.pack(">BBH4B", 0, 1, 5060, 192, 0, 2, 10)),
                       (PROTOCOL, struct.pack(">I", 6)),
                       (SERVICE_VERSION, struct.pack(">I", version)), (DATA, b"x")))


def before_472(_, player):
    publish_it(player, 5)


def before_499(broker, _):
    other = Player(broker, "other", "password-of-other")
    success(other.register())
    publish_it(other, 1)
    return other


def before_500(_, player):
    for _ in range(2):  # which is the limit
        player.subscribe(identity(1, 1))


BEFORE = {472: before_472, 499: before_499, 500: before_500}
NOT_REGISTERED = {401, 431, 435, 436, 438, 474, 478}


def one_error(broker, vectors, code):
    request, response = of_scenario(vectors, f"error-{code}")
    assert int(request.expect[:3]) == code
    player = Player(broker)
    if code == 479:
        error(player.register_once(), 435)  # which tells the nonce
    elif code not in NOT_REGISTERED:
        success(player.register())
    for kind, value in read(request.data):
        if kind == HANDLE and value != struct.pack(">I", 1) and player.handle is not None:
            player.here[kind, value] = struct.pack(">I", player.handle)
        elif kind == NONCE and player.nonce is not None:
            player.here[kind, value] = player.nonce
    other = BEFORE.get(code, lambda *_: None)(broker, player)
    player.say(request)
    player.compare(response, player.hear(response.type), code in UNSIGNED)
    if player.handle is not None:
        success(player.ask(KEEPALIVE))  # no error ends a session
    for client in (player, other):
        if client is not None:
            client.close()
    # The next one may publish the same service.
    until(lambda: not broker.control("show services")["services"], "withdrawn", broker.alive)


def errors(broker, vectors):
    codes = [int(v.scenario[-3:]) for v in vectors
             if v.scenario.startswith("error-") and v.from_client]
    assert len(codes) == 19
    for code in codes:
        if code != 479:
            one_error(broker, vectors, code)
    edge, = of_scenario(vectors, "edge")
    player = Player(broker)
    player.say(edge)
    error(player.read(), 401)
    player.close()


# --- what nobody should send -----------------------------------------------------------------

class Witness:
    """Another client, that has to be served whatever happens."""

    def __init__(self, broker):
        self.client = Player(broker, "plain", "password-of-plain")
        self.client.register()
        self.client.subscribe(identity(101, 9))
        self.version = 0

    def is_served(self):
        success(self.client.ask(KEEPALIVE))
        assert not self.client.waiting, self.client.waiting

    def is_notified(self):
        self.version += 1
        success(self.client.publish(9, self.version))
        self.client.expect_notify(9, self.version)


def malformed(broker, vectors, witness):
    """On a new connection, and in the middle of a session: there the answer is signed."""
    vectors = of_scenario(vectors, "malformed")
    assert len(vectors) == 18
    for vector in vectors:
        for registered in (False, True):
            player = Player(broker)
            if registered:
                success(player.register())
            player.socket.sendall(vector.data)
            if vector.expect.startswith("close"):
                assert player.read() is None, vector.name
            else:
                answer = player.read()
                error(answer, 400)
                assert answer.transaction == vector.data[8:20]
                assert (INTEGRITY in answer.attributes) == registered
                if registered:
                    success(player.ask(KEEPALIVE))
            player.close()
            witness.is_served()
    witness.is_notified()


def cut_off(broker, vectors, witness):
    """Register, Publish and Subscribe, each cut off at each octet, with the end of the stream."""
    by_name = {v.name: v for v in vectors}
    for name in ("register_sha1_pad64", "publish_v1", "subscribe_101_any"):
        player, data = ready_to_say(broker, by_name[name])
        player.socket.sendall(data)
        success(player.read())  # the whole of it is fine
        player.close()
        for n in range(len(data)):
            player, data = ready_to_say(broker, by_name[name])
            player.socket.sendall(data[:n])
            player.socket.shutdown(socket.SHUT_WR)
            assert player.read() is None, f"{name} cut off after {n} octets is answered"
            player.close()
            witness.is_served()
        witness.is_notified()
        print(f"{name} cut off at each of {len(data)} octets")


def ready_to_say(broker, vector):
    player = Player(broker, "plain", "password-of-plain")
    if vector.type != REGISTER:
        success(player.register())
    return player, strip(player, vector)


def strip(player, vector):
    """The vector as `player` would send it, without a nonce: its user has none."""
    attributes = [(k, v) for k, v in read(vector.data) if k not in (NONCE, INTEGRITY)]
    own = {USERNAME: player.user.encode()}
    if player.handle is not None:
        own[HANDLE] = struct.pack(">I", player.handle)
    return sign(player.key, message(vector.type, b"cut off here",
                                    [(k, own.get(k, v)) for k, v in attributes]), "sha1", "pad64")


def run(users, parts):
    """One broker with these users for these parts."""
    with Broker(modules(*users)) as broker:
        for part in parts:
            print(part.__name__)
            part(broker)
            until(lambda: broker.control("show service-routing xmcp server")["connections"] == 0,
                  "all connections are gone", broker.alive)


def broken_input(broker, vectors):
    witness = Witness(broker)
    malformed(broker, vectors, witness)
    cut_off(broker, vectors, witness)
    witness.client.close()


def main():
    vectors = load()

    def with_vectors(part, *arguments):
        return functools.update_wrapper(lambda broker: part(broker, vectors, *arguments), part)

    run([EXAMPLE % "", OTHER, PLAIN],
        [with_vectors(session_1_0), with_vectors(errors), with_vectors(broken_input)])
    run([EXAMPLE % '<domain number="100" mode="only"/>'], [with_vectors(one_error, 479)])
    run([EXAMPLE % '<nonce lifetime="5"/>'],
        [with_vectors(session_2_0, "v2-sha1"), with_vectors(session_2_0, "v2-sha256")])
    run([EXAMPLE % "", NOBODY], [with_vectors(unauthenticated)])


main()
