/* wiring.h: how the pipelines of a project hang together: who runs whom by a `pipeline:` step, who writes
 * which dataset, and who starts `after:` which.
 *
 * One graph over pipelines with edges of two kinds: a step that runs another pipeline, and a dataset that one
 * writes and another starts after. A circle in it would start itself for ever: it is refused. What is asked
 * about one dataset or one pipeline costs what it reaches, however many pipelines there are; names are
 * copied, so that a definition may be let go. */
#ifndef LEAT_DAG_WIRING_H
#define LEAT_DAG_WIRING_H

#include "dag/pipeline.h"

struct wiring;

struct wiring *wiring_new(void);
void wiring_free(struct wiring *w); /* NULL is fine */

/* What this pipeline runs, writes and starts after, in place of what was known of its name. */
void wiring_put(struct wiring *w, const struct pipeline *p);
void wiring_drop(struct wiring *w, const char *name); /* it does nothing any more */

/* The pipelines that write a dataset, in order of their names: i from 0; NULL at the end. Borrowed until the
 * next change. */
const char *wiring_writer(const struct wiring *w, const char *dataset, size_t i);
/* The datasets that a pipeline writes; likewise. */
const char *wiring_written(const struct wiring *w, const char *pipeline, size_t i);

/* Whether p (as it was put last) starts itself in the end: E0414 where only `pipeline:` steps lead back to
 * it, E0416 where a dataset does, with the path; at the words of p that are part of it. A circle that p leads
 * into but is no part of is the business of its members. */
void wiring_check(struct wiring *w, const struct pipeline *p, struct diags *d);
/* W0111 at a dataset that p and another one write, not both saying `shared: true` (contract 34). */
void wiring_check_shared(struct wiring *w, const struct pipeline *p, struct diags *d);
/* When every pipeline of the project has been put: W0112 at a dataset p starts after and nobody writes. */
void wiring_check_awaited(const struct wiring *w, const struct pipeline *p, struct diags *d);

#endif
