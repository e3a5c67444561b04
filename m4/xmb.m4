# SPDX-License-Identifier: MIT
#
# The two questions configure.ac asks the compiler and the linker again and again: does it
# take this flag? Both ask with -Werror, because clang only warns about a flag that it ignores.

# XMB_CFLAG(VARIABLE, FLAGS) - appends each flag of FLAGS to VARIABLE that the compiler takes.
AC_DEFUN([XMB_CFLAG], [
for xmb_flag in $2; do
    AC_MSG_CHECKING([whether $CC takes $xmb_flag])
    xmb_save_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS -Werror $xmb_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
        [AC_MSG_RESULT([yes]); $1="$$1 $xmb_flag"],
        [AC_MSG_RESULT([no])])
    CFLAGS="$xmb_save_CFLAGS"
done])

# XMB_LDFLAG(VARIABLE, FLAGS) - the same for flags of the link.
AC_DEFUN([XMB_LDFLAG], [
for xmb_flag in $2; do
    AC_MSG_CHECKING([whether the linker takes $xmb_flag])
    xmb_save_LDFLAGS="$LDFLAGS"
    LDFLAGS="$LDFLAGS -Werror $xmb_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
        [AC_MSG_RESULT([yes]); $1="$$1 $xmb_flag"],
        [AC_MSG_RESULT([no])])
    LDFLAGS="$xmb_save_LDFLAGS"
done])

# XMB_NEED_FLAGS(FLAGS, TEXT) - stops with TEXT when a program cannot be linked with FLAGS.
AC_DEFUN([XMB_NEED_FLAGS], [
    AC_MSG_CHECKING([whether $CC links with $1])
    xmb_save_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS -Werror $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no]); AC_MSG_ERROR([$2])])
    CFLAGS="$xmb_save_CFLAGS"
])
