#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every configuration that the project ships is accepted by `xmbd -t`, with the shipped plugins
and without a word. Only the control socket is moved to where the test may write, ports are made free
ones, because the machine may have a broker on the real ones, addresses that it would need are those of
the loopback, and the files under /etc/xmb are made here. So is every file of tests/data/contract, which
never changes: configurations that users have. The default one also starts, with a port for each plane, and
says what is missing until somebody can federate."""
import glob
import os
import re
import subprocess
import sys

from xmcp_helper import Broker

SOURCE = os.environ["XMB_SRC"]
TMP = os.environ["XMB_TMP"]


def adapted(text):
    control = '<control socket="%s/s"/>' % TMP
    text = re.sub(r"<control [^>]*/>", "", text)
    text = re.sub(r'(<(?:listen|component)[^>]*) port="[0-9]+"', r'\1 port="0"', on_loopback(text))
    text = FILES.sub(r'"%s/\1"' % TMP, text).replace("<listen/>", '<listen port="0"/>')
    text = text.replace('to="/var/log/xmb/', 'to="%s/' % TMP)
    if "<broker" in text:
        return re.sub(r"(<broker[^>]*>)", r"\1" + control, text, count=1)
    return text.replace("<module", "<broker>%s</broker>\n<module" % control, 1)


FILES = re.compile(r'"/etc/xmb/([^"]+)"')


def run(*words):
    subprocess.run(words, cwd=TMP, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate(name, key):
    """A CA of its own, which is its own certificate too."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:example.com",
        "-out", name, "-keyout", key)


def revocation_list(name, ca, key):
    for empty in ("index.txt", "index.txt.attr"):
        open(os.path.join(TMP, empty), "w", encoding="ascii").close()
    with open(os.path.join(TMP, "ca.conf"), "w", encoding="ascii") as f:
        f.write("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=2\n")
    run("openssl", "ca", "-config", "ca.conf", "-gencrl", "-cert", ca, "-keyfile", key, "-out", name)


def make_files():
    certificate("cert.pem", "key.pem")
    certificate("inside.pem", "inside.key")
    for copy, of in (("ca.pem", "cert.pem"), ("inside-ca.pem", "inside.pem")):
        with open(os.path.join(TMP, of)) as f, open(os.path.join(TMP, copy), "w") as out:
            out.write(f.read())
    revocation_list("crl.pem", "cert.pem", "key.pem")
    for name in ("bots.secret", "dialback.secret", "file-user.secret"):
        with open(os.open(os.path.join(TMP, name), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("a-long-secret\n")


def on_loopback(text):
    """Where it listens: an address of this machine; where others are stays as it is."""
    return re.sub(r'(<(?:listen|component)[^>]* address=)"(?!127\.|::1")[^"]*"', r'\1"127.0.0.1"', text)


def default_starts():
    """With the ports that everybody knows, or free ones where another test shares the network."""
    with open(SOURCE + "/config/xmbd.xml", encoding="utf-8") as f:
        text = re.sub(r"<!--.*?-->", "", f.read(), flags=re.S)
    assert re.findall(r'<listen [^>]*address="127.0.0.1" port="([0-9]+)"', text) == ["4788", "5269"]
    modules = re.search(r"</broker>(.*)</xmb>", text, re.S).group(1)
    if os.geteuid() != 0:
        modules = re.sub(r' port="[0-9]+"', ' port="0"', modules)
    with Broker(modules) as broker:
        assert [l["module"] for l in broker.listeners()] == ["xmcp", "xmpp-s2s"], broker.listeners()
        status = broker.control("show federation status")
        assert status["status"] == "inactive" and "no local domain" in status["reason"], status
        log = broker.log()
        for words in ("no <local-domain>", "no <listen side=\"outside\">", "the allow list is empty"):
            assert re.search(" warn XMPPFederation: .*" + words, log), log


def main():
    make_files()
    samples = sorted(glob.glob(SOURCE + "/config/*.xml") +
                     glob.glob(SOURCE + "/config/examples/*.xml") +
                     glob.glob(SOURCE + "/tests/data/contract/*.xml"))
    assert len(samples) >= 7, samples
    failed = 0
    default_starts()
    for number, sample in enumerate(samples):
        path = os.path.join(TMP, "%u-%s" % (number, os.path.basename(sample)))
        with open(sample) as f, open(path, "w") as out:
            out.write(adapted(f.read()))
        done = subprocess.run([os.environ["XMBD"], "-t", "-c", path, "-p", os.environ["XMB_PLUGINS"]],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0 or done.stdout:
            print("FAILED: %s: exit %d\n%s" % (sample, done.returncode, done.stdout))
            failed = 1
    return failed


sys.exit(main())
