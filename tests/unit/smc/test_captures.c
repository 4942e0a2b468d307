/* SPDX-License-Identifier: BSD-3-Clause */
/* Every CLC, LLC and CDC message that Linux sent in tests/captures is
 * understood and, made again from what was understood, the same octets. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "proto/smc/cdc.h"
#include "proto/smc/clc.h"
#include "proto/smc/llc.h"
#include "tests/unit/smc/octets.h"
#include "tests/unit/smc/pcap.h"
#include "tests/unit/test.h"

struct seen {
	unsigned proposal, accept, confirm, decline;
	unsigned llc[10];       /* by enum llc_type */
	unsigned cdc;
	unsigned wrong;
	/* of the last of its kind */
	struct clc_proposal last_proposal;
	struct clc_accept last_accept, last_confirm;
	struct clc_decline last_decline;
	uint8_t cdc_prod_flags, cdc_conn_flags; /* all together */
};

static int
remake_clc(const uint8_t *msg, size_t len, struct seen *s, uint8_t *out)
{
	struct clc_accept *a = clc_type(msg) == CLC_ACCEPT ? &s->last_accept : &s->last_confirm;
	int rc;

	switch (clc_type(msg)) {
	case CLC_PROPOSAL:
		s->proposal++;
		rc = clc_decode_proposal(msg, len, &s->last_proposal);
		return rc < 0 ? rc : clc_encode_proposal(&s->last_proposal, out);
	case CLC_DECLINE:
		s->decline++;
		rc = clc_decode_decline(msg, len, &s->last_decline);
		return rc < 0 ? rc : clc_encode_decline(&s->last_decline, out);
	default:
		*(clc_type(msg) == CLC_ACCEPT ? &s->accept : &s->confirm) += 1;
		rc = clc_decode_accept(msg, len, a);
		return rc < 0 ? rc : clc_encode_accept(a, out);
	}
}

static int
remake_send(const uint8_t *msg, size_t len, struct seen *s, uint8_t *out)
{
	struct llc_msg llc;
	struct cdc_msg cdc;
	int rc;

	if (len > 0 && cdc_is(msg)) {
		rc = cdc_decode(msg, len, &cdc);
		if (rc < 0)
			return rc;
		s->cdc++;
		s->cdc_prod_flags |= cdc.prod_flags;
		s->cdc_conn_flags |= cdc.conn_flags;
		cdc_encode(&cdc, out);
		return CDC_LEN;
	}
	rc = llc_decode(msg, len, &llc);
	if (rc < 0)
		return rc;
	s->llc[llc.type]++;
	return llc_encode(&llc, out, LLC_MAX_LEN);
}

static void
compare(struct seen *s, const char *kind, const uint8_t *msg, size_t len, const uint8_t *made, int made_len)
{
	if (made_len == (int)len && memcmp(msg, made, len) == 0)
		return;
	s->wrong++;
	fprintf(stderr, "%s, %zu octets, %d:", kind, len, made_len);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, " %02x", msg[i]);
	fprintf(stderr, "\n");
}

static void
on_clc(void *ctx, const uint8_t *msg, size_t len)
{
	uint8_t made[CLC_MAX_LEN], *exact = octets_exact(msg, len);
	int made_len = remake_clc(exact, len, ctx, made);

	compare(ctx, "CLC", msg, len, made, made_len);
	free(exact);
}

static void
on_send(void *ctx, const uint8_t *msg, size_t len)
{
	static uint8_t made[LLC_MAX_LEN];
	uint8_t *exact = octets_exact(msg, len);
	int made_len = remake_send(exact, len, ctx, made);

	compare(ctx, "SEND", msg, len, made, made_len);
	free(exact);
}

static void
read_capture(const char *path, struct seen *s, struct pcap_smc *p)
{
	memset(s, 0, sizeof(*s));
	*p = (struct pcap_smc){ .clc = on_clc, .send = on_send, .ctx = s };
	if (pcap_smc_read(path, p) != 0 || s->wrong > 0 || p->broken > 0 || p->frames == 0) {
		fprintf(stderr, "%s: %u frames, %u wrong, %u broken\n", path, p->frames, s->wrong, p->broken);
		CU_FAIL("capture");
	}
}

static void
read_named(const char *name, struct seen *s, struct pcap_smc *p)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.pcap", CAPTURES_DIR, name);
	read_capture(path, s, p);
}

static void captures__every_message_returns_to_the_same_octets(void)
{
	glob_t g;
	struct seen s;
	struct pcap_smc p;
	unsigned clc = 0, llc = 0, cdc = 0;

	CU_ASSERT_EQUAL_FATAL(glob(CAPTURES_DIR "/*.pcap", 0, NULL, &g), 0);
	CU_ASSERT(g.gl_pathc >= 18);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		read_capture(g.gl_pathv[i], &s, &p);
		clc += s.proposal + s.accept + s.confirm + s.decline;
		cdc += s.cdc;
		for (unsigned t = 0; t < 10; t++)
			llc += s.llc[t];
	}
	globfree(&g);
	printf("%u CLC, %u LLC, %u CDC ", clc, llc, cdc);
	CU_ASSERT(clc >= 30 && llc >= 60 && cdc >= 90);
}

/* What stands in each, so that a reader that finds nothing is noticed. */
static void captures__contents(void)
{
	static const struct {
		const char *name;
		uint8_t proposal, accept, confirm, decline;
		uint8_t confirm_link, add_link, delete_link, confirm_rkey, test_link, delete_rkey;
		uint8_t cdc_at_least, prod_flags, conn_flags;
	} cases[] = {
		{ "no-device-server", 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "no-device-client", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "eid-mismatch", 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "tcp-server", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "tcp-client", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "first-contact", 1, 1, 1, 0, 2, 2, 0, 0, 0, 4, 3, 0, CDC_CLOSED },
		{ "second-connection", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 3, 0, CDC_CLOSED },
		{ "two-open", 2, 2, 2, 0, 0, 0, 0, 8, 0, 8, 6, 0, CDC_CLOSED },
		{ "ping-pong", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 20, 0, CDC_CLOSED },
		{ "half-close", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 4, 0, CDC_DONE_WRITING | CDC_CLOSED },
		{ "abort", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 3, 0, CDC_ABORT },
		{ "urgent", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 6, CDC_URG_PENDING | CDC_URG_PRESENT, CDC_CLOSED },
		{ "ipproto", 1, 1, 1, 0, 0, 0, 0, 4, 0, 4, 3, 0, CDC_CLOSED },
		{ "wrap", 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 10, CDC_WRITE_BLOCKED, CDC_CLOSED },
		{ "write-blocked", 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 10, CDC_WRITE_BLOCKED, CDC_CLOSED },
		{ "one-link", 1, 1, 1, 0, 2, 0, 0, 0, 0, 4, 3, 0, CDC_CLOSED },
		{ "test-link", 1, 1, 1, 0, 2, 0, 0, 0, 4, 4, 3, 0, CDC_CLOSED },
		{ "reboot", 1, 1, 1, 0, 2, 0, 1, 0, 0, 4, 3, 0, CDC_CLOSED },
	};
	struct seen s;
	struct pcap_smc p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_named(cases[i].name, &s, &p);
		if (s.proposal != cases[i].proposal || s.accept != cases[i].accept ||
		    s.confirm != cases[i].confirm || s.decline != cases[i].decline)
			CU_FAIL(cases[i].name);
		/* Repeated for as long as nobody acknowledges it. */
		if (s.llc[LLC_CONFIRM_LINK] != cases[i].confirm_link || s.llc[LLC_ADD_LINK] != cases[i].add_link ||
		    (s.llc[LLC_DELETE_LINK] > 0) != cases[i].delete_link ||
		    s.llc[LLC_CONFIRM_RKEY] != cases[i].confirm_rkey || s.llc[LLC_DELETE_RKEY] != cases[i].delete_rkey ||
		    (s.llc[LLC_TEST_LINK] >= 2) != (cases[i].test_link >= 2))
			CU_FAIL(cases[i].name);
		if (s.cdc < cases[i].cdc_at_least || s.cdc_prod_flags != cases[i].prod_flags ||
		    s.cdc_conn_flags != cases[i].conn_flags)
			CU_FAIL(cases[i].name);
	}
}

/* The values Linux 6.12 negotiates. */
static void captures__first_contact_values(void)
{
	struct clc_proposal *prop;
	struct clc_accept *acc, *conf;
	struct seen s;
	struct pcap_smc p;
	char text[CLC_EID_LEN + 1];

	read_named("first-contact", &s, &p);
	prop = &s.last_proposal;
	acc = &s.last_accept;
	conf = &s.last_confirm;
	CU_ASSERT(prop->v2 && !prop->v1 && prop->release == CLC_RELEASE_V21);
	CU_ASSERT_EQUAL_FATAL(prop->n_eids, 1);
	clc_eid_text(prop->eids[0], text);
	CU_ASSERT_STRING_EQUAL(text, "SMCGATE.TEST");
	CU_ASSERT(prop->max_conns == 255 && prop->max_links == 2 && prop->features == 1);
	CU_ASSERT(acc->first_contact && conf->first_contact && acc->release == CLC_RELEASE_V21);
	CU_ASSERT(acc->direct && acc->os == CLC_OS_LINUX && acc->hostname[0] != '\0');
	CU_ASSERT(acc->max_conns == conf->max_conns && acc->max_links == conf->max_links);
	CU_ASSERT_EQUAL(memcmp(acc->eid, prop->eids[0], CLC_EID_LEN), 0);
	CU_ASSERT_EQUAL(memcmp(conf->eid, acc->eid, CLC_EID_LEN), 0);
	CU_ASSERT_EQUAL(conf->n_gids, 1);
	CU_ASSERT_EQUAL(memcmp(conf->gids[0], prop->gid2, 16), 0);
	CU_ASSERT(clc_mtu(acc->mtu_code) == 1024 && clc_rmbe_size(acc->size_code) == 65536);
	CU_ASSERT(acc->token != 0 && conf->token != 0 && acc->rmbe_idx == 1);

	read_named("one-link", &s, &p);
	CU_ASSERT(acc->max_conns == 16 && acc->max_links == 1 && conf->max_conns == 16 && conf->max_links == 1);

	read_named("no-device-client", &s, &p);
	CU_ASSERT(s.last_decline.version == CLC_V1 && s.last_decline.diagnosis == 0x03030000);
	read_named("eid-mismatch", &s, &p);
	CU_ASSERT(s.last_decline.version == CLC_V2 && s.last_decline.diagnosis == 0x03030000);
}

static const struct test_case cases[] = {
	TEST_CASE(captures__contents),
	TEST_CASE(captures__first_contact_values),
	TEST_CASE(captures__every_message_returns_to_the_same_octets),
};
TEST_MAIN("captures", cases)
