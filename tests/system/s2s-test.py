#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`test federation domain`: each step of a stream to a foreign domain with its time, by dialback and by SASL EXTERNAL;
and what is told when a step fails: no route, nobody there, a certificate of another, dialback denied, no answer. No
stanza is sent, nobody else waits for it, policy that says no is told and not in the way, and it ends with the broker.
"""
import os
import subprocess
import threading
import time

from s2s_peer import Peer, q
from s2s_rig import (A_ADDRESS, OUTSIDE, WAIT, Certificates, Gateway, local_domain, profiles, until)

C, D, E, NOBODY = "127.0.0.40", "127.0.0.41", "127.0.0.42", "127.0.0.49"


class ExternalPeer(Peer):
    """It offers SASL EXTERNAL and takes whoever comes."""

    def greet(self, stream):
        self.features = "" if getattr(stream, "known", False) else \
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
        super().greet(stream)

    def handle(self, stream, element):
        if element.tag != q("sasl", "auth"):
            super().handle(stream, element)
            return
        stream.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        stream.known = True
        stream.restart()
        self.greet(stream)


def probe(gateway, domain, result):
    answer = gateway.control("test federation domain " + domain)
    assert answer["domain"] == domain and answer["local_domain"] == "a.test", answer
    assert answer["result"] == result, answer
    times = [s["ms"] for s in answer["steps"]] + [answer["ms"]]
    assert times == sorted(times) and times[0] >= 0, answer
    return answer


def steps(answer, name):
    return [s for s in answer["steps"] if s["step"] == name]


def last(answer, name, result):
    step = answer["steps"][-1]
    assert (step["step"], step["result"]) == (name, result), answer
    return step


def successes(gateway, c, e):
    print("by dialback")
    answer = probe(gateway, "c.test", "ok")
    assert steps(answer, "policy")[0]["result"] == "ok", answer
    assert steps(answer, "route")[0]["what"] == f"{C} port 5269, priority 0", answer
    assert steps(answer, "connect")[0]["what"] == f"{C}:5269", answer
    assert [s["what"] for s in steps(answer, "features")] == ["STARTTLS", "dialback"], answer
    tls = steps(answer, "tls")[0]
    assert tls["version"] == "1.3" and tls["certificate"] == "good" and tls["names_the_domain"], tls
    assert "c.test" in tls["names"] and 28 <= tls["expires_days"] <= 30, tls
    last(answer, "dialback", "ok")
    assert answer["reason"] is None, answer

    print("and people see what the certificate says")
    run = subprocess.run([os.environ["XMBCTL"], "-s", gateway.control_socket, "test", "federation", "domain",
                          "c.test"], capture_output=True, text=True, check=False, timeout=WAIT)
    assert run.returncode == 0 and "Names the domain: yes" in run.stdout, run

    print("by SASL EXTERNAL")
    answer = probe(gateway, "e.test", "ok")
    assert steps(answer, "external")[0]["result"] == "ok" and not steps(answer, "dialback"), answer
    until(lambda: not gateway.connections(), "the streams have ended", gateway.alive)
    assert c.stanzas.empty() and e.stanzas.empty()
    assert gateway.metric("xmpp_s2s_queued") == 0


def failures(gateway, c, d):
    print("what goes wrong is told")
    answer = probe(gateway, "nowhere.test", "failed")
    assert "no route" in last(answer, "route", "failed")["what"], answer
    assert "no route" in answer["reason"], answer
    answer = probe(gateway, "nobody.test", "failed")
    assert NOBODY in last(answer, "connect", "failed")["what"], answer
    answer = probe(gateway, "d.test", "failed")
    tls = steps(answer, "tls")[0]
    assert tls["result"] == "failed" and not tls["names_the_domain"], tls
    assert tls["names"] == ["other.test", "conference.other.test"], tls
    assert "does not name the domain" in answer["reason"], answer
    c.accept = "invalid"
    last(probe(gateway, "c.test", "failed"), "dialback", "failed")
    c.accept = "valid"
    assert d.stanzas.empty()

    print("policy is told, and not in the way")
    gateway.reload(domains="<domain name='c.test'/>")
    assert steps(probe(gateway, "c.test", "ok"), "policy")[0]["result"] == "denied"
    gateway.reload(domains="")

    print("words that mean nothing")
    for words, why in (("a.test a.test", "is a local domain"), ("c@d", "which foreign domain"),
                       ("c.test x.test", "x.test is no local domain")):
        run = gateway.control("test federation domain " + words, check=False)
        assert run.returncode == 1 and why in run.stdout + run.stderr, run


def where_the_world_goes(gateway, routes):
    print("a local domain has to be found here")
    gateway.reload(routes=routes + f"<route domain='a.test' address='{OUTSIDE}'/>")
    answer = probe(gateway, "a.test", "ok")
    assert "leads here" in answer["reason"] and steps(answer, "route"), answer
    gateway.reload(routes=routes + f"<route domain='a.test' address='{C}'/>")
    for elsewhere in (C, NOBODY):
        gateway.reload(routes=routes + f"<route domain='a.test' address='{elsewhere}'/>")
        answer = probe(gateway, "a.test", "failed")
        assert "does not lead here" in answer["reason"], answer
    gateway.reload(routes=routes)


def nobody_waits(gateway, c):
    print("others are answered meanwhile, and it is bounded")
    c.accept = "silent"
    answers = []
    thread = threading.Thread(target=lambda: answers.append(probe(gateway, "c.test", "failed")))
    thread.start()
    until(lambda: any(p["state"] == "pending" for s in gateway.connections() for p in s["pairs"]),
          "dialback is asked", gateway.alive)
    assert gateway.control("show federation status")["status"] == "active"
    assert not answers
    thread.join()
    assert "dialback" in last(answers[0], "dialback", "failed")["step"], answers
    assert answers[0]["ms"] >= 2900, answers


def main():
    certs = Certificates()
    for domain in ("a.test", "c.test", "e.test", "other.test"):
        certs.make(domain)
    certs.make("gateway.inside.test", file="inside-gw")
    c, d = Peer(certs, C, "c.test"), Peer(certs, D, "d.test", file="other.test")
    e = ExternalPeer(certs, E, "e.test")
    at = {"c.test": C, "d.test": D, "e.test": E, "nobody.test": NOBODY}
    routes = "".join(f"<route domain='{name}' address='{a}'/>" for name, a in at.items())
    with Gateway(broker=profiles(certs), routes=routes, dns=None, inside_dns=False,
                 lists="mode='deny-list'", local=local_domain("a.test", (A_ADDRESS, 5269)),
                 more="<timeouts dialback='3'/>") as gateway:
        successes(gateway, c, e)
        failures(gateway, c, d)
        where_the_world_goes(gateway, routes)
        nobody_waits(gateway, c)

        print("the broker stops")
        gateway.reload(more="<timeouts dialback='60'/>", drain="60s")
        thread = threading.Thread(target=lambda: gateway.control("test federation domain c.test",
                                                                 check=False))
        thread.start()
        until(lambda: any(s["direction"] == "outgoing" for s in gateway.connections()),
              "it has begun", gateway.alive)
        began = time.monotonic()
    thread.join()
    assert time.monotonic() - began < 20, "the test of a domain held the broker up"


if __name__ == "__main__":
    main()
