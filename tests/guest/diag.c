// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "smc_sockets.h"

static int ask(void)
{
	struct {
		struct nlmsghdr head;
		struct smc_diag_req body;
	} q = {
		.head = { sizeof(q), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.body = { .diag_family = AF_SMC,
			  .diag_ext = 1 << (SMC_DIAG_CONNINFO - 1) | 1 << (SMC_DIAG_LGRINFO - 1) },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	if (send(fd, &q, sizeof(q), 0) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static bool take(void *to, size_t size, const struct nlattr *attribute, size_t len)
{
	memset(to, 0, size);
	memcpy(to, (const char *)attribute + NLA_HDRLEN, len < size ? len : size);
	return true;
}

static void take_attributes(struct diag_socket *s, const char *p, size_t left)
{
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t len = a->nla_len, step = NLA_ALIGN(len);

		if (len < NLA_HDRLEN || len > left)
			return;
		len -= NLA_HDRLEN;
		if (a->nla_type == SMC_DIAG_CONNINFO)
			s->has_conn = take(&s->conn, sizeof(s->conn), a, len);
		else if (a->nla_type == SMC_DIAG_LGRINFO)
			s->has_group = take(&s->group, sizeof(s->group), a, len);
		else if (a->nla_type == SMC_DIAG_FALLBACK)
			s->has_fallback = take(&s->fallback, sizeof(s->fallback), a, len);
		p += step;
		left = step < left ? left - step : 0;
	}
}

/* True while there is more to come. */
static bool take_messages(char *data, size_t len, void (*visit)(const struct diag_socket *s, void *arg),
			  void *arg)
{
	for (struct nlmsghdr *h = (void *)data; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		struct diag_socket s = { .has_conn = false };
		size_t head = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(s.msg)));

		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return false;
		if (h->nlmsg_len < head)
			continue;
		memcpy(&s.msg, NLMSG_DATA(h), sizeof(s.msg));
		take_attributes(&s, (char *)h + head, h->nlmsg_len - head);
		visit(&s, arg);
	}
	return len == 0;
}

int diag_walk(void (*visit)(const struct diag_socket *s, void *arg), void *arg)
{
	_Alignas(struct nlmsghdr) char data[32768];
	int fd = ask();
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = recv(fd, data, sizeof(data), 0);
	} while (n > 0 && take_messages(data, (size_t)n, visit, arg));
	close(fd);
	return n > 0 ? 0 : -EIO;
}

static const char *mode_name(const struct diag_socket *s)
{
	switch (s->msg.diag_mode) {
	case SMC_DIAG_MODE_SMCR:
		return "SMC-R";
	case SMC_DIAG_MODE_SMCD:
		return "SMC-D";
	default:
		return "TCP";
	}
}

void diag_print(const struct diag_socket *s, FILE *to)
{
	const struct smc_diag_conninfo *c = &s->conn;
	const struct smc_diag_linkinfo *link = &s->group.lnk[0];

	fprintf(to, "mode=%s state=%u", mode_name(s), s->msg.diag_state);
	if (s->has_fallback && (s->fallback.reason != 0 || s->fallback.peer_diagnosis != 0))
		fprintf(to, " fallback=0x%08x peer=0x%08x", s->fallback.reason, s->fallback.peer_diagnosis);
	if (s->has_conn) {
		fprintf(to, " token=0x%08x sndbuf=%u rmb=%u peer_rmb=%u", c->token, c->sndbuf_size, c->rmbe_size,
			c->peer_rmbe_size);
		fprintf(to, " rxprod=%u:%u rxcons=%u:%u txprod=%u:%u txcons=%u:%u", c->rx_prod.wrap,
			c->rx_prod.count, c->rx_cons.wrap, c->rx_cons.count, c->tx_prod.wrap, c->tx_prod.count,
			c->tx_cons.wrap, c->tx_cons.count);
	}
	if (s->has_group)
		fprintf(to, " role=%s link=%u dev=%s gid=%s peer_gid=%s", s->group.role != 0 ? "server" : "client",
			link->link_id, (const char *)link->ibname, (const char *)link->gid,
			(const char *)link->peer_gid);
}

struct search {
	__u64 inode;
	struct diag_socket found;
	bool hit;
};

static void match(const struct diag_socket *s, void *arg)
{
	struct search *search = arg;

	if (s->msg.diag_inode == search->inode) {
		search->found = *s;
		search->hit = true;
	}
}

void diag_print_fd(int fd, FILE *to)
{
	struct search search = { .hit = false };
	struct stat st;

	if (fstat(fd, &st) == 0) {
		search.inode = st.st_ino;
		(void)diag_walk(match, &search);
	}
	if (search.hit)
		diag_print(&search.found, to);
	else
		fprintf(to, "mode=none");
}
