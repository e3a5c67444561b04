# SPDX-License-Identifier: MIT
#
# XMB_SDK([MINIMUM-VERSION]) - for the configure.ac of a plugin project that uses libtool.
#
# Finds the headers with pkg-config and sets
#   XMB_SDK_CFLAGS     compiler flags: headers, and nothing visible but the descriptor
#   XMB_SDK_LDFLAGS    for NAME_la_LDFLAGS of a plugin: one exported symbol, all symbols found
#   xmbplugindir       where plugins go: `xmbplugin_LTLIBRARIES = NAME.la` installs there
# -z defs finds a missing symbol when the plugin is linked and not when a broker loads it.
AC_DEFUN([XMB_SDK], [
PKG_CHECK_MODULES([XMB_SDK], [xmb-sdk m4_ifval([$1], [>= $1])])
PKG_CHECK_VAR([xmbplugindir], [xmb-sdk], [plugindir])
XMB_SDK_CFLAGS="$XMB_SDK_CFLAGS -fvisibility=hidden"
XMB_SDK_LDFLAGS="-module -avoid-version -shared -Wl,-z,defs -Wl,-z,now"
XMB_SDK_LDFLAGS="$XMB_SDK_LDFLAGS -export-symbols-regex _LTX_xmb_plugin\$\$"
AC_SUBST([XMB_SDK_LDFLAGS])
AC_SUBST([xmbplugindir])
])
