#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What somebody does who writes an XMCP client, with nothing but what `make install` put there: it
# is built with the flags of pkg-config, talks to a broker through the installed
# library, and is told what it published.
set -eu -o pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS

dest=$XMB_TMP/dest
flock "$XMB_BUILD/config.status" make -C "$XMB_BUILD" install DESTDIR="$dest" \
    >"$XMB_TMP/install.log" 2>&1
read -r _ pkgconfig lib include <<<"$(make -s -C "$XMB_BUILD" -f - xmb-dirs <<'M' | grep '^dirs '
include Makefile
xmb-dirs:
	@echo dirs '$(pkgconfigdir)' '$(libdir)' '$(includedir)'
M
)"
export PKG_CONFIG_PATH=$dest$pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest LD_LIBRARY_PATH=$dest$lib
for place in "$XMB_SRC" "$XMB_BUILD"; do
    if pkg-config --static --cflags --libs xmcp | grep -F "$place"; then
        echo "xmcp.pc leads into $place"
        exit 1
    fi
done
# A library with a sanitizer in it wants a program that has it too.
sanitizer=$(grep '^LDFLAGS = ' "$XMB_BUILD/Makefile" | grep -oE -- '-fsanitize=[^ ]+' || :)

cp "$XMB_SRC/tests/system/outside_client.c" "$XMB_TMP/client.c"
cd "$XMB_TMP"
# shellcheck disable=SC2046,SC2086 # words
$XMB_CC -std=gnu11 -Wall -Wextra -Wpedantic -Werror $sanitizer -o client client.c \
    $(pkg-config --cflags --libs xmcp)
ldd ./client | grep -F "libxmcp.so.0 => $dest$lib/libxmcp.so.0"
# shellcheck disable=SC2046
header=$($XMB_CC -M $(pkg-config --cflags xmcp) client.c | tr ' ' '\n' | grep '/xmcp\.h$')
[ "$header" = "$dest$include/xmcp.h" ] || { echo "the header is $header"; exit 1; }

cat >xmbd.xml <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="${XMB_TEST_WORKERS:-2}"><control socket="$XMB_TMP/s"/></broker>
  <module name="auth-userpass"><client username="ann" password="password-of-ann"/></module>
  <module name="xmcp"><listen family="ipv4" address="127.0.0.1" port="0"/></module>
</xmb>
XML
"$XMBD" -c xmbd.xml -p "$XMB_PLUGINS" 2>xmbd.log &
broker=$!
trap 'kill $broker && wait $broker || :' EXIT
SECONDS=0
until grep -q ' ready' xmbd.log; do
    kill -0 $broker
    [ $SECONDS -lt 60 ]
    sleep 0.1
done
port=$("$XMBCTL" -s "$XMB_TMP/s" --json show listeners |
    grep -o '"port": *[0-9]*' | grep -o '[0-9]*')

timeout 60 ./client "$port" ann password-of-ann | tee client.log
grep -qx '2 notifies, 1 withdrawals' client.log
# It can tell a refusal, too.
if timeout 60 ./client "$port" ann not-her-password >refused.log 2>&1; then
    echo "a wrong password is as good as hers"
    exit 1
fi
grep 'Integrity Check Failure' refused.log
trap - EXIT
kill -TERM $broker
wait $broker
