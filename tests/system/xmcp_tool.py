# SPDX-License-Identifier: MIT
"""The xmcp command for the tests that start it: one that ends by itself, one that goes on, and the
events that it should print.
"""
import json
import os
import signal
import subprocess

from xmcp_helper import TMP, WAIT, until

XMCP = os.environ["XMCP"]
ANN = ("-u", "ann", "-p", "password-of-ann")
BOB = ("-u", "bob", "-p", "password-of-bob")


def command(broker, *words):
    return [XMCP, "-s", "127.0.0.1:%d" % broker.port, *words]


def run(broker, *words, stdin=b""):
    """Exit status, standard output and standard error of a command that ends by itself."""
    done = subprocess.run(command(broker, *words), input=stdin, timeout=WAIT,
                          capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def run_json(broker, *words, stdin=b""):
    """The same with --json: exit status and events. It has nothing to say beside them."""
    code, out, err = run(broker, "--json", *words, stdin=stdin)
    assert err == "" and out.endswith("\n"), (words, out, err)
    return code, [json.loads(line) for line in out.splitlines()]


class Tool:
    """A command that goes on; its output is kept in a file, to be looked at while it grows."""
    count = 0

    def __init__(self, broker, *words):
        Tool.count += 1
        self.path = os.path.join(TMP, "tool-%d.log" % Tool.count)
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(command(broker, *words), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)

    def lines(self):
        with open(self.path, encoding="utf-8") as f:
            return [line.rstrip("\n") for line in f if line.endswith("\n")]

    def line(self, number):
        """Line `number` (from 0), as soon as it is there."""
        def there():
            lines = self.lines()
            assert len(lines) > number or self.process.poll() is None, (number, lines)
            return len(lines) > number and lines[number]
        return until(there, "line %d of %s" % (number, self.path))

    def event(self, number):
        return json.loads(self.line(number))

    def wait(self):
        return self.process.wait(WAIT)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()


def subscriber(broker, *words, pattern="101:*:*", user=ANN):
    tool = Tool(broker, *user, "--json", "subscribe", "--service", pattern, *words)
    assert tool.event(0)["event"] == "registered", tool.lines()
    assert tool.event(1)["event"] == "subscribed", tool.lines()
    return tool


def publisher(broker, service, *words, user=BOB):
    tool = Tool(broker, *user, "--json", "publish", "--service", service, *words)
    assert tool.event(1)["event"] == "published", tool.lines()
    return tool


def empty(broker):
    def gone():
        server = broker.control("show service-routing xmcp server")
        return server["clients"] == server["services"] == server["subscriptions"] == 0
    until(gone, "nobody is registered", broker.alive)


def notify(subservice, instance, **more):
    """A notify of a service that was published without any option but --data or none."""
    event = {"event": "notify", "service": 101, "subservice": subservice, "instance": instance,
             "sequence": 1, "protocol": 6, "address": "127.0.0.1", "port": 0, "source": "local"}
    if "data_base64" not in more:
        event["data"] = ""
    return {**event, **more}


def withdraw(subservice, instance, reason="source"):
    return {"event": "withdraw", "service": 101, "subservice": subservice, "instance": instance,
            "reason": reason}
