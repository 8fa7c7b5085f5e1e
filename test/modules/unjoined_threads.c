/*
 * For LD_PRELOAD: a process that runs exit handlers and the clean-up of its libraries while a thread of its own may still be ending aborts, and says so.
 * Ended means joined: what a thread does after its last line (destructors of libraries it used) is done then, and not before. Each thread takes a while
 * to end, so that nobody joins it by chance. A process that leaves by _exit() cleans up nothing, and is not asked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOW_END_US 50000

static atomic_int unjoined;

typedef struct
{
	void	   *(*body) (void *);
	void	   *argument;
} Start;

static void *
run_and_linger(void *given)
{
	Start		start = *(Start *) given;
	void	   *result;

	free(given);
	result = start.body(start.argument);
	usleep(SLOW_END_US);
	return result;
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body) (void *), void *argument)
{
	typedef int (*Create) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);
	Start	   *start = malloc(sizeof(Start));
	int			status;

	start->body = body;
	start->argument = argument;
	atomic_fetch_add(&unjoined, 1);
	status = ((Create) dlsym(RTLD_NEXT, "pthread_create")) (thread, attributes, run_and_linger, start);
	if (status != 0)
		atomic_fetch_sub(&unjoined, 1);
	return status;
}

int
pthread_join(pthread_t thread, void **result)
{
	int			status = ((int (*) (pthread_t, void **)) dlsym(RTLD_NEXT, "pthread_join")) (thread, result);

	if (status == 0)
		atomic_fetch_sub(&unjoined, 1);
	return status;
}

static void
check(void)
{
	static const char message[] = "unjoined_threads: the process cleans up while a thread of it may run\n";

	if (atomic_load(&unjoined) == 0)
		return;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(99);
	abort();
}

/* Registered before anything that is loaded later registers its clean-up, so this comes last. */
__attribute__((constructor)) static void
register_check(void)
{
	atexit(check);
}
