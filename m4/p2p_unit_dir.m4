# P2P_UNIT_DIR(KIND): --with-systemdKINDunitdir[=DIR], where p2p-node.service
# goes; without it nowhere, so that nothing is written outside of the prefix.
# Sets and substitutes systemdKINDunitdir, and the conditional UNIT_KIND.
AC_DEFUN([P2P_UNIT_DIR], [
AC_ARG_WITH([systemd$1unitdir],
    [AS_HELP_STRING([--with-systemd$1unitdir@<:@=DIR@:>@],
    [install the systemd $1 unit, there or where systemd says [no]])],
    [], [with_systemd$1unitdir=no])
systemd$1unitdir=$with_systemd$1unitdir
AS_CASE([$systemd$1unitdir],
    [yes], [systemd$1unitdir=$($PKG_CONFIG --variable=systemd$1unitdir systemd)
    AS_IF([test -z "$systemd$1unitdir"],
	[AC_MSG_ERROR([no systemd.pc: --with-systemd$1unitdir=DIR])])],
    [no], [],
    [/*], [],
    [AC_MSG_ERROR([--with-systemd$1unitdir wants an absolute directory])])
# What a unit, or the sed that makes it, would read as something else.
AS_IF([test "$systemd$1unitdir" != no && printf %s \
    "$prefix$exec_prefix$bindir$sysconfdir" | LC_ALL=C grep -q \
    '@<:@^A-Za-z0-9/_.+~${}:-@:>@'],
    [AC_MSG_ERROR([a unit cannot name directories with blanks and the like])])
AC_SUBST([systemd$1unitdir])
AM_CONDITIONAL(m4_toupper([UNIT_$1]), [test "$systemd$1unitdir" != no])
])
