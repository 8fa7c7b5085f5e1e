/*
 * For LD_PRELOAD: kills a program, as kill -9 does, right before the KILL_AT_STEP-th of its steps on a repository. A step is a file that is given its
 * name or deleted, a directory that is deleted, or a request to an S3 server. pg_pitr deletes files in no other way (store/directory_tree.cpp).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int steps;

static void
step(void)
{
	const char *last = getenv("KILL_AT_STEP");

	if (last && atomic_fetch_add(&steps, 1) + 1 == atoi(last))
		kill(getpid(), SIGKILL);
}

int
unlinkat(int directory, const char *path, int flags)
{
	step();
	return ((int (*)(int, const char *, int)) dlsym(RTLD_NEXT, "unlinkat")) (directory, path, flags);
}

int
renameat2(int from, const char *old, int to, const char *new, unsigned int flags)
{
	step();
	return ((int (*)(int, const char *, int, const char *, unsigned int)) dlsym(RTLD_NEXT, "renameat2")) (from, old, to, new, flags);
}

int
curl_multi_add_handle(void *multi, void *easy)
{
	step();
	return ((int (*)(void *, void *)) dlsym(RTLD_NEXT, "curl_multi_add_handle")) (multi, easy);
}
