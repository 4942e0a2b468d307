/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that ends at any moment, and the one that comes after it: nothing is lost, nothing comes twice. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/vnicd/dev/ring_track.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"

#define SIZE 16u

static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];
static uint64_t random_state;

static uint32_t random_to(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(random_state >> 33) % n;
}

static void begin(uint16_t size, bool packed, bool in_order, uint16_t base)
{
	drv_init_at(&d, size, packed, in_order, false, base);
	d.inflight = mmap(NULL, inflight_stride(size, packed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(d.inflight != MAP_FAILED);
	vnicd_ring_stop(&d.ring);
	CU_ASSERT_EQUAL_FATAL(drv_restart_device(&d, packed ? 0x80008000 : base), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.ring.track);
	d.recover = true;
}

static void end(void)
{
	drv_fini(&d);
	munmap(d.inflight, inflight_stride(d.size, d.packed));
}

/* The process is gone: what it had not published nobody sees; another one starts. */
static int die_and_return(void)
{
	d.ring.running = false;
	vnicd_ring_stop(&d.ring);
	return drv_restart_device(&d, d.packed ? 0x80008000 : 0);
}

/* A chain whose length says which it is. */
static int post(uint32_t number)
{
	unsigned n = 1 + random_to(3);
	struct drv_buf buf[3] = { { DRV_GUEST + DRV_BUFFERS, 1 + number % 1000, false },
				  { DRV_GUEST + DRV_BUFFERS, 1 + number / 1000, n == 2 },
				  { DRV_GUEST + DRV_BUFFERS, 64, true } };

	if (n == 1)
		buf[0].len = 1 + number;
	return drv_post(&d, buf, n, random_to(3) == 0);
}

static uint32_t number_of(const struct vnicd_chain *c)
{
	uint32_t first = (uint32_t)iov[0].iov_len - 1;

	if (c->n_out + c->n_in == 1)
		return first;
	return first + 1000 * ((uint32_t)iov[1].iov_len - 1);
}

/* ---- at any call ------------------------------------------------------------------ */
#define CHAINS 6000u

struct world {
	uint32_t posted, back, taken_again;
	uint32_t number[VRING_SIZE_MAX]; /* by id */
	struct vnicd_chain held[SIZE];
	unsigned n_held, undoable;   /* undoable: taken since the last was used */
};

static void device_takes(struct world *w)
{
	struct vnicd_chain *c = &w->held[w->n_held];
	int rc = w->n_held == SIZE ? 0 : vnicd_ring_next(&d.ring, c, iov, VNICD_CHAIN_MAX);

	CU_ASSERT_FATAL(rc >= 0);
	if (rc == 0)
		return;
	CU_ASSERT_EQUAL(number_of(c), w->number[c->id]);
	w->taken_again += c->again;
	w->n_held++;
	w->undoable++;
}

static void device_uses(struct world *w)
{
	unsigned i = w->n_held == 0 ? 0 : d.in_order ? 0 : random_to(w->n_held);

	if (w->n_held == 0)
		return;
	vnicd_ring_used(&d.ring, &w->held[i], 0);
	w->undoable = 0;
	w->n_held--;
	memmove(&w->held[i], &w->held[i + 1], (w->n_held - i) * sizeof(w->held[0]));
}

static void driver_works(struct world *w)
{
	uint32_t len;
	int id;

	if (w->posted < CHAINS && random_to(2) != 0) {
		id = post(w->posted);
		if (id >= 0)
			w->number[id] = w->posted++;
	}
	while ((id = drv_take(&d, &len)) >= 0)
		w->back++;
	CU_ASSERT_EQUAL(id, -1); /* -2: it was given back before */
}

static void one_step(struct world *w)
{
	switch (random_to(12)) {
	case 0:
		if (random_to(8) != 0)
			break;
		w->n_held = w->undoable = 0;
		CU_ASSERT_EQUAL_FATAL(die_and_return(), 0);
		break;
	case 1:
		vnicd_ring_publish(&d.ring);
		break;
	case 2:
		if (w->undoable > 0) {
			w->undoable--;
			vnicd_ring_undo(&d.ring, &w->held[--w->n_held]);
		}
		break;
	case 3: case 4: case 5:
		device_takes(w);
		break;
	case 6: case 7: case 8:
		device_uses(w);
		break;
	default:
		driver_works(w);
	}
}

static void run_world(bool packed, bool in_order, uint16_t base, uint64_t seed)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	random_state = seed;
	begin(SIZE, packed, in_order, base);
	while (w.posted < CHAINS)
		one_step(&w);
	for (unsigned i = 0; i < 10000 && w.back < CHAINS; i++) {
		device_takes(&w);
		device_uses(&w);
		vnicd_ring_publish(&d.ring);
		driver_works(&w);
	}
	CU_ASSERT_EQUAL(w.back, CHAINS);
	CU_ASSERT(w.taken_again > 100);
	end();
}

static void recover__random(void)
{
	for (unsigned kind = 0; kind < 4; kind++)
		for (unsigned seed = 1; seed < 4; seed++)
			run_world(kind & 1, kind & 2, (kind & 1) ? 0 : 65530, seed);
}

/* ---- at any instruction ------------------------------------------------------------- */
/* Until it is killed. Two at a time, used in the other order. */
static void device_process(void)
{
	struct vnicd_chain c[2];

	if (drv_restart_device(&d, d.packed ? 0x80008000 : 0) < 0)
		_exit(1);
	for (;;) {
		unsigned n = 0;

		while (n < 2 && vnicd_ring_next(&d.ring, &c[n], iov, VNICD_CHAIN_MAX) == 1)
			n++;
		if (d.ring.error != 0)
			_exit(2);
		for (unsigned i = 0; i < n; i++)
			vnicd_ring_used(&d.ring, &c[d.in_order ? i : n - 1 - i], 0);
		vnicd_ring_publish(&d.ring);
	}
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint32_t take_all(void)
{
	uint32_t len, n = 0;
	int id;

	while ((id = drv_take(&d, &len)) >= 0)
		n++;
	CU_ASSERT_EQUAL_FATAL(id, -1);
	return n;
}

/* The driver at work until then, and until a chain came back where one has to; chains that came back. */
static uint32_t drive(uint32_t *posted, uint64_t until, bool see_one)
{
	uint64_t limit = until + 20 * 1000000;
	uint32_t back = 0;

	do {
		while (post(*posted % 900000) >= 0)
			(*posted)++;
		back += take_all();
	} while (now_us() < until || (see_one && back == 0 && now_us() < limit));
	return back;
}

/*
 * Every other device is killed wherever it is then, restarting too or not yet running; the rest
 * have served a chain, however long a busy machine kept them waiting for a CPU.
 */
static void kill_rounds(bool packed, bool in_order, unsigned rounds)
{
	uint32_t posted = 0, back = 0;

	begin(SIZE, packed, in_order, 0);
	vnicd_ring_stop(&d.ring);
	for (unsigned i = 0; i < rounds; i++) {
		pid_t pid;
		int status;

		back += take_all();
		pid = fork();
		if (pid == 0)
			device_process();
		CU_ASSERT_FATAL(pid > 0);
		back += drive(&posted, now_us() + 300 + random_to(2000), i % 2 == 0);
		kill(pid, SIGKILL);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT_TRUE(WIFSIGNALED(status));
	}
	CU_ASSERT(back >= rounds / 2);
	CU_ASSERT_EQUAL_FATAL(drv_restart_device(&d, packed ? 0x80008000 : 0), 0);
	for (unsigned i = 0; i < 2 * SIZE; i++) {
		struct vnicd_chain c;

		if (vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1)
			vnicd_ring_used(&d.ring, &c, 0);
		vnicd_ring_publish(&d.ring);
		back += take_all();
	}
	CU_ASSERT_EQUAL(back, posted);
	end();
}

static void recover__killed(void)
{
	random_state = 99;
	for (unsigned kind = 0; kind < 4; kind++)
		kill_rounds(kind & 1, kind & 2, 60);
}

/* ---- inside of a publish --------------------------------------------------------------- */
static struct inflight_split *split(void)
{
	return d.inflight;
}

static struct inflight_packed *packed(void)
{
	return d.inflight;
}

static unsigned count_again(void)
{
	struct vnicd_chain c;
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(die_and_return(), 0);
	while (vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1)
		n++;
	CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_NONE);
	return n;
}

static void take_and_use(unsigned n)
{
	struct vnicd_chain c[SIZE];

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_FATAL(drv_post_one(&d, 64, false) >= 0);
		CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c[i], iov, VNICD_CHAIN_MAX), 1);
	}
	while (n-- > 0)
		vnicd_ring_used(&d.ring, &c[n], 0);
}

/* The driver was told, and the marks are still there; or it was not. */
static void recover__between_two_stores(void)
{
	for (unsigned told = 0; told < 2; told++) {
		begin(SIZE, false, false, 0);
		take_and_use(3);
		ring_track_publish(&d.ring);
		if (told != 0)
			drv_used(&d)->idx = 3;
		CU_ASSERT(split()->desc[0].inflight == 1 && split()->used_idx == 0);
		CU_ASSERT_EQUAL(count_again(), told != 0 ? 0 : 3);
		CU_ASSERT_EQUAL(split()->used_idx, told != 0 ? 3 : 0);
		end();

		begin(SIZE, true, false, 0);
		take_and_use(3);
		ring_track_publish(&d.ring);
		CU_ASSERT(packed()->used_idx == 3 && packed()->old_used_idx == 0);
		if (told != 0)
			drv_packed_desc(&d)[0].flags = vring_packed_used_flags(true);
		CU_ASSERT_EQUAL(count_again(), told != 0 ? 0 : 3);
		CU_ASSERT_EQUAL(packed()->used_idx, told != 0 ? 3 : 0);
		end();
	}
}

/* A stop that was asked for leaves nothing to go on with, whatever was taken. */
static void forget__starts_anew(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct vnicd_chain c;
		uint32_t base;

		begin(SIZE, k, false, 0);
		for (unsigned i = 0; i < 5; i++)
			drv_post_one(&d, 64, false);
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		vnicd_ring_used(&d.ring, &c, 0);
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		vnicd_ring_forget(&d.ring);
		base = vnicd_ring_stop(&d.ring);
		CU_ASSERT_EQUAL(split()->version, 0);
		CU_ASSERT_EQUAL_FATAL(drv_restart_device(&d, base), 0);
		CU_ASSERT_EQUAL(d.ring.track->n_again, 0);
		CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 4); /* as without this memory */
		end();
	}
}

/* ---- what no honest back end left there -------------------------------------------------- */
static void spoil(bool is_packed, unsigned how)
{
	struct inflight_packed *p = packed();
	struct inflight_split *s = split();

	switch (how) {
	case 0: s->version = 2; break; /* the same place in both */
	case 1: s->desc_num = SIZE / 2; break;
	case 2: p->desc[0].num = 0; break;
	case 3: p->desc[0].num = 0xffff; break;
	case 4: p->desc[0].next = 0; p->desc[0].num = 2; break;
	case 5: p->desc[0].next = SIZE; p->desc[0].num = 2; break;
	case 6: p->desc[1].inflight = 1; p->desc[1].num = 1; p->desc[0].num = 2; break; /* in two chains */
	case 7: p->old_used_idx = SIZE; break;
	case 8: p->used_idx = SIZE; break;
	case 9: p->used_wrap = 2; break;
	case 10: p->old_used_wrap = 2; break;
	}
}

static void recover__refuses(void)
{
	for (unsigned k = 0; k < 2; k++)
		for (unsigned how = 0; how < (k ? 11u : 2u); how++) {
			struct vnicd_chain c;
			int rc;

			begin(SIZE, k, false, 0);
			for (unsigned i = 0; i < 3; i++)
				drv_post_one(&d, 64, false);
			CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
			CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
			spoil(k, how);
			rc = die_and_return();
			CU_ASSERT_EQUAL(rc, -EINVAL);
			if (rc != -EINVAL)
				printf("  %s, %u: %d\n", k ? "packed" : "split", how, rc);
			CU_ASSERT_PTR_NULL(d.ring.track);
			CU_ASSERT_FALSE(d.ring.running);
			end();
		}
}

/* Anything at all: no memory but the ring's is touched (ASan looks on), and each call ends. */
static void recover__garbage(void)
{
	uint64_t len;

	random_state = 5;
	for (unsigned round = 0; round < 3000; round++) {
		struct vnicd_chain c;
		unsigned held = 0;
		uint8_t *p;

		begin(SIZE, round & 1, false, 0);
		p = d.inflight;
		len = inflight_stride(SIZE, round & 1);
		for (unsigned i = 0; i < 40; i++) {
			uint64_t at = 12 + random_to((uint32_t)len - 12);

			p[at] = (uint8_t)random_to(random_to(2) ? 256 : 20);
		}
		if (round & 2)
			for (unsigned i = 0; i < SIZE; i++)
				drv_post_one(&d, 64, false);
		if (die_and_return() == 0) {
			while (held < 3 * SIZE && vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1) {
				held++;
				vnicd_ring_used(&d.ring, &c, 0);
				for (unsigned i = 0; i < 4; i++) /* and goes on writing there */
					p[random_to((uint32_t)len)] = (uint8_t)random_to(256);
				if (random_to(4) == 0)
					vnicd_ring_publish(&d.ring);
			}
			vnicd_ring_publish(&d.ring);
		}
		CU_ASSERT(held < 3 * SIZE);
		end();
	}
}

/* A driver that fills the ring again before it has been told: bounded by what the ring holds. */
static void used__no_more_than_the_ring_holds(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct vnicd_chain c;
		unsigned n = 0;

		begin(SIZE, k, false, 0);
		for (unsigned i = 0; i < SIZE; i++)
			drv_post_one(&d, 64, false);
		while (vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1 && n++ < 4 * SIZE) {
			vnicd_ring_used(&d.ring, &c, 0);
			drv_avail(&d)->idx = (uint16_t)(drv_avail(&d)->idx + !k);
			if (k != 0)
				drv_packed_desc(&d)[n - 1].flags = vring_packed_avail_flags(false);
		}
		CU_ASSERT(n <= SIZE);
		CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_INDEX);
		end();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(recover__random),
	TEST_CASE(recover__killed),
	TEST_CASE(recover__between_two_stores),
	TEST_CASE(forget__starts_anew),
	TEST_CASE(recover__refuses),
	TEST_CASE(recover__garbage),
	TEST_CASE(used__no_more_than_the_ring_holds),
};
TEST_MAIN("vnicd ring, memory that outlives the device", cases)
