#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a plugin author does, with nothing but what `make install` put there: copies each template
# out of the tree, builds it with the flags of pkg-config, checks it with xmb-plugin-check, runs its
# test, drops it into the plugin folder, names it in the configuration, and talks to it.
set -eu -o pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS

dest=$XMB_TMP/dest
flock "$XMB_BUILD/config.status" make -C "$XMB_BUILD" install DESTDIR="$dest" \
    >"$XMB_TMP/install.log" 2>&1
where=$(make -s -C "$XMB_BUILD" -f - xmb-dirs <<'M' | grep '^dirs '
include Makefile
xmb-dirs:
	@echo dirs '$(sbindir)' '$(bindir)' '$(pkgconfigdir)' '$(plugindir)' '$(xmbdatadir)' '$(libdir)'
M
)
read -r _ sbin bin pkgconfig plugins data lib <<<"$where"
export LD_LIBRARY_PATH=$dest$lib

cp -r "$dest$data/template/protocol" "$XMB_TMP/line"
cp -r "$dest$data/template/policy" "$XMB_TMP/endings"
cp -r "$dest$data/template/routing" "$XMB_TMP/prefix"
export PKG_CONFIG_PATH=$dest$pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
# Only the SDK: nothing of the source tree may be in the flags.
if pkg-config --cflags --libs xmb-sdk | grep -F "$XMB_SRC"; then
    echo "xmb-sdk.pc leads into the source tree"
    exit 1
fi
flags='-O1 -g -Wall -Wextra -Wpedantic -Werror'
# one NAME ROLE - builds and looks at it, installs it, and runs its test where that can be linked:
# a fake host with a sanitizer needs a test that is built with it.
one() {
    local symbols
    make -C "$XMB_TMP/$1" CC="$XMB_CC" CFLAGS="$flags" "$1.so"
    symbols=$(nm -D --defined-only "$XMB_TMP/$1/$1.so" | awk '{ print $3 }')
    [ "$symbols" = "$1_LTX_xmb_plugin" ] || { echo "exports: $symbols"; exit 1; }
    "$dest$bin/xmb-plugin-check" "$XMB_TMP/$1/$1.so" | tee "$XMB_TMP/check.out"
    grep -q "^plugin *$1 1.0" "$XMB_TMP/check.out"
    grep -q "^roles *$2\$" "$XMB_TMP/check.out"
    install -m 755 "$XMB_TMP/$1/$1.so" "$dest$plugins/$1.so"
    if [ "$XMB_SANITIZED" = no ] && pkg-config --exists cmocka; then
        make -C "$XMB_TMP/$1" CC="$XMB_CC" CFLAGS="$flags" \
            FAKEHOST="$dest$lib/libxmb-fakehost.a" check
    fi
}
one line protocol
one endings policy
one prefix routing

# modules_of FILE - its modules, without the frame.
modules_of() {
    sed -n '/<module/,/<\/xmb>/p' "$1" | grep -v '</xmb>'
}
{
    echo "<xmb xmlns=\"urn:xmb:config:1\"><broker workers=\"${XMB_TEST_WORKERS:-2}\">"
    echo "<control socket=\"$XMB_TMP/s\"/></broker>"
    modules_of "$XMB_TMP/line/line.xml" | sed 's|port="7007"|port="0"|'
    modules_of "$XMB_TMP/endings/endings.xml"
    modules_of "$XMB_TMP/prefix/prefix.xml"
    echo '</xmb>'
} >"$XMB_TMP/line.xml"
"$dest$sbin/xmbd" -t -c "$XMB_TMP/line.xml" -p "$dest$plugins"
"$dest$sbin/xmbd" -c "$XMB_TMP/line.xml" -p "$dest$plugins" 2>"$XMB_TMP/xmbd.log" &
broker=$!

"$XMB_PYTHON3" - "$dest$bin/xmbctl" "$XMB_TMP/s" "$XMB_TMP/xmbd.log" <<'PY'
import json, os, socket, subprocess, sys, time
ctl, path, log = sys.argv[1:]
deadline = time.monotonic() + 60
while not (os.path.exists(log) and " ready" in open(log).read()):
    assert time.monotonic() < deadline, "not ready"
    time.sleep(0.05)
shown = json.loads(subprocess.check_output([ctl, "-s", path, "--json", "show", "listeners"]))
port = [l["port"] for l in shown["listeners"] if l["module"] == "line"][0]
for _ in range(3):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        f = s.makefile("rw", newline="\n")
        assert f.readline() == "hello\n"
        f.write("one\ntwo\r\n")
        f.flush()
        assert f.readline() == "one\n"
        assert f.readline() == "two\n"
modules = json.loads(subprocess.check_output([ctl, "-s", path, "--json", "show", "modules"]))
assert {m["name"]: m["roles"] for m in modules["modules"]} == \
    {"line": ["protocol"], "endings": ["policy"], "prefix": ["routing"]}, modules
PY
kill -TERM $broker
wait $broker
