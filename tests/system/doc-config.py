#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""doc/xmbd.xml.5 against the program: every element and attribute of the core's schema and of the
shipped modules' has an entry there, which says what happens when it is left out, and no entry is of
something else; the example at its end is accepted by `xmbd -t`. And every metric has a unit and a
sentence of help, to which doc/operations.md sends operators."""
import glob
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

SOURCE = os.environ["XMB_SRC"]
TMP = os.environ["XMB_TMP"]
RNG = "{http://relaxng.org/ns/structure/1.0}"
PAGE = SOURCE + "/doc/xmbd.xml.5"
# What no schema says: the frame is checked by hand before schemas can be put together.
FRAME = {"xmb": set(), "module": {"name", "optional"}}


def plain(text):
    """Of troff only what this page uses."""
    return text.replace("\\-", "-")


def attributes_of(node, defines, found, seen):
    """Attributes of an element, through references, but not those of elements inside it."""
    for child in node:
        if child.tag == RNG + "attribute":
            found.add(child.get("name"))
        elif child.tag in (RNG + "ref", RNG + "parentRef"):
            if child.get("name") not in seen:
                seen.add(child.get("name"))
                attributes_of(defines.get(child.get("name"), []), defines, found, seen)
        elif child.tag != RNG + "element":
            attributes_of(child, defines, found, seen)


def schema_of(path, core):
    root = ET.parse(path).getroot()
    defines = dict(core)
    defines.update({d.get("name"): d for d in root.iter(RNG + "define")})
    parents = {child: parent for parent in root.iter() for child in parent}
    elements = {}
    for element in root.iter(RNG + "element"):
        up = parents.get(element)
        while up is not None and up.tag != RNG + "element":
            up = parents.get(up)
        name = element.get("name")
        if name == "module" and up is not None:
            name = up.get("name") + "><" + name  # <log><module> is not the <module> of the frame
        attributes_of(element, defines, elements.setdefault(name, set()), set())
    return defines, elements


def entries():
    """What the page has: element -> attributes, and the text of each."""
    found, texts, element, attribute = {}, {}, None, None
    lines = plain(open(PAGE, encoding="utf-8").read()).split("\n")
    for n, line in enumerate(lines):
        if line.startswith(".S"):
            match = re.match(r"\.SS <(.*)>$", line)
            element, attribute = (match.group(1) if match else None), None
            if element:
                found.setdefault(element, set())
        elif line == ".TP" and element:
            match = re.match(r"\.B ([a-z0-9-]+)$", lines[n + 1])
            attribute = match.group(1) if match else None
            if attribute:
                found[element].add(attribute)
        if element:
            texts[element, attribute] = texts.get((element, attribute), "") + line + "\n"
    return found, texts


def compare(schemas, page, complain):
    for element, attributes in schemas.items():
        if element not in page:
            complain(f"<{element}> has no entry")
            continue
        for name in sorted(attributes - page[element]):
            complain(f"<{element} {name}=> has no entry")
    for element, attributes in page.items():
        if element not in schemas:
            complain(f"the entry <{element}> is of no schema")
            continue
        for name in sorted(attributes - schemas[element]):
            complain(f"the entry <{element} {name}=> is of no schema")


def example(complain):
    text = plain(open(PAGE, encoding="utf-8").read()).split(".SH EXAMPLE\n.EX\n")[1].split(".EE")[0]
    text = text.replace('mode="0660"', f'mode="0660" socket="{TMP}/s"')
    path = TMP + "/example.xml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace('port="4788"', 'port="0"'))
    done = subprocess.run([os.environ["XMBD"], "-t", "-c", path, "-p", os.environ["XMB_PLUGINS"]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    if done.returncode != 0 or done.stdout:
        complain(f"the example: exit {done.returncode}: {done.stdout}")


def metrics(complain):
    check = os.environ["XMB_BUILD"] + "/broker/xmb-plugin-check"
    count = 0
    for path in glob.glob(os.environ["XMB_PLUGINS"] + "/*.so"):
        plugin = json.loads(subprocess.check_output([check, "--json", path], timeout=60))
        for metric in plugin["metrics"]:
            count += 1
            if not metric["unit"] or not (metric["help"] or "").endswith("."):
                complain(f"{plugin['name']}: metric {metric['name']} has no unit or no sentence")
    if count < 40:
        complain(f"only {count} metrics were seen")


def main():
    faults = []
    core, schemas = schema_of(SOURCE + "/broker/conf/xmb.rng", {})
    paths = sorted(glob.glob(SOURCE + "/plugins/*/*.rng"))
    assert len(paths) >= 3, paths
    for path in paths:
        for element, attributes in schema_of(path, core)[1].items():
            schemas.setdefault(element, set()).update(attributes)
    schemas.update(FRAME)
    page, texts = entries()
    compare(schemas, page, faults.append)
    for (element, attribute), text in texts.items():
        if attribute and "default" not in text.lower() and "Required" not in text and \
                "Needs" not in text and (element, attribute) not in OPTIONAL:
            faults.append(f"<{element} {attribute}=>: neither a default nor that it is required")
    example(faults.append)
    metrics(faults.append)
    for fault in faults:
        print("FAILED:", fault)
    return 1 if faults else 0


# Attributes for which being absent is said in other words.
OPTIONAL = {("client", "password"), ("client", "password-file"), ("client", "unauthenticated"),
            ("allow-list", "ipv6"), ("nonce", "required"), ("nonce", "none"), ("deny", "network"),
            ("log><module", "level")}

sys.exit(main())
