#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What was loaded is never unloaded: the code of an optional module that could not be used, because
its init failed or because it was refused once its file was open, stays mapped, when the broker is
ready and after a reload. What the configuration does not name is never mapped."""
import os

from xmcp_helper import Broker

MODULES = """
<module name="init-fails" optional="yes"/>
<module name="bad-magic" optional="yes"/>
<module name="knob-a"><knob value="%d"/></module>
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""
FOLDERS = [os.environ["XMB_TEST_PLUGINS"], os.environ["XMB_BAD_PLUGINS"]]


def mapped(broker):
    """The names of files whose code is in the broker's memory now."""
    with open(f"/proc/{broker.process.pid}/maps", encoding="utf-8") as f:
        fields = [line.split(None, 5) for line in f]
    return {os.path.basename(x[5].strip()) for x in fields if len(x) == 6 and "x" in x[1]}


def check(broker):
    code = mapped(broker)
    assert {"init-fails.so", "bad-magic.so", "knob-a.so", "xmcp.so"} <= code, code
    assert not code & {"knob-b.so", "static-routes.so", "no-init.so"}, code
    shown = {m["name"] for m in broker.control("show modules")["modules"]}
    assert shown == {"knob-a", "auth-userpass", "xmcp"}, shown


with Broker(MODULES % 1, folders=FOLDERS) as running:
    for name in ("init-fails", "bad-magic"):
        assert f"module {name}: " in running.log(), running.log()
    assert running.log().count("it is optional and left out") == 2, running.log()
    check(running)
    running.write(MODULES % 2)
    assert running.reload()["changed"] == ["knob-a"]
    check(running)
