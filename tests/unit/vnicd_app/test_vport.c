/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports in the real loop, with rings laid out by the test: what has its time comes in time, and a port that
 * hangs holds up nobody. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/dev/backend_private.h"
#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"
#include "app/vnicd/vport.h"
#include "pmd/base/asan.h"
#include "tests/unit/test.h"

#define SIZE  256
#define CTRL  2u
#define MS    UINT64_C(1000000)
#define LIMIT (5000 * MS) /* of a case, on the busiest of machines */

struct ring {
	struct vring_desc desc[SIZE];
	uint8_t avail[6 + 2 * SIZE], used[6 + 8 * SIZE] __attribute__((aligned(4)));
	uint8_t buf[SIZE][256];
} __attribute__((aligned(64)));

static struct vnicd_switch sw;
static struct vnicd_loop *loop;
static struct vnicd_config *cfg;
static struct ring rings[2][3]; /* of port and virtqueue */
static char dir[32];
static uint64_t started, told_at[2];
static unsigned told[2], enough;
static uint16_t answers; /* of port a: wanted */

static struct vnicd_vport *
port(unsigned i)
{
	return vnicd_vport_of(sw.port[i]);
}

static uint16_t
used(unsigned i, uint16_t vq)
{
	return ((struct vring_used *)rings[i][vq].used)->idx;
}

static bool
work(void *arg, uint64_t now)
{
	bool any = vnicd_switch_work(&sw, now);

	if ((told[0] + told[1] >= enough && used(0, CTRL) == answers) || now > started + LIMIT)
		vnicd_loop_stop(loop);
	return any;
}
static bool
arm(void *arg, bool on)
{
	return vnicd_switch_arm(&sw, on);
}
static uint64_t
timer(void *arg, uint64_t now)
{
	return RTE_MIN(vnicd_switch_timer(&sw, now), started + LIMIT + 1);
}

/* An interrupt. */
static void
call(struct vnicd_nic *nic, uint16_t vq)
{
	unsigned i = nic == &port(1)->nic;

	told_at[i] = vnicd_now();
	told[i]++;
}

static void
start_ring(unsigned i, uint16_t vq)
{
	struct ring *r = &rings[i][vq];
	struct vnicd_ring_conf conf = { .size = SIZE, .desc = r->desc, .driver = r->avail, .device = r->used };
	struct vnicd_nic *nic = &port(i)->nic;

	memset(r, 0, sizeof(*r));
	CU_ASSERT_EQUAL_FATAL(vnicd_ring_start(&nic->queue[vq].ring, &conf, &nic->memory), 0);
	nic->queue[vq].enabled = true;
}

/* Ports "a" and "b" as a front end would leave them, with one receive ring and the control queue. */
static void
begin(const char *control)
{
	static const struct vnicd_loop_ops ops = { .work = work, .arm = arm, .timer = timer };
	struct cfg_errors errs = { 0 };
	char text[600];

	rte_log_set_level((uint32_t)vnicd_logtype, RTE_LOG_ERR);
	strcpy(dir, "/tmp/vnicd-vport.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(text, sizeof(text), "{\"ports\": [{\"name\": \"a\", \"path\": \"%s/a\", \"control\": %s}, "
		 "{\"name\": \"b\", \"path\": \"%s/b\"}]}", dir, control, dir);
	CU_ASSERT_EQUAL_FATAL(vnicd_config_parse(text, strlen(text), &cfg, &errs), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_loop_create(&loop, &ops, NULL, 20000), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_switch_init(&sw, cfg, loop), 0);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(vnicd_vport_create(&sw, &cfg->ports[i], i), 0);
		port(i)->nic.memory.identity = true;
		port(i)->nic.call = call;
		CU_ASSERT_EQUAL_FATAL(vnicd_nic_set_features(&port(i)->nic,
			VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |
			VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | VIRTIO_BIT(VIRTIO_NET_F_NOTF_COAL)), 0);
		start_ring(i, 0);
		start_ring(i, CTRL);
		port(i)->ctrl = true;
		port(i)->port.up = true;
		told[i] = 0;
	}
}

static void
end(void)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned vq = 0; vq < 3; vq++)
			vnicd_ring_stop(&port(i)->nic.queue[vq].ring);
		port(i)->nic.memory.identity = false;
	}
	vnicd_switch_fini(&sw);
	vnicd_loop_destroy(loop);
	vnicd_config_free(cfg);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* One more chain of that many pieces, the last one to be written. */
static void
post(unsigned i, uint16_t vq, unsigned pieces, const void *data, uint32_t len)
{
	struct ring *r = &rings[i][vq];
	struct vring_avail *a = (void *)r->avail;
	uint16_t at = (uint16_t)(a->idx * pieces % SIZE);

	for (unsigned k = 0; k < pieces; k++) {
		bool last = k + 1 == pieces;

		r->desc[at + k] = (struct vring_desc){ (uintptr_t)r->buf[at + k], last ? sizeof(r->buf[0]) : len,
						       last ? VRING_DESC_F_WRITE : VRING_DESC_F_NEXT,
						       (uint16_t)(at + k + 1) };
	}
	if (len > 0)
		memcpy(r->buf[at], data, len);
	a->ring[a->idx % SIZE] = at;
	__atomic_store_n(&a->idx, (uint16_t)(a->idx + 1), __ATOMIC_RELEASE);
}

static void
command(unsigned i)
{
	post(i, CTRL, 2, "\0\0\1", 3); /* PROMISC */
}

/* Until as many interrupts came at least, and port a's control queue has as many answers. */
static void
run(unsigned interrupts, unsigned n)
{
	enough = interrupts;
	answers = (uint16_t)n;
	started = vnicd_now();
	vnicd_loop_at(loop, 0);
	vnicd_loop_run(loop);
}

/* ---- coalescing --------------------------------------------------------------------- */
/* Soon after its time, and slept until then: on some try, as the machine may not let us run. */
static bool
held_in_time(void)
{
	bool good;
	static uint8_t packet[64];
	struct iovec iov = { packet, sizeof(packet) };
	struct vnicd_frame f = { .len = sizeof(packet), .n = 1, .iov = &iov };
	uint64_t given;

	begin("{}");
	port(0)->nic.promisc = true;
	port(0)->nic.coal_rx = (struct vnicd_coal){ 100, 3000 };
	post(0, 0, 1, NULL, 0);
	given = vnicd_now();
	vnicd_port_output(sw.port[0], &f);
	run(1, 0);
	CU_ASSERT_EQUAL(told[0], 1);
	CU_ASSERT(told_at[0] >= given + 3 * MS);
	CU_ASSERT_EQUAL(used(0, 0), 1);
	good = told_at[0] < given + 1000 * MS && vnicd_loop_stats(loop)->sleeps >= 1; /* it did not look at the clock */
	end();
	return good;
}

static void
vport__held_notifications_go_out_in_time(void)
{
	CU_ASSERT(TEST_SOON(held_in_time()));
}

/* ---- commands ------------------------------------------------------------------------- */
static bool
commands_in_time(void)
{
	bool good;

	begin("{\"latency_us\": 3000, \"concurrency\": 2}");
	for (unsigned n = 0; n < 3; n++)
		command(0);
	run(1, 3); /* two together, and the third */
	CU_ASSERT_EQUAL(used(0, CTRL), 3);
	CU_ASSERT(told_at[0] >= started + 6 * MS);
	CU_ASSERT_TRUE(port(0)->nic.promisc);
	good = told_at[0] < started + 1000 * MS && vnicd_loop_stats(loop)->sleeps >= 1;
	end();
	return good;
}

static void
vport__commands_take_their_time(void)
{
	CU_ASSERT(TEST_SOON(commands_in_time()));
}

/* As the benchmark has it: 128 commands of 50 us, 64 at a time, are two times 50 us; at least 0.8 of that speed
 * on some try (the machine does other things, too), the sanitizers apart. */
static void
vport__sixty_four_at_a_time(void)
{
	uint64_t since = test_now_ms(), best = UINT64_MAX, most = 2 * 50000 * 10 / 8 * (BASE_ASAN ? 4 : 1);

	begin("{\"latency_us\": 50, \"concurrency\": 64}");
	for (unsigned i = 0; best > most && (i < 200 || test_now_ms() - since < TEST_PATIENCE_MS); i++) {
		for (unsigned n = 0; n < 128; n++)
			command(0);
		told[0] = 0;
		run(1, 128 * (i + 1));
		CU_ASSERT_EQUAL(used(0, CTRL), (uint16_t)(128 * (i + 1)));
		CU_ASSERT(told_at[0] - started >= 100000);
		best = RTE_MIN(best, told_at[0] - started);
	}
	CU_ASSERT(best <= most);
	end();
}

static void
vport__one_hangs(void)
{
	begin("{}");
	CU_ASSERT_EQUAL(vnicd_port_fault(sw.port[0], VNICD_FAULT_CTRL_NEVER, 0, 0), 0);
	command(0);
	command(1);
	run(1, 0);
	CU_ASSERT(told[0] == 0 && used(0, CTRL) == 0);
	CU_ASSERT(told[1] == 1 && used(1, CTRL) == 1);
	end();
}

/* A stalled port's commands do not keep the loop awake, and come when it goes on. */
static void
vport__stalled_with_a_command_in_work(void)
{
	begin("{\"latency_us\": 2000}");
	command(0);
	vnicd_switch_work(&sw, vnicd_now()); /* taken */
	CU_ASSERT_EQUAL(vnicd_port_fault(sw.port[0], VNICD_FAULT_STALL, 30, 0), 0);
	run(1, 1);
	CU_ASSERT_EQUAL(used(0, CTRL), 1);
	CU_ASSERT(told_at[0] >= started + 25 * MS);
	CU_ASSERT(vnicd_loop_stats(loop)->turns < 2000); /* 20 us of spinning before each sleep */
	end();
}

/* ---- rings that break ----------------------------------------------------------------- */
/* What a driver wrote stops a ring, whichever it is: counted, named, and the port is what the others make of it. */
static void
vport__a_ring_breaks(void)
{
	static const struct {
		uint16_t vq;
		bool up;
	} rows[] = { { 0, false }, { 1, true }, { CTRL, true } };

	for (unsigned k = 0; k < RTE_DIM(rows); k++) {
		static uint8_t packet[64];
		struct iovec iov = { packet, sizeof(packet) };
		struct vnicd_frame f = { .len = sizeof(packet), .n = 1, .iov = &iov };
		uint16_t vq = rows[k].vq;
		struct vnicd_vport *v;

		begin("{}");
		v = port(0);
		start_ring(0, 1);
		v->pair[v->n_pairs++] = 0;
		v->backend->conn = eventfd(0, 0); /* there is a front end */
		for (unsigned i = 0; i < 3; i++)
			v->backend->vring[i].started = true;
		v->nic.promisc = true;
		post(0, vq, 1, NULL, 0);
		((struct vring_avail *)rings[0][vq].avail)->ring[0] = SIZE;
		if (vq == 0)
			vnicd_port_output(sw.port[0], &f);
		for (unsigned i = 0; i < 3; i++)
			vnicd_switch_work(&sw, vnicd_now());
		CU_ASSERT_EQUAL(v->errors, 1);
		CU_ASSERT_STRING_EQUAL(v->last_error, "head_out_of_range");
		CU_ASSERT(v->port.up == rows[k].up && v->n_pairs == (vq != 1) && v->ctrl == (vq != CTRL));
		end();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(vport__held_notifications_go_out_in_time),
	TEST_CASE(vport__commands_take_their_time),
	TEST_CASE(vport__sixty_four_at_a_time),
	TEST_CASE(vport__one_hangs),
	TEST_CASE(vport__stalled_with_a_command_in_work),
	TEST_CASE(vport__a_ring_breaks),
};
TEST_MAIN("vport", cases)
