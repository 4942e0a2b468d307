// SPDX-License-Identifier: BSD-3-Clause
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "smctest.h"

static const struct options *options;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static bool send_all(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void say_accepted(int fd)
{
	if (options->quiet)
		return;
	pthread_mutex_lock(&output);
	printf("accepted ");
	diag_print_fd(fd, stdout);
	printf("\n");
	pthread_mutex_unlock(&output);
}

/* An urgent octet is taken when it is there; 0 for none. */
static char take_urgent(int fd)
{
	struct pollfd pfd = { fd, POLLIN | POLLPRI, 0 };
	char octet = 0;

	if (poll(&pfd, 1, -1) > 0 && (pfd.revents & POLLPRI) != 0 && recv(fd, &octet, 1, MSG_OOB) == 1)
		return octet;
	return 0;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg, error = 0;
	unsigned char data[PIECE];
	uint64_t total = 0;
	char urgent = 0;
	ssize_t n;

	say_accepted(fd);
	usleep(options->pause_ms * 1000);
	for (;;) {
		char octet = take_urgent(fd);

		urgent = octet != 0 ? octet : urgent;
		n = recv(fd, data, sizeof(data), 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		total += n > 0 ? (uint64_t)n : 0;
		if (n > 0 && !options->sink && !send_all(fd, data, (size_t)n)) {
			n = -1;
			break;
		}
	}
	error = n < 0 ? errno : 0;
	if (options->sink && error == 0) {
		uint64_t big = htobe64(total);

		send_all(fd, &big, sizeof(big));
	}
	if (!options->quiet || error != 0) {
		pthread_mutex_lock(&output);
		printf("closed bytes=%llu urgent=%c error=%s\n", (unsigned long long)total, urgent != 0 ? urgent : '-',
		       error != 0 ? strerror(error) : "none");
		pthread_mutex_unlock(&output);
	}
	close(fd);
	return NULL;
}

static void accept_one(int listener, const pthread_attr_t *attr)
{
	int fd = accept(listener, NULL, NULL);
	pthread_t thread;

	if (fd < 0 || pthread_create(&thread, attr, serve, (void *)(intptr_t)fd) != 0) {
		if (fd >= 0)
			close(fd);
		if (errno != EINTR && errno != ECONNABORTED) {
			perror("accept");
			usleep(10000);
		}
	}
}

int server_run(const struct options *o)
{
	int listener = make_socket(o);
	pthread_attr_t attr;

	options = o;
	if (listener < 0 || bind(listener, (const struct sockaddr *)&o->address, sizeof(o->address)) != 0 ||
	    listen(listener, 256) != 0) {
		perror("smctest: listen");
		return 2;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 4 * PIECE);
	printf("listening\n");
	for (;;)
		accept_one(listener, &attr);
}
