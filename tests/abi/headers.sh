#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each header of the SDK, and that of libxmcp, compiles on its own, without a warning, as C11 and as
# C++17, and with no feature macro but the language's.
set -u
failed=0

# one FOLDER NAME - the header NAME, with FOLDER as the only place of ours. The flags are not the
# sanitizers', nor the project's: those of a stranger.
one() {
    echo "#include <$2>" >"$XMB_TMP/one.c"
    cp "$XMB_TMP/one.c" "$XMB_TMP/one.cc"
    $XMB_CC -std=c11 -Wall -Wextra -Wpedantic -Werror -Wstrict-prototypes -Wundef -I "$1" \
        -fsyntax-only "$XMB_TMP/one.c" || failed=1
    g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I "$1" -fsyntax-only "$XMB_TMP/one.cc" ||
        failed=1
}

for header in "$XMB_SRC"/sdk/include/xmb/*.h; do
    one "$XMB_SRC/sdk/include" "xmb/$(basename "$header")"
done
one "$XMB_SRC/lib/xmcp" xmcp.h
# The macro of its options, which a compiler sees only where it is used.
cat >"$XMB_TMP/use.cc" <<'CC'
#include <xmcp.h>
int main()
{
    struct xmcp_client_options options = XMCP_CLIENT_OPTIONS_INIT;
    struct xmcp_client *client = nullptr;
    return xmcp_client_new(&options, &client) == XMCP_EINVAL;
}
CC
for standard in c++11 c++17; do
    g++ -std=$standard -Wall -Wextra -Wpedantic -Werror -I "$XMB_SRC/lib/xmcp" -fsyntax-only \
        "$XMB_TMP/use.cc" || failed=1
done
exit $failed
