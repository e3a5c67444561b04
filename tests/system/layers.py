#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which folder may include what, as doc/architecture.md draws it.

sdk/ and each folder of lib/ include nothing of ours; broker/ and each plugin stand side by side on the
SDK, with no arrow between them; tools/ stand on lib/. Headers of the SDK name no library's type,
so they include only the C library. The preprocessor is not run: what is written counts.
"""
import os
import re
import sys

SOURCE = os.environ["XMB_SRC"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
C_LIBRARY = {"assert.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h",
             "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h"}
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


def main():
    faults = []
    seen = 0
    for path in sources():
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            text = file.read()
        seen += 1
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
