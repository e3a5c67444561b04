# SPDX-License-Identifier: MIT
"""What s2s_talk.py does with files: a transfer is negotiated, by stream initiation (XEP-0095, XEP-0096) or by Jingle
(XEP-0166, XEP-0234, XEP-0261), and an in-band bytestream (XEP-0047) carries the octets.
"""
import asyncio
import base64
import hashlib
import os
import uuid

from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath, StanzaPath

SIZE, BLOCK = 10000, 4096
SOCKS5 = "http://jabber.org/protocol/bytestreams"
IBB = "http://jabber.org/protocol/ibb"
JINGLE = "urn:xmpp:jingle:1"
FILE = "urn:xmpp:jingle:apps:file-transfer:5"
HASHES = "urn:xmpp:hashes:2"
JINGLE_IBB = "urn:xmpp:jingle:transports:ibb:1"


def prepare(person):
    """`offers`, `jingles` and `bytestreams` of a person are what others have sent or opened."""
    person.offers, person.jingles, person.bytestreams = (asyncio.Queue() for _ in range(3))
    person.register_plugin("xep_0047", {"auto_accept": True})
    person.register_plugin("xep_0096")
    person.remove_handler("SI Request")  # what slixmpp 1.8 has here never runs
    person.register_handler(Callback("offer", StanzaPath("iq@type=set/si"),
                                     person.offers.put_nowait))
    person.register_handler(Callback("jingle", MatchXPath("{jabber:client}iq/{%s}jingle" % JINGLE),
                                     person.jingles.put_nowait))
    person.add_event_handler("ibb_stream_start", person.bytestreams.put_nowait)


def same(found, wanted, what):
    if found != wanted:
        raise RuntimeError(f"{what}: {found!r} instead of {wanted!r}")


def digest(octets):
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


async def carry(one, two, sid, octets):
    """The end is confirmed by two, so all that was before it is there then."""
    stream = await one["xep_0047"].open_stream(two.boundjid.full, sid=sid, block_size=BLOCK)
    taken = await two.bytestreams.get()
    same(taken.sid, sid, "bytestream")
    await stream.sendall(octets)
    await stream.close()
    same(digest(await taken.gather()), digest(octets), "file")
    await one.bytestreams.get()  # the same, at this end


def take(offer):
    answer = offer.reply(clear=True)
    form = answer["si"]["feature_neg"]["form"]
    form["type"] = "submit"
    form.add_field(var="stream-method", ftype="list-single", value=IBB)
    answer.send()


async def file(one, two):
    """One offers what its client has, SOCKS5 and IBB; two takes IBB."""
    sid, name, octets = uuid.uuid4().hex, f"Grüße & {uuid.uuid4().hex}", os.urandom(SIZE)
    md5 = hashlib.md5(octets).hexdigest()
    asked = asyncio.ensure_future(one["xep_0096"].request_file_transfer(
        two.boundjid.full, sid=sid, name=name, size=str(SIZE), hash=md5,
        mime_type="application/octet-stream", methods=[{"value": m} for m in (SOCKS5, IBB)]))
    offer = await two.offers.get()
    found = offer["si"]["file"]
    same((offer["si"]["id"], found["name"], found["size"], found["hash"]),
         (sid, name, str(SIZE), md5), "offer")
    methods = offer["si"]["feature_neg"]["form"].get_fields()["stream-method"]["options"]
    same([method["value"] for method in methods], [SOCKS5, IBB], "stream methods")
    take(offer)
    answer = await asked
    same(answer["si"]["feature_neg"]["form"].get_values()["stream-method"], IBB, "stream method")
    await carry(one, two, sid, octets)


def description(name, octets):
    found = ET.Element("{%s}description" % FILE)
    into = ET.SubElement(found, "{%s}file" % FILE)
    for tag, text in (("name", name), ("size", str(len(octets)))):
        ET.SubElement(into, "{%s}%s" % (FILE, tag)).text = text
    ET.SubElement(into, "{%s}hash" % HASHES, algo="sha-256").text = digest(octets)
    return found


def content(sid, about):
    found = ET.Element("{%s}content" % JINGLE, creator="initiator", name="file",
                       senders="initiator")
    found.append(about)
    ET.SubElement(found, "{%s}transport" % JINGLE_IBB, {"block-size": str(BLOCK), "sid": sid})
    return found


async def say(one, two, action, session, child):
    """A step of Jingle; returns how it came to two."""
    iq = one.Iq(sto=two.boundjid.full, stype="set")
    jingle = ET.SubElement(iq.xml, "{%s}jingle" % JINGLE, action=action, sid=session)
    jingle.append(child)
    answer = asyncio.ensure_future(iq.send())
    came = await two.jingles.get()
    same(came["from"], one.boundjid, action)
    came.reply(clear=True).send()
    await answer
    found = came.xml.find("{%s}jingle" % JINGLE)
    same(canonical(found), canonical(jingle), action)


def canonical(element):
    return ET.canonicalize(ET.tostring(element, encoding="unicode"), rewrite_prefixes=True)


async def jingle(one, two):
    session, sid, octets = uuid.uuid4().hex, uuid.uuid4().hex, os.urandom(SIZE)
    offered = content(sid, description(f"Grüße & {session}", octets))
    await say(one, two, "session-initiate", session, offered)
    await say(two, one, "session-accept", session, offered)
    await carry(one, two, sid, octets)
    reason = ET.Element("{%s}reason" % JINGLE)
    ET.SubElement(reason, "{%s}success" % JINGLE)
    await say(one, two, "session-terminate", session, reason)
