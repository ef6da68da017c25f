/* tz_set.c: see tz_set.h. A project names few zones: a list is enough. */
#include "base/tz_set.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct tz_set {
    pthread_mutex_t lock;
    struct tz **list;
    size_t count, cap;
};

struct tz_set *tz_set_new(void) {
    struct tz_set *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void tz_set_free(struct tz_set *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) tz_free(s->list[i]);
    pthread_mutex_destroy(&s->lock);
    free(s->list);
    free(s);
}

static struct tz **place_of(struct tz_set *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(tz_name(s->list[i]), name) == 0) return &s->list[i];
    return NULL;
}

static struct tz *load(struct tz_set *s, const char *name, struct err *err) {
    struct tz **at = place_of(s, name);
    if (at && !tz_changed(*at)) return tz_share(*at);
    struct tz *z = tz_load(name, err);
    if (!z) return NULL;
    if (at) {
        tz_free(*at);
        *at = z;
        return tz_share(z);
    }
    GROW(s->list, s->count, s->cap);
    s->list[s->count++] = z;
    return tz_share(z);
}

struct tz *tz_set_load(struct tz_set *s, const char *name, struct err *err) {
    if (!s) return tz_load(name, err);
    pthread_mutex_lock(&s->lock);
    struct tz *z = load(s, name, err);
    pthread_mutex_unlock(&s->lock);
    return z;
}
