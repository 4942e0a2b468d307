/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/field.h"

/* Keys and values come from the file: what is not printable is shown as '?', so
 * that a message cannot carry escape sequences to a terminal. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
	}
}

void
cfg_error(struct cfg_errors *e, const char *path, const char *fmt, ...)
{
	char **lines;
	char *text = NULL, *line = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		goto lost;
	n = asprintf(&line, "%s: %s", path, text);
	free(text);
	if (n < 0)
		goto lost;
	if (e->n == CFG_ERRORS_MAX)
		goto lost_line;
	lines = realloc(e->lines, (e->n + 1) * sizeof(*lines));
	if (lines == NULL)
		goto lost_line;
	make_printable(line);
	e->lines = lines;
	e->lines[e->n++] = line;
	return;
lost_line:
	free(line);
lost:
	e->dropped++;
}

/* Is the line about path, about something in it, or about something it is in? */
static bool
concerns(const char *line, const char *path)
{
	size_t same = 0;

	while (path[same] != '\0' && line[same] == path[same])
		same++;
	if (path[same] == '\0')
		return strchr(".[:", line[same]) != NULL;
	return line[same] == ':' && strchr(".[", path[same]) != NULL;
}

bool
cfg_errors_clean(const struct cfg_errors *e, const char *path)
{
	for (unsigned i = 0; i < e->n_read; i++) {
		if (concerns(e->lines[i], path))
			return false;
	}
	return e->dropped == 0;
}

void
cfg_errors_print(const struct cfg_errors *e, const char *program, FILE *out)
{
	for (unsigned i = 0; i < e->n; i++)
		fprintf(out, "%s: %s\n", program, e->lines[i]);
	if (e->dropped != 0)
		fprintf(out, "%s: and %u more\n", program, e->dropped);
}

void
cfg_errors_free(struct cfg_errors *e)
{
	for (unsigned i = 0; i < e->n; i++)
		free(e->lines[i]);
	free(e->lines);
	memset(e, 0, sizeof(*e));
}
