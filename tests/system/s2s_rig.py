# SPDX-License-Identifier: MIT
"""What the tests of the federation gateway stand on: certificates, a name server, unmodified Prosody
and ejabberd, and the gateway between them, all on loopback addresses of the test's own network.

    alice@a.test  Prosody  127.0.0.10 --inside--> 127.0.0.30 gateway 127.0.0.31 --outside--> ejabberd
    and the same with the servers changed over, or with a second gateway before b.test.

Each server process sees a resolv.conf of its own, by a private mount: the one inside asks the
gateway's inside-dns plugin, the one outside the name server that plays the world's DNS.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

TMP = os.environ["XMB_TMP"]
WAIT = 90 if os.environ.get("XMB_SANITIZED") == "yes" else 30  # seconds until a test gives up
PYTHON = "/usr/bin/python3"  # the one that Debian's slixmpp is for
HERE = os.path.dirname(os.path.abspath(__file__))

WORLD_DNS = "127.0.0.53"
INSIDE, OUTSIDE = "127.0.0.30", "127.0.0.31"
A_ADDRESS, B_ADDRESS = "127.0.0.10", "127.0.0.20"


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(*programs):
    """Skips the test where a program is not installed, or the caller may not do what servers need."""
    if os.geteuid() != 0:
        skip("needs root: servers with a resolv.conf of their own are mounted apart")
    for program in programs:
        if shutil.which(program) is None and not os.path.exists("/usr/sbin/" + program):
            skip(program + " is not installed")
    if not os.path.exists("/usr/lib/python3/dist-packages/slixmpp"):
        skip("python3-slixmpp is not installed")


def until(condition, what, check=lambda: None, seconds=WAIT):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        check()
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not so within {seconds} s: {what}"
        time.sleep(0.02)


def listens(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


class Certificates:
    """A certification authority and what it signs, under TMP/NAME. All files can be read by anybody: the
    broker drops to another user."""

    def __init__(self, name="certs"):
        self.folder = os.path.join(TMP, name)
        os.makedirs(self.folder, exist_ok=True)
        self.ca = self.path("ca.crt")
        self.serial = 0
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-days", "30", "-subj", f"/CN=Test CA {name}",
                     "-addext", "basicConstraints=critical,CA:TRUE",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                     "-keyout", self.path("ca.key"), "-out", self.ca)

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        run = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True,
                             text=True, check=False)
        assert run.returncode == 0, run.stderr
        for name in os.listdir(self.folder):
            if os.path.isfile(self.path(name)):
                os.chmod(self.path(name), 0o644)

    def make(self, domain, names=None, usage="serverAuth,clientAuth", days="30", file=None,
             self_signed=False):
        """Files `file`.crt, .key and .pem (both) for `domain`; `names` is openssl's subjectAltName.
        `days` may be negative: it has expired then."""
        file = file or domain
        names = names or f"DNS:{domain},DNS:conference.{domain}"
        with open(self.path(file + ".ext"), "w", encoding="ascii") as f:
            f.write("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
                    f"extendedKeyUsage={usage}\nsubjectAltName={names}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=" + domain, "-keyout", file + ".key", "-out", file + ".csr")
        signer = ["-signkey", file + ".key"] if self_signed else \
            ["-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", str(self.next_serial())]
        self.openssl("x509", "-req", "-in", file + ".csr", *signer, "-days", days,
                     "-extfile", file + ".ext", "-out", file + ".crt")
        with open(self.path(file + ".pem"), "w", encoding="ascii") as out:
            for end in (".crt", ".key"):
                with open(self.path(file + end), encoding="ascii") as f:
                    out.write(f.read())
        os.chmod(self.path(file + ".pem"), 0o644)
        return self.path(file)

    def next_serial(self):
        self.serial += 1
        return 1000 + self.serial

    def revocation_list(self, *files):
        """A CRL that lists the certificates `files`; returns its path."""
        with open(self.path("index.txt"), "w", encoding="ascii") as f:
            for file in files:
                run = subprocess.run(["openssl", "x509", "-in", self.path(file + ".crt"), "-noout",
                                      "-serial"], capture_output=True, text=True, check=True)
                serial = run.stdout.strip().split("=")[1]
                f.write(f"R\t351231235959Z\t250101000000Z\t{serial}\tunknown\t/CN={file}\n")
        with open(self.path("ca.cnf"), "w", encoding="ascii") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\n"
                    "default_crl_days=30\n")
        self.openssl("ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.crt",
                     "-out", "crl.pem")
        return self.path("crl.pem")


class Process:
    """A server that a test starts and ends, by pid, and may kill or freeze on the way."""

    def __init__(self, name, command, environment=None, resolver=None, hosts=None):
        self.name = name
        self.log_path = os.path.join(TMP, name + ".log")
        if resolver is not None:
            path = os.path.join(TMP, "resolv-" + resolver)
            with open(path, "w", encoding="ascii") as f:
                f.write(f"nameserver {resolver}\n")
            command = ["unshare", "-m", "sh", "-c",
                       f'mount --bind {path} /etc/resolv.conf && exec "$@"', "sh", *command]
        if hosts is not None:
            command = ["unshare", "-m", "sh", "-c",
                       f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh", *command]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=environment, cwd=TMP)

    def alive(self):
        assert self.process.poll() is None, \
            f"{self.name} ended with {self.process.returncode}: {self.log()[-2000:]}"

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class World(Process):
    """dnsmasq as the DNS of the world. `records` maps a domain to the (address, port) of its server, or to None:
    SRV with the target "."."""

    def __init__(self, records, address=WORLD_DNS, extra=()):
        lines = ["keep-in-foreground", "no-resolv", "no-hosts", "no-daemon", "bind-interfaces",
                 "port=53", "user=root", "pid-file=", "local=/test/", f"listen-address={address}",
                 *extra]
        for domain, at in records.items():
            if at is None:
                lines.append(f"srv-host=_xmpp-server._tcp.{domain}")
                continue
            for i, (ip, port) in enumerate(at if isinstance(at, list) else [at]):
                host = f"srv{i}.{domain}"
                lines += [f"srv-host=_xmpp-server._tcp.{domain},{host},{port},10,5",
                          f"address=/{host}/{ip}"]
        path = os.path.join(TMP, f"dnsmasq-{address}.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        super().__init__("dnsmasq-" + address, [shutil.which("dnsmasq") or "/usr/sbin/dnsmasq",
                                                "-C", path])
        until(lambda: listens(address, 53), "dnsmasq answers", self.alive)


def fresh_folder(name):
    """A folder of its own for each server that is started: rosters and certificates are not inherited."""
    folder = os.path.join(TMP, name)
    number = 1
    while os.path.exists(folder):
        number += 1
        folder = os.path.join(TMP, f"{name}-{number}")
    os.makedirs(folder)
    return folder


class Prosody(Process):
    """Debian's Prosody for `domain`, with MUC at conference.`domain`, users and their passwords."""

    def __init__(self, domain, address, certs, resolver, users, trust=None, secure_auth=False,
                 encryption=True, extra="", components="", modules=(), log="info", unbound=None):
        self.domain, self.address = domain, address
        folder = fresh_folder("prosody-" + domain)
        unbound = unbound or ('unbound = { resolvconf = true; hoststxt = false; '
                              'options = { ["local-zone:"] = "test. transparent" } }')
        for user, password in users.items():
            accounts = os.path.join(folder, "data", domain.replace(".", "%2e"), "accounts")
            os.makedirs(accounts, exist_ok=True)
            with open(os.path.join(accounts, user + ".dat"), "w", encoding="ascii") as f:
                f.write(f'return {{ ["password"] = "{password}" }}\n')
        names = ["disco", "roster", "saslauth", "tls", "dialback", "ping", "offline", "vcard_legacy",
                 "pep", *modules]
        config = os.path.join(folder, "prosody.cfg.lua")
        os.makedirs(os.path.join(folder, "data"), exist_ok=True)
        flag = {True: "true", False: "false"}
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{certs.folder}"
interfaces = {{ "{address}" }}
use_ipv6 = false
admins = {{ }}
modules_enabled = {{ {", ".join('"%s"' % n for n in names)} }}
{unbound}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
s2s_require_encryption = {flag[encryption]}
s2s_secure_auth = {flag[secure_auth]}
s2s_ports = {{ 5269 }}
c2s_ports = {{ 5222 }}
component_ports = {{ }}
limits = {{ c2s = {{ rate = "10mb/s" }}; s2sin = {{ rate = "10mb/s" }} }}
dialback_secret = "secret of {domain}"
ssl = {{ cafile = "{trust or certs.ca}" }}
log = {{ {{ levels = {{ min = "{log}" }}, to = "file", filename = "{folder}/prosody.log" }} }}
{extra}
VirtualHost "{domain}"
Component "conference.{domain}" "muc"
{components}
""")
        self.server_log = os.path.join(folder, "prosody.log")
        super().__init__("prosody-" + domain, ["prosody", "-F", "--config", config],
                         resolver=resolver)
        for port in (5222, 5269):
            until(lambda p=port: listens(address, p), f"prosody listens on {port}", self.alive)


class Ejabberd(Process):
    """Debian's ejabberd for `domain`, with MUC at conference.`domain`, users and their passwords."""

    def __init__(self, domain, address, certs, resolver, users, trust=None, starttls="required",
                 extra="", listen="", log="info", modules="", inetrc="/etc/ejabberd/inetrc",
                 hosts=None):
        self.domain, self.address = domain, address
        folder = fresh_folder("ejabberd-" + domain)
        config = os.path.join(folder, "ejabberd.yml")
        trust = trust or certs.ca
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""loglevel: {log}
log_rotate_count: 0
hosts:
  - {domain}
certfiles:
  - "{certs.path(domain + '.pem')}"
ca_file: "{trust}"
s2s_cafile: "{trust}"
s2s_use_starttls: {starttls}
outgoing_s2s_families: [ipv4]
outgoing_s2s_ipv4_address: {address}
auth_method: internal
auth_password_format: plain
listen:
  -
    ip: "{address}"
    port: 5222
    module: ejabberd_c2s
    max_stanza_size: 262144
    starttls: true
  -
    ip: "{address}"
    port: 5269
    module: ejabberd_s2s_in
    max_stanza_size: 524288
{listen}
acl:
  local:
    user_regexp: ""
access_rules:
  local:
    allow: local
  s2s:
    allow: all
s2s_access: s2s
{extra}
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_offline: {{}}
  mod_vcard: {{}}
  mod_s2s_dialback: {{}}
  mod_muc:
    host: conference.{domain}
{modules}
""")
        make_users = "".join(
            f'ejabberd_auth:try_register(<<"{u}">>,<<"{domain}">>,<<"{p}">>),'
            for u, p in users.items()) + f'file:write_file("{folder}/ready", "").'
        environment = dict(os.environ, EJABBERD_CONFIG_PATH=config, HOME=folder,
                           EJABBERD_LOG_PATH=os.path.join(folder, "ejabberd.log"),
                           ERL_LIBS="/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu",
                           ERL_CRASH_DUMP_BYTES="0", ERL_INETRC=inetrc)
        self.server_log = os.path.join(folder, "ejabberd.log")
        super().__init__("ejabberd-" + domain, [
            "erl", "-noinput", "-mnesia", "dir", f'"{folder}/mnesia"', "-s", "ejabberd",
            "-eval", make_users], environment, resolver, hosts)
        for port in (5222, 5269):
            until(lambda p=port: listens(address, p), f"ejabberd listens on {port}", self.alive)
        until(lambda: os.path.exists(folder + "/ready"), "ejabberd has its users", self.alive)


class Gateway(Process):
    """xmbd with the federation modules. Attributes are parts of its configuration that a test may change
    and `reload`."""

    def __init__(self, name="xmbd", **parts):
        self.config = os.path.join(TMP, name + ".xml")
        self.control_socket = os.path.join(TMP, name + ".sock")
        self.parts = dict(inside=INSIDE, outside=OUTSIDE, broker="", modules="", lists="mode='off'",
                          domains="", routes="", dns=WORLD_DNS, inside_dns=True, local="", more="",
                          security="", inside_tls="inside", outside_tls="outside", log="debug",
                          log_format="text",
                          workers=os.environ.get("XMB_TEST_WORKERS", "2"),
                          secret="a secret of the site", folders=(), drain="10s")
        self.parts.update(parts)
        self.write()
        folders = (os.environ["XMB_PLUGINS"], *self.parts["folders"])
        super().__init__(name, [os.environ["XMBD"], "-c", self.config,
                                *(word for folder in folders for word in ("-p", folder))])
        try:
            until(self.listeners, "xmbd is ready", self.alive)
        except BaseException:
            self.kill()
            raise

    def write(self):
        p = self.parts
        tls = {side: f" tls='{p[side + '_tls']}'" if p[side + "_tls"] else ""
               for side in ("inside", "outside")}
        dns = f"<module name='dns-srv'><resolver address='{p['dns']}' port='53'/></module>" \
            if p["dns"] else ""
        inside_dns = f"""<module name='inside-dns'><listen address='{p['inside']}' port='53'/>
  <gateway address='{p['inside']}'/></module>""" if p["inside_dns"] else ""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""<?xml version='1.0'?>
<xmb xmlns='urn:xmb:config:1'>
<broker workers='{p['workers']}' drain='{p['drain']}'><control socket='{self.control_socket}'/>
<log level='{p['log']}' format='{p['log_format']}' to='stderr'/>{p['broker']}</broker>
<module name='allow-deny'><federation {p['lists']}>{p['domains']}</federation></module>
<module name='static-routes'><routes use='yes'>{p['routes']}</routes></module>
{dns}
<module name='xmpp-s2s'>
<listen side='outside' address='{p['outside']}' port='5269'{tls['outside']}/>
<listen side='inside' address='{p['inside']}' port='5269'{tls['inside']}/>
{p['local']}
<dialback secret='{p['secret']}'/>
{p['security']}
{p['more']}
</module>
{inside_dns}{p['modules']}
</xmb>
""")

    def control(self, words, check=True):
        run = subprocess.run([os.environ["XMBCTL"], "-s", self.control_socket, "--json",
                              *words.split()], capture_output=True, text=True, check=False,
                             timeout=WAIT)
        if not check:
            return run
        assert run.returncode == 0, f"xmbctl {words}: {run.stdout}{run.stderr}"
        return json.loads(run.stdout)

    def listeners(self):
        run = self.control("show listeners", check=False)
        return json.loads(run.stdout)["listeners"] if run.returncode == 0 else None

    def reload(self, **parts):
        """While the reload before still ends on a worker, the broker says "try again"."""
        def answered():
            run = self.control("config reload", check=False)
            return None if "try again" in run.stdout + run.stderr else run
        self.parts.update(parts)
        self.write()
        run = until(answered, "the reload before has ended", self.alive)
        assert run.returncode == 0, f"xmbctl config reload: {run.stdout}{run.stderr}"
        return json.loads(run.stdout)

    def connections(self):
        return self.control("show federation connections")["connections"]

    def metric(self, name):
        return self.control("show metrics")[name]

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert status == 0, f"xmbd ended with {status}"


def local_domain(name, *servers):
    return f"<local-domain name='{name}'>" + "".join(
        f"<server address='{a}' port='{p}'/>" for a, p in servers) + "</local-domain>"


def profiles(certs, file="a.test", inside="inside-gw", crl=None, ca=None):
    """The two TLS profiles of the gateway's sides."""
    crl = f" crl='{crl}'" if crl else ""
    return (f"<tls name='outside' certificate='{certs.path(file + '.crt')}' "
            f"key='{certs.path(file + '.key')}' ca='{ca or certs.ca}'{crl}/>"
            f"<tls name='inside' certificate='{certs.path(inside + '.crt')}' "
            f"key='{certs.path(inside + '.key')}' ca='{certs.ca}'/>")


def talk(*arguments, seconds=120):
    """Runs the clients' program (s2s_talk.py) and fails with what it said."""
    run = subprocess.run([PYTHON, os.path.join(HERE, "s2s_talk.py"), *arguments],
                         capture_output=True, text=True, check=False, timeout=seconds,
                         env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})
    print(run.stdout, end="")
    assert run.returncode == 0, f"s2s_talk {arguments}: {run.stdout}{run.stderr}"
    return run.stdout
