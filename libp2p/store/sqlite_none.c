/*
 * In place of sqlite.c in a build without SQLite: there is no store in a file.
 */
#include "p2p/error.h"
#include "store/store.h"

int
sqlite_open(const char *path, struct p2p_store **out, const char **why)
{
	(void)path;
	(void)out;
	*why = "this library was built without SQLite";
	return P2P_ERR_UNSUPPORTED;
}
