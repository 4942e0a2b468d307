/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc/pcap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/smc/clc.h"
#include "proto/smc/wire.h"

#define PCAP_MAGIC 0xa1b2c3d4u
#define LINKTYPE_ETHERNET 1
#define FRAME_MAX 65536
#define ROCE_PORT 4791
#define MAX_CONNS 16
#define MAX_QPS 64
#define SEND_MAX 8192

struct pcap_file_hdr {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, sigfigs, snaplen, linktype;
};

struct pcap_rec_hdr {
	uint32_t sec, usec, captured, len;
};

/* One direction of a TCP connection, up to the end of its CLC messages. */
struct stream {
	bool option;            /* its SYN carried it */
	bool cut;
	uint32_t next;          /* sequence number of the octet to come */
	size_t len;
	uint8_t b[2048];
};

struct conn {
	uint8_t key[12];        /* addresses and ports of the client, then of the server */
	bool declined;          /* what follows is the application's */
	struct stream dir[2];   /* from the client, from the server */
};

struct qp {
	uint8_t key[7];         /* destination address and QP */
	size_t len;
	uint8_t b[SEND_MAX];
};

struct reader {
	struct pcap_smc *out;
	unsigned n_conns, n_qps;
	struct conn conns[MAX_CONNS];
	struct qp qps[MAX_QPS];
};

static unsigned
get16(const uint8_t *b)
{
	return (unsigned)b[0] << 8 | b[1];
}

static uint32_t
get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

/* TCP */

static bool
has_option(const uint8_t *tcp, size_t hlen)
{
	static const uint8_t option[] = { SMC_TCP_OPT };

	for (size_t i = 20; i + sizeof(option) <= hlen; i++) {
		if (memcmp(tcp + i, option, sizeof(option)) == 0)
			return true;
	}
	return false;
}

/* Of either direction, which goes to *dir; NULL if it is new. */
static struct conn *
find_conn(struct reader *r, const uint8_t *ip, const uint8_t *tcp, unsigned *dir)
{
	uint8_t key[2][12];

	memcpy(key[0], ip + 12, 4);
	memcpy(key[0] + 4, tcp, 2);
	memcpy(key[0] + 6, ip + 16, 4);
	memcpy(key[0] + 10, tcp + 2, 2);
	memcpy(key[1], key[0] + 6, 6);
	memcpy(key[1] + 6, key[0], 6);
	for (unsigned i = r->n_conns; i-- > 0; ) {
		for (*dir = 0; *dir < 2; (*dir)++) {
			if (memcmp(r->conns[i].key, key[*dir], 12) == 0)
				return &r->conns[i];
		}
	}
	*dir = 0;
	if (!(tcp[13] & 0x02) || r->n_conns == MAX_CONNS)
		return NULL;
	memcpy(r->conns[r->n_conns].key, key[0], 12);
	return &r->conns[r->n_conns++];
}

static void
take_clc(struct reader *r, struct conn *c, struct stream *s)
{
	int n;

	while (s->len > 0 && !c->declined) {
		n = clc_peek_length(s->b, s->len);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			r->out->broken++;
			c->declined = true;
			return;
		}
		r->out->clc(r->out->ctx, s->b, (size_t)n);
		c->declined = clc_type(s->b) == CLC_DECLINE;
		s->len -= (size_t)n;
		memmove(s->b, s->b + n, s->len);
	}
}

static void
tcp_segment(struct reader *r, const uint8_t *ip, size_t ip_len, size_t captured)
{
	const uint8_t *tcp = ip + 20;
	size_t hlen = (size_t)(tcp[12] >> 4) * 4, len = ip_len - 20 - hlen;
	uint32_t seq = get32(tcp + 4);
	struct stream *s;
	struct conn *c;
	unsigned dir;

	c = find_conn(r, ip, tcp, &dir);
	if (c == NULL)
		return;
	s = &c->dir[dir];
	if (tcp[13] & 0x02) {
		s->option = has_option(tcp, hlen);
		s->next = seq + 1;
		return;
	}
	if (!c->dir[0].option || !c->dir[1].option || c->declined || s->cut || seq != s->next || len == 0)
		return;
	if (captured < ip_len || len > sizeof(s->b) - s->len) {
		r->out->cut++;
		s->cut = true;
		return;
	}
	memcpy(s->b + s->len, tcp + hlen, len);
	s->len += len;
	s->next += (uint32_t)len;
	take_clc(r, c, s);
}

/* RoCE v2 */

static struct qp *
find_qp(struct reader *r, const uint8_t *ip, const uint8_t *bth)
{
	uint8_t key[7];

	memcpy(key, ip + 16, 4);
	memcpy(key + 4, bth + 5, 3);
	for (unsigned i = 0; i < r->n_qps; i++) {
		if (memcmp(r->qps[i].key, key, sizeof(key)) == 0)
			return &r->qps[i];
	}
	if (r->n_qps == MAX_QPS)
		return NULL;
	memcpy(r->qps[r->n_qps].key, key, sizeof(key));
	return &r->qps[r->n_qps++];
}

static void
roce_packet(struct reader *r, const uint8_t *ip, size_t ip_len, size_t captured)
{
	enum { FIRST = 0, MIDDLE = 1, LAST = 2, ONLY = 4 }; /* RC SEND */
	const uint8_t *bth = ip + 28;
	size_t len = ip_len - 28 - 12 - 4 - (bth[1] >> 4 & 3);
	struct qp *qp;

	if (bth[0] != FIRST && bth[0] != MIDDLE && bth[0] != LAST && bth[0] != ONLY)
		return;
	qp = find_qp(r, ip, bth);
	if (bth[0] == FIRST || bth[0] == ONLY)
		qp->len = 0;
	if (captured < ip_len || len > sizeof(qp->b) - qp->len) {
		r->out->broken++;
		return;
	}
	memcpy(qp->b + qp->len, bth + 12, len);
	qp->len += len;
	if (bth[0] == LAST || bth[0] == ONLY)
		r->out->send(r->out->ctx, qp->b, qp->len);
}

static void
frame(struct reader *r, const uint8_t *b, size_t captured)
{
	const uint8_t *ip = b + 14;
	size_t ip_len;

	if (captured < 14 + 20 + 28 || get16(b + 12) != 0x0800 || ip[0] != 0x45)
		return;
	ip_len = get16(ip + 2);
	if (ip[9] == 6 && ip_len >= 40)
		tcp_segment(r, ip, ip_len, captured - 14);
	else if (ip[9] == 17 && get16(ip + 22) == ROCE_PORT && ip_len >= 28 + 12 + 4)
		roce_packet(r, ip, ip_len, captured - 14);
}

static int
frames(FILE *f, struct reader *r)
{
	static uint8_t b[FRAME_MAX];
	struct pcap_rec_hdr rec;

	while (fread(&rec, sizeof(rec), 1, f) == 1) {
		if (rec.captured > sizeof(b) || fread(b, 1, rec.captured, f) != rec.captured)
			return -EBADMSG;
		r->out->frames++;
		frame(r, b, rec.captured);
	}
	/* A message begun and never ended. */
	for (unsigned i = 0; i < r->n_conns; i++) {
		struct conn *c = &r->conns[i];

		if (!c->declined && (c->dir[0].len > 0 || c->dir[1].len > 0))
			r->out->broken++;
	}
	return 0;
}

int
pcap_smc_read(const char *path, struct pcap_smc *p)
{
	FILE *f = fopen(path, "rb");
	struct pcap_file_hdr hdr;
	struct reader *r;
	int rc;

	if (f == NULL)
		return -errno;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		rc = -ENOMEM;
		goto close;
	}
	r->out = p;
	if (fread(&hdr, sizeof(hdr), 1, f) != 1 || hdr.magic != PCAP_MAGIC || hdr.linktype != LINKTYPE_ETHERNET)
		rc = -EBADMSG;
	else
		rc = frames(f, r);
	free(r);
close:
	fclose(f);
	return rc;
}
