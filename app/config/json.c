/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/field.h"

/* Larger is no configuration; a bound, because the file is read whole. */
#define FILE_MAX (16u << 20)

/* What some editors put in front says that it is UTF-8, which it has to be anyway (RFC 8259 8.1 lets a reader skip
 * it). */
static const char utf8_mark[] = "\xef\xbb\xbf";

static bool
begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

int
cfg_json_parse(const char *name, const char *text, size_t len, json_t **out, struct cfg_errors *errs)
{
	json_error_t e;
	char at[256];

	if (begins(text, len, "\xff\xfe") || begins(text, len, "\xfe\xff")) {
		*out = NULL;
		cfg_error(errs, name, "found UTF-16 text, allowed: UTF-8; save it as that");
		return -EINVAL;
	}
	if (begins(text, len, utf8_mark)) {
		text += strlen(utf8_mark);
		len -= strlen(utf8_mark);
	}
	*out = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (*out != NULL)
		return 0;
	snprintf(at, sizeof(at), "%s:%d:%d", name, e.line, e.column);
	cfg_error(errs, at, "%s", e.text);
	return -EINVAL;
}

static int
read_file(const char *file, char **text, size_t *len)
{
	FILE *f = fopen(file, "r");
	int rc = 0;

	*text = NULL;
	if (f == NULL)
		return -errno;
	*text = malloc(FILE_MAX + 1);
	if (*text == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	*len = fread(*text, 1, FILE_MAX + 1, f);
	if (ferror(f))
		rc = -errno;
	else if (*len > FILE_MAX)
		rc = -EFBIG;
out:
	fclose(f);
	return rc;
}

int
cfg_json_load(const char *file, json_t **out, struct cfg_errors *errs)
{
	size_t len = 0;
	char *text;
	int rc = read_file(file, &text, &len);

	*out = NULL;
	if (rc < 0)
		cfg_error(errs, file, "cannot read it: %s", strerror(-rc));
	else
		rc = cfg_json_parse(file, text, len, out, errs);
	free(text);
	return rc;
}
