/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines and what they do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/smcgate/console/command.h"
#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

struct line {
	const char *line;
	int rc;            /* what the pipelines answer to a change */
	const char *did;   /* what was changed; "": nothing */
	const char *says;  /* part of the output; NULL: any */
};

static void run_lines(const struct line *lines, size_t n)
{
	struct rig r;

	rig_up(&r);
	for (size_t i = 0; i < n; i++) {
		const struct line *l = &lines[i];
		bool fails = l->says != NULL && strncmp(l->says, "error: ", 7) == 0;

		fake.rc = l->rc;
		rig_run(&r, l->line);
		fake.rc = 0;
		if (strcmp(fake.did, l->did) != 0 || (r.rc < 0) != fails ||
		    (l->says != NULL && strstr(r.text, l->says) == NULL)) {
			printf("\n  '%s': did '%s', rc %d, says '%s'\n", l->line, fake.did, r.rc, r.text);
			CU_FAIL("a line did something else");
		}
	}
	rig_down(&r);
}

static const struct line changes[] = {
	{ "start", 0, "fwd_start", NULL },
	{ "start", -EALREADY, "fwd_start", "error: start: packets are forwarded already" },
	{ "stop", 0, "fwd_stop", NULL },
	{ "  stop   # and a comment", 0, "fwd_stop", NULL },
	{ "set fwd io", 0, "set_fwd 1", NULL },
	{ "set fwd serve", 0, "set_fwd 0", NULL },
	{ "set fwd bridge", 0, "", "error: MODE: found 'bridge', allowed serve, io, mac" },
	{ "set burst 64", 0, "set_burst 64", NULL },
	{ "set burst 0", 0, "", "error: burst: found '0', allowed 1..512" },
	{ "set burst 513", 0, "", "error: burst: found '513'" },
	{ "set burst -1", 0, "", "error: burst: found '-1'" },
	{ "set burst 18446744073709551617", 0, "", "error: burst:" },
	{ "clear lcore 2", 0, "clear 0", NULL },
	{ "clear lcore all", 0, "clear 1", NULL },
	{ "clear lcore 1", 0, "", "error: lcore: found '1', allowed 2, 5" },
	{ "clear lcore 2", -ETIMEDOUT, "clear 0", "error: worker 0: the worker did not answer in time" },
	{ "set promisc left on", 0, "promisc 0 on", NULL },
	{ "set promisc all off", 0, "promisc 1 off", NULL },
	{ "set promisc left on", -EINPROGRESS, "promisc 0 on",
	  "error: port 0: promiscuous mode: the device has not answered yet and may do it still" },
	{ "port start left", -EINPROGRESS, "port_start 0",
	  "error: port 0: start: the device has not answered yet and may do it still: see show port ctrl" },
	{ "port stop left", -EAGAIN, "port_stop 0", "error: port 0: stop: busy with another command, which has ended since" },
	{ "port start left", -EIO, "port_start 0", "error: port 0: start: the device is broken, or its back end is gone for now (show port ctrl says which)" },
	{ "help moderation", 0, "", NULL },
	{ "port reset left", -ECANCELED, "port_reset 0",
	  "error: port 0: reset: cancelled: the device may do it still" },
	{ "set promisc left maybe", 0, "", "error: on|off: found 'maybe', allowed on, off" },
	{ "port start 0", 0, "port_start 0", NULL },
	{ "port start right", 0, "port_start 1", NULL },
	{ "port stop all", 0, "port_stop 1", NULL },
	{ "port stop 0", -EALREADY, "port_stop 0", "error: port 0: stop: it is so already" },
	{ "port stop all", -EALREADY, "port_stop 1", "" },
	{ "port stop 2", 0, "", "error: port: found '2', allowed 0 or left, 1 or right, all" },
	{ "port close 1", 0, "port_close 1", NULL },
	{ "port reset 1", 0, "port_reset 1", NULL },
	{ "port config mtu 0 9000", 0, "mtu 0 9000", NULL },
	{ "port config mtu 0 9000", -EBUSY, "mtu 0 9000", "error: port 0: config mtu: stop the port first" },
	{ "port config mtu 0 67", 0, "", "error: mtu: found '67', allowed 68..9216" },
	{ "clear port stats all", 0, "", "" },
	{ "clear port xstats 0", 0, "", "" },
	{ "service drain web", 0, "drain web", NULL },
	{ "service remove web", 0, "remove web", NULL },
	{ "service remove wob", 0, "", "error: service remove: found 'wob'" },
	{ "service add {\"name\": \"two\", \"type\": \"dummy\", \"listen\": \"10.0.1.1:81\"}", 0,
	  "service_add two", NULL },
	{ "service add {\"name\": \"two\", \"type\": \"dummy\", \"listen\": \"10.0.1.1:81\"}", -EEXIST,
	  "service_add two",
	  "error: service add: 'two' runs already" },
	{ "service add {\"name\": \"two\", \"type\": \"dummy\", \"listen\": \"10.0.1.1:81\"}", -EADDRINUSE,
	  "service_add two", "error: service add: two: another service listens there (show services)" },
	{ "service add {\"name\": \"two\", \"type\": \"dumm\", \"listen\": \"10.0.1.1:81\"}", 0, "",
	  "error: service add: $" },
	{ "service add {\"name\": ", 0, "", "error: service add: service" },
	{ "service add @", 0, "", "error: service add: found '@' alone" },
	{ "service add {\"name\": \"two\", \"type\": \"dummy\", \"listen\": \"10.0.1.1:81\"}", -EACCES,
	  "service_add two", "error: service add: two: Permission denied: the log says of what" },
	{ "port config mtu 0 9000", -EINVAL, "mtu 0 9000", "error: port 0: config mtu: its driver refuses this value" },
	{ "service add @/nonexistent", 0, "", "error: /nonexistent: No such file" },
	{ "service add @/dev/zero", 0, "", "error: /dev/zero: it is no regular file" },
	{ "load /dev/zero", 0, "", "error: /dev/zero: it is no regular file" },
	{ "set log tcp debug", 0, "", "" },
	{ "set log tcp loud", 0, "", "error: LEVEL: found 'loud', allowed emergency," },
	{ "set log udp debug", 0, "", "error: LAYER: found 'udp', allowed base," },
};

static void commands__changes(void)
{
	run_lines(changes, sizeof(changes) / sizeof(changes[0]));
}

static const struct line looks[] = {
	{ "", 0, "", "" },
	{ "# nothing", 0, "", "" },
	{ "help", 0, "", "show port info N|all" },
	{ "help port", 0, "", "port config mtu N|all VALUE" },
	{ "help ports", 0, "", "error: SECTION: found 'ports', allowed program" },
	{ "show port info all", 0, "", "net_null1" },
	{ "show port info left", 0, "", "tx_tso, rx_checksum" },
	{ "show port info 7", 0, "", "error: port: found '7', allowed 0 or left" },
	{ "show port stats 0", 0, "", "rx no buffer" },
	{ "show port xstats all", 0, "", "rx_good_packets" },
	{ "show port summary all", 0, "", "02:00:00:00:00:01" },
	{ "show rxq info 0 0", 0, "", "descriptors" },
	{ "show txq info right 0", 0, "", "lcore        5" },
	{ "show rxq info 0 1", 0, "", "error: receive queue: found '1', allowed 0..0" },
	{ "show config rxtx", 0, "", "burst  32" },
	{ "show config cores", 0, "", "right/0" },
	{ "show config fwd", 0, "", "mode        serve" },
	{ "show lcore", 0, "", "25.0" },
	{ "show lcore 5", 0, "", "input" },
	{ "show lcore 3", 0, "", "error: lcore: found '3', allowed 2, 5" },
	{ "show lcore", -ETIMEDOUT, "", "error: worker 0: the worker did not answer in time" },
	{ "show sockets", 0, "", "matching  6" },
	{ "show sockets state=close-wait", 0, "", "matching  2" },
	{ "show sockets port=80", 0, "", "matching  4" },
	{ "show sockets peer=10.0.0.11", 0, "", "matching  2" },
	{ "show sockets peer=10.0.0.0/28 service=web", 0, "", "matching  4" },
	{ "show sockets limit=1", 0, "", "500000" }, /* octets of what carries it */
	{ "show sockets service=none", 0, "", "matching  0" },
	{ "show sockets limit=1,skip=1", 0, "", "shown     1" },
	{ "show sockets state=open", 0, "", "error: state: found 'open', allowed CLOSED, LISTEN" },
	{ "show sockets color=red", 0, "", "error: filter: found 'color=', allowed state=" },
	{ "show sockets red", 0, "", "error: filter: found 'red'" },
	{ "show sockets peer=::1", 0, "", "error: peer: found '::1'" },
	{ "show socket 1.2", 0, "", "none yet" },
	{ "show socket 2", 0, "", "cubic" },
	{ "show socket 0.2", 0, "", "error: socket 0.2: there is none" },
	{ "show socket 9.2", 0, "", "error: worker of the socket: found '9'" },
	{ "show socket x", 0, "", "error: socket: found 'x', allowed an ID as show sockets prints it" },
	{ "show socket 0.-1", 0, "", "error: socket: found '0.-1', allowed an ID" },
	{ "show sockets port=80 port=81", 0, "", "error: filter: found 'port=' twice" },
	{ "show services", 0, "", "10.0.0.1:80" },
	{ "show services web", 0, "", "2222" },
	{ "show services", 0, "", "5151" },
	{ "show services", 0, "", "6061" },
	{ "show services wob", 0, "", "error: service: found 'wob'" },
	{ "show arp", 0, "", "10.0.0.3" },
	{ "show routes", 0, "", "10.0.0.254" },
	{ "show net stats", 0, "", "80" },
	{ "show tcp stats", 0, "", "passive opens       10" },
	{ "show tcp stats 5", 0, "", "passive opens       5" },
	{ "show drops", 0, "", "tx_queue_full" },
	{ "show pools", 0, "", "25.0" },
	{ "show memory", 0, "", "resident bytes" },
	{ "show log", 0, "", "pipeline" },
	{ "show version", 0, "", "DPDK 2" },
	{ "show capture", 0, "", "idle" },
	{ "capture show", 0, "", "idle" },
	/* not understood */
	{ "shove", 0, "", "error: found 'shove', which is no command" },
	{ "show", 0, "", "error: found 'show', allowed: show port info N|all; show port stats N|all" },
	{ "show port", 0, "", "error: found 'show port', allowed: show port info N|all" },
	{ "show port info", 0, "", "error: found 'show port info', allowed: show port info N|all" },
	{ "show port info 0 1", 0, "", "error: found 'show port info 0 1', allowed: show port info N|all" },
	{ "show sockets extra words", 0, "", "error: filter" },
	{ "port config", 0, "", "error: found 'port config', allowed: port config mtu N|all VALUE" },
};

static void commands__looks(void)
{
	run_lines(looks, sizeof(looks) / sizeof(looks[0]));
}

/* Every failure is one line that scripts find. */
static void commands__errors_are_one_line(void)
{
	struct rig r;

	rig_up(&r);
	rig_run(&r, "show port info 9");
	CU_ASSERT_EQUAL(strncmp(r.text, "error: ", 7), 0);
	CU_ASSERT_PTR_EQUAL(strchr(r.text, '\n'), r.text + strlen(r.text) - 1);
	rig_down(&r);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void load__runs_on_or_ends(void)
{
	char path[128], line[160];
	struct rig r;

	rig_up(&r);
	snprintf(path, sizeof(path), "%s/cmds", r.dir);
	snprintf(line, sizeof(line), "load %s", path);
	write_file(path, "set burst 8\nnonsense\n\n# comment\nset burst 9\n");
	rig_run(&r, line);
	CU_ASSERT_EQUAL(r.rc, 0);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 9");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "smcgate> set burst 8\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "\nerror: found 'nonsense'"));
	r.opts.strict = true;
	rig_run(&r, line);
	CU_ASSERT_EQUAL(r.rc, -ECANCELED);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 8");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "line 2 failed"));
	CU_ASSERT_EQUAL(console_run_file(r.c, path), -ECANCELED);
	/* A file that loads itself comes to an end. */
	write_file(path, line);
	rig_run(&r, line);
	CU_ASSERT_EQUAL(r.rc, -ECANCELED);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "at most 8 deep"));
	unlink(path);
	CU_ASSERT(console_run_file(r.c, path) < 0);
	rig_down(&r);
}

static void quit__ends_the_program(void)
{
	struct rig r;

	rig_up(&r);
	CU_ASSERT_EQUAL(console_poll(r.c, 0), 0);
	rig_run(&r, "quit");
	CU_ASSERT_EQUAL(console_poll(r.c, 0), 1);
	rig_down(&r);
}

/* ---- documentation -------------------------------------------------------------------- */
/* In tables '|' is written "\|". */
static char *read_doc(void)
{
	FILE *f = fopen(DOC_CONSOLE, "r");
	char *text = calloc(1, 1 << 17);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT(fread(text, 1, (1 << 17) - 1, f) > 0);
	fclose(f);
	for (char *p = text; (p = strstr(p, "\\|")) != NULL; )
		memmove(p, p + 1, strlen(p));
	return text;
}

static void commands__documented(void)
{
	const struct command_section *section;
	char usage[160], *doc = read_doc();
	const char *help;
	struct rig r;
	unsigned n;

	rig_up(&r);
	rig_run(&r, "help");
	for (n = 0; command_usage(n, usage, sizeof(usage), &help, &section) != NULL; n++) {
		if (strstr(doc, usage) == NULL || strstr(r.text, usage) == NULL) {
			printf("\n  '%s' is not in %s\n", usage, strstr(doc, usage) == NULL ? DOC_CONSOLE :
			       "help");
			CU_FAIL("a command without documentation");
		}
	}
	CU_ASSERT(n > 40);
	free(doc);
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(commands__changes),
	TEST_CASE(commands__looks),
	TEST_CASE(commands__errors_are_one_line),
	TEST_CASE(load__runs_on_or_ends),
	TEST_CASE(quit__ends_the_program),
	TEST_CASE(commands__documented),
};
TEST_MAIN("console_commands", cases)
