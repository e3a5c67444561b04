#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which folder may include what, as doc/architecture.md draws it.

sdk/ and each folder of lib/ include nothing of ours; broker/ and each plugin stand side by side on the
SDK, with no arrow between them; tools/ stand on lib/. Headers of the SDK name no library's type,
so they include only the C library. The engines of saf-eigrp are pure: neither they nor what they
include knows a socket, a clock, a thread or the loop. The preprocessor is not run: what is written
counts.
"""
import os
import re
import sys

SOURCE = os.environ["XMB_SRC"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
C_LIBRARY = {"assert.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h",
             "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h"}
# Addresses become text, and digests are computed; nothing else of the world is in the engines.
ENGINE_LIBRARY = C_LIBRARY - {"time.h"} | {"arpa/inet.h", "openssl/crypto.h", "openssl/md5.h",
                                           "openssl/sha.h"}
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPURE = re.compile(r"(?<![\w>.])(socket|bind|connect|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|select|time|"
                    r"clock_gettime|gettimeofday|localtime|gmtime|nanosleep|sleep|getrandom|open|fopen|"
                    r"pthread_\w+|uv_\w+)[ ]*\(")
OURS = ("xmb/", "xmcp.h", "config.h", "broker/", "plugins/", "lib/", "tools/", "sdk/", "tests/")


def rule_for(folder):
    """(folders whose files may be included, prefixes that may be written in any form)"""
    top = folder.split("/")[0]
    if top == "sdk":
        return ["sdk"], ("xmb/",)
    if top == "lib":
        return [folder], ("xmcp.h",) if folder == "lib/xmcp" else ()
    if top == "broker":
        return ["broker", "sdk/include", "lib/control"], ("xmb/", "config.h")
    if top == "tools":
        return [folder, "lib"], ("xmcp.h", "config.h")
    plugin = "/".join(folder.split("/")[:2])
    return [plugin, "sdk/include"], ("xmb/",) + (("xmcp.h",) if plugin == "plugins/xmcp" else ())


def home_of(folder, name):
    """Where a quoted include leads to: beside the file, or from the broker's or the tree's top."""
    for base in (folder, "broker", "."):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(SOURCE, path)):
            return path
    return None


def fault(folder, kind, name):
    homes, prefixes = rule_for(folder)
    if name.endswith(".rng.h") and "/" not in name:
        return None  # made from the folder's own schema
    path = home_of(folder, name) if kind == '"' else None
    if path is not None:
        inside = any(path.startswith(home + "/") for home in homes)
        return None if inside else "leads to " + path
    if name.startswith(OURS) and not name.startswith(prefixes):
        return "is not for this folder"
    if kind == '"' and not name.startswith(prefixes):
        return "leads nowhere"
    return None


def sources():
    for top in ("sdk", "lib", "broker", "tools", "plugins"):
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(folder, name), SOURCE)
                    # Templates and frozen headers are written from another place in the world.
                    if not path.startswith(("sdk/template/", "sdk/abi/")):
                        yield path


def engines():
    """The files of saf-eigrp's engines, as they are built."""
    with open(os.path.join(SOURCE, "plugins/saf-eigrp/Makefile.inc"), encoding="utf-8") as file:
        text = file.read()
    found = {}
    for name, files in re.findall(r"libse_(wire|dual|rtp)_la_SOURCES = \\\n((?:.*\\\n)*.*\n)", text):
        found[name] = re.findall(r"%D%/(\S+\.[ch])", files)
    assert len(found) == 3 and all(len(files) > 5 for files in found.values()), found
    return {"plugins/saf-eigrp/" + file for files in found.values() for file in files}


def impurity(path, text, pure):
    """What an engine may not know; `pure`: the engines' files."""
    for kind, name in INCLUDE.findall(text):
        if name.startswith("xmb/"):
            continue
        if kind == "<" and name not in ENGINE_LIBRARY:
            yield f"{path}: {name} is not for an engine: it has no socket, no clock, no loop"
        if kind == '"' and home_of(os.path.dirname(path), name) not in pure:
            yield f"{path}: {name} is of no engine"
    for call in IMPURE.findall(COMMENT.sub("", text)):
        yield f"{path}: calls {call}(): an engine is told the time, and sends by its caller"


def main():
    faults = []
    pure = engines()
    seen = 0
    for path in sources():
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            text = file.read()
        seen += 1
        if path in pure:
            faults += impurity(path, text, pure)
        for kind, name in INCLUDE.findall(text):
            why = fault(os.path.dirname(path), kind, name)
            if why is None and path.startswith("sdk/include/"):
                if not name.startswith("xmb/") and name not in C_LIBRARY:
                    why = "is of no use to a header of the SDK"
            if why is not None:
                faults.append(f"{path}: {name} {why}")
    print("\n".join(faults) or f"{seen} files, each within its layer")
    return 1 if faults or seen == 0 else 0


sys.exit(main())
