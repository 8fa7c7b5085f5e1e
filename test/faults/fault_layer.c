/*
 * For LD_PRELOAD: a file system and network that fail, and a memory of what was not synced. For tests only.
 *
 * Calls count when they are about a path below FAULT_ROOT (several: with colons between), or with FAULT_SOCKETS a socket. FAULT is "KIND N TIMES": the
 * N-th of these calls, and as many as TIMES from there on, go wrong:
 *
 *   kill      the process ends, as by kill -9, before the call
 *   done      the same after the call was carried out
 *   errno:E   it fails with E and does nothing. Reading calls fail with EIO when E is about space, so that each error is one that can be
 *   absent    a call that looks for something says ENOENT; others are not touched and not counted
 *   hidden    an entry of a directory is not listed; nothing else is counted
 *   short     a write or read does the half
 *   stall     it takes half a second longer
 *
 * At its end the process writes how many calls it counted to FAULT_COUNT. What changes a file or directory, and what is synced, is told in FAULT_JOURNAL, a line
 * each, from which the driver knows what a power cut may take away (faults.cpp). A file that is deleted or replaced stays as a link in FAULT_GRAVES.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

enum call { LOOKS, READS, WRITES, CHANGES, SYNCS, SENDS, LISTS };
enum kind { NOTHING, KILL, DONE, ERROR, ABSENT, HIDDEN, SHORT, STALL };

static enum kind kind;
static int error_number;
static long first, times;
static const char *roots, *journal_path, *count_path, *graves;
static int sockets;
static atomic_long calls, grave_number;
static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define kernel(...) REAL(syscall)(__VA_ARGS__)

static void
set_up(void)
{
	static const struct { const char *name; enum kind kind; } kinds[] = {
		{"kill", KILL}, {"done", DONE}, {"absent", ABSENT}, {"hidden", HIDDEN}, {"short", SHORT}, {"stall", STALL}};
	const char *fault = getenv("FAULT");
	char word[32] = "";

	roots = getenv("FAULT_ROOT");
	journal_path = getenv("FAULT_JOURNAL");
	count_path = getenv("FAULT_COUNT");
	graves = getenv("FAULT_GRAVES");
	sockets = getenv("FAULT_SOCKETS") != NULL;
	if (!fault || sscanf(fault, "%31s %ld %ld", word, &first, &times) != 3)
		return;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(word, kinds[i].name) == 0)
			kind = kinds[i].kind;
	if (strncmp(word, "errno:", 6) == 0)
	{
		kind = ERROR;
		error_number = atoi(word + 6);
	}
}

__attribute__((destructor)) static void
tell_count(void)
{
	FILE *file = count_path ? fopen(count_path, "w") : NULL;

	if (file)
	{
		fprintf(file, "%ld\n", atomic_load(&calls));
		fclose(file);
	}
}

static int
below_root(const char *path)
{
	for (const char *root = roots; root && *root;)
	{
		const size_t length = strcspn(root, ":");

		if (strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0))
			return 1;
		root += length + (root[length] == ':');
	}
	return 0;
}

/* The absolute path of a descriptor, or of a name below one. False when it is none that counts. */
static int
path_of(int directory, const char *name, char *path)
{
	pthread_once(&once, set_up);
	if (name && *name == '/')
		snprintf(path, PATH_MAX, "%s", name);
	else
	{
		char link[64];
		ssize_t length;

		snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
		length = readlink(link, path, PATH_MAX - 1);
		if (length < 0)
			return 0;
		path[length] = 0;
		if (name && *name && strcmp(name, ".") != 0)
			snprintf(path + length, PATH_MAX - (size_t) length, "/%s", name);
	}
	return below_root(path);
}

/* What becomes of a call that counts. */
static enum kind
step(enum call call)
{
	const int e = errno;
	long number;

	if ((kind == ABSENT && call != LOOKS) || (kind == HIDDEN) != (call == LISTS))
		return NOTHING;
	number = atomic_fetch_add(&calls, 1) + 1;
	errno = e;
	if (kind == NOTHING || number < first || number >= first + times)
		return NOTHING;
	if (kind == KILL)
		kill(getpid(), SIGKILL);
	if (kind == STALL)
		usleep(500000);
	if (kind == SHORT && call != READS && call != WRITES)
		return NOTHING;
	if (kind == ERROR || kind == ABSENT)
	{
		errno = kind == ABSENT ? ENOENT : error_number;
		if (kind == ERROR && (call == READS || call == LOOKS) && (error_number == ENOSPC || error_number == EROFS || error_number == EDQUOT))
			errno = EIO;
	}
	return kind;
}
static void
after(enum kind what)
{
	if (what == DONE)
		kill(getpid(), SIGKILL);
}
#define FAILS(what) ((what) == ERROR || (what) == ABSENT)

static void
journal(const char *format, ...)
{
	const int e = errno;
	char line[3 * PATH_MAX];
	va_list arguments;
	int length, fd;

	if (!journal_path)
		return;
	va_start(arguments, format);
	length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	fd = (int) kernel(SYS_openat, AT_FDCWD, journal_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && kernel(SYS_write, fd, line, (size_t) length) != length)
		abort();
	if (fd >= 0)
		kernel(SYS_close, fd);
	errno = e;
}
static unsigned long
inode(int fd)
{
	struct stat st;

	return REAL(fstat) (fd, &st) == 0 ? st.st_ino : 0;
}
/* That of the directory in which a path is. */
static unsigned long
parent(const char *path)
{
	char above[PATH_MAX];
	struct stat st;

	snprintf(above, sizeof above, "%s", path);
	*strrchr(above, '/') = 0;
	return REAL(stat) (above, &st) == 0 ? st.st_ino : 0;
}
static int
exists(const char *path)
{
	struct stat st;

	return REAL(lstat) (path, &st) == 0;
}
/* Keeps what is at the path, which is going to lose its name; its place among the graves, "-" for nothing. */
static void
bury(const char *path, char *grave)
{
	snprintf(grave, PATH_MAX, "%s/%d.%ld", graves ? graves : "", (int) getpid(), atomic_fetch_add(&grave_number, 1));
	if (!graves || REAL(linkat) (AT_FDCWD, path, AT_FDCWD, grave, 0) != 0)
		strcpy(grave, "-");
}

/* --- files ------------------------------------------------------------------------------------------------------------ */
struct open_how;
/* By openat2() where that was called. */
static int
open_now(int directory, const char *name, int flags, mode_t mode, const struct open_how *how, size_t how_size)
{
#ifdef SYS_openat2
	if (how)
		return (int) kernel(SYS_openat2, directory, name, how, how_size);
#endif
	return (int) kernel(SYS_openat, directory, name, flags, mode);
}
static int
open_it(int directory, const char *name, int flags, mode_t mode, const struct open_how *how, size_t how_size)
{
	char path[PATH_MAX];
	enum kind what;
	int made, fd;

	if (!path_of(directory, name, path))
		return open_now(directory, name, flags, mode, how, how_size);
	what = step((flags & O_CREAT) ? CHANGES : LOOKS);
	if (FAILS(what))
		return -1;
	pthread_mutex_lock(&in_order);
	made = (flags & O_CREAT) && !exists(path);
	fd = open_now(directory, name, flags, mode, how, how_size);
	if (fd >= 0 && made)
		journal("C %lu %s\n", parent(path), path);
	if (fd >= 0 && (flags & O_TRUNC) && !made)
		journal("D %lu\n", inode(fd));
	pthread_mutex_unlock(&in_order);
	after(what);
	return fd;
}
#define OPEN(name, ...) \
int name(__VA_ARGS__ const char *path, int flags, ...) \
{ \
	va_list arguments; \
	mode_t mode; \
	va_start(arguments, flags); \
	mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0; \
	va_end(arguments); \
	return open_it(DIRECTORY, path, flags, mode, NULL, 0); \
}
#define COMMA ,
#define DIRECTORY AT_FDCWD
OPEN(open) OPEN(open64)
#undef DIRECTORY
#define DIRECTORY directory
OPEN(openat, int directory COMMA) OPEN(openat64, int directory COMMA)

/* The C library has no openat2(). */
long
syscall(long number, ...)
{
	va_list arguments;
	long given[6];

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		given[i] = va_arg(arguments, long);
	va_end(arguments);
#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
	if (number == SYS_openat2)
	{
		const struct open_how *how = (const struct open_how *) given[2];

		return open_it((int) given[0], (const char *) given[1], (int) how->flags, (mode_t) how->mode, how, (size_t) given[3]);
	}
#endif
	return kernel(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

/* Bytes into or out of a descriptor. */
#define TRANSFER(name, call, parameters, arguments, size) \
ssize_t name parameters \
{ \
	char path[PATH_MAX]; \
	enum kind what; \
	ssize_t done; \
	if (!path_of(fd, NULL, path)) \
		return REAL(name) arguments; \
	what = step(call); \
	if (FAILS(what)) \
		return -1; \
	if (what == SHORT && size > 1) \
		size /= 2; \
	if (call == WRITES) \
		journal("D %lu\n", inode(fd)); \
	done = REAL(name) arguments; \
	after(what); \
	return done; \
}
TRANSFER(write, WRITES, (int fd, const void *bytes, size_t size), (fd, bytes, size), size)
TRANSFER(pwrite, WRITES, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), size)
TRANSFER(pwrite64, WRITES, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), size)
TRANSFER(read, READS, (int fd, void *bytes, size_t size), (fd, bytes, size), size)
TRANSFER(pread, READS, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at), size)
TRANSFER(pread64, READS, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at), size)

#define LIST(name, entry) \
struct entry * \
name(DIR *directory) \
{ \
	char path[PATH_MAX]; \
	struct entry *found = REAL(name) (directory); \
 \
	while (found && *found->d_name != '.' && path_of(dirfd(directory), found->d_name, path) && step(LISTS) == HIDDEN) \
		found = REAL(name) (directory); \
	return found; \
}
LIST(readdir, dirent)
LIST(readdir64, dirent64)

/* The copy's target counts. */
ssize_t
copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t size, unsigned int flags)
{
	char path[PATH_MAX];
	enum kind what = NOTHING;
	ssize_t done;

	if (path_of(to, NULL, path))
	{
		what = step(WRITES);
		if (FAILS(what))
			return -1;
		journal("D %lu\n", inode(to));
	}
	done = REAL(copy_file_range) (from, from_at, to, to_at, size, flags);
	after(what);
	return done;
}

#define ON_FILE(name, call, before, when_done, when_failed, parameters, arguments) \
int name parameters \
{ \
	char path[PATH_MAX]; \
	enum kind what; \
	int result; \
	if (!path_of(fd, NULL, path)) \
		return REAL(name) arguments; \
	what = step(call); \
	if (FAILS(what)) \
	{ \
		when_failed; \
		return -1; \
	} \
	before; \
	result = REAL(name) arguments; \
	if (result == 0) \
		when_done; \
	after(what); \
	return result; \
}
ON_FILE(ftruncate, WRITES, journal("D %lu\n", inode(fd)), (void) 0, (void) 0, (int fd, off_t size), (fd, size))
ON_FILE(ftruncate64, WRITES, journal("D %lu\n", inode(fd)), (void) 0, (void) 0, (int fd, off_t size), (fd, size))
/* A sync that failed may have dropped what was to be written: the next one has nothing to do and says so. */
ON_FILE(fsync, SYNCS, (void) 0, journal("S %lu\n", inode(fd)), journal("X %lu\n", inode(fd)), (int fd), (fd))
ON_FILE(fdatasync, SYNCS, (void) 0, journal("S %lu\n", inode(fd)), journal("X %lu\n", inode(fd)), (int fd), (fd))
ON_FILE(syncfs, SYNCS, (void) 0, journal("A 0\n"), (void) 0, (int fd), (fd))

/* --- names ------------------------------------------------------------------------------------------------------------ */
static int
rename_it(int from, const char *old_name, int to, const char *new_name, unsigned int flags)
{
	char old_path[PATH_MAX], path[PATH_MAX], grave[PATH_MAX] = "-";
	enum kind what;
	int result;

	if (!path_of(from, old_name, old_path) || !path_of(to, new_name, path))
		return (int) kernel(SYS_renameat2, from, old_name, to, new_name, flags);
	what = step(CHANGES);
	if (FAILS(what))
		return -1;
	pthread_mutex_lock(&in_order);
	if (exists(path))
		bury(path, grave);
	result = (int) kernel(SYS_renameat2, from, old_name, to, new_name, flags);
	if (result == 0)
		journal("R %lu %s\t%s\t%s\n", parent(path), path, old_path, grave);
	pthread_mutex_unlock(&in_order);
	after(what);
	return result;
}
int rename(const char *from, const char *to) { return rename_it(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return rename_it(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned int flags) { return rename_it(a, from, b, to, flags); }

static int
unlink_it(int directory, const char *name, int flags)
{
	char path[PATH_MAX], grave[PATH_MAX] = "-";
	enum kind what;
	int result;
	unsigned long above;

	if (!path_of(directory, name, path))
		return (int) kernel(SYS_unlinkat, directory, name, flags);
	what = step(CHANGES);
	if (FAILS(what))
		return -1;
	pthread_mutex_lock(&in_order);
	above = parent(path);
	if (!(flags & AT_REMOVEDIR))
		bury(path, grave);
	result = (int) kernel(SYS_unlinkat, directory, name, flags);
	if (result == 0)
		journal("U %lu %s\t%s\n", above, path, grave);
	pthread_mutex_unlock(&in_order);
	after(what);
	return result;
}
int unlink(const char *path) { return unlink_it(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char *path, int flags) { return unlink_it(directory, path, flags); }
int rmdir(const char *path) { return unlink_it(AT_FDCWD, path, AT_REMOVEDIR); }

/* What makes an entry of a directory. */
#define MAKES(name, directory, entry, parameters, arguments) \
int name parameters \
{ \
	char path[PATH_MAX]; \
	enum kind what; \
	int result; \
	if (!path_of(directory, entry, path)) \
		return REAL(name) arguments; \
	what = step(CHANGES); \
	if (FAILS(what)) \
		return -1; \
	pthread_mutex_lock(&in_order); \
	result = REAL(name) arguments; \
	if (result == 0) \
		journal("C %lu %s\n", parent(path), path); \
	pthread_mutex_unlock(&in_order); \
	after(what); \
	return result; \
}
MAKES(mkdir, AT_FDCWD, name, (const char *name, mode_t mode), (name, mode))
MAKES(mkdirat, fd, name, (int fd, const char *name, mode_t mode), (fd, name, mode))
MAKES(symlink, AT_FDCWD, name, (const char *to, const char *name), (to, name))
MAKES(symlinkat, fd, name, (const char *to, int fd, const char *name), (to, fd, name))
MAKES(link, AT_FDCWD, name, (const char *from, const char *name), (from, name))
MAKES(linkat, fd, name, (int from, const char *old, int fd, const char *name, int flags), (from, old, fd, name, flags))

/* --- looking ---------------------------------------------------------------------------------------------------------- */
#define LOOK(name, directory, entry, parameters, arguments) \
int name parameters \
{ \
	char path[PATH_MAX]; \
	enum kind what; \
	int result; \
	if (!path_of(directory, entry, path)) \
		return REAL(name) arguments; \
	what = step(LOOKS); \
	if (FAILS(what)) \
		return -1; \
	result = REAL(name) arguments; \
	after(what); \
	return result; \
}
LOOK(stat, AT_FDCWD, name, (const char *restrict name, struct stat *restrict st), (name, st))
LOOK(lstat, AT_FDCWD, name, (const char *restrict name, struct stat *restrict st), (name, st))
LOOK(fstatat, fd, name, (int fd, const char *restrict name, struct stat *restrict st, int flags), (fd, name, st, flags))
LOOK(statx, fd, name, (int fd, const char *restrict name, int flags, unsigned int mask, struct statx *restrict st), (fd, name, flags, mask, st))

/* --- the network ------------------------------------------------------------------------------------------------------ */
#define ON_SOCKET(type, name, parameters, arguments) \
type name parameters \
{ \
	enum kind what; \
	type result; \
	pthread_once(&once, set_up); \
	if (!sockets) \
		return REAL(name) arguments; \
	what = step(SENDS); \
	if (FAILS(what)) \
	{ \
		errno = ECONNRESET; \
		return -1; \
	} \
	result = REAL(name) arguments; \
	after(what); \
	return result; \
}
ON_SOCKET(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size, flags))
ON_SOCKET(ssize_t, recv, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags))
ON_SOCKET(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
