#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every check of the loader, by a plugin or a file that fails at it: `xmbd -t` must exit 1 and
# say FILE:LINE and the words for that check, and nothing about anything else. Then the same with
# optional="yes", where the broker would go on. What is called only in a broker that starts is tried
# by a start.
set -u

dir=$XMB_TMP/plugins
conf=$XMB_TMP/bad.xml
run=$XMB_TMP/run
sock=$run/bad.sock
failed=0
mkdir "$dir" "$run"
chmod 1777 "$run" # for a broker that was root and unlinks its socket
cp "$XMB_BAD_PLUGINS"/*.so "$XMB_TEST_PLUGINS"/knob-a.so "$dir"
chmod 755 "$dir"/*.so

# config MODULE... - one <module> a line, the first on line 5.
config() {
    {
        echo '<xmb xmlns="urn:xmb:config:1">'
        echo "  <broker workers=\"${XMB_TEST_WORKERS:-1}\">"
        echo "    <control socket=\"$sock\"/>"
        echo '  </broker>'
        for module; do
            echo "  $module"
        done
        echo '</xmb>'
    } >"$conf"
}

complain() {
    echo "FAILED: $*"
    sed 's/^/    /' "$XMB_TMP/out"
    failed=1
}

# refuses WORDS MODULE... - exactly one line, of line 5, with WORDS in it.
refuses() {
    local words=$1 rc=0
    shift
    config "$@"
    "$XMBD" -t -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 || rc=$?
    [ $rc = 1 ] || complain "$*: exit $rc, not 1"
    grep -qF -- "$words" "$XMB_TMP/out" || complain "$*: does not say: $words"
    grep -q "^$conf:5: module " "$XMB_TMP/out" || complain "$*: does not say $conf:5"
    [ "$(grep -c "^$conf:" "$XMB_TMP/out")" = 1 ] || complain "$*: more than one fault"
}

accepts() {
    local rc=0
    config "$@"
    "$XMBD" -t -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 || rc=$?
    [ $rc = 0 ] || complain "$*: exit $rc, not 0"
    [ ! -s "$XMB_TMP/out" ] || complain "$*: is not silent"
}

# start_refused WORDS MODULE... - a start comes to the same, and takes its control socket along.
start_refused() {
    local words=$1 rc=0
    shift
    config "$@"
    timeout 60 "$XMBD" -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 || rc=$?
    [ $rc = 1 ] || complain "$*: exit $rc, not 1"
    grep -qxF -- "$conf:5: module $words" "$XMB_TMP/out" || complain "$*: does not say: $words"
    grep -qx 'xmbd: not started' "$XMB_TMP/out" || complain "$*: does not say that it did not start"
    [ "$(grep -c "^$conf:" "$XMB_TMP/out")" = 1 ] || complain "$*: more than one fault"
    grep -q ' ready: xmbd' "$XMB_TMP/out" && complain "$*: was ready"
    [ -z "$(ls -A "$run")" ] || complain "$*: left $(ls -A "$run")"
}

accepts '<module name="knob-a"/>'

refuses "there is no nowhere.so in $dir" '<module name="nowhere"/>'
refuses 'has no symbol no_symbol_LTX_xmb_plugin' '<module name="no-symbol"/>'
refuses 'undefined symbol: bad_nobody_has_this' '<module name="unresolved"/>'
refuses 'does not begin with the plugin magic' '<module name="bad-magic"/>'
refuses 'it was built for plugin ABI' '<module name="bad-major"/>'
refuses 'changed what that promised; build the plugin again' '<module name="bad-minor"/>'
refuses 'it needs plugin ABI' '<module name="bad-need"/>'
refuses 'says it is 64 octets long: too short' '<module name="bad-size"/>'
refuses 'says it is 13 octets long: too short' '<module name="short-head"/>'
refuses "calls itself 'good-name'" '<module name="bad-name"/>'
refuses 'it has no ops' '<module name="no-ops"/>'
refuses 'its ops have no init' '<module name="no-init"/>'
refuses 'its protocol has no data' '<module name="no-data"/>'
refuses 'its protocol has no size' '<module name="protocol-size"/>'
refuses 'its protocol has no open' '<module name="no-open"/>'
refuses 'its protocol has no closed' '<module name="no-closed"/>'
refuses 'its policy has no check' '<module name="no-check"/>'
refuses 'its policy declares no points' '<module name="no-points"/>'
refuses 'its datagram has no received' '<module name="no-received"/>'
refuses 'its routing has no size' '<module name="routing-size"/>'
refuses 'its list of metrics says 3 and is not usable' '<module name="no-list"/>'
refuses 'its list of commands says 1025 and is not usable' '<module name="long-list"/>'
refuses 'an element of its metrics says it is 3 octets long' '<module name="bad-stride"/>'
refuses 'its metric number 1 has no usable name or type' '<module name="metric-name"/>'
refuses 'its metric number 0 has no usable name or type' '<module name="metric-type"/>'
refuses "declares the metric 'same' twice" '<module name="bad-metrics"/>'
refuses "its command 'show nothing' has no run" '<module name="bad-commands"/>'
refuses "its command 'show nobody' has no run or no scope" '<module name="no-scope"/>'
refuses 'its command number 0 has no words' '<module name="no-words"/>'
refuses 'number 0 of what it requires has no name' '<module name="require-name"/>'
refuses 'number 0 of what it provides has no name' '<module name="provide-name"/>'
refuses "it requires 'bad-nowhere'" '<module name="bad-require"/>'
refuses 'its init failed: not supported' '<module name="init-fails"/>'
refuses 'its schema is not usable' '<module name="bad-schema"/>'
refuses 'it declares a schema of 1000 octets that is not there' '<module name="no-schema"/>'
refuses 'its prepare failed: limit reached' '<module name="prepare-fails"/>'

# Another module provides it, but not as much of it as is asked for.
refuses "it requires 'x-knob-a' (revision 2), which no loaded module is or provides" \
    '<module name="needs-newer"/><module name="knob-a"/>'

# What begins only when the configuration is in force: routing, the workers' state, start.
start_refused 'begin-fails: its begin of routing failed: limit reached' \
    '<module name="begin-fails"/>'
start_refused 'knob-a: its worker_init failed: limit reached' \
    '<module name="knob-a"><knob value="1" fail="worker"/></module>'
start_refused 'knob-a: its start failed: limit reached' \
    '<module name="knob-a"><knob value="1" fail="start"/></module>'
# Also in a broker that could do without: it is not left out any more once it has begun.
start_refused 'knob-a: its start failed: limit reached' \
    '<module name="knob-a" optional="yes"><knob value="1" fail="start"/></module>'

# Twice, and a circle, need two modules; both lines are the same here.
refuses 'it is named twice' '<module name="knob-a" optional="yes"/><module name="knob-a"/>'
config '<module name="cycle-a"/>' '<module name="cycle-b"/>'
"$XMBD" -t -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 && complain "a circle is accepted"
grep -qF "$conf:5: module cycle-a: requirements go in a circle: cycle-a requires cycle-b, which requires cycle-a" \
    "$XMB_TMP/out" || complain "cycle-a"
grep -q "^$conf:6: module cycle-b: requirements go in a circle" "$XMB_TMP/out" || complain "cycle-b"

# What requires a module that fails: its own line, behind that of the cause.
config '<module name="needs-failed"/>' '<module name="init-fails"/>'
"$XMBD" -t -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 && complain "needs-failed is accepted"
grep -qF "$conf:5: module needs-failed: it requires 'init-fails', which could not be started" \
    "$XMB_TMP/out" || complain "needs-failed"
grep -qF "$conf:6: module init-fails: its init failed" "$XMB_TMP/out" || complain "init-fails"

# One more than there is room for. Those before it are left out, so that nothing else is told.
modules=()
for ((i = 0; i < 63; i++)); do
    modules+=('<module name="nowhere" optional="yes"/>')
done
accepts "${modules[@]}"
config "${modules[@]}" '<module name="nowhere" optional="yes"/>'
"$XMBD" -t -c "$conf" -p "$dir" >"$XMB_TMP/out" 2>&1 && complain "64 modules are accepted"
[ "$(cat "$XMB_TMP/out")" = "$conf:68: more than 63 modules" ] || complain "64 modules"

# A file that is not what it should be.
cp "$dir/knob-a.so" "$dir/knob-w.so"
chmod o+w "$dir/knob-w.so"
refuses 'can be written by others than its owner' '<module name="knob-w"/>'
chmod o-w,g+w "$dir/knob-w.so"
refuses 'can be written by others than its owner' '<module name="knob-w"/>'
echo 'not a shared object' >"$dir/text.so"
refuses 'cannot be loaded: ' '<module name="text"/>'
mkdir "$dir/folder.so"
refuses 'is not a regular file' '<module name="folder"/>'
cp "$dir/knob-a.so" "$XMB_TMP/knob-b.so"
ln -s "$XMB_TMP/knob-b.so" "$dir/knob-out.so"
refuses 'is a link that leads out of its folder' '<module name="knob-out"/>'
ln -s nobody.so "$dir/dangling.so"
refuses "$dir/dangling.so: No such file or directory" '<module name="dangling"/>'
ln -sf knob-a.so "$dir/knob-in.so"
refuses 'has no symbol knob_in_LTX_xmb_plugin' '<module name="knob-in"/>'
if [ "$(id -u)" = 0 ]; then
    cp "$dir/knob-a.so" "$dir/knob-x.so"
    chown 12345 "$dir/knob-x.so"
    refuses 'belongs to user 12345' '<module name="knob-x"/>'
fi

# A crash in init: the last line says whose it was, and the process dies of the signal.
config '<module name="init-crashes"/>'
rc=0
("$XMBD" -t -c "$conf" -p "$dir") >"$XMB_TMP/out" 2>&1 || rc=$?
grep -q 'fatal signal SIG[A-Z]* in module init-crashes 1.0, state loaded' "$XMB_TMP/out" ||
    complain "init-crashes: does not say whose crash it is"
[ "$XMB_SANITIZED" = yes ] || [ $rc -ge 128 ] || complain "init-crashes: exit $rc"

# What is optional is left out, and so is what requires it; the rest goes on.
for name in nowhere unresolved bad-magic bad-require init-fails; do
    accepts "<module name=\"$name\" optional=\"yes\"/>" '<module name="knob-a"/>'
done
accepts '<module name="cycle-a" optional="yes"/>' '<module name="cycle-b" optional="yes"/>'

# xmb-plugin-check comes to the same conclusions.
check=$XMB_BUILD/broker/xmb-plugin-check
"$check" "$dir/knob-a.so" >"$XMB_TMP/out" 2>&1 || complain "xmb-plugin-check knob-a"
grep -q '^command *show knob-a calls' "$XMB_TMP/out" || complain "xmb-plugin-check: no command"
"$check" --json "$dir/knob-a.so" | "$XMB_PYTHON3" -c '
import json, sys
d = json.load(sys.stdin)
assert d["ok"] and d["name"] == "knob-a" and d["provides"][0]["name"] == "x-knob-a", d
' || complain "xmb-plugin-check --json"
for name in no-symbol unresolved bad-magic bad-major no-init bad-metrics bad-schema; do
    "$check" "$dir/$name.so" >"$XMB_TMP/out" 2>&1 && complain "xmb-plugin-check takes $name"
done

exit $failed
