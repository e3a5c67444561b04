#!/bin/sh
# SPDX-License-Identifier: MIT
#
# embed.sh FILE - writes FILE to standard output as a C array, so that a plugin carries its
# RELAX NG schema inside its own .so. `auth-userpass.rng` becomes `auth_userpass_rng`, with a
# NUL behind the last byte: usable as a string, its length is `sizeof auth_userpass_rng - 1`.
# An array of character constants and not a string literal, because a C compiler need not
# take a literal of more than 4095 bytes. POSIX tools only.
set -eu
name=$(basename "$1" | LC_ALL=C tr -c 'A-Za-z0-9\n' '_')
printf '/* Made from %s by embed.sh; edit that file, not this one. */\n' "$(basename "$1")"
printf 'static const char %s[] = {\n' "$name"
LC_ALL=C od -An -v -to1 <"$1" | sed -e "s/ *\([0-7][0-7]*\)/'\\\\\1',/g"
printf "'\\\\0'};\n"
