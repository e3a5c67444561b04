#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A routing plugin (tests/plugins/routes.c): its route is there when the broker is ready, a reload
replaces it, and a refused one does not."""
import os

from xmcp_helper import Broker, until

MODULES = """
<module name="routes" domain="%s" target="xmpp.%s"/>
<module name="auth-userpass"><client unauthenticated="yes"/></module>
<module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
"""


def routes(broker, domain=""):
    return [(r["domain"], r["module"], r["target"], r["port"])
            for r in broker.control("show routes " + domain)["routes"]]


def main():
    with Broker(MODULES % ("example.net", "example.net"),
                folders=[os.environ["XMB_TEST_PLUGINS"]]) as broker:
        first = [("example.net", "routes", "xmpp.example.net", 5269)]
        second = [("example.org", "routes", "xmpp.example.org", 5269)]
        assert routes(broker) == first, routes(broker)
        assert routes(broker, "example.com") == []
        broker.write(MODULES % ("example.org", "example.org"))
        broker.reload()
        until(lambda: routes(broker) == second, "the route is replaced", broker.alive)
        broker.write(MODULES % ("", "example.com"))
        assert broker.reload(check=False).returncode == 1
        assert routes(broker) == second, routes(broker)


main()
