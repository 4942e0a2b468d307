/* SPDX-License-Identifier: BSD-3-Clause */
/* The http service fed with octets: each input is a connection's life. Its
 * first octet chooses how the rest is cut into pieces, and which of arrivals,
 * reading peers and time come between them. */
#include <stdlib.h>

#include "app/smcgate/service/http.h"
#include "tests/unit/service/fake_sock.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_conf conf = {
	.body_bytes = 5000, .max_directory_bytes = 1, .max_request_body = 64, .idle_timeout_ms = 1000,
	.request_timeout_ms = 500,
};

static void step(struct sock *s, uint8_t what)
{
	static char out[65536];

	switch (what & 7) {
	case 0:
		fake_output(s, out, sizeof(out));
		break;
	case 1:
		fake_wait_ms(what);
		break;
	case 2:
		fake_set_room(s, 64u << (what >> 3 & 15));
		break;
	case 3:
		service_drain(&fake.svc);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock *s;
	size_t piece;

	if (size < 2)
		return 0;
	test_eal_init();
	fake.keep = true;
	if (fake_start(service_find("http"), &conf) < 0)
		abort();
	s = fake_accept(data[0] & 31);
	piece = 1 + (data[0] >> 5) * 40;
	for (size_t i = 1; i < size; i += piece) {
		size_t n = RTE_MIN(piece, size - i);

		fake_input(s, data + i, n);
		if (data[i] >= 0x80)
			step(s, data[i]);
	}
	if ((size & 1) != 0)
		fake_eof(s);
	else
		fake_reset(s, 104);
	fake_stop();
	return 0;
}
