# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# demo/common.sh - what the scenes of the demo share: how they speak, and how they wait. Sourced.

fail() {
    echo "demo: $*" >&2
    exit 1
}

title() {
    printf '\n== %s\n' "$*"
}

# show COMMAND... - prints a command as an operator would type it, runs it, indents its answer.
show() {
    printf '   $ %s\n' "$1"
    shift
    "$@" 2>&1 | sed 's/^/     /' || fail "that did not work"
}

# wait_for TEXT FILE PID - until a line of the growing FILE has TEXT; fails when PID ends or
# after 20 s. `tail -f` ends with the process that writes, so nothing is slept through.
wait_for() {
    grep -q -m 1 -- "$1" < <(timeout 20 tail -n +1 -s 0.1 --pid="$3" -f "$2" 2>/dev/null) ||
        fail "waited in vain for \"$1\": $(tail -n 3 "$2")"
}
