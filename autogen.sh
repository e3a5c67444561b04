#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Creates `configure` and the Makefile.in from configure.ac and Makefile.am. Needed once in a
# clone, and by hand after a change of m4/; a change of configure.ac, Makefile.am or a
# Makefile.inc is noticed by `make` itself. Tarballs come with the results and do not need it.
#
# Two of these in one tree at the same time would tear each other's files: hence the lock.
set -eu
cd "$(dirname "$0")"

for tool in autoconf automake libtoolize pkg-config; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "autogen.sh: $tool is not installed; see packaging/packages, section [build]" >&2
        exit 1
    }
done

if command -v flock >/dev/null 2>&1; then
    mkdir -p build-aux
    exec 9>build-aux/.autogen.lock
    flock 9
fi
autoreconf --install --force --warnings=all,no-portability 9>&-
