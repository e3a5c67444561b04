#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Plugins that were built with the headers of a released ABI run in today's broker: for each folder
# sdk/abi/X.Y/include a knob (tests/plugins) and the template are built with these headers and no
# others, loaded, and the knob asked for its value on each worker, also after a reload.
set -eu -o pipefail

workers=${XMB_TEST_WORKERS:-2}

complain() {
    echo "FAILED: $*"
    tail -n 20 "$XMB_TMP/xmbd.log" || :
    exit 1
}

check_one() {
    local version=$1 dir=$XMB_TMP/$1 conf=$XMB_TMP/$1.xml broker words
    mkdir "$dir"
    # What the newest header offers and the snapshot does not is left out by the plugin's own size.
    for plugin in knob-a line; do
        case $plugin in
        line) source=$XMB_SRC/sdk/template/protocol/line.c ;;
        *) source=$XMB_SRC/tests/plugins/$plugin.c ;;
        esac
        $XMB_CC -std=gnu11 -O1 -g -fPIC -fvisibility=hidden -shared -Wl,-z,defs -Wl,-z,now \
            -I "$XMB_SRC/sdk/abi/$version/include" -I "$XMB_TMP" "$source" -o "$dir/$plugin.so"
        "$XMB_BUILD/broker/xmb-plugin-check" "$dir/$plugin.so" | grep -q "^abi *$version,"
    done
    words="<xmb xmlns=\"urn:xmb:config:1\"><broker workers=\"$workers\">"
    words="$words<control socket=\"$dir/s\"/></broker>"
    words="$words<module name=\"knob-a\"><knob value=\"VALUE\"/></module>"
    words="$words<module name=\"line\"><listen address=\"127.0.0.1\" port=\"0\"/></module></xmb>"
    echo "${words/VALUE/11}" >"$conf"
    chmod 1777 "$dir"
    "$XMBD" -c "$conf" -p "$dir" 2>"$XMB_TMP/xmbd.log" &
    broker=$!
    await "$dir" 11 "$broker"
    echo "${words/VALUE/12}" >"$conf"
    "$XMBCTL" -s "$dir/s" config reload >/dev/null || complain "$version: no reload"
    await "$dir" 12 "$broker"
    kill -TERM "$broker"
    wait "$broker" || complain "$version: exit $?"
}

# await FOLDER VALUE BROKER - until all workers have the value; 60 seconds.
await() {
    local deadline=$((SECONDS + 60)) seen
    until seen=$("$XMBCTL" -s "$1/s" --json show knob-a workers 2>/dev/null | tr -d ' \n') &&
        [ "$(grep -o "\"value\":$2\b" <<<"$seen" | wc -l)" = "$workers" ]; do
        kill -0 "$3" || complain "the broker ended"
        [ $SECONDS -lt $deadline ] || complain "workers have: $seen"
    done
}

# The template includes its schema as a header, which its Makefile makes.
{
    echo 'static const char line_rng[] ='
    sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' "$XMB_SRC/sdk/template/protocol/line.rng"
    echo ';'
} >"$XMB_TMP/line.rng.h"

count=0
for folder in "$XMB_SRC"/sdk/abi/[0-9]*.[0-9]*/; do
    check_one "$(basename "$folder")"
    count=$((count + 1))
done
[ $count -gt 0 ] || complain "there is no snapshot"
