/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/service/http_content.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_memory.h>
#include <rte_mempool.h>

#include "pmd/base/log.h"

#define HTTP_REFS 16384
#define HTTP_MAX_FILES 65536

static const char *media_type(const char *path)
{
	static const struct { const char *ending, *type; } types[] = {
		{ ".html", "text/html" }, { ".htm", "text/html" }, { ".txt", "text/plain" }, { ".css", "text/css" },
		{ ".js", "text/javascript" }, { ".json", "application/json" }, { ".xml", "application/xml" },
		{ ".svg", "image/svg+xml" }, { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".gif", "image/gif" },
	};
	const char *dot = strrchr(path, '.');

	for (unsigned i = 0; dot != NULL && i < RTE_DIM(types); i++)
		if (strcmp(dot, types[i].ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

void http_body_head(struct http_body *b)
{
	b->head_len = (uint16_t)snprintf(b->head, sizeof(b->head), "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n",
					 b->type, b->size);
}

static int add_body(struct http_content *c, const char *path, uint64_t size)
{
	struct http_body *b = realloc(c->bodies, (c->n + 1) * sizeof(*b));

	if (b == NULL)
		return -ENOMEM;
	c->bodies = b;
	b[c->n] = (struct http_body){ .path = strdup(path), .size = size };
	b[c->n].type = strcmp(path, "/") == 0 ? "text/plain" : media_type(path);
	http_body_head(&b[c->n]);
	return b[c->n].path == NULL ? -ENOMEM : (c->n++, 0);
}

/* nftw() hands nothing through to its callback; loading happens on the main
 * lcore only, one directory at a time. */
static struct {
	struct http_content *content;
	size_t prefix;
	uint64_t total, max;
	int rc;
} walk;

static int walk_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	if (path[ftw->base] == '.' && ftw->level > 0)
		return kind == FTW_D ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
	if (kind != FTW_F || !S_ISREG(st->st_mode))
		return FTW_CONTINUE;
	walk.total += st->st_size;
	if (walk.total > walk.max || walk.content->n >= HTTP_MAX_FILES)
		walk.rc = -EFBIG;
	else
		walk.rc = add_body(walk.content, path + walk.prefix, st->st_size);
	return walk.rc < 0 ? FTW_STOP : FTW_CONTINUE;
}

static int find_files(struct http_content *c, const char *directory, uint64_t max, uint64_t *total)
{
	size_t len = strlen(directory);

	while (len > 1 && directory[len - 1] == '/')
		len--;
	walk.content = c;
	walk.prefix = len;
	walk.total = 0;
	walk.max = max;
	walk.rc = 0;
	if (nftw(directory, walk_file, 16, FTW_PHYS | FTW_ACTIONRETVAL) < 0)
		return -errno;
	*total = walk.total;
	return walk.rc;
}

static int read_file(const char *directory, struct http_body *b)
{
	char path[PATH_MAX];
	uint64_t done = 0;
	int fd;

	if (snprintf(path, sizeof(path), "%s%s", directory, b->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < b->size) {
		ssize_t n = read(fd, b->data + done, b->size - done);

		if (n <= 0) {
			int rc = n < 0 ? -errno : -EIO; /* shrank while we read it */

			close(fd);
			return rc;
		}
		done += n;
	}
	close(fd);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct http_body *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void fill_body(struct http_body *b)
{
	static const char line[] = "smcgate serves this page from its own TCP/IP stack.\n";

	for (uint64_t i = 0; i < b->size; i++)
		b->data[i] = line[i % (sizeof(line) - 1)];
}

static int place_bodies(struct http_content *c, const char *name, const char *directory, unsigned n_files)
{
	char arena_name[64];
	size_t total = 0;
	int rc;

	for (unsigned i = 0; i < c->n; i++)
		total += RTE_ALIGN_CEIL(c->bodies[i].size, RTE_CACHE_LINE_SIZE);
	if (total == 0)
		return 0;
	snprintf(arena_name, sizeof(arena_name), "http-%s", name);
	rc = arena_create(&c->arena, arena_name, total, -1, false);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < c->n; i++) {
		struct http_body *b = &c->bodies[i];

		if (b->size == 0)
			continue;
		b->data = arena_alloc(c->arena, b->size, RTE_CACHE_LINE_SIZE);
		if (b->data == NULL)
			return -ENOMEM;
		if (i >= n_files) {
			fill_body(b);
		} else {
			rc = read_file(directory, b);
			if (rc < 0) {
				LOG(SERVICE, ERR, "http %s: %s%s: %s", name, directory, b->path, strerror(-rc));
				return rc;
			}
		}
		b->iova = rte_mem_virt2iova(b->data);
	}
	return 0;
}

int http_content_load(struct http_content **out, const char *name, const char *directory, uint64_t body_bytes,
		      uint64_t max_bytes)
{
	struct http_content *c = calloc(1, sizeof(*c));
	uint64_t total = 0;
	bool index = false;
	unsigned n_files;
	char pool_name[RTE_MEMPOOL_NAMESIZE];
	int rc = 0;

	if (c == NULL)
		return -ENOMEM;
	if (directory[0] != '\0')
		rc = find_files(c, directory, max_bytes, &total);
	n_files = c->n;
	for (unsigned i = 0; rc == 0 && i < n_files; i++) {
		if (strcmp(c->bodies[i].path, "/index.html") == 0)
			index = true;
	}
	if (rc == 0 && !index)
		rc = add_body(c, "/", body_bytes);
	if (rc == 0)
		rc = place_bodies(c, name, directory, n_files);
	if (rc < 0) {
		LOG(SERVICE, ERR, "http %s: cannot load %s (at most %" PRIu64 " octets): %s", name,
		    directory[0] != '\0' ? directory : "the body", max_bytes, strerror(-rc));
		http_content_free(c);
		return rc;
	}
	snprintf(pool_name, sizeof(pool_name), "http-%.18s", name);
	c->refs = rte_mempool_create(pool_name, HTTP_REFS - 1, sizeof(struct rte_mbuf_ext_shared_info), 256, 0, NULL, NULL,
				     NULL, NULL, SOCKET_ID_ANY, 0);
	if (c->refs == NULL) {
		http_content_free(c);
		return -ENOMEM;
	}
	qsort(c->bodies, c->n, sizeof(*c->bodies), by_path);
	*out = c;
	return 0;
}

void http_content_free(struct http_content *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->bodies[i].path);
	free(c->bodies);
	rte_mempool_free(c->refs);
	if (c->arena != NULL)
		arena_destroy(c->arena);
	free(c);
}

const struct http_body *http_content_find(const struct http_content *c, const char *path)
{
	struct http_body key = { .path = (char *)(uintptr_t)path };
	const struct http_body *b = bsearch(&key, c->bodies, c->n, sizeof(key), by_path);

	if (b == NULL && strcmp(path, "/") == 0) {
		key.path = (char *)(uintptr_t)"/index.html";
		b = bsearch(&key, c->bodies, c->n, sizeof(key), by_path);
	}
	return b;
}

static void ref_done(void *addr, void *opaque)
{
	struct rte_mbuf_ext_shared_info *info = opaque;

	rte_mempool_put(rte_mempool_from_obj(info), info);
}

/* One counter a reference: a counter a body would overflow its 16 bits when
 * thousands of connections are sent the same file. */
static struct rte_mbuf *body_ref(const struct http_content *c, const struct http_body *b, struct rte_mempool *pool,
				 uint64_t off, uint16_t len)
{
	struct rte_mbuf_ext_shared_info *info;
	struct rte_mbuf *m;

	if (rte_mempool_get(c->refs, (void **)&info) < 0)
		return NULL;
	m = rte_pktmbuf_alloc(pool);
	if (m == NULL) {
		rte_mempool_put(c->refs, info);
		return NULL;
	}
	info->free_cb = ref_done;
	info->fcb_opaque = info;
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(m, b->data + off, b->iova + off, len, info);
	m->data_off = 0;
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

struct rte_mbuf *http_body_refs(const struct http_content *c, const struct http_body *b, struct rte_mempool *pool,
				uint64_t off, uint32_t max, uint32_t *len)
{
	struct rte_mbuf *head = NULL, **tail = &head, *m;

	*len = 0;
	while (off < b->size && *len < max) {
		uint64_t left = RTE_MIN(b->size - off, (uint64_t)(max - *len));
		uint16_t n = RTE_MIN(left, (uint64_t)HTTP_REF_MAX);

		m = body_ref(c, b, pool, off, n);
		if (m == NULL)
			break;
		*tail = m;
		tail = &m->next;
		*len += n;
		off += n;
	}
	return head;
}
