// SPDX-License-Identifier: BSD-3-Clause
/*
 * gexec [-t SECONDS] [-i] DIRECTORY COMMAND: runs a shell command in a guest.
 *
 * DIRECTORY has the guest's channels, ch0.sock, ch1.sock ...; the first that nobody
 * else uses (flock on chN.lock) is taken. The command's output, errors and exit
 * status become ours; 124 when it took longer than SECONDS (120), 125 when there is
 * no guest. -i gives it our standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

enum { CHANNELS_MAX = 8, TOO_LONG = 124, NO_GUEST = 125 };

static time_t deadline;

static _Noreturn void leave(int status, const char *what)
{
	fprintf(stderr, "gexec: %s\n", what);
	exit(status);
}

static void put(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			leave(NO_GUEST, strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

static void get(int fd, void *to, size_t len)
{
	char *p = to;

	while (len > 0) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		time_t left = deadline - time(NULL);
		ssize_t n;

		if (left <= 0 || poll(&pfd, 1, (int)left * 1000) == 0)
			leave(TOO_LONG, "no answer in time");
		n = read(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			leave(NO_GUEST, "the guest went away");
		p += n;
		len -= (size_t)n;
	}
}

/* All of our standard input, up to what a channel takes. */
static char *read_input(uint32_t *len)
{
	char *input = malloc(CHANNEL_INPUT_MAX);
	ssize_t n = 1;

	*len = 0;
	while (input != NULL && *len < CHANNEL_INPUT_MAX && n > 0) {
		n = read(0, input + *len, CHANNEL_INPUT_MAX - *len);
		if (n > 0)
			*len += (uint32_t)n;
	}
	if (input == NULL || n != 0)
		leave(NO_GUEST, "cannot read the standard input");
	return input;
}

/* The number of a channel that is ours until we end; -1 when all are taken. */
static int take_channel(const char *directory)
{
	char path[200];

	for (int i = 0; i < CHANNELS_MAX; i++) {
		int lock;

		snprintf(path, sizeof(path), "%s/ch%d.sock", directory, i);
		if (access(path, F_OK) != 0) {
			if (i == 0)
				leave(NO_GUEST, "no such guest");
			break;
		}
		snprintf(path, sizeof(path), "%s/ch%d.lock", directory, i);
		lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
			return i;
		if (lock >= 0)
			close(lock);
	}
	return -1;
}

static int open_channel(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = -1, fd;

	while ((n = take_channel(directory)) < 0) {
		if (time(NULL) >= deadline)
			leave(TOO_LONG, "all channels are taken");
		usleep(100000);
	}
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/ch%d.sock", directory, n) >=
	    sizeof(address.sun_path))
		leave(NO_GUEST, "the path is too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		leave(NO_GUEST, strerror(errno));
	return fd;
}

static void next_frame(int fd, uint32_t id, struct channel_frame *f)
{
	get(fd, f, sizeof(*f));
	while (f->magic != CHANNEL_FRAME || f->id != id) { /* left behind by an earlier request */
		memmove(f, (char *)f + 1, sizeof(*f) - 1);
		get(fd, (char *)f + sizeof(*f) - 1, 1);
	}
}

static int32_t take_answer(int fd, uint32_t id)
{
	struct channel_frame f;
	char piece[65536];
	int32_t status;

	for (next_frame(fd, id, &f); f.kind != CHANNEL_STATUS; next_frame(fd, id, &f)) {
		while (f.len > 0) {
			size_t n = f.len < sizeof(piece) ? f.len : sizeof(piece);

			get(fd, piece, n);
			put(f.kind == CHANNEL_ERR ? 2 : 1, piece, n);
			f.len -= (uint32_t)n;
		}
	}
	get(fd, &status, sizeof(status));
	return status;
}

int main(int argc, char **argv)
{
	struct channel_request r = { .magic = CHANNEL_REQUEST, .timeout_s = 120 };
	char *input = NULL;
	bool with_input = false;
	int option, fd, status;

	while ((option = getopt(argc, argv, "t:i")) != -1) {
		if (option == 't')
			r.timeout_s = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'i')
			with_input = true;
		else
			return NO_GUEST;
	}
	if (argc - optind != 2)
		leave(NO_GUEST, "usage: gexec [-t SECONDS] [-i] DIRECTORY COMMAND");
	if (with_input)
		input = read_input(&r.input_len);
	deadline = time(NULL) + (time_t)r.timeout_s + 15;
	r.id = (uint32_t)getpid() ^ (uint32_t)time(NULL) << 12;
	r.command_len = (uint32_t)strlen(argv[optind + 1]);
	fd = open_channel(argv[optind]);
	put(fd, &r, sizeof(r));
	put(fd, argv[optind + 1], r.command_len);
	put(fd, input, r.input_len);
	status = take_answer(fd, r.id);
	free(input);
	return status;
}
