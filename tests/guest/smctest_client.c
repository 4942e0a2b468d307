// SPDX-License-Identifier: BSD-3-Clause
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "smctest.h"

/* One connection on its way. */
struct stream {
	const struct options *o;
	unsigned number;
	int fd;
	uint64_t expected;  /* octets that are to come back */
	uint64_t sent, received;
	uint64_t urgent_at; /* position behind which the urgent octet went, 0 for none yet */
	bool urgent_back;   /* it came back within the stream */
	bool shut, ended;   /* our direction, the peer's */
	uint64_t read_from_us;
	const char *wrong;  /* the first thing that was, NULL for none */
};

struct shared {
	const struct options *o;
	pthread_barrier_t barrier;
	pthread_mutex_t lock; /* of what follows, and of standard output */
	unsigned next, failed;
};

static void fail(struct stream *s, const char *what)
{
	if (s->wrong == NULL)
		s->wrong = what;
}

static void send_urgent(struct stream *s)
{
	if (send(s->fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1)
		s->urgent_at = s->sent;
	else if (errno != EAGAIN)
		fail(s, strerror(errno));
}

/* As much as goes; ends our direction when all is sent and the options want that. */
static void send_some(struct stream *s)
{
	const struct options *o = s->o;

	while (s->sent < o->bytes) {
		uint64_t left = o->bytes - s->sent;
		size_t len = left < o->message ? (size_t)left : o->message;
		ssize_t n = send(s->fd, pattern(s->number, s->sent), len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			fail(s, strerror(errno));
		if (n <= 0)
			return;
		s->sent += (uint64_t)n;
		if (o->urgent && s->urgent_at == 0 && s->sent >= o->bytes / 2)
			send_urgent(s);
	}
	if (!s->shut && (o->half_close || o->sink)) {
		shutdown(s->fd, SHUT_WR);
		s->shut = true;
	}
}

/* What came is the pattern; once, at its place, the urgent octet may be amid it. */
static void verify(struct stream *s, const unsigned char *data, size_t len)
{
	const unsigned char *want = pattern(s->number, s->received);
	size_t same = 0;

	if (memcmp(data, want, len) == 0) {
		s->received += len;
		return;
	}
	while (data[same] == want[same])
		same++;
	s->received += same;
	if (s->urgent_at == 0 || s->urgent_back || s->received != s->urgent_at || data[same] != '!') {
		fail(s, "wrong-data");
		return;
	}
	s->urgent_back = true;
	verify(s, data + same + 1, len - same - 1);
}

static void receive_some(struct stream *s)
{
	unsigned char data[PIECE];
	ssize_t n;

	while (!s->ended && (n = recv(s->fd, data, sizeof(data), MSG_DONTWAIT)) >= 0) {
		s->ended = n == 0;
		if (s->o->sink)
			s->received += (uint64_t)n;
		else
			verify(s, data, (size_t)n);
		if (s->received > s->expected)
			fail(s, "too-much-data");
	}
	if (!s->ended && errno != EAGAIN && errno != EINTR) {
		fail(s, strerror(errno));
		s->ended = true;
	}
}

static bool finished(const struct stream *s)
{
	if (s->wrong != NULL || s->ended)
		return true;
	if (s->sent < s->o->bytes)
		return false;
	if (s->o->abort)
		return true;
	return s->received >= s->expected && !s->o->half_close && !s->o->sink;
}

static void run_stream(struct stream *s)
{
	while (!finished(s)) {
		uint64_t now = now_us();
		bool reading = now >= s->read_from_us && !s->o->abort;
		short wanted = (reading ? POLLIN : 0) | (s->sent < s->o->bytes ? POLLOUT : 0);
		struct pollfd pfd = { s->fd, wanted, 0 };
		int wait_ms = reading ? 30000 : (int)((s->read_from_us - now) / 1000 + 1);

		if (wanted == 0) { /* all sent, the pause not over */
			usleep((useconds_t)wait_ms * 1000);
			continue;
		}
		if (poll(&pfd, 1, s->o->abort ? 30000 : wait_ms) == 0 && (reading || s->o->abort))
			fail(s, "stalled-30s");
		send_some(s);
		if (reading)
			receive_some(s);
	}
	if (s->sent < s->o->bytes)
		fail(s, "peer-closed-early");
	if (!s->o->abort && !s->o->sink && s->received < s->expected)
		fail(s, "missing-data");
}

static bool move_all(int fd, unsigned char *data, size_t len, bool out)
{
	while (len > 0) {
		ssize_t n = out ? send(fd, data, len, MSG_NOSIGNAL) : recv(fd, data, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void run_rounds(struct stream *s)
{
	size_t len = s->o->message;
	unsigned char data[PIECE];

	for (unsigned i = 0; i < s->o->rounds && s->wrong == NULL; i++) {
		memcpy(data, pattern(s->number, s->sent), len);
		if (!move_all(s->fd, data, len, true) || !move_all(s->fd, data, len, false))
			fail(s, errno != 0 ? strerror(errno) : "peer-closed-early");
		else if (memcmp(data, pattern(s->number, s->sent), len) != 0)
			fail(s, "wrong-data");
		s->sent += len;
		s->received += len;
	}
}

static bool open_stream(struct stream *s)
{
	int one = 1;

	s->fd = make_socket(s->o);
	if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)&s->o->address, sizeof(s->o->address)) != 0) {
		fail(s, strerror(errno));
		return false;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->expected = s->o->sink ? 8 : s->o->bytes;
	s->read_from_us = now_us() + s->o->pause_ms * 1000ull;
	return true;
}

static void close_stream(struct stream *s)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (s->fd < 0)
		return;
	if (s->o->hold_ms > 0)
		usleep(s->o->hold_ms * 1000);
	if (s->o->abort)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s->fd);
}

static void report(const struct stream *s, struct shared *all, uint64_t connect_us, uint64_t us)
{
	pthread_mutex_lock(&all->lock);
	if (s->wrong != NULL)
		all->failed++;
	if (s->wrong != NULL || !s->o->quiet) {
		printf("conn=%u ", s->number);
		if (s->fd >= 0)
			diag_print_fd(s->fd, stdout);
		printf(" connect_us=%llu sent=%llu received=%llu us=%llu", (unsigned long long)connect_us,
		       (unsigned long long)s->sent, (unsigned long long)s->received, (unsigned long long)us);
		if (s->o->urgent)
			printf(" urgent=%s", s->urgent_back ? "echoed" : "taken");
		printf(" result=%s\n", s->wrong != NULL ? s->wrong : "ok");
	}
	pthread_mutex_unlock(&all->lock);
}

/* Every thread has one connection open at a time; all open before the first sends. */
static void *run_thread(void *arg)
{
	struct shared *all = arg;
	const struct options *o = all->o;

	for (unsigned i = 0; i < o->count / o->at_once; i++) {
		struct stream s = { .o = o, .fd = -1 };
		uint64_t begin, opened;
		bool open;

		pthread_mutex_lock(&all->lock);
		s.number = all->next++;
		pthread_mutex_unlock(&all->lock);
		begin = now_us();
		open = open_stream(&s);
		opened = now_us();
		pthread_barrier_wait(&all->barrier);
		if (open && o->rounds > 0)
			run_rounds(&s);
		else if (open)
			run_stream(&s);
		report(&s, all, opened - begin, now_us() - opened);
		pthread_barrier_wait(&all->barrier);
		close_stream(&s);
	}
	return NULL;
}

int client_run(const struct options *o)
{
	struct shared all = { .o = o, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t *threads = calloc(o->at_once, sizeof(*threads));
	uint64_t begin = now_us();
	pthread_attr_t attr;
	unsigned i;

	if (threads == NULL)
		return 2;
	pthread_barrier_init(&all.barrier, NULL, o->at_once);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 4 * PIECE);
	for (i = 0; i < o->at_once; i++) {
		if (pthread_create(&threads[i], &attr, run_thread, &all) != 0) {
			fprintf(stderr, "smctest: no more threads\n");
			exit(2);
		}
	}
	for (i = 0; i < o->at_once; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	printf("connections=%u failed=%u ms=%llu\n", o->count, all.failed,
	       (unsigned long long)(now_us() - begin) / 1000);
	return all.failed > 0;
}
