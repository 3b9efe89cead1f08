# P2P_HARDEN: HARDEN_CFLAGS and HARDEN_LDFLAGS for all, PIE_CFLAGS and
# PIE_LDFLAGS for programs: each flag that the compiler takes without a word.
# --disable-hardening leaves all of them out.  _FORTIFY_SOURCE is the business
# of config.h: only there is known how a file is really compiled.
AC_DEFUN([P2P_HARDEN], [
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
    [leave out the flags that make exploits harder])], [],
    [enable_hardening=yes])
HARDEN_CFLAGS= HARDEN_LDFLAGS= PIE_CFLAGS= PIE_LDFLAGS=
AS_IF([test "x$enable_hardening" != xno], [
	enable_hardening=yes
	P2P_HARDEN_TRY([HARDEN_CFLAGS], [-fstack-protector-strong])
	P2P_HARDEN_TRY([HARDEN_CFLAGS], [-fstack-clash-protection])
	P2P_HARDEN_TRY([HARDEN_CFLAGS], [-fcf-protection])
	P2P_HARDEN_TRY([HARDEN_LDFLAGS], [-Wl,-z,relro])
	P2P_HARDEN_TRY([HARDEN_LDFLAGS], [-Wl,-z,now])
	P2P_HARDEN_TRY([HARDEN_LDFLAGS], [-Wl,-z,noexecstack])
	P2P_HARDEN_TRY([PIE_LDFLAGS], [-fPIE -pie])
	AS_IF([test -n "$PIE_LDFLAGS"], [PIE_CFLAGS=-fPIE PIE_LDFLAGS=-pie])
	AC_DEFINE([HARDENING], [1], [Fortify what is optimised.])
])
AC_SUBST([enable_hardening])
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
AC_SUBST([PIE_CFLAGS])
AC_SUBST([PIE_LDFLAGS])
AH_BOTTOM([/* Not without optimisation, and not where a sanitizer looks itself. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(HARDENING) && defined(__OPTIMIZE__) && \
    !defined(_FORTIFY_SOURCE) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && !__has_feature(address_sanitizer) && \
    !__has_feature(memory_sanitizer) && !__has_feature(thread_sanitizer)
#define _FORTIFY_SOURCE 2
#endif])
])

# P2P_HARDEN_TRY(VARIABLE, FLAGS): append them when they compile and link.
AC_DEFUN([P2P_HARDEN_TRY], [
AC_MSG_CHECKING([whether $CC takes $2])
harden_saved=$CFLAGS
CFLAGS="$CFLAGS -Werror $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])
    AS_VAR_APPEND([$1], [" $2"])],
    [AC_MSG_RESULT([no])])
CFLAGS=$harden_saved
])
