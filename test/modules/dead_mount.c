/*
 * For LD_PRELOAD: a directory on a dead mount, as far as those who open files there can tell. While there is a file of the same name in
 * PITR_DEAD_DIR nobody who opens it comes back; who waits goes on waiting while that is there, or under its name with ".old", when new ones
 * come through again: another file system was mounted in its place. For tests only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_dead(const char *name, const char *suffix)
{
	char flag[PATH_MAX];
	const char *slash = strrchr(name, '/');
	struct stat info;

	snprintf(flag, sizeof flag, "%s/%s%s", getenv("PITR_DEAD_DIR"), slash ? slash + 1 : name, suffix);
	/* "." is a name, too. */
	return stat(flag, &info) == 0 && S_ISREG(info.st_mode);
}

static void
wait_while_dead(const char *name)
{
	if (getenv("PITR_DEAD_DIR") == NULL || !is_dead(name, ""))
		return;
	while (is_dead(name, "") || is_dead(name, ".old"))
		usleep(20000);
}

#define OPEN(name) \
int \
name(int directory, const char *path, int flags, ...) \
{ \
	int			(*real) (int, const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
	va_list		more; \
	mode_t		mode; \
 \
	va_start(more, flags); \
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
	va_end(more); \
	wait_while_dead(path); \
	return real(directory, path, flags, mode); \
}
OPEN(openat)
OPEN(openat64)

long
syscall(long number, ...)
{
	long		(*real) (long, ...) = dlsym(RTLD_NEXT, "syscall");
	long		a[6];
	va_list		more;

	va_start(more, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(more, long);
	va_end(more);
#ifdef SYS_openat2
	if (number == SYS_openat2)
		wait_while_dead((const char *) a[1]);
#endif
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
