/* publish_impl.h: what the files of the publish protocol share; private to zones/. */
#ifndef LEAT_ZONES_PUBLISH_IMPL_H
#define LEAT_ZONES_PUBLISH_IMPL_H

#include "zones/publish.h"

struct file_row;

bool output_is_delta(const json_t *output);
/* <dataset>/_delta_log/<n>.json or <dataset>/_leat/<n>.json; malloc'ed. */
char *entry_path(const char *dataset, bool delta, int64_t version);
/* Who wrote a version's log entry. 0 read, 1 there is none, -1. */
int entry_token(const char *dataset, bool delta, int64_t version, struct publish_ahead *out, struct err *err);
/* A live file as an entry of the plan's removes. */
json_t *plan_remove_of(const struct file_row *f);

#endif
