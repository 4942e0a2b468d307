// SPDX-License-Identifier: BSD-3-Clause
/*
 * smctest: echo server and verifying client over SMC or TCP.
 *
 *   smctest server [-b ADDRESS] [-p PORT] [options]
 *   smctest client -s ADDRESS [-p PORT] [options]
 *
 *   -I  IPPROTO_SMC, -T TCP; AF_SMC else       -p  port (7777)
 *   -k  sink: the server does not echo, but answers at the end with the total in 8
 *       octets; the client reads no more than that
 *   -R BYTES  SO_RCVBUF    -S BYTES  SO_SNDBUF   -w MS  pause before the first read
 *   -q  say only what went wrong (and totals)
 * client only:
 *   -n BYTES  per connection (4096)            -m BYTES  per write (4096)
 *   -c COUNT  connections                      -j COUNT  of them open at once
 *   -L ROUNDS  ping-pong of -m octets          -W MS     pause before closing
 *   -H  half close: end our direction, then read to the end
 *   -A  abort: send, read nothing, close with a reset
 *   -U  an urgent octet after the first half of the stream
 *
 * Every connection gives a line: how the kernel carried it (diag.h), what was
 * transferred, and result=ok or what was wrong. What is echoed is verified.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smc_sockets.h"
#include "smctest.h"

enum { PERIOD = 65521 }; /* prime: no buffer size hides a shift by its multiple */

static unsigned char octets[PERIOD + PIECE];

void pattern_init(void)
{
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		octets[i] = (unsigned char)x;
	}
	for (size_t i = PERIOD; i < sizeof(octets); i++)
		octets[i] = octets[i - PERIOD];
}

const unsigned char *pattern(unsigned n, uint64_t position)
{
	return octets + (position + n * 4099u) % PERIOD;
}

int make_socket(const struct options *o)
{
	int fd = o->kind == KIND_AF_SMC ? socket(AF_SMC, SOCK_STREAM, 0) :
					  socket(AF_INET, SOCK_STREAM, o->kind == KIND_IPPROTO_SMC ? IPPROTO_SMC : 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (o->receive_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &o->receive_buffer, sizeof(o->receive_buffer));
	if (o->send_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &o->send_buffer, sizeof(o->send_buffer));
	return fd;
}

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: smctest server|client [options]; see the head of tests/guest/smctest.c\n");
	exit(2);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 0);

	if (*text == 0 || *end != 0 || n < min || n > max)
		usage();
	return n;
}

static void take_address(struct options *o, const char *text)
{
	if (inet_pton(AF_INET, text, &o->address.sin_addr) != 1)
		usage();
}

/* False for a letter that is not a number's. */
static bool take_number(struct options *o, int option)
{
	switch (option) {
	case 'p':
		o->address.sin_port = htons((uint16_t)number(optarg, 1, 65535));
		return true;
	case 'n':
		o->bytes = number(optarg, 0, UINT64_MAX / 2);
		return true;
	case 'm':
		o->message = number(optarg, 1, PIECE);
		return true;
	case 'c':
		o->count = (unsigned)number(optarg, 1, 1000000);
		return true;
	case 'j':
		o->at_once = (unsigned)number(optarg, 1, 4096);
		return true;
	case 'L':
		o->rounds = (unsigned)number(optarg, 1, 1000000000);
		return true;
	case 'R':
		o->receive_buffer = (int)number(optarg, 1, 1 << 30);
		return true;
	case 'S':
		o->send_buffer = (int)number(optarg, 1, 1 << 30);
		return true;
	case 'w':
		o->pause_ms = (unsigned)number(optarg, 0, 1000000);
		return true;
	case 'W':
		o->hold_ms = (unsigned)number(optarg, 0, 1000000);
		return true;
	default:
		return false;
	}
}

static void take_option(struct options *o, int option)
{
	switch (option) {
	case 'I':
		o->kind = KIND_IPPROTO_SMC;
		break;
	case 'T':
		o->kind = KIND_TCP;
		break;
	case 'b':
	case 's':
		take_address(o, optarg);
		break;
	case 'k':
		o->sink = true;
		break;
	case 'H':
		o->half_close = true;
		break;
	case 'A':
		o->abort = true;
		break;
	case 'U':
		o->urgent = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	default:
		if (!take_number(o, option))
			usage();
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.address = { .sin_family = AF_INET, .sin_port = htons(7777) },
		.bytes = 4096, .message = 4096, .count = 1, .at_once = 1,
	};
	bool server = argc > 1 && strcmp(argv[1], "server") == 0;
	int option;

	if (argc < 2 || (!server && strcmp(argv[1], "client") != 0))
		usage();
	while ((option = getopt(argc - 1, argv + 1, "ITb:s:p:kR:S:w:qn:m:c:j:L:W:HAU")) != -1)
		take_option(&o, option);
	if (optind != argc - 1 || o.count % o.at_once != 0)
		usage();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pattern_init();
	return server ? server_run(&o) : client_run(&o);
}
