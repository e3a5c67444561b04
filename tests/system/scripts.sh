#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The shell scripts of the project are clean for shellcheck, every file that a package list
# names is well-formed, git ignores no source, and build-aux/embed.sh keeps each byte of what it
# embeds.
set -eu -o pipefail
cd "$XMB_SRC"

if ! command -v shellcheck >/dev/null; then
    echo "shellcheck is not installed"
    exit 77
fi
mapfile -t scripts < <(
    find . \( -name .git -o -name 'build*' -o -name 'xmb-[0-9]*' -o -name autom4te.cache \) -prune \
        -o -type f ! -path '*/.libs/*' ! -name configure ! -name libtool ! -name config.status \
        -size -200k -exec awk 'FNR == 1 && (/^#!\/bin\/(ba)?sh/ || FILENAME ~ /\.bash$/) {
            print FILENAME } { nextfile }' {} + | sort
)
printf 'checking %s\n' "${scripts[@]}"
[ ${#scripts[@]} -ge 6 ]
shellcheck --severity=warning --exclude=SC2154 "${scripts[@]}" build-aux/embed.sh build-aux/subst.sh

faulty=$(sed 's/#.*//; s/[[:space:]]*$//' packaging/packages |
    grep -vE '^(\[[a-z]+\]|[a-z0-9][a-z0-9+.-]+|)$' || :)
[ -z "$faulty" ] || { echo "packaging/packages: $faulty"; exit 1; }

# A source that .gitignore covers builds here and is missing in every clone.
if [ -e .git ] && command -v git >/dev/null; then
    ignored=$(git -c safe.directory='*' ls-files --others --ignored --exclude-standard -- \
        sdk lib broker plugins tools tests examples packaging doc |
        grep -E '\.([ch]|py|sh|inc|dict|xml|rng|md|json)$' | grep -v '\.rng\.h$' || :)
    [ -z "$ignored" ] || { echo "git ignores sources: $ignored"; exit 1; }
fi

# Every byte there is, through the compiler and back.
LC_ALL=C awk 'BEGIN { for (i = 1; i < 256; i++) printf "%c", i }' >"$XMB_TMP/all-bytes.rng" </dev/null
printf '\0end' >>"$XMB_TMP/all-bytes.rng"
sh build-aux/embed.sh "$XMB_TMP/all-bytes.rng" >"$XMB_TMP/all-bytes.rng.h"
cat >"$XMB_TMP/out.c" <<'C'
#include <stdio.h>
#include "all-bytes.rng.h"
int main(void)
{
    return fwrite(all_bytes_rng, 1, sizeof all_bytes_rng - 1, stdout) == 0;
}
C
# shellcheck disable=SC2086
$XMB_CC -Wall -Wextra -Werror -o "$XMB_TMP/out" "$XMB_TMP/out.c"
"$XMB_TMP/out" | cmp - "$XMB_TMP/all-bytes.rng"
