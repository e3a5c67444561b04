#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two SAF forwarders on loopback addresses of one host, as remote neighbours: the scene of the demo
# where network namespaces are not permitted. Here they are not, since a user namespace of our own
# says that it has none to give.
set -u -o pipefail

folder=$XMB_TMP/saf
mkdir "$folder" || exit 1

# in_container COMMAND... - with a network of its own, CAP_NET_RAW, and no further namespaces.
in_container() {
    # shellcheck disable=SC2016 # the inner shell's "$@"
    unshare --user --map-root-user --net sh -c 'ip link set lo up &&
        echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"' sh "$@"
}

for program in unshare ip openssl; do
    command -v $program >/dev/null || { echo "skipped: there is no $program" && exit 77; }
done
in_container true || { echo "skipped: no user namespaces here" && exit 77; }
! in_container unshare --net true 2>/dev/null || { echo "a network namespace was made" && exit 1; }

in_container "$XMB_SRC/demo/saf" "$folder" >"$XMB_TMP/saf-loopback.log" 2>&1
status=$?
cat "$XMB_TMP/saf-loopback.log"
[ $status = 0 ] || { echo "the scene ended with $status" && exit 1; }
grep -q '127\.0\.0\.3 .*lo' "$XMB_TMP/saf-loopback.log" || { echo "no neighbour on lo was shown" && exit 1; }
