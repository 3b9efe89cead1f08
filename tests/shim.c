#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	sqlite3_file	 base;
	sqlite3_file	*real;		/* behind it */
};

static sqlite3_vfs *below, vfs;
static atomic_int what = SHIM_NOTHING;
static atomic_long fail_at, events, failures;
static atomic_bool sticky;
static int page_size, log_size;

int	 __real_fsync(int fd);
int	 __real_mkdirat(int dir, const char *name, mode_t mode);
int	 __real_openat(int dir, const char *name, int flags, mode_t mode);
int	 __real_renameat2(int from, const char *a, int to, const char *b,
	    unsigned flags);
int	 __real_unlinkat(int dir, const char *name, int flags);

int	 __wrap_fsync(int fd);
int	 __wrap_mkdirat(int dir, const char *name, mode_t mode);
int	 __wrap_openat(int dir, const char *name, int flags, ...);
int	 __wrap_renameat2(int from, const char *a, int to, const char *b,
	    unsigned flags);
int	 __wrap_unlinkat(int dir, const char *name, int flags);

void
shim_set(enum shim_what w, long at, bool all)
{
	atomic_store(&what, SHIM_NOTHING);
	atomic_store(&events, 0);
	atomic_store(&failures, 0);
	atomic_store(&fail_at, at);
	atomic_store(&sticky, all);
	atomic_store(&what, (int)w);
}

long
shim_events(void)
{
	return atomic_load(&events);
}

long
shim_failures(void)
{
	return atomic_load(&failures);
}

/* Something changes: what is to happen to it. */
static enum shim_what
event(void)
{
	enum shim_what w = (enum shim_what)atomic_load(&what);
	long n = atomic_fetch_add(&events, 1) + 1, at = atomic_load(&fail_at);

	if (w == SHIM_NOTHING || n < at ||
	    (n > at && !atomic_load(&sticky)))
		return SHIM_NOTHING;
	atomic_fetch_add(&failures, 1);
	return w;
}

static _Noreturn void
die(void)
{
	raise(SIGKILL);
	abort();
}

/* Of a call that changes all or nothing: whether it fails, with errno. */
static bool
denied(void)
{
	switch (event()) {
	case SHIM_KILL:
		die();
	case SHIM_NOTHING:
		return false;
	case SHIM_FULL:
		errno = ENOSPC;
		return true;
	case SHIM_FAIL:
		errno = EIO;
		return true;
	}
	return false;
}

int
__wrap_fsync(int fd)
{
	return denied() ? -1 : __real_fsync(fd);
}

int
__wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	return denied() ? -1 : __real_mkdirat(dir, name, mode);
}

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (denied())
			return -1;
	}
	return __real_openat(dir, name, flags, mode);
}

int
__wrap_renameat2(int from, const char *a, int to, const char *b,
    unsigned flags)
{
	return denied() ? -1 : __real_renameat2(from, a, to, b, flags);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	return denied() ? -1 : __real_unlinkat(dir, name, flags);
}

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static int
shim_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	enum shim_what w = event();

	if (w != SHIM_NOTHING)
		(void)real(f)->pMethods->xWrite(real(f), p, n / 2, at);
	if (w == SHIM_KILL)
		die();
	return w == SHIM_FULL ? SQLITE_FULL : w == SHIM_FAIL ?
	    SQLITE_IOERR_WRITE : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return denied() ? SQLITE_IOERR_TRUNCATE :
	    real(f)->pMethods->xTruncate(real(f), size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	return denied() ? SQLITE_IOERR_FSYNC :
	    real(f)->pMethods->xSync(real(f), flags);
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real(f)->pMethods->xFileSize(real(f), size);
}

static int
shim_lock(sqlite3_file *f, int how)
{
	return real(f)->pMethods->xLock(real(f), how);
}

static int
shim_unlock(sqlite3_file *f, int how)
{
	return real(f)->pMethods->xUnlock(real(f), how);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
shim_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
shim_shm_map(sqlite3_file *f, int i, int size, int extend,
    void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), i, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
shim_shm_unmap(sqlite3_file *f, int drop)
{
	return real(f)->pMethods->xShmUnmap(real(f), drop);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_device,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	struct file *file = (struct file *)f;
	int rc;

	(void)v;
	file->base.pMethods = NULL;
	file->real = (sqlite3_file *)(file + 1);
	rc = below->xOpen(below, name, file->real, flags, out);
	if (file->real->pMethods != NULL)
		file->base.pMethods = &methods;
	return rc;
}

static int
shim_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	return denied() ? SQLITE_IOERR_DELETE :
	    below->xDelete(below, name, sync);
}

static int
connected(sqlite3 *db, char **error, const void *api)
{
	char sql[64];

	(void)error;
	(void)api;
	snprintf(sql, sizeof(sql), "PRAGMA page_size=%d", page_size);
	if (page_size > 0)
		(void)sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (log_size > 0)
		(void)sqlite3_wal_autocheckpoint(db, log_size);
	return SQLITE_OK;
}

/* Before main(), and so before any store is opened. */
static void __attribute__((constructor))
start(void)
{
	below = sqlite3_vfs_find(NULL);
	vfs = *below;
	vfs.zName = "shim";
	vfs.szOsFile += (int)sizeof(struct file);
	vfs.xOpen = shim_open;
	vfs.xDelete = shim_delete;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK ||
	    sqlite3_auto_extension((void (*)(void))connected) != SQLITE_OK)
		abort();
}

void
shim_pages(int size, int log)
{
	page_size = size;
	log_size = log;
}
