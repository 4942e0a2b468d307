/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_pcapng.h>
#include <rte_ring.h>

#include "pmd/base/log.h"

#define WHY_LEN 256
#define BURST 32
#define POLL_NS 500000          /* the writer looks at the rings this often when they are empty */
#define BEHIND_NS 2000000       /* and writes packets this old at least */
#define POOL_BYTES (16u << 20)  /* memory for buffers, about */
#define POOL_MIN 256
#define POOL_MAX 8192
#define RING_SIZE 1024

/* One queue and direction: one worker fills the ring, the writer empties it. */
struct tap {
	struct capture *cap;
	const struct rte_eth_rxtx_callback *cb;
	struct rte_ring *ring;
	uint16_t port, queue;      /* ethdev's */
	bool rx;
	uint32_t snap;
	uint64_t dropped;          /* written by that worker alone */
	/* the writer's: taken out of the ring, not written yet */
	struct rte_mbuf *held[BURST];
	unsigned n_held, next;
};

struct capture {
	struct pipeline *pl;
	pthread_mutex_t lock;      /* of info */
	struct capture_info info;
	unsigned from, to;         /* ports captured */
	bool started;              /* there is a capture, maybe full or failed */
	bool stuck;                /* a worker that hangs may still use this memory */
	unsigned serial;           /* for names of pools and rings */
	uint64_t start_tsc, start_ns; /* when it began, by both clocks; ns since 1970 */
	double ns_per_cycle;
	struct rte_mempool *pool;
	rte_pcapng_t *out;
	struct tap *taps;
	unsigned n_taps;
	pthread_t thread;
	/* Read by workers and the writer, written by main and the writer. */
	bool paused;               /* taps let everything pass uncopied */
	bool quit;
};

const char *const capture_state_names[CAPTURE_STATES] = { "idle", "running", "full", "failed" };

bool capture_name_ok(const char *file)
{
	size_t n = strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	return n > 0 && n < CAPTURE_FILE_LEN && file[n] == '\0' && strchr("_-.", file[0]) == NULL;
}

/* ---- on the workers ------------------------------------------------------------- */
/*
 * pcapng 4.3: type, length and interface, 4 octets each, then the time. The
 * library of DPDK 22.11 takes the TSC's frequency before EAL knows it and writes
 * times of far centuries, so ours go over them.
 */
static void set_time(struct rte_mbuf *m, uint64_t ns)
{
	uint32_t hi_lo[2] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	memcpy(rte_pktmbuf_mtod_offset(m, void *, 12), hi_lo, sizeof(hi_lo));
}

static uint64_t get_time(const struct rte_mbuf *m)
{
	uint32_t hi_lo[2];

	memcpy(hi_lo, rte_pktmbuf_mtod_offset(m, const void *, 12), sizeof(hi_lo));
	return (uint64_t)hi_lo[0] << 32 | hi_lo[1];
}

static uint64_t now_ns(const struct capture *cap)
{
	return cap->start_ns + (uint64_t)((double)(rte_get_tsc_cycles() - cap->start_tsc) * cap->ns_per_cycle);
}

static void tap_burst(struct tap *t, struct rte_mbuf **pkts, uint16_t n)
{
	struct capture *cap = t->cap;
	enum rte_pcapng_direction dir = t->rx ? RTE_PCAPNG_DIRECTION_IN : RTE_PCAPNG_DIRECTION_OUT;
	uint64_t ns;

	if (n == 0 || __atomic_load_n(&cap->paused, __ATOMIC_RELAXED))
		return;
	ns = now_ns(cap);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pcapng_copy(t->port, t->queue, pkts[i], cap->pool,
						     t->snap, 0, dir);

		if (m != NULL)
			set_time(m, ns);
		if (m != NULL && rte_ring_sp_enqueue(t->ring, m) == 0)
			continue;
		rte_pktmbuf_free(m);
		/* The only writer; the atomic store is for capture_info(). */
		__atomic_store_n(&t->dropped, t->dropped + 1, __ATOMIC_RELAXED);
	}
}

static uint16_t on_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
		      void *ctx)
{
	tap_burst(ctx, pkts, n);
	return n;
}

static uint16_t on_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *ctx)
{
	tap_burst(ctx, pkts, n);
	return n;
}

/* ---- the writer ------------------------------------------------------------------ */
static void set_state(struct capture *cap, enum capture_state state, int error)
{
	pthread_mutex_lock(&cap->lock);
	cap->info.state = state;
	if (error != 0)
		snprintf(cap->info.error, sizeof(cap->info.error), "%s", strerror(error));
	pthread_mutex_unlock(&cap->lock);
	__atomic_store_n(&cap->paused, state != CAPTURE_RUNNING, __ATOMIC_RELAXED);
}

static void write_burst(struct capture *cap, struct rte_mbuf **pkts, unsigned n)
{
	uint64_t bytes = 0;
	ssize_t len = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
	if (cap->info.state == CAPTURE_RUNNING && cap->info.bytes + bytes > cap->info.max_bytes)
		set_state(cap, CAPTURE_FULL, 0);
	if (cap->info.state == CAPTURE_RUNNING) {
		len = rte_pcapng_write_packets(cap->out, pkts, (uint16_t)n);
		if (len < 0)
			set_state(cap, CAPTURE_FAILED, errno);
	}
	pthread_mutex_lock(&cap->lock);
	if (cap->info.state == CAPTURE_RUNNING) {
		cap->info.packets += n;
		cap->info.bytes += (uint64_t)len;
	} else {
		cap->info.dropped += n;
	}
	pthread_mutex_unlock(&cap->lock);
	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
}

static bool refill(struct tap *t)
{
	if (t->next == t->n_held) {
		t->next = 0;
		t->n_held = rte_ring_sc_dequeue_burst(t->ring, (void **)t->held, BURST, NULL);
	}
	return t->n_held > 0;
}

/* The tap with the oldest packet, if that is from until or before. */
static struct tap *oldest(struct capture *cap, uint64_t until)
{
	struct tap *best = NULL;

	for (unsigned i = 0; i < cap->n_taps; i++) {
		struct tap *t = &cap->taps[i];
		uint64_t ns;

		if (!refill(t))
			continue;
		ns = get_time(t->held[t->next]);
		if (ns <= until && (best == NULL || ns < get_time(best->held[best->next])))
			best = t;
	}
	return best;
}

/* Write in order of time what is from until or before; returns how many. */
static unsigned drain(struct capture *cap, uint64_t until)
{
	struct rte_mbuf *pkts[BURST];
	unsigned all = 0, n = 0;
	struct tap *t;

	while ((t = oldest(cap, until)) != NULL) {
		pkts[n++] = t->held[t->next++];
		if (n == BURST) {
			write_burst(cap, pkts, n);
			all += n;
			n = 0;
		}
	}
	if (n > 0)
		write_burst(cap, pkts, n);
	return all + n;
}

/* A little behind, so that a worker that has taken the time of a packet has put
 * it into its ring as well. */
static void *writer(void *arg)
{
	const struct timespec nap = { .tv_nsec = POLL_NS };
	struct capture *cap = arg;

	while (!__atomic_load_n(&cap->quit, __ATOMIC_ACQUIRE))
		if (drain(cap, now_ns(cap) - BEHIND_NS) == 0)
			nanosleep(&nap, NULL);
	(void)drain(cap, UINT64_MAX);
	return NULL;
}

/* ---- starting ----------------------------------------------------------------------- */
static int open_file(struct capture *cap, const char *file, char *why)
{
	const struct config_capture *conf = &pipeline_config(cap->pl)->capture;
	int dir, fd, rc;

	if (conf->directory[0] == '\0') {
		snprintf(why, WHY_LEN, "the configuration names no capture.directory, so capture is refused");
		return -EPERM;
	}
	if (!capture_name_ok(file)) {
		snprintf(why, WHY_LEN,
			 "file: found '%.100s', allowed a plain name of letters, digits and _-. "
			 "(at most %d), into %.60s", file, CAPTURE_FILE_LEN - 1, conf->directory);
		return -EINVAL;
	}
	dir = open(conf->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		rc = -errno;
		snprintf(why, WHY_LEN, "capture.directory %.150s: %s", conf->directory, strerror(-rc));
		return rc;
	}
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : fd;
	close(dir);
	if (rc < 0)
		snprintf(why, WHY_LEN, "%.100s in %.80s: %s", file, conf->directory, strerror(-rc));
	return rc;
}

static int make_pool(struct capture *cap, uint32_t snap, char *why)
{
	uint32_t room = rte_pcapng_mbuf_size(snap), n = POOL_BYTES / room;
	char name[RTE_MEMPOOL_NAMESIZE];

	n = RTE_MAX(n, (uint32_t)POOL_MIN);
	n = RTE_MIN(n, (uint32_t)POOL_MAX);
	snprintf(name, sizeof(name), "capture_%u", cap->serial);
	cap->pool = rte_pktmbuf_pool_create(name, n - 1, 32, 0, (uint16_t)room, (int)rte_socket_id());
	if (cap->pool == NULL) {
		snprintf(why, WHY_LEN, "no memory for %u buffers of %u octets: ask for a smaller snaplen",
			 n - 1, room);
		return -ENOMEM;
	}
	return 0;
}

static int add_tap(struct capture *cap, uint16_t port, uint16_t queue, bool rx)
{
	struct tap *t = &cap->taps[cap->n_taps];
	char name[RTE_RING_NAMESIZE];

	t->cap = cap;
	t->port = port;
	t->queue = queue;
	t->rx = rx;
	t->snap = cap->info.snap_length;
	snprintf(name, sizeof(name), "capture_%u_%u", cap->serial, cap->n_taps);
	t->ring = rte_ring_create(name, RING_SIZE, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (t->ring == NULL)
		return -ENOMEM;
	cap->n_taps++;
	t->cb = rx ? rte_eth_add_first_rx_callback(port, queue, on_rx, t) :
		     rte_eth_add_tx_callback(port, queue, on_tx, t);
	return t->cb == NULL ? -ENOTSUP : 0;
}

static int add_port(struct capture *cap, unsigned port)
{
	struct pipeline_port_info info;
	int rc;

	rc = pipeline_port_info(cap->pl, port, &info);
	if (rc < 0)
		return rc;
	if (info.state >= PORT_CLOSED)
		return info.state == PORT_BUSY ? -EBUSY : -ENODEV;
	for (uint16_t q = 0; rc == 0 && q < info.rx_queues; q++)
		rc = add_tap(cap, info.id, q, true);
	for (uint16_t q = 0; rc == 0 && q < info.tx_queues; q++)
		rc = add_tap(cap, info.id, q, false);
	return rc;
}

/* Callbacks hold pointers into taps, so all of them are allocated at once. */
static int add_ports(struct capture *cap, unsigned from, unsigned to, char *why)
{
	unsigned n = 0;
	int rc = 0;

	for (unsigned p = from; p < to; p++) {
		struct pipeline_port_info info;

		if (pipeline_port_info(cap->pl, p, &info) == 0)
			n += info.rx_queues + info.tx_queues;
	}
	cap->taps = calloc(n > 0 ? n : 1, sizeof(*cap->taps));
	if (cap->taps == NULL)
		rc = -ENOMEM;
	for (unsigned p = from; rc == 0 && p < to; p++) {
		rc = add_port(cap, p);
		if (rc < 0)
			snprintf(why, WHY_LEN, "port %u: %s", p, strerror(-rc));
	}
	return rc;
}

/* ---- ending ---------------------------------------------------------------------------- */
static void remove_taps(struct capture *cap)
{
	for (unsigned i = 0; i < cap->n_taps; i++) {
		struct tap *t = &cap->taps[i];

		if (t->cb == NULL)
			continue;
		if (t->rx)
			rte_eth_remove_rx_callback(t->port, t->queue, t->cb);
		else
			rte_eth_remove_tx_callback(t->port, t->queue, t->cb);
	}
}

/* Free everything; the callbacks are gone and no worker is inside one. */
static void release(struct capture *cap)
{
	uint64_t dropped = 0;

	for (unsigned i = 0; i < cap->n_taps; i++) {
		dropped += cap->taps[i].dropped;
		rte_ring_free(cap->taps[i].ring);
	}
	if (cap->out != NULL)
		rte_pcapng_close(cap->out);
	rte_mempool_free(cap->pool);
	pthread_mutex_lock(&cap->lock);
	free(cap->taps);
	cap->taps = NULL;
	cap->n_taps = 0;
	cap->info.dropped += dropped;
	cap->info.state = CAPTURE_IDLE;
	pthread_mutex_unlock(&cap->lock);
	cap->out = NULL;
	cap->pool = NULL;
	cap->started = false;
}

/* Workers may be inside a callback until their next turn. When that does not
 * come (a worker hangs), the memory is left to it. */
static int leave_taps(struct capture *cap)
{
	int rc;

	remove_taps(cap);
	rc = pipeline_sync(cap->pl);
	return rc == -ESHUTDOWN ? 0 : rc;
}

/* Nothing of a start that failed stays, its file neither. */
static void undo_start(struct capture *cap, const char *file)
{
	int dir = open(pipeline_config(cap->pl)->capture.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (leave_taps(cap) == 0) {
		__atomic_store_n(&cap->paused, true, __ATOMIC_RELAXED);
		set_state(cap, CAPTURE_FULL, 0);
		(void)drain(cap, UINT64_MAX);
		release(cap);
	}
	if (dir >= 0) {
		(void)unlinkat(dir, file, 0);
		close(dir);
	}
}

static void note_time(struct capture *cap)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	cap->start_tsc = rte_get_tsc_cycles();
	cap->start_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	cap->ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
}

static void note_start(struct capture *cap, const char *file, unsigned from, unsigned to, uint32_t snap)
{
	const struct config *cfg = pipeline_config(cap->pl);

	pthread_mutex_lock(&cap->lock);
	memset(&cap->info, 0, sizeof(cap->info));
	cap->info.state = CAPTURE_RUNNING;
	snprintf(cap->info.file, sizeof(cap->info.file), "%s", file);
	snprintf(cap->info.ports, sizeof(cap->info.ports), "%s",
		 to - from == 1 ? cfg->ports[from].name : "all");
	cap->info.snap_length = snap;
	cap->info.max_bytes = cfg->capture.max_bytes;
	pthread_mutex_unlock(&cap->lock);
	note_time(cap);
	cap->from = from;
	cap->to = to;
	cap->started = true;
	__atomic_store_n(&cap->paused, false, __ATOMIC_RELAXED);
}

static uint32_t snap_of(const struct capture *cap, uint32_t asked)
{
	return asked != 0 ? asked : pipeline_config(cap->pl)->capture.snap_length;
}

static int open_out(struct capture *cap, int fd, char *why)
{
	cap->out = rte_pcapng_fdopen(fd, NULL, NULL, "smcgate " SMCGATE_VERSION, NULL);
	if (cap->out == NULL) {
		close(fd);
		snprintf(why, WHY_LEN, "the file's header cannot be written");
		return -EIO;
	}
	return 0;
}

static int set_going(struct capture *cap, unsigned from, unsigned to, char *why)
{
	int rc;

	pthread_mutex_lock(&cap->lock);
	rc = add_ports(cap, from, to, why);
	pthread_mutex_unlock(&cap->lock);
	if (rc < 0)
		return rc;
	cap->quit = false;
	rc = -pthread_create(&cap->thread, NULL, writer, cap);
	if (rc < 0)
		snprintf(why, WHY_LEN, "no thread to write with: %s", strerror(-rc));
	return rc;
}

int capture_start(struct capture *cap, const char *file, unsigned from, unsigned to, uint32_t snap_length,
		  char *why)
{
	uint32_t snap = snap_of(cap, snap_length);
	int fd, rc;

	if (cap->started) {
		snprintf(why, WHY_LEN, "%.100s is being captured into: capture stop first", cap->info.file);
		return -EALREADY;
	}
	fd = open_file(cap, file, why);
	if (fd < 0)
		return fd;
	cap->serial++;
	note_start(cap, file, from, to, snap);
	rc = open_out(cap, fd, why);
	if (rc == 0)
		rc = make_pool(cap, snap, why);
	if (rc == 0)
		rc = set_going(cap, from, to, why);
	if (rc < 0)
		undo_start(cap, file);
	return rc;
}

static void leave_memory(struct capture *cap)
{
	__atomic_store_n(&cap->paused, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&cap->lock);
	cap->taps = NULL;
	cap->n_taps = 0;
	cap->info.state = CAPTURE_FAILED;
	pthread_mutex_unlock(&cap->lock);
	cap->out = NULL;
	cap->pool = NULL;
	cap->started = false;
	cap->stuck = true;
}

int capture_stop(struct capture *cap)
{
	int rc;

	if (!cap->started)
		return -EALREADY;
	rc = leave_taps(cap);
	__atomic_store_n(&cap->quit, true, __ATOMIC_RELEASE);
	pthread_join(cap->thread, NULL);
	if (rc < 0) {
		LOG(CONSOLE, WARNING, "a worker does not answer: the capture's buffers stay");
		rte_pcapng_close(cap->out);
		leave_memory(cap);
		return rc;
	}
	release(cap);
	return 0;
}

bool capture_uses(const struct capture *cap, unsigned port)
{
	return cap->started && port >= cap->from && port < cap->to;
}

void capture_info(const struct capture *cap, struct capture_info *out)
{
	/* The lock is the capture's own affair. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&cap->lock;

	pthread_mutex_lock(lock);
	*out = cap->info;
	for (unsigned i = 0; i < cap->n_taps; i++)
		out->dropped += __atomic_load_n(&cap->taps[i].dropped, __ATOMIC_RELAXED);
	pthread_mutex_unlock(lock);
}

int capture_create(struct capture **out, struct pipeline *pl)
{
	struct capture *cap = calloc(1, sizeof(*cap));

	*out = cap;
	if (cap == NULL)
		return -ENOMEM;
	cap->pl = pl;
	cap->paused = true;
	pthread_mutex_init(&cap->lock, NULL);
	return 0;
}

void capture_destroy(struct capture *cap)
{
	if (cap == NULL)
		return;
	(void)capture_stop(cap);
	if (cap->stuck)
		return;
	pthread_mutex_destroy(&cap->lock);
	free(cap);
}
