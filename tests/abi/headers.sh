#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each header of the SDK compiles on its own, without a warning, as C11 and as C++17, and with
# no feature macro but the language's.
set -u
failed=0
# Not the sanitizers' flags, nor ours: those of a stranger.
for header in "$XMB_SRC"/sdk/include/xmb/*.h; do
    name=xmb/$(basename "$header")
    echo "#include <$name>" >"$XMB_TMP/one.c"
    cp "$XMB_TMP/one.c" "$XMB_TMP/one.cc"
    "$XMB_CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -Wstrict-prototypes -Wundef \
        -I "$XMB_SRC/sdk/include" -fsyntax-only "$XMB_TMP/one.c" || failed=1
    g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I "$XMB_SRC/sdk/include" -fsyntax-only \
        "$XMB_TMP/one.cc" || failed=1
done
exit $failed
