# P2P_OPTIONAL(NAME, VARIABLE, MODULE, PACKAGE, WORDS): a library that is used
# when it is found; --with-NAME=yes makes it required.  Sets have_NAME,
# PC_VARIABLE for libp2p.pc, and the conditional HAVE_VARIABLE.
AC_DEFUN([P2P_OPTIONAL], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$5 [auto]])],
    [], [with_$1=auto])
AS_CASE([$with_$1], [auto|yes|no], [],
    [AC_MSG_ERROR([--with-$1 is auto, yes or no])])
have_$1=no
AS_IF([test "x$with_$1" != xno],
    [PKG_CHECK_MODULES([$2], [$3], [have_$1=yes], [:])])
AS_IF([test "$with_$1$have_$1" = yesno],
    [AC_MSG_ERROR([$3 was not found (Debian: $4)])])
AS_IF([test "$have_$1" = yes], [PC_$2=", $3"])
AC_SUBST([PC_$2])
AM_CONDITIONAL([HAVE_$2], [test "$have_$1" = yes])
])
