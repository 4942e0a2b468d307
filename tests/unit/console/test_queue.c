/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues and control queues on the console: what is asked for, what is said and shown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

static const struct rig_line changes[] = {
	{ "port 0 rxq 0 start", 0, "queue_start 0 rx 0 0", { NULL } },
	{ "port left txq 0 stop", 0, "queue_stop 0 tx 0 0", { NULL } },
	{ "port left txq 0 start", -EALREADY, "queue_start 0 tx 0 0",
	  { "error: port 0 transmit queue 0: start: it is so already" } },
	{ "port 0 rxq 0 stop", 0, "queue_stop 0 rx 0 0",
	  { "port 0 receive queue 0: 12.5 % of all flows are aimed at it, and wait or are lost\n" } },
	{ "port 0 rxq 0 stop", -ENETDOWN, "queue_stop 0 rx 0 0",
	  { "error: port 0 receive queue 0: stop: the port is stopped: port start first" } },
	{ "port 1 rxq 0 stop", 0, "queue_stop 1 rx 0 0",
	  { "error: port 1 receive queue 0: stop: net_null cannot stop single queues: port stop" } },
	{ "port 1 txq 0 start", 0, "queue_start 1 tx 0 0", { "error: port 1 transmit queue 0: start: net_null" } },
	{ "port 0 txq 0 reset", 0, "queue_reset 0 tx 0 0",
	  { "port 0 transmit queue 0: the device reset this queue alone\n", "descriptors       64\n",
	    "queue out us      321\n", "others out us     45\n", "of it sending us  17\n" } },
	{ "port 0 rxq 0 resize 128", 0, "queue_reset 0 rx 0 128",
	  { "descriptors       128\n", "buffers returned  63\n" } },
	{ "port right rxq 0 resize 128", 0, "queue_reset 1 rx 0 128",
	  { "error: port 1 receive queue 0: resize: net_null cannot resize a queue: give the port rx_descriptors" } },
	{ "port right rxq 0 reset", 0, "queue_reset 1 rx 0 0",
	  { "error: port 1 receive queue 0: reset: net_null cannot reset single queues: port reset" } },
	{ "port 0 txq 0 resize 100", -EINVAL, "queue_reset 0 tx 0 100",
	  { "error: port 0 transmit queue 0: resize: found '100', allowed 8..1024, on a split ring only powers of two" } },
	{ "port 0 txq 0 resize 32768", -ERANGE, "queue_reset 0 tx 0 32768",
	  { "error: port 0 transmit queue 0: resize: found '32768', allowed 8..1024" } },
	{ "port 0 txq 0 reset", -EBUSY, "queue_reset 0 tx 0 0",
	  { "error: port 0 transmit queue 0: reset: it is stopped: start it first" } },
	{ "port 0 txq 0 reset", -ETIMEDOUT, "queue_reset 0 tx 0 0", { "error: ", "is broken now: port reset" } },
	{ "port 0 txq 0 resize 64", -ENOMEM, "queue_reset 0 tx 0 64", { "error: ", "the queue is as it was" } },
	{ "port 0 rxq 0 resize 32768", -ENOBUFS, "queue_reset 0 rx 0 32768",
	  { "error: port 0 receive queue 0: resize: ", "more descriptors than memory.rx_buffers", "the queue is as it was" } },
	{ "port 0 rxq 0 coalesce usecs 30 packets 200", 0, "coalesce 0 rx 0 30 200", { NULL } },
	{ "port 0 txq all coalesce usecs 0 packets 0", 0, "coalesce 0 tx 65535 0 0", { NULL } },
	{ "port 0 txq 0 coalesce usecs 4294967295 packets 1", 0, "coalesce 0 tx 0 4294967295 1", { NULL } },
	{ "port 1 rxq 0 coalesce usecs 1 packets 1", 0, "coalesce 1 rx 0 1 1",
	  { "error: port 1 receive queue 0: coalesce: the device cannot do it" } },
	{ "port 0 rxq all coalesce usecs 1 packets 1", -EREMOTEIO, "coalesce 0 rx 65535 1 1",
	  { "error: port 0 receive queues: coalesce: the device refused it, nothing has changed" } },
	{ "port 0 rxq 0 coalesce usecs 1 packets 1", -EINPROGRESS, "coalesce 0 rx 0 1 1",
	  { "error: ", "the device has not answered yet and may do it still: see show port ctrl" } },
	{ "port 0 rxq 0 coalesce usecs 1 packets 1", -EAGAIN, "coalesce 0 rx 0 1 1",
	  { "error: ", "busy with another command, which has ended since" } },
	{ "port config 0 rx_offload tcp_lro off", 0, "rx_offload 0 TCP_LRO 0", { "port 0: tcp_lro off, while the port runs\n" } },
	{ "port config left rx_offload tcp_cksum on", 0, "rx_offload 0 TCP_CKSUM 1",
	  { "port 0: udp_cksum and tcp_cksum on, while the port runs\n" } },
	{ "port config 1 rx_offload scatter on", 0, "rx_offload 1 SCATTER 1",
	  { "error: port 1: rx_offload scatter: the device does not have it: show port 1 rx_offload capabilities\n" } },
	{ "port config 0 rx_offload tcp_lro on", -EINVAL, "rx_offload 0 TCP_LRO 1", { "error: port 0: rx_offload tcp_lro: tcp_lro needs tcp_cksum" } },
	{ "port config 0 rx_offload tcp_lro on", -EALREADY, "rx_offload 0 TCP_LRO 1", { "error: port 0: rx_offload: it is so already\n" } },
	{ "port config 0 rx_offload tcp_lro off", -EREMOTEIO, "rx_offload 0 TCP_LRO 0", { "error: ", "the device refused it, nothing has changed\n" } },
	{ "port config 0 rx_offload tcp_lro off", -ETIMEDOUT, "rx_offload 0 TCP_LRO 0", { "error: ", "is broken now: port reset\n" } },
	{ "port config 0 rss reta (5,1)", 0, "reta 0 1 5:1", { NULL } },
	{ "port config left rss reta (0,1),(127,0),(64,2)", 0, "reta 0 3 0:1 127:0 64:2", { NULL } },
	{ "port config 0 rss reta default", 0, "reta 0 0", { NULL } },
	{ "port config 0 rss reta (128,0)", -ERANGE, "reta 0 1 128:0", { "error: port 0: rss reta: the table has no such entry" } },
	{ "port config 0 rss reta (0,9)", -EINVAL, "reta 0 1 0:9", { "error: port 0: rss reta: no such receive queue" } },
	{ "port config 1 rss reta (0,0)", 0, "reta 1 1 0:0", { "error: port 1: rss reta: its device does not spread flows" } },
	{ "port config 0 rss reta (0,0)", -EREMOTEIO, "reta 0 1 0:0", { "error: ", "the device refused it, nothing has changed" } },
	{ "port config 0 rss reta (0,0)", -ENETDOWN, "reta 0 1 0:0", { "error: ", "the port is stopped: port start first" } },
	{ "mac_addr add 0 02:00:00:00:00:09", 0, "mac 0 0 02..09", { NULL } },
	{ "mac_addr remove left 02:00:00:00:00:09", 0, "mac 0 1 02..09", { NULL } },
	{ "mac_addr remove 0 02:00:00:00:00:09", -EADDRINUSE, "mac 0 1 02..09", { "error: port 0: mac_addr: that is the port's own address" } },
	{ "mac_addr set 0 02:00:00:00:00:09", 0, "mac 0 2 02..09", { NULL } },
	{ "mac_addr set 0 02:00:00:00:00:09", -EADDRINUSE, "mac 0 2 02..09", { "error: port 0: mac_addr: its IP addresses are known by", "give \"mac\" in the configuration" } },
	{ "mac_addr set 0 02:00:00:00:00:09", -EBUSY, "mac 0 2 02..09", { "error: port 0: mac_addr: the port runs: port stop first" } },
	{ "mac_addr add 1 01:00:00:00:00:09", -EINVAL, "mac 1 0 01..09", { "error: port 1: mac_addr: not one station's address" } },
	{ "mac_addr add 0 02:00:00:00:00:09", -ENOSPC, "mac 0 0 02..09", { "error: ", "at most 15 are added" } },
	{ "mac_addr add 1 02:00:00:00:00:09", -ENOTSUP, "mac 1 0 02..09", { "error: port 1: mac_addr: its device has no filter" } },
	{ "port 0 ctrl timeout 5000", 0, "ctrl_timeout 0 5000", { NULL } },
	{ "port left ctrl timeout 31536000000", 0, "ctrl_timeout 0 31536000000", { NULL } },
	{ "port 1 ctrl timeout 5", 0, "ctrl_timeout 1 5",
	  { "error: port 1: ctrl timeout: net_null has no control queue of ours" } },
};

static void queue__changes(void)
{
	rig_lines(changes, RTE_DIM(changes), false);
}

/* Nothing is done, and what is allowed is said. */
static const struct rig_line refused[] = {
	{ "port 2 rxq 0 stop", 0, "", { "error: port: found '2', allowed 0 or left, 1 or right" } },
	{ "port all rxq 0 stop", 0, "", { "error: port: found 'all'" } },
	{ "port 0 rxq 1 stop", 0, "", { "error: receive queue: found '1', allowed 0..0" } },
	{ "port 0 rxq all reset", 0, "", { "error: receive queue: found 'all', allowed 0..0" } },
	{ "port 0 txq -1 reset", 0, "", { "error: transmit queue: found '-1'" } },
	{ "port 0 queue 0 stop", 0, "", { "error: rxq|txq: found 'queue', allowed rxq, txq" } },
	{ "port 0 rxq 0 resize 4", 0, "", { "error: size: found '4', allowed 8..32768" } },
	{ "port 0 rxq 0 resize 65544", 0, "", { "error: size: found '65544', allowed 8..32768" } },
	{ "port 0 rxq 0 resize many", 0, "", { "error: size: found 'many'" } },
	{ "port 0 rxq 0 coalesce usecs x packets 1", 0, "", { "error: usecs: found 'x', allowed 0..4294967295" } },
	{ "port 0 rxq 0 coalesce usecs 1 packets 4294967296", 0, "", { "error: packets: found '4294967296'" } },
	{ "port 0 rxq 7 coalesce usecs 1 packets 1", 0, "", { "error: receive queue: found '7'" } },
	{ "port config 0 rss reta (5,1", 0, "", { "error: reta: found '(5,1', allowed (hash,queue)" } },
	{ "port config 0 rss reta (5,1),", 0, "", { "error: reta: found '(5,1),'" } },
	{ "port config 0 rss reta (5,-1)", 0, "", { "error: reta: found '(5,-1)'" } },
	{ "port config 0 rss reta (70000,1)", 0, "", { "error: reta: found '(70000,1)'" } },
	{ "port config 0 rss reta (5,1)(6,1)", 0, "", { "error: reta: found '(5,1)(6,1)'" } },
	{ "port config 0 rss reta none", 0, "", { "error: reta: found 'none'" } },
	{ "port config 2 rss reta (5,1)", 0, "", { "error: port: found '2'" } },
	{ "mac_addr add 0 02:00:00:00:00", 0, "", { "error: address: found '02:00:00:00:00', allowed six octets" } },
	{ "mac_addr add 0 nonsense", 0, "", { "error: address: found 'nonsense'" } },
	{ "show port 0 rss reta 64", 0, "", { "error: size: found '64', allowed 128" } },
	{ "show port 0 rss reta 128 (0x3", 0, "", { "error: masks: found '(0x3'" } },
	{ "show port 0 rss reta 128 (0x3,0,0)", 0, "", { "error: masks: found '(0x3,0,0)'" } },
	{ "show port 0 rss reta", -ENOTSUP, "", { "error: port 0: its device does not spread flows by a table of ours" } },
	{ "port config all rx_offload tcp_lro on", 0, "", { "error: port: found 'all', allowed 0 or left, 1 or right" } },
	{ "port config 0 rx_offload tso on", 0, "", { "error: NAME: found 'tso', allowed ipv4_cksum, udp_cksum" } },
	{ "port config 0 rx_offload tcp_lro maybe", 0, "", { "error: on|off: found 'maybe'" } },
	{ "port 0 ctrl timeout 0", 0, "", { "error: timeout: found '0', allowed 1..31536000000" } },
	{ "port 0 ctrl timeout 7d", 0, "", { "error: timeout: found '7d'" } },
	{ "port 9 ctrl timeout 5", 0, "", { "error: port: found '9'" } },
	/* not understood: only what begins like it is listed */
	{ "port 0 rxq 0", 0, "", { "error: found 'port 0 rxq 0', allowed: port N rxq|txq Q stop; port N rxq|txq Q start" } },
	{ "port 0 rxq 0 halt", 0, "", { "error: found 'port 0 rxq 0 halt', allowed: port N rxq|txq Q stop" } },
	{ "port 0 rxq 0 coalesce usecs 1", 0, "",
	  { "error: found 'port 0 rxq 0 coalesce usecs 1', allowed: port N rxq|txq Q|all coalesce usecs U packets P\n" } },
	{ "port 0 ctrl", 0, "", { "error: found 'port 0 ctrl', allowed: port N ctrl timeout MS\n" } },
	{ "port 0 ctrl timeout 5 6", 0, "", { "error: found 'port 0 ctrl timeout 5 6', allowed: port N ctrl timeout MS\n" } },
	{ "port start 0 1", 0, "", { "error: found 'port start 0 1', allowed: port start N|all\n" } },
};

static void queue__refused(void)
{
	rig_lines(refused, RTE_DIM(refused), false);
}

static const struct rig_line looks[] = {
	{ "show port queues 0", 0, "", { "rx       0      2           64     12.5  runs", "tx       0      2          128" } },
	{ "show port queues all", 0, "", { "   1  tx " } },
	{ "show port coalesce 0", 0, "", { "rx       0     32      100", "as set", "16       50", "differs" } },
	{ "show port coalesce right", 0, "", { "none: the device cannot" } },
	{ "show port coalesce all", 0, "", { "as set", "none: the device cannot" } },
	{ "show port coalesce 0", -ETIMEDOUT, "", { "error: port 0" } },
	{ "show port ctrl 0", 0, "",
	  { "timeout ms               604800000\n", "latency p50 us           64\n", "latency p99 us           128\n",
	    "doorbells per command    0.125\n", "wait cpu us per command  1.0\n" } },
	{ "show port ctrl 0", 0, "",
	  { "MQ VQ_PAIRS_SET    ok               55    3000", "class 9 command 3  refused          77",
	    "broken                   no", "in flight                4\n", "waiting                  5\n" } },
	{ "show port ctrl all", 0, "", { "name           right", "control queue  no" } },
	{ "show port ctrl 0", -ENODEV, "", { "error: port 0: it is closed" } },
	/* a port's views, port first */
	{ "show port 0 ctrl", 0, "", { "timeout ms" } },
	{ "show port left coalesce", 0, "", { "differs" } },
	{ "show port all queues", 0, "", { "flows %" } },
	{ "show port 1 xstats", 0, "", { "rx_good_packets" } },
	{ "show port 1 xstats rx_q0_", 0, "", { "rx_q0_packets", "rx_q0_bytes" } },
	{ "show port xstats 0 no_such", 0, "", { "xstats  -\n" } },
	{ "show port 0 info", 0, "", { "net_null0" } },
	{ "show port 0 rss reta 128 (0x4,0x1)", 0, "", { "size", "128", "port config rss reta", "\n     2      2\n    64      1\n" } },
	{ "show port rss reta 0", 0, "", { "\n   127      1\n" } },
	{ "show port 0 rss hash", 0, "", { "ipv4", "ipv4-tcp" } },
	{ "show port 0 rss hash key", 0, "", { "6D5A01FF" } },
	{ "show port 0 rx_offload capabilities", 0, "", { "per queue", "SCATTER", "per port", "TCP_CKSUM", "TCP_LRO" } },
	{ "show port rx_offload configuration all", 0, "", { "offloads", "TCP_CKSUM", "after restart", "SCATTER" } },
	{ "show port 7 ctrl", 0, "", { "error: port: found '7', allowed 0 or left" } },
	{ "show port 0 control", 0, "", { "error: found 'show port 0 control', allowed: show port info N|all; " } },
	{ "show port 0 ctrl 1", 0, "", { "error: found 'show port 0 ctrl 1', allowed: show port ctrl N|all\n" } },
};

static void queue__looks(void)
{
	rig_lines(looks, RTE_DIM(looks), false);
}

/* What goes wrong is to be seen where one looks. */
static const struct {
	const char *line, *want;
} busy[] = {
	{ "show port info 0", "state           busy" },
	{ "show port summary all", "busy" },
	{ "show port queues 0", "port busy" },
	{ "show port ctrl 0", "control queue" },
	{ "show port stats 0", "error: port 0: busy: 'port 0 reset' is under way for 1.2 s\n" },
	{ "show port xstats 0", "error: port 0: busy: 'port 0 reset' is under way for 1.2 s\n" },
	{ "show port stats all", "right" },
	{ "show rxq info 0 0", "error: port 0: busy: 'port 0 reset' is under way for 1.2 s\n" },
	{ "port 0 rxq 0 stop", "error: port 0: busy: 'port 0 reset' is under way for 1.2 s\n" },
	{ "port 0 ctrl timeout 5", "" },
};

static void queue__trouble_is_shown(void)
{
	static const struct {
		int rc;
		const char *says;
	} states[] = {
		{ 0, "differs" }, { -EINPROGRESS, "the device has not answered yet" }, { -EIO, "the device is broken" },
		{ -EAGAIN, "the device is busy" }, { -ENOTSUP, "not to be asked of the device" },
		{ -EREMOTEIO, "the device refused to tell" },
	};
	static const struct {
		enum vnic_reset_how how;
		const char *says;
	} hows[] = {
		{ VNIC_RESET_PAUSE, "the back end paused this queue" }, { VNIC_RESET_LIMIT, "the ring stays" },
		{ VNIC_RESET_DEVICE, "all queues were stopped for it" },
	};
	struct rig r;

	rig_up(&r);
	for (size_t i = 0; i < RTE_DIM(states); i++) {
		fake.device_rc = states[i].rc;
		rig_run(&r, "show port coalesce 0");
		CU_ASSERT_PTR_NOT_NULL(strstr(r.text, states[i].says));
		CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "100")); /* what was set is known */
	}
	/* Nobody asks a device whose port is stopped, but what it cannot it cannot. */
	fake.state[0] = fake.state[1] = PORT_STOPPED;
	fake.device_rc = -EIO;
	rig_run(&r, "show port coalesce all");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "port stopped"));
	CU_ASSERT_PTR_NULL(strstr(r.text, "broken"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "none: the device cannot"));
	fake.state[0] = fake.state[1] = PORT_STARTED;
	/* What nobody has set: the device's, or not to be known. */
	fake.known_rc = -ENODATA;
	fake.device_rc = 0;
	rig_run(&r, "show port coalesce 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "the device's own"));
	CU_ASSERT_PTR_NULL(strstr(r.text, "differs"));
	fake.device_rc = -ENOTSUP;
	rig_run(&r, "show port coalesce 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "unknown until set"));
	CU_ASSERT_PTR_NULL(strstr(r.text, "100"));
	fake.offload_when = OFFLOAD_AFTER_START;
	rig_run(&r, "port config 0 rx_offload rss_hash on");
	CU_ASSERT_STRING_EQUAL(r.text, "port 0: rss_hash on from the next port start 0 on\n");
	fake.offload_when = OFFLOAD_AFTER_RESET;
	rig_run(&r, "port config 0 rx_offload tcp_lro on");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "port 0: tcp_lro on after the next port reset 0 (or port stop, port start)"));
	fake.report = (struct pipeline_reset_report){ .rx_off = RTE_ETH_RX_OFFLOAD_TCP_LRO,
						      .rx_on = RTE_ETH_RX_OFFLOAD_SCATTER };
	rig_run(&r, "port reset 0");
	CU_ASSERT(strstr(r.text, "rx_offload scatter on\n") != NULL && strstr(r.text, "rx_offload tcp_lro off\n") != NULL);
	for (size_t i = 0; i < RTE_DIM(hows); i++) {
		fake.how = hows[i].how;
		rig_run(&r, "port 0 rxq 0 resize 32");
		CU_ASSERT_PTR_NOT_NULL(strstr(r.text, hows[i].says));
	}
	fake.queue_stopped = fake.broken = true;
	rig_run(&r, "show port queues 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "12.5  stopped, flows wait"));
	rig_run(&r, "show port ctrl 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "why                      a device that hangs\n"));
	/* Who was late: the device, when it broke over it. */
	fake.rc = -ETIMEDOUT;
	rig_run(&r, "set promisc 0 on");
	CU_ASSERT_STRING_EQUAL(r.text, "error: port 0: promiscuous mode: the device did not answer in time and is broken now: port "
			       "reset\n");
	fake.broken = false;
	rig_run(&r, "set promisc 0 on");
	CU_ASSERT_STRING_EQUAL(r.text, "error: port 0: promiscuous mode: the worker did not answer in time\n");
	fake.broken = true;
	fake.rc = 0;
	fake.state[0] = PORT_STOPPED;
	rig_run(&r, "show port queues 0");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "port stopped"));
	/* It is being changed: nobody asks its driver but for what never waits. */
	fake.state[0] = PORT_BUSY;
	fake.busy = (struct pipeline_busy){ .what = "port 0 reset", .ms = 1234 };
	for (unsigned i = 0; i < RTE_DIM(busy); i++) {
		rig_run(&r, busy[i].line);
		if (strstr(r.text, busy[i].want) == NULL)
			CU_FAIL(busy[i].line);
	}
	fake.busy.left = true;
	rig_run(&r, "show port stats 0");
	CU_ASSERT_STRING_EQUAL(r.text, "error: port 0: busy: 'port 0 reset' is under way for 1.2 s, and nobody waits for "
			       "it any more: show port ctrl; port stop, reset, close end it\n");
	fake.state[0] = PORT_CLOSED;
	rig_run(&r, "show port queues 0");
	CU_ASSERT_STRING_EQUAL(r.text, "error: port 0: it is closed\n");
	rig_run(&r, "port 0 rxq 0 stop");
	CU_ASSERT_STRING_EQUAL(r.text, "error: port 0: it is closed\n");
	rig_run(&r, "show port ctrl all");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "right"));
	CU_ASSERT_PTR_NULL(strstr(r.text, "left"));
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(queue__changes),
	TEST_CASE(queue__refused),
	TEST_CASE(queue__looks),
	TEST_CASE(queue__trouble_is_shown),
};
TEST_MAIN("console_queue", cases)
