// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

static union {
	char octets[4096];
	struct nlmsghdr head;
} request;

static int family_found;

void netlink_begin(uint16_t family, uint8_t command, uint16_t flags)
{
	struct genlmsghdr *g = NLMSG_DATA(&request.head);

	memset(&request, 0, sizeof(request));
	request.head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request.head.nlmsg_type = family;
	request.head.nlmsg_flags = NLM_F_REQUEST | flags;
	g->cmd = command;
	g->version = 1;
}

void netlink_put(uint16_t type, const void *value, size_t len)
{
	struct nlattr *a = (void *)(request.octets + NLMSG_ALIGN(request.head.nlmsg_len));

	if (request.head.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(len) + NLA_ALIGNTO > sizeof(request))
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((char *)a + NLA_HDRLEN, value, len);
	request.head.nlmsg_len = NLMSG_ALIGN(request.head.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static void print_value(const char *tag, bool text, const char *value, size_t len)
{
	uint64_t number = 0;

	if (text) {
		printf("%s=%.*s ", tag, (int)len, value);
	} else if (len > 0 && len <= sizeof(number)) {
		memcpy(&number, value, len);
		printf(len == 4 ? "%s=0x%" PRIx64 " " : "%s=%" PRIu64 " ", tag, number);
	}
}

static const struct netlink_name *lookup(const struct netlink_name *names, uint16_t type)
{
	while (names != NULL && names->name != NULL && names->type != type)
		names++;
	return names != NULL && names->name != NULL ? names : NULL;
}

static void print_attributes(const char *p, size_t left, const struct netlink_name *names, const char *prefix)
{
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t len = a->nla_len, step = NLA_ALIGN(len);
		uint16_t type = a->nla_type & NLA_TYPE_MASK;
		const struct netlink_name *n = lookup(names, type);
		char tag[128];

		if (len < NLA_HDRLEN || len > left)
			return;
		if (n != NULL)
			snprintf(tag, sizeof(tag), "%s%s%s", prefix, *prefix ? "." : "", n->name);
		else
			snprintf(tag, sizeof(tag), "%s%s%u", prefix, *prefix ? "." : "", type);
		if (n != NULL && n->sub != NULL)
			print_attributes(p + NLA_HDRLEN, len - NLA_HDRLEN, n->sub, tag);
		else
			print_value(tag, n != NULL && n->text, p + NLA_HDRLEN, len - NLA_HDRLEN);
		p += step;
		left = step < left ? left - step : 0;
	}
}

static void take_family(const char *p, size_t left)
{
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t step = NLA_ALIGN(a->nla_len);
		uint16_t id;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return;
		if (a->nla_type == CTRL_ATTR_FAMILY_ID) {
			memcpy(&id, p + NLA_HDRLEN, sizeof(id));
			family_found = id;
		}
		p += step;
		left = step < left ? left - step : 0;
	}
}

/* 1 while there is more to come, else the result. */
static int take_messages(char *data, size_t len, const struct netlink_name *names)
{
	for (struct nlmsghdr *h = (void *)data; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		const char *body = (char *)NLMSG_DATA(h) + GENL_HDRLEN;
		size_t body_len;

		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
			continue;
		body_len = h->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
		if (names == NULL) {
			take_family(body, body_len);
		} else {
			print_attributes(body, body_len, names, "");
			printf("\n");
		}
	}
	return 1;
}

int netlink_talk(const struct netlink_name *names)
{
	_Alignas(struct nlmsghdr) char data[32768];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), rc = 1;

	if (fd < 0)
		return -errno;
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		rc = -errno;
	while (rc == 1) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		rc = n > 0 ? take_messages(data, (size_t)n, names) : -EIO;
	}
	close(fd);
	return rc;
}

int netlink_family(const char *name)
{
	int rc;

	family_found = -ENOENT;
	netlink_begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	netlink_put(CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	rc = netlink_talk(NULL);
	return rc != 0 ? rc : family_found;
}
