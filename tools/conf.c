/*
 * Nothing of the file is believed: a value is text for somebody else to read,
 * and is not printed here.
 */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Where the line ends, without its comment and the blanks before that. */
static char *
end_of(char *p, char *end)
{
	char *q;

	for (q = p; q < end; q++)
		if (*q == '#' && (q == p || is_blank(q[-1])))
			break;
	while (q > p && is_blank(q[-1]))
		q--;
	return q;
}

/* One line into out, if there is something on it; why it is wrong, or NULL. */
static const char *
take_line(char *p, char *end, struct conf_entry *out)
{
	char *q;

	for (q = p; q < end; q++)
		if (((unsigned char)*q < ' ' && !is_blank(*q)) || *q == 0x7f)
			return "a control character";
	end = end_of(p, end);
	while (p < end && is_blank(*p))
		p++;
	if (p == end)
		return NULL;
	for (q = p; q < end && is_key(*q); q++)
		;
	out->key = p;
	p = q;
	while (p < end && is_blank(*p))
		p++;
	if (q == out->key || p == end || *p != '=')
		return "is not: key = value";
	for (p++; p < end && is_blank(*p); p++)
		;
	/* One that begins with '#' would be a comment behind a blank. */
	if (p == end || *p == '#')
		return "no value behind =";
	out->value = p;
	*q = '\0';
	*end = '\0';
	return NULL;
}

unsigned
conf_parse(char *text, size_t len, struct conf *out, const char **why)
{
	char *p = text, *end = text + len, *stop;
	struct conf_entry e;
	unsigned line;

	out->n = 0;
	for (line = 1; p < end; line++, p = stop + 1) {
		if ((stop = memchr(p, '\n', (size_t)(end - p))) == NULL)
			stop = end;
		e = (struct conf_entry){ .line = line };
		if ((*why = take_line(p, stop, &e)) != NULL)
			return line;
		if (e.key == NULL)
			continue;
		if (out->n == CONF_ENTRIES) {
			*why = "too many settings";
			return line;
		}
		out->list[out->n++] = e;
	}
	return 0;
}

static int
check_file(const struct stat *st, const char **why)
{
	if (!S_ISREG(st->st_mode)) {
		*why = "not a regular file";
		return -EINVAL;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		*why = "group or others may write it (chmod go-w it)";
		return -EPERM;
	}
	if (st->st_size > CONF_MAX) {
		*why = "too large";
		return -EFBIG;
	}
	return 0;
}

/* It may grow while it is read: a byte more than there may be is too much. */
static int
read_all(int fd, char *text, size_t *len)
{
	ssize_t n = 1;

	for (*len = 0; n > 0 && *len <= CONF_MAX; *len += (size_t)n)
		if ((n = read(fd, text + *len, CONF_MAX + 1 - *len)) < 0)
			return -errno;
	return *len > CONF_MAX ? -EFBIG : 0;
}

int
conf_read(const char *path, char **text, size_t *len, const char **why)
{
	struct stat st;
	int fd, e;

	*why = NULL;
	*text = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		e = -errno;
	else if ((e = check_file(&st, why)) == 0 &&
	    (*text = malloc(CONF_MAX + 2)) == NULL)
		e = -ENOMEM;
	if (e == 0 && (e = read_all(fd, *text, len)) == 0)
		(*text)[*len] = '\0';
	close(fd);
	if (e != 0) {
		free(*text);
		*text = NULL;
	}
	return e;
}
