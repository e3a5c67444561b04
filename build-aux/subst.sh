#!/bin/sh
# SPDX-License-Identifier: MIT
#
# subst.sh FILE - writes FILE to standard output with @name@ replaced: the directories from
# the environment that Makefile.am sets, and @abi_major@ and @abi_minor@ from the SDK header
# $abi_h, the only place where the ABI version is written down. An @name@ that is left over
# is an error, so that a typing mistake does not get installed.
set -eu

abi() {
    sed -n "s/^[[:space:]]*#[[:space:]]*define[[:space:]]*XMB_ABI_$1[[:space:]]*\([0-9][0-9]*\).*/\1/p" \
        "$abi_h" 2>/dev/null | head -n 1
}

script=
for name in prefix exec_prefix bindir sbindir libdir includedir datadir sysconfdir plugindir \
    xmbdatadir xmbconfdir xmbrundir xmbstatedir VERSION PYTHON3; do
    eval "value=\$$name"
    script="$script
s|@$name@|$value|g"
done
script="$script
s|@schemadir@|$xmbdatadir/schema|g
s|@abi_major@|$(abi MAJOR)|g
s|@abi_minor@|$(abi MINOR)|g"

text=$(sed -e "$script" "$1")
if printf '%s\n' "$text" | grep -n '@[A-Za-z_0-9][A-Za-z_0-9]*@' >&2; then
    echo "subst.sh: $1: the names above are not known" >&2
    exit 1
fi
printf '%s\n' "$text"
