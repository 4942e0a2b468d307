/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the http service serves: a body of N octets, and the files of a
 * directory, loaded once at start into an arena and shared read-only by all
 * lcores. Made and freed by the main lcore.
 */
#ifndef HTTP_CONTENT_H
#define HTTP_CONTENT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "pmd/base/arena.h"

struct http_body {
	char *path;            /* as requested, "/" in front */
	const char *type;      /* media type */
	uint8_t *data;         /* in the arena; NULL when empty */
	rte_iova_t iova;
	uint64_t size;
	char head[128];        /* Content-Type and Content-Length lines, ready to send */
	uint16_t head_len;
};

struct http_content {
	struct http_body *bodies; /* sorted by path */
	unsigned n;
	struct arena *arena;      /* NULL when everything is empty */
	struct rte_mempool *refs; /* references to pieces of bodies that TCP holds */
};

/* Write the lines of b->head from its type and size. */
void http_body_head(struct http_body *b);

/*
 * The body "/" of body_bytes octets (unless the directory has an index.html,
 * which takes its place), and every regular file below directory ("" for
 * none), symbolic links and dot files left out; together at most max_bytes.
 * Logs what is wrong. Errors: -EFBIG, -ENOMEM, -ENOENT and others of open().
 */
int http_content_load(struct http_content **out, const char *name, const char *directory, uint64_t body_bytes,
		      uint64_t max_bytes);
void http_content_free(struct http_content *c);
const struct http_body *http_content_find(const struct http_content *c, const char *path);

/* Most octets one reference covers. */
#define HTTP_REF_MAX 32768

/* A chain of at most max octets of the body from off on, made of buffers of
 * pool (no data room needed) that point into the arena; *len says how many it
 * holds, 0 if the pools are dry. Any lcore. */
struct rte_mbuf *http_body_refs(const struct http_content *c, const struct http_body *b, struct rte_mempool *pool,
				uint64_t off, uint32_t max, uint32_t *len);

#endif
