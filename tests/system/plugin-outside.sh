#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a plugin author does, with nothing but what `make install` put there: copies the template
# out of the tree, builds it with the flags of pkg-config, checks it with xmb-plugin-check, drops
# it into the plugin folder, names it in the configuration, and talks to it.
set -eu -o pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS

dest=$XMB_TMP/dest
make -C "$XMB_BUILD" install DESTDIR="$dest" >"$XMB_TMP/install.log" 2>&1
where=$(make -s -C "$XMB_BUILD" -f - xmb-dirs <<'M' | grep '^dirs '
include Makefile
xmb-dirs:
	@echo dirs '$(sbindir)' '$(bindir)' '$(pkgconfigdir)' '$(plugindir)' '$(xmbdatadir)' '$(libdir)'
M
)
read -r _ sbin bin pkgconfig plugins data lib <<<"$where"
export LD_LIBRARY_PATH=$dest$lib

cp -r "$dest$data/template/protocol" "$XMB_TMP/line"
export PKG_CONFIG_PATH=$dest$pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
# Only the SDK: nothing of the source tree may be in the flags.
if pkg-config --cflags --libs xmb-sdk | grep -F "$XMB_SRC"; then
    echo "xmb-sdk.pc leads into the source tree"
    exit 1
fi
flags='-O1 -g -Wall -Wextra -Wpedantic -Werror'
make -C "$XMB_TMP/line" CC="$XMB_CC" CFLAGS="$flags" line.so
symbols=$(nm -D --defined-only "$XMB_TMP/line/line.so" | awk '{ print $3 }')
[ "$symbols" = line_LTX_xmb_plugin ] || { echo "exports: $symbols"; exit 1; }

"$dest$bin/xmb-plugin-check" "$XMB_TMP/line/line.so" | tee "$XMB_TMP/check.out"
grep -q '^plugin *line 1.0' "$XMB_TMP/check.out"
grep -q '^roles *protocol' "$XMB_TMP/check.out"

install -m 755 "$XMB_TMP/line/line.so" "$dest$plugins/line.so"
sed -e 's|port="7007"|port="0"|' \
    -e "s|<module|<broker workers=\"2\"><control socket=\"$XMB_TMP/s\"/></broker>\n  <module|" \
    "$XMB_TMP/line/line.xml" >"$XMB_TMP/line.xml"
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
assert [m["version"] for m in modules["modules"] if m["name"] == "line"] == ["1.0"], modules
PY
kill -TERM $broker
wait $broker
