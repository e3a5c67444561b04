# SPDX-License-Identifier: MIT
"""A kernel of our own for what this machine's kernel cannot do: User-Mode Linux, a kernel that is an
ordinary process. It sees the same files as we do, so a test runs itself again in it:

    if not here():
        sys.exit(guest.run(["vrf", "veth"], [sys.executable, __file__, "inside"]))

The command is root there, whoever we are here, and alone: no network but what it makes, no process but
its own, one processor. Its words come out here, and its exit status. The time is ours.
"""
import os
import shlex
import shutil
import subprocess
import tempfile

from xmcp_helper import TMP

KERNEL = "/usr/bin/linux.uml"
MODULES = "/usr/lib/uml/modules"
FIRST_WORD, LAST_WORD = "--- the guest speaks", "--- the guest is silent"

# What the first process does. The variables that a test relies on go with it; of the file systems only
# those that are the kernel's own view are new. At its end the machine is switched off, by the one call
# for that: `poweroff` would ask an init that is not there.
INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm 2>/dev/null
exec >/dev/console 2>&1
echo "{first}"
modprobe -d {folder} -a {modules} || exit
ip link set lo up
cd {cwd} || exit
env - {environment} {command} </dev/null
echo $? >{status}
echo "{last}"
python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'
"""


def why_not():
    """Why there can be no guest here; None: there can."""
    if not os.path.exists(KERNEL):
        return KERNEL + " is not installed (package user-mode-linux)"
    if shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin") is None:
        return "modprobe is not installed (package kmod)"
    return None


def write_init(folder, modules, command):
    os.makedirs(os.path.join(folder, "lib"))
    os.symlink(MODULES, os.path.join(folder, "lib/modules"))
    status = os.path.join(folder, "status")
    path = os.path.join(folder, "init")
    environment = " ".join(shlex.quote(f"{name}={value}") for name, value in os.environ.items())
    with open(path, "w", encoding="utf-8") as f:
        f.write(INIT.format(first=FIRST_WORD, last=LAST_WORD, modules=" ".join(modules), folder=folder,
                            cwd=shlex.quote(os.getcwd()), environment=environment,
                            command=shlex.join(command), status=status))
    os.chmod(path, 0o755)
    return path, status


def run(modules, command, memory_mb=512):
    """Runs `command` in a guest with these kernel modules. Its exit status, or 99 when it never came to
    an end; prints what was said."""
    folder = tempfile.mkdtemp(prefix="guest.", dir=TMP)
    init, status = write_init(folder, modules, command)
    words = [KERNEL, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", f"mem={memory_mb}M",
             f"init={init}", "con=null", "con0=null,fd:1", f"uml_dir={folder}/", "umid=guest", "quiet",
             "panic=-1"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as kernel:
        speaks, boot = False, []
        for line in kernel.stdout:
            line = line.rstrip("\r\n")
            if line in (FIRST_WORD, LAST_WORD):
                speaks = line == FIRST_WORD
            elif speaks:
                print(line)
            else:
                boot.append(line)
    try:
        with open(status, encoding="ascii") as f:
            return int(f.read())
    except (OSError, ValueError):
        print("the guest did not come to an end; what its kernel said:", *boot, sep="\n")
        return 99
