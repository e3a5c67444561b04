#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A plugin gives one symbol out, its descriptor, and calls nothing of the broker's, of the
# libraries that only the broker may drive, nor what no plugin may do to a process.
set -u
failed=0
complain() {
    echo "FAILED: $*"
    failed=1
}

# A sanitizer's runtime comes in from the program.
forbidden='^(xmb_|uv_|lt_|SSL_|SSL_CTX_|xmlCleanup|OPENSSL_cleanup|dlopen$|fork$|vfork$|system$|popen$|signal$|sigaction$|setlocale$|chdir$|umask$|_?exit$|atexit$|__cxa_atexit$|__cxa_thread_atexit|getaddrinfo$|gethostby|sleep$|usleep$|nanosleep$)'
count=0
for plugin in "$XMB_PLUGINS"/*.so; do
    name=$(basename "$plugin" .so)
    count=$((count + 1))
    exported=$(nm -D --defined-only "$plugin" | awk '{ print $3 }')
    [ "$exported" = "$(echo "$name" | tr - _)_LTX_xmb_plugin" ] || complain "$name exports: $exported"
    bad=$(nm -D --undefined-only "$plugin" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' |
        grep -E "$forbidden")
    [ -z "$bad" ] || complain "$name calls: $bad"
    # Its needs are found without the broker: it stands on libraries alone.
    if [ "$XMB_SANITIZED" = no ]; then
        $XMB_CC -shared -o "$XMB_TMP/linked.so" -Wl,-z,defs -Wl,--no-as-needed "$plugin" -lc 2>"$XMB_TMP/out" ||
            complain "$name: $(cat "$XMB_TMP/out")"
    fi
done
[ $count -gt 0 ] || complain "no plugin in $XMB_PLUGINS"
exit $failed
