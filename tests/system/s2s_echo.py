#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A component that echoes messages, and a client of another domain who talks to it. Run by s2s-component.py
and s2s-component-modes.py, not a test by itself.

    s2s_echo.py NAME:SECRET@IP:PORT USER@DOMAIN:PASSWORD@IP [short]

Messages to many addresses come back once and in order; each asks the other for its features (disco) and for a sign of
life (ping) and is answered; the client subscribes to the component's presence, and the other way round; while the
component is away messages to it come back as errors, and when it is back they do not.

Only for the time that it is away stanzas should wait shortly: this prints `queue-time SECONDS`, and goes on when it
reads a line. `short`: nothing is said of going away and coming back.
"""
import asyncio
import logging
import os
import sys

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

SECONDS = 60


class Bot(slixmpp.ComponentXMPP):
    def __init__(self, text):
        name, rest = text.split(":", 1)
        secret, at = rest.rsplit("@", 1)
        host, port = at.split(":")
        super().__init__(name, secret, host, int(port))
        for plugin in ("xep_0030", "xep_0199"):
            self.register_plugin(plugin)
        self.ready = asyncio.get_event_loop().create_future()
        self.seen = []
        self.add_event_handler("session_start", lambda _: self.ready.set_result(True))
        self.presence = asyncio.Queue()
        self.auto_authorize = None
        self.auto_subscribe = False
        self.add_event_handler("message", self.echo)
        self.register_handler(Callback("presence", MatchXPath("{jabber:component:accept}presence"),
                                       self.presence.put_nowait))
        self["xep_0030"].add_identity(category="client", itype="bot", name="echo")

    def echo(self, message):
        if message["type"] != "error":
            self.seen.append(message["body"])
            message.reply(message["body"]).send()


class Person(slixmpp.ClientXMPP):
    def __init__(self, text):
        jid, password_ip = text.split(":", 1)
        password, self.ip = password_ip.rsplit("@", 1)
        super().__init__(jid, password)
        self.ready = asyncio.get_event_loop().create_future()
        self.messages, self.presence = asyncio.Queue(), asyncio.Queue()
        for plugin in ("xep_0030", "xep_0199"):
            self.register_plugin(plugin)
        self.auto_authorize = None
        self.auto_subscribe = False
        self["feature_mechanisms"].unencrypted_plain = True
        self.add_event_handler("session_start", self.start)
        for name, kept in (("message", self.messages), ("presence", self.presence)):
            self.register_handler(Callback(name, MatchXPath("{jabber:client}" + name),
                                           kept.put_nowait))

    async def start(self, _):
        await self.get_roster()
        self.send_presence()
        self.ready.set_result(True)

    async def next(self):
        return await asyncio.wait_for(self.messages.get(), SECONDS)


def ask(person, user, name, text):
    person.send_message(mto=f"{user}@{name}", mbody=text, mtype="chat")


async def many(bot, person, name):
    sent = [f"text {i} ö & <b>" for i in range(200)]
    for i, text in enumerate(sent):
        ask(person, f"u{i % 7}", name, text)
    answers = [await person.next() for _ in sent]
    assert all(a["type"] == "chat" for a in answers), answers
    assert bot.seen == sent, bot.seen
    assert [a["body"] for a in answers] == sent, [a["body"] for a in answers]
    assert all(a["from"].bare == f"u{i % 7}@{name}" for i, a in enumerate(answers)), answers


async def questions(bot, person, name):
    """IQ in both directions, with a server and with a client at the other end."""
    domain = person.boundjid.domain
    for asked in (domain, person.boundjid.full):
        info = await bot["xep_0030"].get_info(asked, ifrom=name, timeout=SECONDS)
        assert list(info["disco_info"]["identities"]), info
        await bot["xep_0199"].send_ping(asked, ifrom=name, timeout=SECONDS)
    info = await person["xep_0030"].get_info(name, timeout=SECONDS)
    assert ("client", "bot", None, "echo") in info["disco_info"]["identities"], info
    await person["xep_0199"].send_ping(name, timeout=SECONDS)


async def until_presence(who, address, kind, sender):
    """The next presence of that type to the address; whatever else comes is of no matter, but for errors.

    What is for another address answers an earlier run: as its server ended, unconfirmed stanzas came back.
    """
    while True:
        stanza = await asyncio.wait_for(who.presence.get(), SECONDS)
        if stanza["to"].bare != address:
            continue
        assert stanza["type"] != "error", stanza
        if stanza["type"] == kind and stanza["from"].bare == sender:
            return stanza


async def presence(bot, person, name):
    user, other = person.boundjid.bare, f"p{os.getpid()}@{name}"  # an address that no other run has
    person.send_presence(pto=other, ptype="subscribe")
    await until_presence(bot, other, "subscribe", user)
    bot.send_presence(pfrom=other, pto=user, ptype="subscribed")
    await until_presence(person, user, "subscribed", other)
    bot.send_presence(pfrom=other + "/r", pto=user, pshow="away", pstatus="Grüße")
    stanza = await until_presence(person, user, "away", other)
    assert stanza["status"] == "Grüße", stanza
    bot.send_presence(pfrom=other, pto=user, ptype="subscribe")
    await until_presence(person, user, "subscribe", other)
    person.send_presence(pto=other, ptype="subscribed")
    await until_presence(bot, other, "subscribed", user)
    await until_presence(bot, other, "available", user)
    iq = person.Iq(stype="set")  # so that the next run finds it as this one did
    iq["roster"]["items"] = {other: {"subscription": "remove"}}
    await iq.send(timeout=SECONDS)
    await until_presence(bot, other, "unsubscribed", user)


async def queue_time(seconds):
    print("queue-time", seconds, flush=True)
    line = await asyncio.get_event_loop().run_in_executor(None, sys.stdin.readline)
    assert line, "nobody sets the queue-time"


async def away(person, name):
    """The first may still be taken by a stream that is ending; an error comes at last."""
    answer = {"type": "chat"}
    while answer["type"] == "chat":
        ask(person, "u", name, "anybody there?")
        answer = await person.next()
    assert answer["type"] == "error", answer
    assert answer["error"]["condition"].startswith("remote-server"), answer


async def first(bot, person, name):
    """Makes the streams: after SASL EXTERNAL Prosody 0.12 sends what waited for them too late."""
    ask(person, "u", name, "the first")
    assert (await person.next())["body"] == "the first"
    bot.seen.clear()


async def main(bot_text, person_text, short):
    bot, person = Bot(bot_text), Person(person_text)
    name = str(bot.boundjid)
    bot.connect()
    person.connect((person.ip, 5222), disable_starttls=True)
    await asyncio.wait_for(asyncio.gather(bot.ready, person.ready), SECONDS)
    if short:
        await first(bot, person, name)
    await many(bot, person, name)
    print("200 messages came back, in order")
    await questions(bot, person, name)
    print("disco and ping were answered, both ways")
    await presence(bot, person, name)
    print("subscriptions and presence, both ways")
    if short:
        await bot.disconnect()
    else:
        await leave_and_return(bot, bot_text, person)
    person.disconnect()


async def leave_and_return(bot, bot_text, person):
    name = str(bot.boundjid)
    await queue_time(2)
    await bot.disconnect()
    await away(person, name)
    await queue_time(60)
    print("the component is away: an error came back")
    for i in range(3):
        bot = Bot(bot_text)
        bot.connect()
        await asyncio.wait_for(bot.ready, SECONDS)
        ask(person, "u", name, f"again {i}")
        answer = await person.next()
        while answer["body"] != f"again {i}" or answer["type"] == "error":
            answer = await person.next()  # of before: some came back besides, as the bot went
        if i == 1:
            continue  # the next one takes its place
        await bot.disconnect()
    print("the component came back, and was replaced by another")


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.wait_for(main(*sys.argv[1:3], sys.argv[3:] == ["short"]),
                                             3 * SECONDS))
