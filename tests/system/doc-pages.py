#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documentation shows is so: man pages format without a warning, links lead somewhere,
excerpts of C stand in the files that they name, log messages in the program, metrics are those that
`show metrics` has, `xmbctl` lines run, xmbctl.1 has every command, and all of it is in the tarball."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

from xmcp_helper import Broker

SOURCE = os.environ["XMB_SRC"]
MODULES = """
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="allow-deny"/>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
<module name="static-routes"/>
<module name="dns-srv"/>
<module name="xmpp-s2s"/>
<module name="saf-eigrp">
  <service-family address-family="ipv4" autonomous-system="1228" shutdown="yes"/></module>
<module name="inside-dns"><listen address="127.0.0.1" port="0"/><gateway address="127.0.0.1"/></module>
"""


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def man_pages(complain):
    if shutil.which("groff") is None:
        print("groff is not installed: man pages are not looked at")
        return
    pages = glob.glob(SOURCE + "/doc/*.[1-8]")
    if len(pages) < 4:
        complain(f"only {pages}")
    for page in pages:
        done = subprocess.run(["groff", "-man", "-ww", "-z", page], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != 0 or done.stdout:
            complain(f"{page}: {done.stdout}")


def distributed(complain):
    fragment = read("doc/Makefile.inc")
    for name in os.listdir(SOURCE + "/doc"):
        if name != "Makefile.inc" and "%D%/" + name not in fragment:
            complain(f"doc/{name} is not in doc/Makefile.inc")


def markdown():
    paths = ["README.md", "tests/README.md"]
    for pattern in ("doc/*.md", "plugins/*/README.md"):
        paths += [os.path.relpath(p, SOURCE) for p in glob.glob(os.path.join(SOURCE, pattern))]
    return paths


def anchor(heading):
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def links(complain):
    for path in markdown():
        for target in re.findall(r"\]\(([^)]+)\)", read(path)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, fragment = target.partition("#")
            to = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            if not os.path.exists(os.path.join(SOURCE, to)):
                complain(f"{path}: nothing is at {target}")
            elif fragment and fragment not in map(anchor, re.findall(r"^#+ (.*)$", read(to), re.M)):
                complain(f"{path}: no heading for {target}")


def excerpts(complain):
    """A block of C follows a line that ends with its file's link; "..." leaves lines out."""
    text = read("doc/sdk-guide.md")
    blocks = re.findall(r"\[([^\]]+)\]\(\.\./([^)]+)\):\n\n```c\n(.*?)```", text, re.S)
    if len(blocks) != text.count("```c") or not blocks:
        complain(f"sdk-guide.md: {text.count('```c')} blocks of C, {len(blocks)} that name a file")
    for _, path, block in blocks:
        lines = read(path).split("\n")
        at = 0
        for line in block.rstrip("\n").split("\n"):
            if line.strip() in ("", "..."):
                continue
            if line not in lines[at:]:
                complain(f"sdk-guide.md: not, or not in this order, in {path}: {line}")
                break
            at += lines[at:].index(line) + 1


TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\])+'|"((?:\\.|[^"\\])*)"|[^\s"'/]+|/""", re.S)


def strings():
    """All string literals of broker and plugins, those that follow each other joined."""
    found = []
    for top in ("broker", "plugins"):
        for path in glob.glob(f"{SOURCE}/{top}/**/*.c", recursive=True):
            joined = False
            with open(path, encoding="utf-8") as f:
                for token in TOKEN.finditer(f.read()):
                    if token.group(1) is None:
                        joined = joined and token.group(0).startswith("/*")
                        continue
                    found.append(found.pop() + token.group(1) if joined else token.group(1))
                    joined = True
    return "\n".join(found)


def section(text, heading):
    return text.split("\n" + heading + "\n")[1].split("\n## ")[0]


def phrases_of(page):
    """In the tables of messages the second cell, in that of errors of the gateway the first."""
    log, gateway = section(page, "## The log"), section(page, "## A federation gateway")
    messages = gateway.split("\n### The gateway's messages\n")[1].split("\n### ")[0]
    errors = gateway.split("\n| `Last error` has |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| [^|]+ \| (`[^|]*`) \|", log + messages, re.M)
    rows += re.findall(r"^\| (`[^|]*`) \|", errors, re.M)
    return [p for row in rows for p in re.findall(r"`([^`]+)`", row)]


def log_lines(complain):
    known = strings().replace('\\"', '"')
    phrases = phrases_of(read("doc/operations.md"))
    if len(phrases) < 80:
        complain(f"operations.md: only {len(phrases)} log messages were found")
    for phrase in phrases:
        if phrase not in known:
            complain(f"operations.md: no message has {phrase!r}")


def metrics(broker, complain):
    text = section(read("doc/operations.md"), "## Metrics")
    modules = ["core"] + [m["name"].replace("-", "_") for m in broker.control("show modules")["modules"]]
    told = set(re.findall("`((?:%s)_[a-z0-9_]+)`" % "|".join(modules), text))
    there = {m for m in broker.control("show metrics") if not m.startswith("xmcp_errors_")}
    for name in sorted(there - told):
        complain(f"operations.md: metric {name} is missing")
    for name in sorted(told - there):
        complain(f"operations.md: there is no metric {name}")


def man_of_commands(complain):
    page = re.sub(r'\\f[A-Z]|[\\"]', "", read("doc/xmbctl.1"))
    check = os.environ["XMB_BUILD"] + "/broker/xmb-plugin-check"
    known = re.findall(r'XMB_COMMAND_INIT, [^"]*"([a-z -]+)"', read("broker/control/core_commands.c"))
    for path in glob.glob(os.environ["XMB_PLUGINS"] + "/*.so"):
        plugin = json.loads(subprocess.check_output([check, "--json", path], timeout=60))
        known += [command["words"] for command in plugin["commands"]]
    if len(known) < 12:
        complain(f"only {known} were found as commands")
    for words in known:
        if words not in page:
            complain(f"xmbctl.1 does not have {words!r}")


def operator(broker, words):
    """Runs xmbctl; while the reload that the line before asked for still ends, it says "try again"."""
    end = time.monotonic() + 60
    while True:
        done = subprocess.run([os.environ["XMBCTL"], "-s", broker.socket] + words, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if "try again" not in done.stdout or time.monotonic() > end:
            return done


def commands(broker, complain):
    count = 0
    pages = {path: re.findall(r"^    (xmbctl [^\n]*)$", read(path), re.M) for path in markdown()}
    page = read("doc/xmbd.xml.5").replace("\\-", "-")
    pages["doc/xmbd.xml.5"] = re.findall(r"^(xmbctl [^\n]*)$", page, re.M)
    for path, lines in pages.items():
        for line in lines:
            words = shlex.split(line, comments=True)[1:]
            done = operator(broker, words)
            count += 1
            if done.returncode != 0:
                complain(f"{path}: {line}: exit {done.returncode}: {done.stdout}")
    if count < 12:
        complain(f"only {count} commands were found")


def main():
    faults = []
    for part in (man_pages, distributed, links, excerpts, log_lines, man_of_commands):
        part(faults.append)
    with Broker(MODULES) as broker:
        metrics(broker, faults.append)
        commands(broker, faults.append)
    for fault in faults:
        print("FAILED:", fault)
    return 1 if faults else 0


sys.exit(main())
