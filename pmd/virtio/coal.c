/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three writers meet here: lcores leave values in the mailboxes of their queues, the
 * control thread sends them, control-plane callers send and wait. What is in force
 * changes in one place only, the answer's callback: answers of commands that
 * conflict come in the order of the commands (ctrl.h), so the last word is the device's.
 *
 * A command remembers the generation of its queue. Stop and reset count it up, and an
 * answer of before says nothing about the queue of now.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal_private.h"

#define NS_PER_TOKEN (UINT64_C(1000000000) / VNIC_COAL_RATE)

/* ---- mailboxes ----------------------------------------------------------------------- */

static uint64_t pack(const struct vnic_coal *c)
{
	return (uint64_t)c->usecs << 32 | c->packets;
}

static struct vnic_coal unpack(uint64_t v)
{
	return (struct vnic_coal){ .packets = (uint32_t)v, .usecs = (uint32_t)(v >> 32) };
}

static void answer(struct coal_mailbox *q, uint32_t post, bool refused)
{
	__atomic_store_n(&q->refused, refused, __ATOMIC_RELAXED);
	__atomic_store_n(&q->answered, post, __ATOMIC_RELEASE);
}

/* What was posted and is not known to be in force is given up: the lcore hears of it. */
static void forget_posts(struct coal_mailbox *q)
{
	uint32_t posts = __atomic_load_n(&q->posts, __ATOMIC_ACQUIRE);

	q->generation++;
	q->busy = false;
	q->sent = posts;
	if (posts != q->answered)
		answer(q, posts, true);
}

static void set_open(struct coal_mailbox *q, bool open)
{
	__atomic_store_n(&q->open, open, __ATOMIC_RELEASE);
}

static struct coal_mailbox *mailbox_of(uint16_t port, uint16_t queue, struct vnic_dev **dev)
{
	struct vnic_dev *d = vnic_dev_of(port);

	*dev = d;
	return d == NULL || d->coal == NULL || queue >= VNIC_MAX_PAIRS ? NULL :
									 &d->coal->queue[virtio_rxq_index(queue)];
}

int vnic_coal_post(uint16_t port, uint16_t queue, const struct vnic_coal *c)
{
	struct vnic_dev *d;
	struct coal_mailbox *q = mailbox_of(port, queue, &d);

	if (d == NULL || !vnic_has(d, VIRTIO_NET_F_VQ_NOTF_COAL))
		return -ENOTSUP;
	if (q == NULL)
		return -EINVAL;
	if (!__atomic_load_n(&q->open, __ATOMIC_ACQUIRE))
		return -EIO;
	__atomic_store_n(&q->posted, pack(c), __ATOMIC_RELAXED);
	__atomic_store_n(&q->posts, q->posts + 1, __ATOMIC_RELEASE);
	/* Either we see that nobody is going to look, or who has just begun to look sees the post. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->coal->due, __ATOMIC_RELAXED) != 0)
		return 0;
	__atomic_store_n(&d->coal->due, 1, __ATOMIC_RELAXED);
	vnic_thread_wake(d);
	return 0;
}

enum vnic_coal_state vnic_coal_state(uint16_t port, uint16_t queue)
{
	struct vnic_dev *d;
	struct coal_mailbox *q = mailbox_of(port, queue, &d);

	if (q == NULL || !__atomic_load_n(&q->open, __ATOMIC_ACQUIRE))
		return VNIC_COAL_NONE;
	if (__atomic_load_n(&q->answered, __ATOMIC_ACQUIRE) != q->posts)
		return VNIC_COAL_PENDING;
	return __atomic_load_n(&q->refused, __ATOMIC_RELAXED) ? VNIC_COAL_REFUSED : VNIC_COAL_IDLE;
}

/* ---- answers ---------------------------------------------------------------------------- */

/* The lcore may have posted again meanwhile, and others wait for the slot. */
static void look_again(struct vnic_coalescing *k)
{
	struct vnic_dev *d = k->dev;

	if (__atomic_exchange_n(&k->due, 1, __ATOMIC_RELAXED) == 0 &&
	    (!vnic_thread_runs(d) || !pthread_equal(d->thread, pthread_self())))
		vnic_thread_wake(d);
}

/* RX_SET and TX_SET override what queues had of their own. */
static int answered_all(struct vnic_coalescing *k, const struct coal_command *m, int rc)
{
	enum vnic_dir dir = (enum vnic_dir)m->vq;

	if (m->generation != k->generation)
		return -ECANCELED;
	if (rc == -EREMOTEIO && m->purpose == COAL_RESTORE) {
		VNIC_LOG(ERR, k->dev, "coalescing is not what it was: refused for all %s queues",
			 dir == VNIC_RX ? "receive" : "transmit");
		memset(&k->all[dir], 0, sizeof(k->all[dir]));
	}
	if (rc != 0 || m->purpose == COAL_RESTORE)
		return rc;
	k->all[dir].set = true;
	k->all[dir].value = m->value;
	for (uint16_t vq = dir == VNIC_RX ? 0 : 1; vq < COAL_QUEUES; vq += 2)
		k->queue[vq].own = k->queue[vq].resend = k->queue[vq].learn = false;
	return 0;
}

static int answered_one(struct vnic_coalescing *k, const struct coal_command *m, int rc, const struct vnic_coal *got)
{
	struct coal_mailbox *q = &k->queue[m->vq];

	if (m->generation != q->generation)
		return -ECANCELED;
	if (rc == 0 && m->purpose == COAL_LEARN) {
		q->told = true;
		q->device = *got;
	} else if (rc == 0 && m->purpose != COAL_ASK) {
		q->own = true;
		q->learn = false;
		q->value = m->value;
	} else if (rc == -EREMOTEIO && m->purpose == COAL_RESTORE) {
		VNIC_LOG(ERR, k->dev, "coalescing is not what it was: refused for virtqueue %u", m->vq);
		q->own = false;
	}
	if (m->purpose == COAL_POST)
		answer(q, m->post, rc != 0);
	if (m->purpose == COAL_POST || m->purpose == COAL_RESTORE || m->purpose == COAL_LEARN)
		q->busy = false;
	if (q->learn || q->sent != __atomic_load_n(&q->posts, __ATOMIC_ACQUIRE))
		look_again(k);
	return rc;
}

static struct vnic_coal from_wire(const void *result, size_t len)
{
	struct vnic_ctrl_coal got = { 0 };

	if (len >= sizeof(got))
		memcpy(&got, result, sizeof(got));
	return (struct vnic_coal){ .packets = rte_le_to_cpu_32(got.max_packets),
				   .usecs = rte_le_to_cpu_32(got.max_usecs) };
}

static void done(void *arg, int rc, const void *result, size_t len)
{
	struct coal_command *m = arg;
	struct vnic_coalescing *k = m->owner;
	struct vnic_coal got = from_wire(result, len);

	pthread_mutex_lock(&k->lock);
	rc = m->all ? answered_all(k, m, rc) : answered_one(k, m, rc, &got);
	if (m->call != NULL) {
		m->call->pending--;
		m->call->rc = m->call->rc == 0 ? rc : m->call->rc;
		if (rc == 0 && m->purpose == COAL_ASK)
			m->call->got = got;
	}
	m->next = k->free;
	k->free = m;
	pthread_cond_broadcast(&k->cond);
	pthread_mutex_unlock(&k->lock);
}

/* ---- commands: the lock is held --------------------------------------------------------- */

union payload {
	struct vnic_ctrl_coal all;
	struct vnic_ctrl_coal_vq one;
};

static struct vnic_ctrl_coal to_wire(const struct vnic_coal *c)
{
	return (struct vnic_ctrl_coal){ rte_cpu_to_le_32(c->packets), rte_cpu_to_le_32(c->usecs) };
}

static void fill(const struct coal_command *m, struct vnic_ctrl_request *req, union payload *p)
{
	req->class = VIRTIO_NET_CTRL_NOTF_COAL;
	req->group = m->all ? VNIC_CTRL_COAL_ALL : VNIC_CTRL_COAL_VQ;
	req->key = m->vq;
	req->data = p;
	if (m->all) {
		req->cmd = m->vq == VNIC_RX ? VIRTIO_NET_CTRL_NOTF_COAL_RX_SET : VIRTIO_NET_CTRL_NOTF_COAL_TX_SET;
		req->len = sizeof(p->all);
		p->all = to_wire(&m->value);
		return;
	}
	p->one = (struct vnic_ctrl_coal_vq){ rte_cpu_to_le_16(m->vq), 0, to_wire(&m->value) };
	req->cmd = coal_asks(m->purpose) ? VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET : VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET;
	req->len = coal_asks(m->purpose) ? offsetof(struct vnic_ctrl_coal_vq, coal) : sizeof(p->one);
	req->result_len = coal_asks(m->purpose) ? sizeof(struct vnic_ctrl_coal) : 0;
}

int coal_submit(struct vnic_coalescing *k, struct vnic_ctrl *c, const struct coal_command *what)
{
	struct vnic_dev *d = k->dev;
	struct coal_command *m = k->free;
	struct vnic_ctrl_request req = {
		.timeout_ms = vnic_starting(d) ? vnic_start_ms(d) : 0,
		.waited = what->call != NULL,
		.done = done, .arg = m,
	};
	union payload p;
	int rc;

	if (m == NULL)
		return -EAGAIN;
	fill(what, &req, &p);
	rc = vnic_ctrl_submit(c, &req, NULL);
	if (rc < 0)
		return rc;
	k->free = m->next;
	*m = *what;
	m->owner = k;
	m->generation = m->all ? k->generation : k->queue[m->vq].generation;
	if (m->call != NULL)
		m->call->pending++;
	return 0;
}

static void refill(struct vnic_coalescing *k)
{
	uint64_t now = clock_now_ns(), more = (now - k->filled_ns) / NS_PER_TOKEN;

	k->filled_ns += more * NS_PER_TOKEN;
	k->tokens += more;
	if (k->tokens >= VNIC_COAL_BURST) {
		k->tokens = VNIC_COAL_BURST;
		k->filled_ns = now;
	}
}

/* What the device begins with. Nobody waits for it, so not before the start is over. */
static int send_question(struct vnic_coalescing *k, struct vnic_ctrl *c, uint16_t vq)
{
	const struct coal_command m = { .vq = vq, .purpose = COAL_LEARN };
	struct coal_mailbox *q = &k->queue[vq];
	int rc;

	if (!q->learn || vnic_starting(k->dev))
		return 0;
	rc = coal_submit(k, c, &m);
	if (rc < 0)
		return rc;
	q->learn = false;
	q->busy = true;
	return 0;
}

/* What a reset took is brought back before anything new, and costs no token. */
static int send_one(struct vnic_coalescing *k, struct vnic_ctrl *c, uint16_t vq)
{
	struct coal_mailbox *q = &k->queue[vq];
	struct coal_command m = { .vq = vq };
	int rc;

	if (!q->open || q->busy)
		return 0;
	m.post = __atomic_load_n(&q->posts, __ATOMIC_ACQUIRE);
	if (!q->resend && m.post == q->sent)
		return send_question(k, c, vq);
	if (!q->resend && k->tokens == 0)
		return -EAGAIN;
	m.purpose = q->resend ? COAL_RESTORE : COAL_POST;
	/* Perhaps a newer one than the number says: then it goes twice. */
	m.value = q->resend ? q->value : unpack(__atomic_load_n(&q->posted, __ATOMIC_RELAXED));
	rc = coal_submit(k, c, &m);
	if (rc < 0)
		return rc;
	q->busy = true;
	if (m.purpose == COAL_RESTORE) {
		q->resend = false; /* a post goes when this is answered */
		return 0;
	}
	q->sent = m.post;
	k->tokens--;
	return 0;
}

static int send_all(struct vnic_coalescing *k, struct vnic_ctrl *c)
{
	uint16_t n = (uint16_t)(2 * RTE_MAX(k->n[VNIC_RX], k->n[VNIC_TX]));
	int rc = 0;

	for (uint16_t dir = VNIC_RX; dir <= VNIC_TX && rc == 0; dir++) {
		struct coal_command m = { .all = true, .vq = dir, .purpose = COAL_RESTORE, .value = k->all[dir].value };

		if (!k->all[dir].resend)
			continue;
		rc = coal_submit(k, c, &m);
		k->all[dir].resend = rc != 0;
	}
	for (uint16_t i = 0; i < n && rc >= 0; i++) {
		uint16_t vq = (uint16_t)(k->first + i);

		vq = vq >= n ? (uint16_t)(vq - n) : vq;
		rc = send_one(k, c, vq);
		if (rc == -EAGAIN)
			k->first = vq;
	}
	return rc;
}

void vnic_coal_send(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;
	struct vnic_ctrl *c;

	if (k == NULL || __atomic_load_n(&k->due, __ATOMIC_RELAXED) == 0)
		return;
	c = vnic_ctrl_get(d);
	pthread_mutex_lock(&k->lock);
	__atomic_store_n(&k->due, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before looking: see vnic_coal_post() */
	refill(k);
	if (k->open && c != NULL && send_all(k, c) == -EAGAIN)
		__atomic_store_n(&k->due, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&k->lock);
	if (c == NULL)
		return;
	vnic_ctrl_flush(c);
	vnic_ctrl_put(c);
}

int vnic_coal_next(struct vnic_dev *d)
{
	const struct vnic_coalescing *k = d->coal;

	if (k == NULL || !__atomic_load_n(&k->open, __ATOMIC_RELAXED))
		return -1;
	return __atomic_load_n(&k->due, __ATOMIC_RELAXED) != 0 ? COAL_STEP_MS : -1;
}

/* ---- start, stop, reset --------------------------------------------------------------------- */

static void begin(struct vnic_coalescing *k, uint16_t vq, bool running)
{
	struct coal_mailbox *q = &k->queue[vq];

	forget_posts(q);
	q->resend = q->own;
	q->told = false;
	q->learn = running && !q->own && !k->all[coal_dir(vq)].set;
	set_open(q, running);
}

static bool runs(const struct vnic_dev *d, uint16_t vq)
{
	uint16_t queue = vq / 2;

	if (coal_dir(vq) == VNIC_RX)
		return queue < d->eth->data->nb_rx_queues && d->rxq[queue] != NULL &&
		       !vnic_eth_rxq(d->rxq[queue])->stopped;
	return queue < d->eth->data->nb_tx_queues && d->txq[queue] != NULL && !vnic_eth_txq(d->txq[queue])->stopped;
}

void vnic_coal_restore(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->per_queue = vnic_has(d, VIRTIO_NET_F_VQ_NOTF_COAL);
	k->per_direction = vnic_has(d, VIRTIO_NET_F_NOTF_COAL);
	__atomic_store_n(&k->open, d->ctrl != NULL && (k->per_queue || k->per_direction), __ATOMIC_RELAXED);
	k->generation++;
	k->n[VNIC_RX] = d->eth->data->nb_rx_queues;
	k->n[VNIC_TX] = d->eth->data->nb_tx_queues;
	for (unsigned dir = VNIC_RX; dir <= VNIC_TX; dir++)
		k->all[dir].resend = k->all[dir].set && k->per_direction;
	for (uint16_t vq = 0; vq < COAL_QUEUES; vq++)
		begin(k, vq, k->open && k->per_queue && runs(d, vq));
	__atomic_store_n(&k->due, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&k->lock);
	vnic_coal_send(d);
}

void vnic_coal_started(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL || !k->open || !k->per_queue)
		return;
	__atomic_store_n(&k->due, 1, __ATOMIC_RELAXED);
	vnic_thread_wake(d);
}

void vnic_coal_stop(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	__atomic_store_n(&k->open, false, __ATOMIC_RELAXED);
	k->generation++;
	for (uint16_t vq = 0; vq < COAL_QUEUES; vq++) {
		set_open(&k->queue[vq], false);
		forget_posts(&k->queue[vq]);
	}
	pthread_mutex_unlock(&k->lock);
}

void vnic_coal_restore_queue(struct vnic_dev *d, uint16_t vq)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL || vq >= COAL_QUEUES)
		return;
	pthread_mutex_lock(&k->lock);
	begin(k, vq, k->open && k->per_queue);
	__atomic_store_n(&k->due, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&k->lock);
	vnic_coal_send(d);
}

void vnic_coal_stop_queue(struct vnic_dev *d, uint16_t vq)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL || vq >= COAL_QUEUES)
		return;
	pthread_mutex_lock(&k->lock);
	set_open(&k->queue[vq], false);
	forget_posts(&k->queue[vq]);
	pthread_mutex_unlock(&k->lock);
}

int vnic_coal_create(struct vnic_dev *d)
{
	struct vnic_coalescing *k = NULL;
	pthread_condattr_t attr;

	if (posix_memalign((void **)&k, RTE_CACHE_LINE_SIZE, sizeof(*k)) != 0)
		return -ENOMEM;
	memset(k, 0, sizeof(*k));
	k->dev = d;
	k->tokens = VNIC_COAL_BURST;
	k->filled_ns = clock_now_ns();
	for (unsigned i = 0; i < COAL_COMMANDS; i++) {
		k->command[i].next = k->free;
		k->free = &k->command[i];
	}
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->cond, &attr);
	pthread_condattr_destroy(&attr);
	d->coal = k;
	return 0;
}

void vnic_coal_destroy(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;

	if (k == NULL)
		return;
	d->coal = NULL;
	/* The device is gone, and they have been told. */
	pthread_mutex_lock(&k->lock);
	while (k->callers > 0)
		pthread_cond_wait(&k->cond, &k->lock);
	pthread_mutex_unlock(&k->lock);
	pthread_cond_destroy(&k->cond);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
