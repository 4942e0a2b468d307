/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC on the console: what is shown, what is changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

static const struct rig_line looks[] = {
	{ "show smc connections", 0, "", { "matching  4", "ACTIVE", "10.0.0.10:1001", "0001:00000020" } },
	{ "show smc connections", 0, "", { "1.3", "80:00", "<-W", "131072" } },
	{ "show smc connections state=init", 0, "", { "matching  2" } },
	{ "show smc connections port=1000 limit=1", 0, "", { "shown     1", "matching  2" } },
	{ "show smc connections peer=10.0.1.0/24", 0, "", { "matching     0" } },
	{ "show smc connections state=open", 0, "", { "error: state: found 'open', allowed ACTIVE, INIT" } },
	{ "show smc connections service=web", 0, "", { "error: filter: found 'service='" } },
	{ "show smc connections", -ETIMEDOUT, "", { "error: smc connections: the worker did not answer in time" } },
	{ "show smc linkgroups", 0, "", { "1.3", "SINGLE", "2.1", "SMCGATE.TEST" } },
	{ "show smc linkgroups", 0, "", { "guest", "Linux", "0102000000000000", "10.0.0.10" } },
	{ "show smc links", 0, "", { "LINK_ACTIVE", "131073", "0000:0000:0000:0000:0000:ffff:0a00:000a", "1024" } },
	{ "show smc peers", 0, "", { "PEERDECL", "0x05000000", "the peer declined, see its reason", "NOSMCDEV" } },
	{ "show smc peers", 0, "", { "0x03030000", "10.0.0.10" } },
	{ "show smc devices", 0, "", { "roce0", "ACTIVE", "DOWN", "200" } },
	{ "show smc device roce0", 0, "", { "icrc err", "sent pkts", "queue pairs" } },
	{ "show smc device tap9", 0, "", { "error: device: found 'tap9', allowed roce0, 1" } },
	{ "show smc stats", 0, "", { "PEERDECL", "0x12345678", "UNKNOWN", "smc v2            20" } },
	{ "show smc stats 5", 0, "", { "smc v2            10", "PEER_NO_SMC", "G_1024K", "cdc in" } },
	{ "show smc stats 4", 0, "", { "error: lcore: found '4', allowed 2, 5" } },
	{ "show smc ueids", 0, "", { "SMCGATE.TEST" } },
	{ "smc ueid list", 0, "", { "SMCGATE.TEST" } },
	{ "show smc policies", 0, "", { "10.0.0.0/8", "web", "any", "smc" } },
	{ "smc policy list", 0, "", { "10.0.0.0/8" } },
	/* why a connection is not SMC */
	{ "show sockets", 0, "", { "fallback", "PEERDECL", "NOSMCDEV", "smc" } },
	{ "show socket 1.2", 0, "", { "smc:", "  rxprod", "0001:00000020" } },
	{ "show tcp stats", 0, "", { "fallback accepted" } },
	{ "show socket 1.1", 0, "", { "0x05000000", "the peer declined", "0x03030000", "no usable RDMA device" } },
};

static void views__show(void)
{
	rig_lines(looks, RTE_DIM(looks), false);
}

static const struct rig_line changes[] = {
	{ "smc ueid add NEW.EID", 0, "eid_add NEW.EID", { NULL } },
	{ "smc ueid add new", 0, "", { "error: smc ueid add: found 'new': the first character must be" } },
	{ "smc ueid add A23456789012345678901234567890123", 0, "", { "error: smc ueid add: found", "longer than 32" } },
	{ "smc ueid add A", -EEXIST, "eid_add A", { "error: smc ueid add: A is one of ours already" } },
	{ "smc ueid add A", -ENOSPC, "eid_add A", { "error: smc ueid add: there are 8 already" } },
	{ "smc ueid del A", 0, "eid_del A", { NULL } },
	{ "smc ueid del A", -ENOENT, "eid_del A", { "error: smc ueid del: found 'A', which is none of ours" } },
	{ "smc policy add peer=10.0.0.0/8 port=80 service=web use=tcp at=1", 0,
	  "policy_add 10.0.0.0/8:80 'web' tcp at 1", { NULL } },
	{ "smc policy add use=smc", 0, "policy_add any/0:0 '' smc at 64", { NULL } },
	{ "smc policy add peer=10.0.0.1 use=smc", 0, "policy_add 10.0.0.1/32:0 '' smc at 64", { NULL } },
	{ "smc policy add peer=10.0.0.1/8 use=smc", 0, "", { "error: peer: found '10.0.0.1/8': bits beyond" } },
	{ "smc policy add peer=fe80::1 use=smc", 0, "", { "error: peer: found 'fe80::1'" } },
	{ "smc policy add port=0 use=smc", 0, "", { "error: port: found '0', allowed 1..65535" } },
	{ "smc policy add service=wob use=smc", 0, "", { "error: service: found 'wob'" } },
	{ "smc policy add port=80 use=smc port=81", 0, "", { "error: smc policy add: port= is given twice" } },
	{ "smc policy add use=udp", 0, "", { "error: use: found 'udp', allowed tcp, smc" } },
	{ "smc policy add port=80", 0, "", { "error: smc policy add: use=tcp or use=smc is missing" } },
	{ "smc policy add colour=1 use=smc", 0, "", { "error: smc policy add: found 'colour='" } },
	{ "smc policy add smc", 0, "", { "error: smc policy add: found 'smc', allowed KEY=VALUE" } },
	{ "smc policy add use=smc", -ENOSPC, "policy_add any/0:0 '' smc at 64", { "error: smc policy add: there are 64" } },
	{ "smc policy del 1", 0, "policy_del 1", { NULL } },
	{ "smc policy del 9", -ENOENT, "policy_del 9", { "error: smc policy del: there is no number 9" } },
	{ "smc policy del x", 0, "", { "error: policy: found 'x'" } },
	{ "smc peer forget all", 0, "forget all", { NULL } },
	{ "smc peer forget 10.0.0.1", 0, "forget one", { NULL } },
	{ "smc peer forget 10.0.0.1", -ENOENT, "forget one", { "error: smc peer forget: nothing is remembered of 10.0.0.1" } },
	{ "smc peer forget host", 0, "", { "error: peer: found 'host'" } },
	{ "smc device roce0 off", 0, "dev 0 off", { NULL } },
	{ "smc device 1 on", 0, "dev 1 on", { NULL } },
	{ "smc device x on", 0, "", { "error: device: found 'x', allowed roce0, 1" } },
	{ "smc device roce0 maybe", 0, "", { "error: on|off: found 'maybe', allowed on, off" } },
	{ "clear smc stats", 0, "clear smc", { NULL } },
	{ "clear smc stats", -EPROTONOSUPPORT, "clear smc", { "error: clear smc stats:" } },
	{ "smc linkgroup 1.3 terminate", 0, "terminate 1.3", { NULL } },
	{ "smc linkgroup 1.3 terminate", -ENOENT, "terminate 1.3", { "error: smc linkgroup: there is no 1.3" } },
	{ "smc linkgroup 3 terminate", 0, "", { "error: link group: found '3', allowed WORKER.NUMBER" } },
	{ "smc linkgroup 2.3 terminate", 0, "", { "error: worker of the link group: found '2', allowed 0..1" } },
	{ "smc linkgroup 1.x terminate", 0, "", { "error: link group: found 'x'" } },
};

static void commands__change(void)
{
	rig_lines(changes, RTE_DIM(changes), false);
}

static const struct rig_line without[] = {
	{ "show smc connections", 0, "", { "error: smc connections: SMC is not spoken" } },
	{ "show smc peers", 0, "", { "error: smc peers: SMC is not spoken" } },
	{ "show smc stats", 0, "", { "error: smc stats: SMC is not spoken" } },
	{ "show smc devices", 0, "", { "error: smc devices: SMC is not spoken" } },
	{ "smc ueid list", 0, "", { "error: smc ueids: SMC is not spoken" } },
	{ "show sockets", 0, "", { "matching  6" } },
};

static void views__without_smc(void)
{
	rig_lines(without, RTE_DIM(without), true);
}

static const struct test_case cases[] = {
	TEST_CASE(views__show),
	TEST_CASE(commands__change),
	TEST_CASE(views__without_smc),
};
TEST_MAIN("console_smc", cases)
