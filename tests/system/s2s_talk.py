#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two clients of two servers, and what people do between them: messages, presence subscription, a room
across the border, vCard, disco, ping, a node of a PubSub service across the border, a file, by stream initiation and
by Jingle; and tunes, when they see each other's presence. Run by the tests of the gateway, not a test by itself.

    s2s_talk.py [--seconds N] ONE TWO WHAT...      ONE, TWO: user@domain:password@ip

Each WHAT must happen, in both directions, or the exit status is 1.
"""
import argparse
import asyncio
import logging
import sys
import uuid

import slixmpp
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

import s2s_transfer
from s2s_transfer import canonical, same

EVENT_ITEM = ".//{http://jabber.org/protocol/pubsub#event}item"
PUBSUB_ITEM = ".//{http://jabber.org/protocol/pubsub}item"
ATOM = "http://www.w3.org/2005/Atom"
BODY = "Grüße & <tags> 'quotes' \"both\" \U0001f600 "


class Person(slixmpp.ClientXMPP):
    def __init__(self, text):
        jid, password_ip = text.split(":", 1)
        password, self.ip = password_ip.rsplit("@", 1)
        super().__init__(jid, password)
        self.ready = asyncio.get_event_loop().create_future()
        self.stanzas = asyncio.Queue()
        self["feature_mechanisms"].unencrypted_plain = True
        self.auto_authorize = None
        self.auto_subscribe = False
        for plugin in ("xep_0030", "xep_0045", "xep_0054", "xep_0060", "xep_0115", "xep_0118",
                       "xep_0163", "xep_0199"):
            self.register_plugin(plugin)
        s2s_transfer.prepare(self)
        self.add_event_handler("session_start", self.start)
        self.add_event_handler("failed_auth", lambda _: self.fail("authentication failed"))
        for name in ("message", "presence"):
            self.register_handler(Callback(name, MatchXPath("{jabber:client}" + name),
                                           self.stanzas.put_nowait))

    def fail(self, why):
        if not self.ready.done():
            self.ready.set_exception(RuntimeError(f"{self.boundjid}: {why}"))

    async def start(self, _):
        await self.get_roster()
        self.send_presence()
        if not self.ready.done():
            self.ready.set_result(True)

    def online(self):
        self.connect((self.ip, 5222), disable_starttls=True)
        return self.ready

    async def remove(self, other):
        iq = self.Iq(stype="set")
        iq["roster"]["items"] = {other.boundjid.bare: {"subscription": "remove"}}
        await iq.send()

    async def expect(self, wanted, what):
        """The next stanza for which wanted(stanza) is true; an error stanza is the end."""
        while True:
            stanza = await self.stanzas.get()
            if stanza["type"] == "error":
                raise RuntimeError(f"{what}: error {stanza['error']['condition']} from "
                                   f"{stanza['from']}: {stanza['error']['text']}")
            if wanted(stanza):
                return stanza


def is_message(body):
    return lambda s: s.name == "message" and s["body"] == body


async def message(one, two):
    text = BODY + uuid.uuid4().hex
    one.send_message(mto=two.boundjid.bare, mbody=text, mtype="chat")
    await two.expect(is_message(text), "message")


async def presence(one, two):
    one.send_presence(pto=two.boundjid.bare, ptype="subscribe")
    await two.expect(lambda s: s["type"] == "subscribe" and s["from"].bare == one.boundjid.bare,
                     "subscription")
    two.send_presence(pto=one.boundjid.bare, ptype="subscribed")
    await one.expect(lambda s: s["type"] == "subscribed" and s["from"].bare == two.boundjid.bare,
                     "subscribed")
    await one.expect(lambda s: s["type"] == "available" and s["from"].bare == two.boundjid.bare,
                     "presence")


async def forget(one, two):
    """Ends both subscriptions, so that the same two may subscribe again."""
    await one.remove(two)
    await two.expect(lambda s: s["type"] == "unsubscribed" and s["from"].bare == one.boundjid.bare,
                     "unsubscribed")
    await two.remove(one)


async def muc(one, two):
    room = "room%s@conference.%s" % (uuid.uuid4().hex[:6], one.boundjid.domain)
    for person, nick in ((one, "host"), (two, "guest")):
        person.plugin["xep_0045"].join_muc(room, nick)
        await person.expect(lambda s, n=nick: s.name == "presence" and s["from"] == room + "/" + n,
                            "join")
        if person is one:
            form = person.Iq(sto=room, stype="set")
            query = slixmpp.xmlstream.ET.SubElement(
                form.xml, "{http://jabber.org/protocol/muc#owner}query")
            slixmpp.xmlstream.ET.SubElement(query, "{jabber:x:data}x", type="submit")
            await form.send()
    text = BODY + uuid.uuid4().hex
    two.send_message(mto=room, mbody=text, mtype="groupchat")
    await one.expect(is_message(text), "room message")
    await two.expect(is_message(text), "room message")
    text += "back"
    one.send_message(mto=room, mbody=text, mtype="groupchat")
    await two.expect(is_message(text), "room message")


async def vcard(one, two):
    name = "Name " + uuid.uuid4().hex
    card = two.plugin["xep_0054"].make_vcard()
    card["FN"] = name
    await two.plugin["xep_0054"].publish_vcard(card)
    answer = await one.plugin["xep_0054"].get_vcard(two.boundjid.bare)
    if answer["vcard_temp"]["FN"] != name:
        raise RuntimeError("vcard: another name came back")


async def disco(one, two):
    info = await one.plugin["xep_0030"].get_info(two.boundjid.domain)
    if not list(info["disco_info"]["identities"]):
        raise RuntimeError("disco: no identity")
    await one.plugin["xep_0030"].get_items(two.boundjid.domain)


async def ping(one, two):
    await one.plugin["xep_0199"].ping(two.boundjid.full)


async def tune(one, two):
    """An event of PEP. It goes to those whose capabilities the publisher's server knows: ejabberd may have missed those
    in the presence that came right behind the subscription. Until it knows, both are said again."""
    title = "Title " + uuid.uuid4().hex
    while True:
        two.send_presence()
        await one.plugin["xep_0118"].publish_tune(title=title)
        try:
            event = await asyncio.wait_for(two.expect(
                lambda s: s.name == "message" and title in str(s), "tune"), 2)
            break
        except asyncio.TimeoutError:
            pass
    if event["from"].bare != one.boundjid.bare:
        raise RuntimeError(f"tune: it is from {event['from']}")


def entry():
    """What is published: two namespaces, a language, and text that wants escapes."""
    found = ET.Element("{%s}entry" % ATOM, {"{http://www.w3.org/XML/1998/namespace}lang": "de"})
    ET.SubElement(found, "{%s}title" % ATOM, type="text").text = BODY + uuid.uuid4().hex
    ET.SubElement(found, "{urn:example:mark}mark", at="<1> & \"2\"").text = " \n "
    return found


def published(stanza, path, identity):
    """The payload of an item in a stanza, or None."""
    found = [item for item in stanza.xml.iterfind(path) if item.get("id") == identity]
    return None if not found else canonical(found[0][0])


async def publish(author, service, node, readers):
    """Every reader is told of the item, and has what was published."""
    identity, wanted = uuid.uuid4().hex, entry()
    await author["xep_0060"].publish(service, node, id=identity, payload=wanted)
    for reader in readers:
        event = await reader.expect(
            lambda s: s.name == "message" and published(s, EVENT_ITEM, identity), "event")
        same(event["from"], slixmpp.JID(service), "event")
        same(published(event, EVENT_ITEM, identity), canonical(wanted), "event")
        items = await reader["xep_0060"].get_items(service, node, item_ids=[identity])
        same(published(items, PUBSUB_ITEM, identity), canonical(wanted), "item")


async def pubsub(one, two):
    """A node of the service beside two's server, who owns it. One, from abroad, subscribes, and publishes too."""
    service, node = "pubsub." + two.boundjid.domain, "node" + uuid.uuid4().hex
    await two["xep_0060"].create_node(service, node)
    await two["xep_0060"].modify_affiliations(service, node, [(one.boundjid.bare, "publisher")])
    for person in (one, two):
        await person["xep_0060"].subscribe(service, node)
    for author in (two, one):
        await publish(author, service, node, (one, two))
    for person in (one, two):
        await person["xep_0060"].unsubscribe(service, node)
    await two["xep_0060"].delete_node(service, node)


WHAT = {f.__name__: f for f in (message, presence, muc, vcard, disco, ping, tune, pubsub,
                                s2s_transfer.file, s2s_transfer.jingle)}


async def main(options):
    one, two = Person(options.one), Person(options.two)
    await asyncio.gather(one.online(), two.online())
    for name in options.what:
        for a, b in ((one, two), (two, one)):
            try:
                await asyncio.wait_for(WHAT[name](a, b), options.seconds)
            except Exception as e:  # pylint: disable=broad-except
                print(f"{name} {a.boundjid.bare} -> {b.boundjid.bare} FAILED: {e!r}")
                return 1
            print(f"{name} {a.boundjid.bare} -> {b.boundjid.bare} ok")
    if "presence" in options.what:
        await asyncio.wait_for(forget(one, two), options.seconds)
    one.disconnect()
    two.disconnect()
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("one")
    parser.add_argument("two")
    parser.add_argument("what", nargs="+", choices=sorted(WHAT))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    sys.exit(loop.run_until_complete(main(parser.parse_args())))
