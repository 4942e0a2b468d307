/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/report.h"

#include <inttypes.h>
#include <string.h>

#include "app/smcgate/service/service.h"

#define LINE_US 1000000

void report_init(struct report *r, struct pipeline *pl, unsigned stats_period, FILE *out)
{
	uint64_t now = pipeline_now_us(pl);

	memset(r, 0, sizeof(*r));
	r->pl = pl;
	r->out = out;
	r->period_us = (uint64_t)stats_period * 1000000;
	r->next_us = now + r->period_us;
	r->next_line_us = now + LINE_US;
	for (unsigned i = 0; i < pipeline_workers(pl); i++)
		(void)pipeline_lcore_stats(pl, i, &r->last[i]);
}

static double per(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static uint64_t drops(const struct pipeline_lcore_stats *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < PIPELINE_N_DROPS; i++)
		n += pipeline_drop_is_loss(i) ? s->drop[i] : 0;
	return n;
}

void report_lcore_line(const struct pipeline_lcore_stats *from, const struct pipeline_lcore_stats *to,
		       char *buf, size_t size)
{
	double us = (double)(to->now_us - from->now_us);
	double busy = (double)(to->busy_cycles - from->busy_cycles);
	double idle = (double)(to->stage_cycles[STAGE_IDLE] - from->stage_cycles[STAGE_IDLE]);
	double rx = (double)(to->rx_packets - from->rx_packets),
	       tx = (double)(to->tx_packets - from->tx_packets);
	double turns = (double)(to->busy_turns - from->busy_turns);

	snprintf(buf, size,
		 "lcore %u: busy %.1f %%, rx %.0f p/s %.1f Mb/s, tx %.0f p/s %.1f Mb/s, %.0f cycles/packet, "
		 "%.1f "
		 "packets/turn, %" PRIu64 " dropped",
		 to->lcore, per(100 * busy, busy + idle), per(rx * 1e6, us),
		 per(8.0 * (double)(to->rx_bytes - from->rx_bytes), us), per(tx * 1e6, us),
		 per(8.0 * (double)(to->tx_bytes - from->tx_bytes), us), per(busy, rx > tx ? rx : tx),
		 per(rx > tx ? rx : tx, turns), drops(to) - drops(from));
}

static void print_lcores(struct report *r)
{
	char line[256];

	for (unsigned i = 0; i < pipeline_workers(r->pl); i++) {
		struct pipeline_lcore_stats now;

		if (pipeline_lcore_stats(r->pl, i, &now) < 0)
			continue;
		report_lcore_line(&r->last[i], &now, line, sizeof(line));
		fprintf(r->out, "%s\n", line);
		r->last[i] = now;
	}
	fflush(r->out);
}

static void print_services(struct report *r)
{
	char line[512];

	pipeline_look_begin();
	for (unsigned n = 0; n < pipeline_services(r->pl); n++) {
		struct pipeline_service_info info;

		if (pipeline_service_info(r->pl, n, &info) < 0 || info.conf->type->report == NULL)
			continue;
		line[0] = '\0';
		info.conf->type->report(info.conf, info.shared, info.counters, line, sizeof(line));
		if (line[0] != '\0')
			fprintf(r->out, "%s: %s\n", info.name, line);
	}
	pipeline_look_end();
	fflush(r->out);
}

unsigned report_poll(struct report *r)
{
	uint64_t now = pipeline_now_us(r->pl), next;

	if (r->period_us != 0 && now >= r->next_us) {
		print_lcores(r);
		r->next_us += r->period_us;
	}
	if (now >= r->next_line_us) {
		print_services(r);
		r->next_line_us += LINE_US;
	}
	next = r->next_line_us;
	if (r->period_us != 0 && r->next_us < next)
		next = r->next_us;
	now = pipeline_now_us(r->pl);
	return next <= now ? 0 : (unsigned)((next - now) / 1000 + 1);
}
