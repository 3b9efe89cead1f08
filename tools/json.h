/*
 * tools/json.h -- events for programs: one JSON object a line on stdout.
 *
 * json_begin(), fields, json_end(), which writes the line out.  Text may be a
 * peer's: whatever it holds, what is printed is printable ASCII, and valid
 * UTF-8 is found again in it unchanged.  One thread at a time.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void	json_begin(const char *event);
void	json_end(void);

/* Fields; name is NULL for the values of an array. */
void	json_text(const char *name, const char *value);
void	json_bytes(const char *name, const void *value, size_t len);
void	json_uint(const char *name, uint64_t value);
void	json_time(const char *name, double seconds);
void	json_bool(const char *name, bool value);
void	json_null(const char *name);
/* values ends in NULL. */
void	json_list(const char *name, char *const *values);

/* Objects and arrays inside. */
void	json_object_begin(const char *name);
void	json_object_end(void);
void	json_array_begin(const char *name);
void	json_array_end(void);

#endif
