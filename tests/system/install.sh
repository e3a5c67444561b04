#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What `make install` promises: every file is where users, scripts and plugin authors look for
# it, nothing lies outside DESTDIR or the prefix, an operator's configuration is not
# overwritten, no .la file is left beside the plugins, and `make uninstall` leaves only what is
# the operator's. Whether the installed programs work is for other tests.
set -eu -o pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS

dest=$XMB_TMP/dest

# Where this build installs to, in make's own words.
dirs=$(make -s -C "$XMB_BUILD" -f - xmb-dirs <<'M' | grep '^dir '
include Makefile
xmb-dirs:
	@printf 'dir %s %s\n' prefix '$(prefix)' bin '$(bindir)' sbin '$(sbindir)' lib '$(libdir)' \
	  plugins '$(plugindir)' etc '$(xmbconfdir)' share '$(datadir)' inc '$(includedir)' \
	  man '$(mandir)' pc '$(pkgconfigdir)' unit '$(systemdsystemunitdir)' \
	  completions '$(bashcompletiondir)'
M
)
dir() {
    echo "$dirs" | sed -n "s/^dir $1 //p"
}
prefix=$(dir prefix) bin=$(dir bin) sbin=$(dir sbin) lib=$(dir lib) plugins=$(dir plugins)
etc=$(dir etc) share=$(dir share) inc=$(dir inc) man=$(dir man) pc=$(dir pc) unit=$(dir unit)
completions=$(dir completions)

install_all() {
    flock "$XMB_BUILD/config.status" make -C "$XMB_BUILD" install DESTDIR="$dest" \
        >"$XMB_TMP/install.log" 2>&1
}

missing=0
want() {
    local path
    for path; do
        [ -e "$dest$path" ] && continue
        echo "not installed: $path"
        missing=1
    done
}

install_all
want "$sbin/xmbd" "$bin/xmbctl" "$bin/xmcp" "$bin/xmb-plugin-check"
want "$plugins/xmcp.so" "$plugins/auth-userpass.so" "$plugins/allow-deny.so"
want "$lib/libxmcp.so" "$inc/xmcp.h" "$inc/xmb/xmb.h" "$inc/xmb/abi.h" "$inc/xmb/plugin.h"
want "$pc/xmb-sdk.pc" "$pc/xmcp.pc" "$etc/xmbd.xml" "$share/xmb/config/xmbd.xml"
for example in "$XMB_SRC"/config/examples/*.xml; do
    want "$share/xmb/config/$(basename "$example")"
done
want "$share/aclocal/xmb-sdk.m4" "$man/man8/xmbd.8" "$man/man1/xmbctl.1" "$man/man1/xmcp.1"
want "$completions/xmbctl" "$completions/xmcp" "$unit/xmbd.service"
[ $missing = 0 ]

if grep -rn '@[a-z_]*@' "$dest$pc" "$dest$unit"; then
    echo "a name was not replaced"
    exit 1
fi
outside=$(find "$dest" ! -type d ! -path "$dest$prefix/*" ! -path "$dest$etc/*")
[ -z "$outside" ] || { echo "outside the prefix: $outside"; exit 1; }
left=$(find "$dest$plugins" ! -type d ! -name '*.so')
[ -z "$left" ] || { echo "beside the plugins: $left"; exit 1; }

echo '<!-- mine -->' >"$dest$etc/xmbd.xml"
install_all
grep -q mine "$dest$etc/xmbd.xml" || { echo "the configuration was overwritten"; exit 1; }

make -C "$XMB_BUILD" uninstall DESTDIR="$dest" >"$XMB_TMP/uninstall.log" 2>&1
left=$(find "$dest" ! -type d ! -path "$dest$etc/xmbd.xml")
[ -z "$left" ] || { echo "left after make uninstall: $left"; exit 1; }
[ -e "$dest$etc/xmbd.xml" ]
