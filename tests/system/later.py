#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Operator commands whose answer comes later (xmb_control_api.later): workers' answers are joined when the last one is
there, others are answered meanwhile, an answer that never comes is told so in time, and none holds up the broker's end.
"""
import os
import threading
import time

from xmcp_helper import Broker, until

MODULES = ('<module name="stay"><listen address="127.0.0.1" port="0"/></module>'
           '<module name="later"/>')
WORKERS = int(os.environ.get("XMB_TEST_WORKERS", "2"))


def refused(broker, words, why):
    run = broker.control(words, check=False)
    assert run.returncode == 1 and why in run.stdout + run.stderr, run


def in_time(broker):
    print("each worker in its time")
    for words in ("later each", "later at-once", "later each"):
        answer = broker.control(words)
        assert [w["worker"] for w in answer["workers"]] == list(range(WORKERS)), answer
        assert answer["answers"] == WORKERS, answer
    refused(broker, "later error", "it failed later")
    refused(broker, "later wrong", "not in this scope")
    assert broker.control("later each")["answers"] == WORKERS


def others_meanwhile(broker):
    print("others are answered meanwhile")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(broker.control("later each")))
    thread.start()
    while thread.is_alive():
        assert broker.control("show version")["version"]
    thread.join()
    assert answers[0]["answers"] == WORKERS, answers


def never(broker):
    print("one that never comes")
    began = time.monotonic()
    refused(broker, "later never", "did not answer in time")
    assert time.monotonic() - began >= 0.4
    assert broker.control("later each")["answers"] == WORKERS
    refused(broker, "later never", "one at a time")


def main():
    folders = (os.environ["XMB_TEST_PLUGINS"],)
    with Broker(MODULES, folders=folders) as broker:
        in_time(broker)
        others_meanwhile(broker)
        never(broker)
    print("the broker ends while one is waited for")
    with Broker(MODULES, name="second", folders=folders) as broker:
        thread = threading.Thread(target=lambda: broker.control("later never", check=False))
        thread.start()
        until(lambda: "one at a time" in (r := broker.control("later never", check=False)).stdout + r.stderr
              or "did not answer" in r.stdout + r.stderr, "it has begun", broker.alive)
        broker.stop()
        thread.join()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
