/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What leaving and coming back costs a polling loop on this machine, as the cost model of
 * doc/moderation.md wants it:
 *
 *	wake      from a write to an eventfd on another CPU to the reader's next instruction, and
 *	          the reader's CPU time for waiting and waking
 *	sleep     how much longer than asked a timed sleep is, and its CPU time
 *
 * moderation_cost [rounds]: median, 90th and 99th per cent of each, in ns. The reader runs on
 * CPU 1, the writer on CPU 0.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define N(a) (sizeof(a) / sizeof((a)[0]))

static unsigned rounds = ROUNDS;

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Where there is only one CPU both share it. */
static void run_on(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void show(const char *name, double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	printf("%-24s p50 %8.1f  p90 %8.1f  p99 %8.1f\n", name, v[n / 2], v[n * 9 / 10], v[n * 99 / 100]);
}

/* ---- waking ------------------------------------------------------------------------------------ */

struct bell {
	int fd;
	uint64_t rung; /* when; the write orders it */
	unsigned ready; /* rounds the reader is waiting for */
};

static void *ring_bell(void *arg)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	struct bell *b = arg;
	uint64_t one = 1;

	run_on(0);
	for (unsigned r = 1; r <= rounds; r++) {
		while (__atomic_load_n(&b->ready, __ATOMIC_ACQUIRE) < r)
			;
		nanosleep(&pause, NULL); /* the reader is asleep by then */
		__atomic_store_n(&b->rung, clock_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
		if (write(b->fd, &one, sizeof(one)) != sizeof(one))
			break;
	}
	return NULL;
}

static int wakes(double *late, double *cpu)
{
	struct bell b = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	struct pollfd p = { .fd = b.fd, .events = POLLIN };
	const struct timespec most = { .tv_sec = 1 };
	pthread_t thread;
	uint64_t count;

	if (b.fd < 0 || pthread_create(&thread, NULL, ring_bell, &b) != 0)
		return -1;
	for (unsigned r = 0; r < rounds; r++) {
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		__atomic_store_n(&b.ready, r + 1, __ATOMIC_RELEASE);
		ppoll(&p, 1, &most, NULL);
		late[r] = (double)(clock_ns(CLOCK_MONOTONIC) - __atomic_load_n(&b.rung, __ATOMIC_ACQUIRE));
		if (read(b.fd, &count, sizeof(count)) != sizeof(count))
			return -1;
		cpu[r] = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - before);
	}
	pthread_join(thread, NULL);
	close(b.fd);
	show("wake: late", late, rounds);
	show("wake: CPU", cpu, rounds);
	return 0;
}

static void sleeps(double *late, double *cpu)
{
	static const unsigned us[] = { 10, 50, 200 };
	unsigned n = rounds / 4;

	prctl(PR_SET_TIMERSLACK, 1000UL); /* as workers do; 50 us otherwise */
	for (unsigned i = 0; i < N(us); i++) {
		const struct timespec ts = { .tv_nsec = us[i] * 1000 };
		char name[32];

		for (unsigned r = 0; r < n; r++) {
			uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
			uint64_t begin = clock_ns(CLOCK_MONOTONIC);

			ppoll(NULL, 0, &ts, NULL);
			late[r] = (double)(clock_ns(CLOCK_MONOTONIC) - begin) - us[i] * 1e3;
			cpu[r] = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - before);
		}
		snprintf(name, sizeof(name), "sleep of %u us: late", us[i]);
		show(name, late, n);
		snprintf(name, sizeof(name), "sleep of %u us: CPU", us[i]);
		show(name, cpu, n);
	}
}

int main(int argc, char **argv)
{
	double *late, *cpu;
	int rc = EXIT_FAILURE;

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (rounds < 100 || rounds > 1000000) {
		fprintf(stderr, "usage: %s [rounds, 100 to 1000000]\n", argv[0]);
		return rc;
	}
	late = calloc(rounds, sizeof(*late));
	cpu = calloc(rounds, sizeof(*cpu));
	if (late == NULL || cpu == NULL)
		goto out;
	run_on(1);
	if (wakes(late, cpu) == 0) {
		sleeps(late, cpu);
		rc = EXIT_SUCCESS;
	}
out:
	free(late);
	free(cpu);
	return rc;
}
