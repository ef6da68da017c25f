/* tz_set.h: zones that are loaded once and shared: a thousand schedules in Europe/Berlin hold one copy of
 * it. */
#ifndef LEAT_BASE_TZ_SET_H
#define LEAT_BASE_TZ_SET_H

#include "base/tz.h"

struct tz_set;

struct tz_set *tz_set_new(void);
void tz_set_free(struct tz_set *s); /* the zones live on with who has them; NULL is fine */
/* As tz_load(): the caller frees. Loaded anew when its data has changed since. Any thread may ask; s NULL:
 * just loaded. */
struct tz *tz_set_load(struct tz_set *s, const char *name, struct err *err);

#endif
