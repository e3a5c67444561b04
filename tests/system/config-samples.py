#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every configuration that the project ships is accepted by `xmbd -t`, with the shipped plugins
and without a word. Only the control socket is moved to where the test may write, and ports are
made free ones, because the machine may have a broker on the real ones."""
import glob
import os
import re
import subprocess
import sys

SOURCE = os.environ["XMB_SRC"]
TMP = os.environ["XMB_TMP"]


def adapted(text):
    control = '<control socket="%s/s"/>' % TMP
    text = re.sub(r"<control [^>]*/>", "", text)
    text = re.sub(r' port="[0-9]+"', ' port="0"', text).replace("<listen/>", '<listen port="0"/>')
    if "<broker" in text:
        return re.sub(r"(<broker[^>]*>)", r"\1" + control, text, count=1)
    return text.replace("<module", "<broker>%s</broker>\n<module" % control, 1)


def main():
    samples = sorted(glob.glob(SOURCE + "/config/*.xml") +
                     glob.glob(SOURCE + "/config/examples/*.xml"))
    assert len(samples) >= 3, samples
    failed = 0
    for sample in samples:
        path = os.path.join(TMP, os.path.basename(sample))
        with open(sample) as f, open(path, "w") as out:
            out.write(adapted(f.read()))
        done = subprocess.run([os.environ["XMBD"], "-t", "-c", path, "-p", os.environ["XMB_PLUGINS"]],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0 or done.stdout:
            print("FAILED: %s: exit %d\n%s" % (sample, done.returncode, done.stdout))
            failed = 1
    return failed


sys.exit(main())
