#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `xmbd -t` on files with faults: each is told as FILE:LINE: message, all of them at once, in the
# order of the file, and the exit status is 1. Without a fault: not a word, and 0. A start with a
# faulty file ends with 1 and the same words.
set -u

conf=$XMB_TMP/xmbd.xml
failed=0

try() {
    rc=0
    "$XMBD" "$@" -c "$conf" -p "$XMB_TEST_PLUGINS" >"$XMB_TMP/out" 2>&1 </dev/null || rc=$?
}

complain() {
    echo "FAILED: $*"
    sed 's/^/    /' "$XMB_TMP/out"
    failed=1
}

# same LINES - what was printed is exactly that, with FILE standing for the file.
same() {
    printf '%s\n' "$@" | sed "s|^FILE|$conf|" >"$XMB_TMP/want"
    [ $rc = 1 ] || complain "exit $rc, not 1"
    diff -u "$XMB_TMP/want" "$XMB_TMP/out" || complain "other words than above"
}

cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/></broker>
  <module name="knob-a"/>
</xmb>
XML
try -t
[ $rc = 0 ] || complain "a good file: exit $rc"
[ ! -s "$XMB_TMP/out" ] || complain "words about a good file"
[ ! -e "$XMB_TMP/s" ] || complain "-t left its socket behind"
[ ! -e "$XMB_TMP/s.new" ] || complain "-t left its new socket behind"

cat >"$conf" <<'XML'
<xmb xmlns="urn:xmb:config:1">
  <broker workers="0" user="nobody">
    <control sokket="/tmp/x"/>
    <logs/>
  </broker>
</xmb>
XML
try -t
same "FILE:2: attribute 'workers' of <broker> is '0'; expected auto or a whole number from 1 to 256" \
    "FILE:3: unknown attribute 'sokket' of <control>; known: socket, group, mode" \
    "FILE:4: unknown element <logs> in <broker>; known: plugins, control, log, tls, registry"

# Faults of several modules, from the schema, together.
cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/></broker>
  <module name="knob-a">
    <knob vlaue="1"/>
  </module>
  <module name="knob-b"><knob value="x"/>
    <knob/></module>
</xmb>
XML
try -t
same "FILE:4: module knob-a: unknown attribute 'vlaue' of <knob>; known: value, fail, secret-file" \
    "FILE:6: module knob-b: <knob> may stand only once in <module>" \
    "FILE:6: module knob-b: attribute 'value' of <knob> is 'x'; expected a whole number from 0 to 4294967295"

# Faults that only prepare knows, of two modules, together.
cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/></broker>
  <module name="knob-a"><knob value="2000"/></module>
  <module name="knob-b"><knob fail="prepare"/></module>
</xmb>
XML
try -t
same "FILE:3: module knob-a: attribute 'value' of <knob> is '2000'; expected a whole number from 0 to 1000" \
    "FILE:4: module knob-b: told to fail"
try
[ $rc = 1 ] || complain "a start with faults: exit $rc, not 1"
grep -q "^$conf:4: module knob-b: told to fail" "$XMB_TMP/out" || complain "a start does not say it"
grep -q '^xmbd: not started' "$XMB_TMP/out" || complain "a start does not say that it was none"
[ ! -e "$XMB_TMP/s" ] || [ "$(id -u)" = 0 ] || complain "a start that failed left its socket behind"

# A schema that refuses one module, or TLS, hides nothing of the others; what only prepare of the
# refused one knows has to wait.
cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/>
    <tls name="t" certificate="/nonexistent" key="/nonexistent"/></broker>
  <module name="knob-a"><knob vlaue="1" fail="prepare"/></module>
  <module name="knob-b"><knob fail="prepare"/></module>
</xmb>
XML
try -t
[ $rc = 1 ] || complain "a schema and prepare: exit $rc, not 1"
for want in ":3: .*/nonexistent" ":4: module knob-a: unknown attribute 'vlaue' of <knob>" \
    ":5: module knob-b: told to fail"; do
    grep -q "^$conf$want" "$XMB_TMP/out" || complain "not told: $want"
done
! grep -q "knob-a: told" "$XMB_TMP/out" || complain "prepare of what its schema refuses was called"

# A start tells of modules too, and commits nothing.
cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/></broker>
  <module name="knob-a"><knob vlaue="1"/></module>
  <module name="knob-b"><knob fail="prepare"/></module>
</xmb>
XML
try
[ $rc = 1 ] || complain "a start with a schema's fault: exit $rc, not 1"
grep -q "module knob-a: unknown attribute" "$XMB_TMP/out" || complain "a start: the schema"
grep -q "module knob-b: told to fail" "$XMB_TMP/out" || complain "a start: prepare"
grep -q '^xmbd: not started' "$XMB_TMP/out" || complain "a start does not say that it was none"

# A module that cannot be had hides nothing that the schemas say.
cat >"$conf" <<XML
<xmb xmlns="urn:xmb:config:1">
  <broker workers="1"><control socket="$XMB_TMP/s"/></broker>
  <module name="knob-x"/>
  <module name="knob-b"><knob vlaue="1"/></module>
</xmb>
XML
try -t
grep -q "^$conf:3: module knob-x: " "$XMB_TMP/out" || complain "a module that is not there"
grep -q "^$conf:4: module knob-b: unknown attribute" "$XMB_TMP/out" || complain "one behind it"

# No XML, no file, and what must never be read.
printf '<xmb xmlns="urn:xmb:config:1">\n<broker>\n</xmb>\n' >"$conf"
try -t
[ $rc = 1 ] || complain "no XML: exit $rc, not 1"
grep -q "^$conf:3: not well-formed XML: " "$XMB_TMP/out" || complain "no XML"
printf '<!DOCTYPE xmb SYSTEM "file:///etc/passwd">\n<xmb xmlns="urn:xmb:config:1"/>\n' >"$conf"
try -t
same "FILE:1: a DOCTYPE is not allowed here; take it out"
rm "$conf"
try -t
same "FILE: cannot be opened: No such file or directory"

# The command line.
"$XMBD" -V | grep -q '^xmbd [0-9.]*, plugin ABI 0\.' || { echo "FAILED: -V"; failed=1; }
"$XMBD" -h | grep -q '^usage: xmbd ' || { echo "FAILED: -h"; failed=1; }
rc=0
"$XMBD" --nonsense >"$XMB_TMP/out" 2>&1 || rc=$?
[ $rc = 2 ] || complain "a wrong option: exit $rc, not 2"
rc=0
"$XMBD" something >"$XMB_TMP/out" 2>&1 || rc=$?
[ $rc = 2 ] || complain "an argument: exit $rc, not 2"

exit $failed
