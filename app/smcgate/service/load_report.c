/* SPDX-License-Identifier: BSD-3-Clause */
/* What load says each second, and the octets it sends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "app/smcgate/service/load.h"

static uint64_t clock_us(void)
{
	return rte_get_tsc_cycles() / (rte_get_tsc_hz() / 1000000);
}

void load_report(const struct config_service *conf, void *p, const uint64_t *counters, char *buf, size_t size)
{
	struct load_shared *shared = p;
	bool told = counters[LOAD_ENDED] != 0 && memcmp(shared->last, counters, sizeof(shared->last)) == 0;
	uint64_t now = clock_us(), dt = RTE_MAX(now - shared->last_us, 1ul), d[LOAD_ENDED + 1];
	struct histogram *all = malloc(sizeof(*all));

	buf[0] = '\0';
	if (all == NULL || told) {
		free(all);
		return;
	}
	histogram_init(all);
	for (unsigned i = 0; i < LOAD_MAX_SHARES; i++)
		if (shared->share[i].started_us != 0)
			histogram_merge(all, &shared->share[i].latency);
	for (unsigned i = 0; i < RTE_DIM(d); i++)
		d[i] = shared->last_us == 0 ? 0 : (counters[i] - shared->last[i]) * 1000000 / dt;
	snprintf(buf, size, "load %s: opened %" PRIu64 " failed %" PRIu64 " conn/s %" PRIu64 " req/s %" PRIu64
		 " resp/s %" PRIu64 " out %.1f Mb/s in %.1f Mb/s responses %" PRIu64 " bad %" PRIu64 " errors %" PRIu64
		 " late %" PRIu64 " us p50 %" PRIu64 " p90 %" PRIu64 " p99 %" PRIu64 " p99.9 %" PRIu64 " max %" PRIu64 "%s",
		 conf->name, counters[LOAD_OPENED], counters[LOAD_OPEN_FAILED], d[LOAD_OPENED], d[LOAD_REQUESTS],
		 d[LOAD_RESPONSES], d[LOAD_BYTES_OUT] * 8e-6, d[LOAD_BYTES_IN] * 8e-6, counters[LOAD_RESPONSES],
		 counters[LOAD_BAD_RESPONSES], counters[LOAD_ERRORS], counters[LOAD_LATE], histogram_quantile(all, 0.5),
		 histogram_quantile(all, 0.9), histogram_quantile(all, 0.99), histogram_quantile(all, 0.999), all->max,
		 counters[LOAD_ENDED] != 0 ? " ended" : "");
	free(all);
	memcpy(shared->last, counters, sizeof(shared->last));
	shared->last_us = now;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character, escapes resolved; moves *s behind it. -1: bad escape. */
static int next_octet(const char **s)
{
	const char *p = *s;
	int hi, lo;

	*s = p + 1;
	if (*p != '\\')
		return (unsigned char)*p;
	*s = p + 2;
	switch (p[1]) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case '\\':
		return '\\';
	case 'x':
		hi = hex_digit(p[2]);
		lo = hi < 0 ? -1 : hex_digit(p[3]);
		*s = p + 4;
		return lo < 0 ? -1 : hi << 4 | lo;
	default:
		return -1;
	}
}

static int from_text(const char *text, uint8_t *out, uint32_t *len)
{
	*len = 0;
	while (*text != '\0') {
		int c = next_octet(&text);

		if (c < 0)
			return -EINVAL;
		out[(*len)++] = c;
	}
	return 0;
}

static void pattern(uint8_t *out, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		out[i] = 'a' + i % 26;
}

int load_make_request(const struct load_conf *conf, uint8_t **out, uint32_t *len)
{
	char host[NET_ADDR_STRLEN];
	uint8_t *buf = malloc(LOAD_MAX_REQUEST);
	int rc = 0;

	if (buf == NULL)
		return -ENOMEM;
	if (conf->http_path[0] != '\0') {
		*len = snprintf((char *)buf, LOAD_MAX_REQUEST, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", conf->http_path,
				cfg_endpoint_str(&conf->target, host),
				conf->mode == LOAD_CONNECT ? "Connection: close\r\n" : "");
	} else if (conf->request[0] != '\0') {
		rc = from_text(conf->request, buf, len);
	} else {
		*len = conf->request_bytes != 0 ? conf->request_bytes : LOAD_MAX_REQUEST;
		pattern(buf, *len);
	}
	if (rc < 0) {
		free(buf);
		return rc;
	}
	*out = buf;
	return 0;
}
