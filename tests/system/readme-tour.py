#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tour in README.md, literally: its commands in its order do what it says, and those that it has the demo show
are shown there. Only `./dev run` is what that would start, on a copy of the configuration and with a control socket
of the test's. It needs a network of its own (tests/system/run): the tour's ports are the known ones.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from xmcp_helper import TMP, WAIT, until

SOURCE, BUILD = os.environ["XMB_SRC"], os.environ["XMB_BUILD"]
CLONE = os.path.join(TMP, "clone")
CONFIG = CLONE + "/config/xmbd.xml"
# What the answers have in them; each stands in README.md.
ANSWERS = {
    "xmbctl show modules": r"xmcp .* running",
    "xmbctl show services": r"101 +1 .* 192\.0\.2\.10 +5060",
    "xmbctl show service-routing xmcp clients detail": r"(?s)(Username: demo.*){2}",
    "xmbctl sh serv '?'": r"the services in the registry",
    "xmbctl --json show metrics": r'^{.*"xmcp_notifies": ?2\b',
    "xmbctl show federation status": r"(?s)inactive.*local domains +missing.*port outside +missing.*lists +missing",
}


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
        f.write(text)


def clone():
    """What the commands see of one that was built."""
    text = read(SOURCE + "/config/xmbd.xml")
    with_socket = text.replace("<log ", f'<control socket="{TMP}/s"/>\n    <log ', 1)
    assert with_socket != text
    put(CONFIG, with_socket)
    put(CLONE + "/dev", '#!/bin/sh\n[ "$*" = run ] && exec "$XMBD" -c config/xmbd.xml -p "$XMB_PLUGINS"\n', 0o755)
    put(CLONE + "/build/tools/xmbctl/xmbctl", f'#!/bin/sh\nexec "$XMBCTL" -s "{TMP}/s" "$@"\n', 0o755)
    put(CLONE + "/build/tools/xmcp/xmcp", '#!/bin/sh\nexec "$XMCP" "$@"\n', 0o755)


def tour():
    section = read(SOURCE + "/README.md").split("\n## A tour of five minutes\n")[1].split("\n## ")[0]
    blocks = "\n".join(re.findall(r"(?m)^    (.*)$", section)).replace("\\\n", " ")
    return [re.sub(r" +", " ", line) for line in blocks.split("\n")]


class Terminal:
    """A command that stays."""

    def __init__(self, name, setting, line, says):
        self.path = os.path.join(TMP, name + ".log")
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(["bash", "-c", f"{setting}\nexec {line}"], cwd=CLONE,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.sees(says)

    def alive(self):
        assert self.process.poll() is None, f"it ended: {read(self.path)}"

    def sees(self, words, times=1):
        until(lambda: len(re.findall(words, read(self.path))) >= times, words, self.alive)

    def end(self):
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(WAIT) == 0, read(self.path)


def run(setting, line):
    """Its status and words; while a reload before still ends on a worker, the broker says "try again"."""
    def answered():
        done = subprocess.run(["bash", "-c", f"{setting}\n{line}"], cwd=CLONE, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT, check=False)
        return None if "try again" in done.stdout else done
    done = until(answered, f"answered: {line}")
    print(f"$ {line}\n{done.stdout[:2000]}")
    return done.returncode, done.stdout


def asked(setting, lines):
    """What the tour asks the broker; the rest is what the demo shows."""
    shown = read(SOURCE + "/demo/run") + read(SOURCE + "/demo/saf")
    for line in lines:
        if line not in ANSWERS:
            assert f'show "{line}"' in shown, f"not of the tour, nor does the demo show: {line}"
            continue
        status, answer = run(setting, line)
        assert status == 0 and re.search(ANSWERS[line], answer), f"{line}: {answer}"
    missing = set(ANSWERS) - set(lines)
    assert not missing, f"not in README.md any more: {missing}"


def changed(setting, lines, subscriber):
    """One user more, another port; then a fault."""
    check, reload = lines
    text = read(CONFIG).replace("<client ", '<client username="more" password="more-password"/>\n    <client ', 1)
    put(CONFIG, text.replace('port="4788"', 'port="4799"'))
    for line in (check, reload):
        assert run(setting, line)[0] == 0
    status, _ = run(setting, "xmcp -u more -p more-password -s 127.0.0.1:4799 ping")
    assert status == 0
    subscriber.alive()
    put(CONFIG, text.replace('port="4788"', 'prot="4788"'))
    number = next(n for n, line in enumerate(read(CONFIG).split("\n"), 1) if "prot=" in line)
    for line in (check, reload):
        status, answer = run(setting, line)
        assert status == 1 and re.search(rf"config/xmbd\.xml +{number} .*'prot'", answer), answer
    subscriber.alive()


def main():
    if os.getuid() != 0 or [name for _, name in socket.if_nameindex()] != ["lo"]:
        print("skipped: needs root, and a network of its own")
        return 77
    if shutil.which("bash") is None:
        print("skipped: there is no bash")
        return 77
    clone()
    start, setting, publish, subscribe, *more = tour()
    assert start == "./dev run" and setting.startswith("export PATH="), (start, setting)
    broker = Terminal("broker", "", start, r" ready: ")
    publisher = Terminal("publisher", setting, publish, r"published +101:1:")
    subscriber = Terminal("subscriber", setting, subscribe, r"notify +101:1:.* we answer 8XXX")
    publisher.end()
    subscriber.sees(r"withdraw +101:1:")
    publisher = Terminal("publisher", setting, publish, r"(?s)published.*published")
    subscriber.sees(r"notify +101:1:.* we answer 8XXX", 2)
    asked(setting, more[:-2])
    changed(setting, more[-2:], subscriber)
    for one in (publisher, subscriber, broker):
        one.end()
    return 0


sys.exit(main())
