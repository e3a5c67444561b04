#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What ./dev installs neither runs nor is left enabled: policy-rc.d is there for the time of an
# installation and no longer, somebody else's stays as it is, and a unit that was not enabled
# before is disabled, also when the installation fails, is interrupted, or there is no systemctl.
# ./dev sees an /etc and a /usr/sbin of the test's own; apt-get and its kin are ours, too.
set -eu -o pipefail

top=$XMB_TMP/root
calls=$XMB_TMP/calls
bin=$XMB_TMP/bin
bare=$XMB_TMP/bare # the same without systemctl

complain() {
    echo "FAILED: $*"
    cat "$calls"
    exit 1
}

command_is() {
    printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1"
    chmod 755 "$bin/$1"
}

# An installation enables what Debian's would, and asks policy-rc.d whether it may start it.
commands() {
    local name
    mkdir -p "$bin" "$bare"
    command_is sudo 'exec "$@"'
    command_is apt-get '
echo "apt-get $*" >>"'"$calls"'"
"$XMB_DEV_ROOT/usr/sbin/policy-rc.d"
echo "policy $?" >>"'"$calls"'"
cd "$XMB_DEV_ROOT/etc"
ln -sf /lib/x systemd/system/multi-user.target.wants/new.service
ln -sf /lib/x systemd/system/new.target.requires/needed.socket
ln -sf ../init.d/new rc2.d/S01new
ln -sf ../init.d/older rc3.d/S21older
touch init.d/new init.d/older
[ ! -e ../interrupt ] || kill -TERM "$(cat ../interrupt)"
[ ! -e ../fail ]'
    command_is systemctl '
echo "systemctl $*" >>"'"$calls"'"
for unit; do
    find "$XMB_DEV_ROOT/etc" -type l \( -name "$unit" -o -name "S??${unit%.service}" \) -delete
done'
    command_is update-rc.d '
echo "update-rc.d $*" >>"'"$calls"'"
find "$XMB_DEV_ROOT/etc" -type l -name "S??$1" -delete'
    for name in bash env id sort comm grep tee chmod rm find ln touch cat dirname readlink nproc; do
        ln -s "$(type -P "$name")" "$bare/$name"
    done
    for name in sudo apt-get update-rc.d; do
        ln -s "$bin/$name" "$bare/$name"
    done
}

# A machine with services of its own, enabled in each of the ways.
machine() {
    rm -rf "$top"
    mkdir -p "$top"/etc/systemd/system/{multi-user.target.wants,new.target.requires} \
        "$top"/etc/rc{2,3}.d "$top/etc/init.d" "$top/usr/sbin"
    ln -s /lib/x "$top/etc/systemd/system/multi-user.target.wants/own.service"
    ln -s /lib/x "$top/etc/systemd/system/new.target.requires/own.socket"
    ln -s ../init.d/old "$top/etc/rc2.d/S03old"
    touch "$top/etc/init.d/old"
    : >"$calls"
}

links() {
    find "$top/etc" -type l -printf '%f\n' | sort | paste -sd ' '
}

# install [PATH] - as ./dev does it; the status is its own.
install() {
    # shellcheck disable=SC2016 # the inner shell's
    XMB_DEV_ROOT=$top PATH=${1:-$bin:$PATH} bash -c '
        . "$XMB_SRC/dev"
        [ ! -e "$root/interrupt" ] || echo $$ >"$root/interrupt"
        install_quietly some-broker' 2>>"$calls"
}

called() {
    grep -qxF "$1" "$calls" || complain "$what: not called: $1"
}

# What holds after each: what was enabled is, what was not is not, and the policy is gone.
quiet() {
    local left
    [ "$(links)" = "S03old own.service own.socket" ] || complain "$what: enabled now: $(links)"
    grep -q '^apt-get install .* some-broker$' "$calls" || complain "$what: nothing was installed"
    called 'policy 101'
    left=$(find "$top/usr/sbin" -mindepth 1)
    [ -z "$left" ] || complain "$what: left there: $left"
}

commands

what='a machine that runs'
machine
mkdir -p "$top/run/systemd/system"
install || complain "$what: it failed"
quiet
called 'systemctl disable --now needed.socket new.service older.service'

what='a root folder'
machine
install || complain "$what: it failed"
quiet
called 'systemctl disable needed.socket new.service older.service'

what='no systemctl'
machine
install "$bare" || complain "$what: it failed"
quiet
called 'update-rc.d new disable'
called 'update-rc.d older disable'

what='nothing is new'
machine
ln -s /lib/x "$top/etc/systemd/system/multi-user.target.wants/new.service"
ln -s /lib/x "$top/etc/systemd/system/new.target.requires/needed.socket"
ln -s ../init.d/older "$top/etc/rc2.d/S21older"
install || complain "$what: it failed"
grep -qE '^(systemctl|update-rc.d)' "$calls" && complain "$what: something was disabled"
[ "$(links)" = "S01new S03old S21older S21older needed.socket new.service own.service own.socket" ] ||
    complain "$what: enabled now: $(links)"

what='a failure'
machine
touch "$top/fail"
install && complain "$what: it passed"
quiet

what='an interruption'
machine
touch "$top/interrupt"
rc=0
install || rc=$?
[ $rc = 130 ] || complain "$what: status $rc"
quiet

what="a killed ./dev's policy"
machine
printf '#!/bin/sh\n# Put here by ./dev of XMB\nexit 0\n' >"$top/usr/sbin/policy-rc.d"
install || complain "$what: it failed"
quiet

what="somebody's policy"
machine
printf '#!/bin/sh\nexit 104\n' >"$top/usr/sbin/policy-rc.d"
chmod 700 "$top/usr/sbin/policy-rc.d"
before=$(stat -c '%i %a %Y' "$top/usr/sbin/policy-rc.d")
touch "$top/fail"
install && complain "$what: it passed"
called 'policy 104'
[ "$(stat -c '%i %a %Y' "$top/usr/sbin/policy-rc.d")" = "$before" ] || complain "$what: was touched"
grep -qx 'exit 104' "$top/usr/sbin/policy-rc.d" || complain "$what: was changed"
[ "$(links)" = "S03old own.service own.socket" ] || complain "$what: enabled now: $(links)"
