/*
 * An archive library for tests: hands every file to pg_pitr and makes an ERROR come up inside pg_pitr's callback, once after each change
 * of raise_in_archiver.mode. Afterwards it logs what the callback left behind: locks, open files, interrupts held back.
 *
 * cancel: pg_pitr finds a query cancel when it next checks for interrupts, while a file of the caller is open.
 * report: a hook raises while pg_pitr reports, while the caller holds a lock.
 */
#include "postgres.h"

#include <dirent.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lwlock.h"
#include "utils/elog.h"
#include "utils/guc.h"
#if PG_VERSION_NUM >= 160000
#include "archive/archive_module.h"
#else
#include "postmaster/pgarch.h"
#endif

PG_MODULE_MAGIC;

#define HELD_OPEN "PG_VERSION"

static char *mode;
static bool armed = false;
static bool raise_at_report = false;
static emit_log_hook_type previous_hook = NULL;
extern PGDLLEXPORT void _PG_init(void);

static void
arm(const char *value, void *extra)
{
	armed = strcmp(value, "off") != 0;
	if (armed)
		ereport(LOG, (errmsg("raise_in_archiver: will %s", value)));
}

static void
raise_while_reporting(ErrorData *edata)
{
	if (previous_hook)
		previous_hook(edata);
	if (!raise_at_report)
		return;
	raise_at_report = false;
	ereport(ERROR, (errmsg("raised by raise_in_archiver")));
}

void
_PG_init(void)
{
	DefineCustomStringVariable("raise_in_archiver.mode", "off, cancel or report.", NULL, &mode, "off", PGC_SIGHUP, 0, NULL, arm, NULL);
	previous_hook = emit_log_hook;
	emit_log_hook = raise_while_reporting;
}

/* How often the file of "cancel" is open. pg_pitr's threads have files of their own open at any time. */
static int
times_open(void)
{
	DIR		   *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int			count = 0;

	while (dir && (entry = readdir(dir)))
	{
		char		link[MAXPGPATH],
					target[MAXPGPATH];
		ssize_t		length;

		snprintf(link, sizeof(link), "/proc/self/fd/%s", entry->d_name);
		length = readlink(link, target, sizeof(target) - 1);
		target[Max(length, 0)] = '\0';
		count += strstr(target, "/" HELD_OPEN) != NULL;
	}
	if (dir)
		closedir(dir);
	return count;
}

static ArchiveFileCB archive_with_pg_pitr;

#if PG_VERSION_NUM >= 160000
#define STATE ArchiveModuleState *state,
#define PASS state,
#else
#define STATE
#define PASS
#endif

static bool
archive_file(STATE const char *file, const char *path)
{
	bool		raising = armed;
	bool		stored;

	armed = false;
	if (raising && strcmp(mode, "cancel") == 0)
	{
		AllocateFile(HELD_OPEN, "r");
		QueryCancelPending = true;
		InterruptPending = true;
	}
	else if (raising)
	{
		LWLockAcquire(AddinShmemInitLock, LW_SHARED);
		raise_at_report = true;
	}
	stored = archive_with_pg_pitr(PASS file, path);
	if (raising)
		ereport(LOG, (errmsg("raise_in_archiver: %s %s, pending %d, locked %d, held back %u, open %d",
							 file, stored ? "stored" : "not stored", QueryCancelPending || raise_at_report,
							 LWLockHeldByMe(AddinShmemInitLock), InterruptHoldoffCount, times_open())));
	return stored;
}

#if PG_VERSION_NUM >= 160000
extern PGDLLEXPORT const ArchiveModuleCallbacks *_PG_archive_module_init(void);
const ArchiveModuleCallbacks *
_PG_archive_module_init(void)
{
	static ArchiveModuleCallbacks callbacks;
	ArchiveModuleInit init = (ArchiveModuleInit) load_external_function("pg_pitr", "_PG_archive_module_init", true, NULL);

	callbacks = *init();
	archive_with_pg_pitr = callbacks.archive_file_cb;
	callbacks.archive_file_cb = archive_file;
	return &callbacks;
}
#else
extern PGDLLEXPORT void _PG_archive_module_init(ArchiveModuleCallbacks *callbacks);
void
_PG_archive_module_init(ArchiveModuleCallbacks *callbacks)
{
	ArchiveModuleInit init = (ArchiveModuleInit) load_external_function("pg_pitr", "_PG_archive_module_init", true, NULL);

	init(callbacks);
	archive_with_pg_pitr = callbacks->archive_file_cb;
	callbacks->archive_file_cb = archive_file;
}
#endif
