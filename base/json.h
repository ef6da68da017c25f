/* json.h: small conveniences over jansson. Getters never fail: a missing or wrongly typed member gives the
 * default. */
#ifndef LEAT_BASE_JSON_H
#define LEAT_BASE_JSON_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

const char *json_text(const json_t *obj, const char *key); /* borrowed; NULL when absent or not text */
const char *json_text_or(const json_t *obj, const char *key, const char *otherwise);
int64_t json_int(const json_t *obj, const char *key, int64_t otherwise);
double json_num(const json_t *obj, const char *key, double otherwise); /* integer or real */
bool json_flag(const json_t *obj, const char *key);                    /* true only for `true` */
void json_put(json_t *obj, const char *key, json_t *value);         /* steals value; NULL value stores null */
void json_put_text(json_t *obj, const char *key, const char *text); /* NULL text stores null */
json_t *json_words(const char *text); /* a string; what is not UTF-8 is U+FFFD in it */

json_t *json_load_path(const char *path, struct err *err); /* new reference; errors name path:line:col */
json_t *json_parse(const char *text, struct err *err);     /* new reference */
char *json_line(const json_t *v);                          /* compact, one line, malloc'ed */

#endif
