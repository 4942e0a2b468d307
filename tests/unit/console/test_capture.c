/* SPDX-License-Identifier: BSD-3-Clause */
/* Packet capture: names, files, what is in them, and that nothing stays. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "app/smcgate/capture.h"
#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

static void name__rules(void)
{
	char max[CAPTURE_FILE_LEN], longer[CAPTURE_FILE_LEN + 1];
	const struct {
		const char *name;
		bool ok;
	} t[] = {
		{ "a", true }, { "a.pcapng", true }, { "A-1_b.c", true }, { max, true }, { longer, false },
			{ "", false },
		{ ".", false }, { "..", false }, { ".hidden", false }, { "-rf", false }, { "_x", false },
		{ "a/b", false }, { "/a", false }, { "../a", false }, { "a\\b", false }, { "a b", false },
		{ "a\n", false }, { "\xc3\xa4", false }, { "a;b", false },
	};

	memset(max, 'a', sizeof(max) - 1);
	max[sizeof(max) - 1] = '\0';
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		CU_ASSERT_EQUAL(capture_name_ok(t[i].name), t[i].ok);
}

/* Receive n bursts of 32 on a port, and send what was received. */
static void traffic(unsigned port, unsigned bursts)
{
	struct rte_mbuf *pkts[32];

	for (unsigned i = 0; i < bursts; i++) {
		uint16_t n = rte_eth_rx_burst(fake_ethdev(port), 0, pkts, 32);
		uint16_t sent = rte_eth_tx_burst(fake_ethdev(port), 0, pkts, n);

		for (; sent < n; sent++)
			rte_pktmbuf_free(pkts[sent]);
	}
}

static void wait_written(struct rig *r, uint64_t packets)
{
	for (unsigned i = 0; i < 2000; i++) {
		rig_run(r, "show capture");
		const char *p = strstr(r->text, "\npackets");

		if (p != NULL && strtoull(p + 8, NULL, 10) >= packets)
			return;
		usleep(10000);
	}
}

/* What tshark says of a file's packets, one number: count, or the year of the
 * first. -1: tshark is not here. */
static long ask_tshark(const char *dir, const char *file, const char *args, const char *filter)
{
	char cmd[512], line[128] = "";
	FILE *p;

	snprintf(cmd, sizeof(cmd), "command -v tshark >/dev/null && tshark -r %s/%s %s 2>/dev/null | %s", dir,
		 file, args,
		 filter);
	p = popen(cmd, "r");
	if (p == NULL)
		return -1;
	if (fgets(line, sizeof(line), p) == NULL)
		line[0] = '\0';
	return pclose(p) == 0 && line[0] != '\0' ? atol(line) : -1;
}

static void remove_file(const struct rig *r, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void capture__readable(void)
{
	time_t now = time(NULL);
	char path[192];
	struct stat st;
	struct rig r;
	long n;

	rig_up(&r);
	rig_run(&r, "capture start a.pcapng port left snaplen 64");
	CU_ASSERT_EQUAL(r.rc, 0);
	traffic(0, 3);
	traffic(1, 2);
	wait_written(&r, 192);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "packets      192\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "ports        left\n"));
	rig_run(&r, "capture stop");
	CU_ASSERT_STRING_EQUAL(r.text, "192 packets in a.pcapng, 0 dropped\n");
	snprintf(path, sizeof(path), "%s/a.pcapng", r.dir);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	n = ask_tshark(r.dir, "a.pcapng", "-T fields -e frame.len", "grep -c '^64$'");
	if (n >= 0) {
		CU_ASSERT_EQUAL(n, 192);
		n = ask_tshark(r.dir, "a.pcapng", "-c 1 -T fields -e frame.time_epoch", "cut -d. -f1");
		CU_ASSERT(n >= now - 1 && n <= now + 60);
		n = ask_tshark(r.dir, "a.pcapng", "-T fields -e frame.time_epoch", "sort -c -s -k1,1 && echo 1");
		CU_ASSERT_EQUAL(n, 1);
	}
	/* Nothing is caught any more. */
	traffic(0, 1);
	rig_run(&r, "show capture");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "packets      192\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "state        idle\n"));
	remove_file(&r, "a.pcapng");
	rig_down(&r);
}

static void capture__nothing_stays(void)
{
	struct rig r;

	rig_up(&r);
	for (unsigned i = 0; i < 3; i++) {
		rig_run(&r, "capture start b");
		CU_ASSERT_EQUAL(r.rc, 0);
		traffic(0, 20);
		rig_run(&r, "capture stop");
		CU_ASSERT_EQUAL(r.rc, 0);
		remove_file(&r, "b");
	}
	/* The console's end stops a capture that runs. */
	rig_run(&r, "capture start b");
	console_stop(r.c);
	r.c = NULL;
	remove_file(&r, "b");
	for (unsigned i = 1; i <= 4; i++) {
		char name[32];

		snprintf(name, sizeof(name), "capture_%u", i);
		CU_ASSERT_PTR_NULL(rte_mempool_lookup(name));
		snprintf(name, sizeof(name), "capture_%u_0", i);
		CU_ASSERT_PTR_NULL(rte_ring_lookup(name));
	}
	rig_down(&r);
}

static void capture__refusals(void)
{
	static const struct {
		const char *line, *says;
	} t[] = {
		{ "capture stop", "error: capture stop: none runs" },
		{ "capture start ../evil",
		  "error: capture start: file: found '../evil', allowed a plain name" },
		{ "capture start there", "error: capture start: there in " },
		{ "capture start link", "error: capture start: link in " },
		{ "capture start a port 9", "error: port: found '9'" },
		{ "capture start a snaplen 9", "error: snaplen: found '9', allowed 64..65000" },
		{ "capture start a snaplen", "error: capture start: a value is missing" },
		{ "capture start a colour red",
		  "error: capture start: found 'colour', allowed port N|all, snaplen N" },
	};
	char path[192];
	struct rig r;

	rig_up(&r);
	snprintf(path, sizeof(path), "%s/there", r.dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/link", r.dir);
	CU_ASSERT_EQUAL(symlink("/tmp/smcgate-console-target", path), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		rig_run(&r, t[i].line);
		CU_ASSERT(r.rc < 0);
		if (strncmp(r.text, t[i].says, strlen(t[i].says)) != 0)
			printf("\n  '%s' says '%s'\n", t[i].line, r.text);
		CU_ASSERT_EQUAL(strncmp(r.text, t[i].says, strlen(t[i].says)), 0);
	}
	CU_ASSERT_EQUAL(access("/tmp/smcgate-console-target", F_OK), -1);
	remove_file(&r, "there");
	remove_file(&r, "link");
	rig_run(&r, "capture start one");
	rig_run(&r, "capture start two");
	CU_ASSERT_EQUAL(r.rc, -EALREADY);
	rig_run(&r, "port close 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "error: port 0: packets are captured on it"));
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	rig_run(&r, "capture stop");
	remove_file(&r, "one");
	rig_down(&r);
}

/* A port that is closed cannot be captured; the file made for it goes again. */
static void capture__failed_start_leaves_no_file(void)
{
	char path[192];
	struct rig r;

	rig_up(&r);
	fake.state[1] = PORT_CLOSED;
	rig_run(&r, "capture start c");
	CU_ASSERT_EQUAL(r.rc, -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "port 1"));
	snprintf(path, sizeof(path), "%s/c", r.dir);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	traffic(0, 1);
	rig_run(&r, "show capture");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "state        idle\n"));
	fake.state[1] = PORT_STARTED;
	rig_run(&r, "capture start c");
	CU_ASSERT_EQUAL(r.rc, 0);
	rig_run(&r, "capture stop");
	remove_file(&r, "c");
	rig_down(&r);
}

/* max_bytes of the fake is 1000000: 64 octets and the block around them. */
static void capture__full(void)
{
	char path[192];
	struct stat st;
	struct rig r;

	rig_up(&r);
	rig_run(&r, "capture start d port 0");
	for (unsigned i = 0; i < 100000; i++) {
		traffic(0, 1);
		usleep(200);
		if (i % 50 == 49) {
			rig_run(&r, "show capture");
			if (strstr(r.text, "state        full\n") != NULL)
				break;
		}
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "state        full\n"));
	rig_run(&r, "capture stop");
	snprintf(path, sizeof(path), "%s/d", r.dir);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT(st.st_size > 900000 && st.st_size < 1010000);
	remove_file(&r, "d");
	rig_down(&r);
}

static void capture__no_directory(void)
{
	struct options opts = { 0 };
	struct rig r = { 0 };

	snprintf(r.dir, sizeof(r.dir), "/tmp/smcgate-console-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r.dir));
	snprintf(r.socket, sizeof(r.socket), "%s/console", r.dir);
	r.pl = fake_start(r.socket, "");
	CU_ASSERT_EQUAL_FATAL(console_start(&r.c, r.pl, &opts, -1), 0);
	rig_run(&r, "capture start x");
	CU_ASSERT_EQUAL(r.rc, -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "capture.directory"));
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(name__rules),
	TEST_CASE(capture__readable),
	TEST_CASE(capture__nothing_stays),
	TEST_CASE(capture__refusals),
	TEST_CASE(capture__failed_start_leaves_no_file),
	TEST_CASE(capture__full),
	TEST_CASE(capture__no_directory),
};
TEST_MAIN("console_capture", cases)
