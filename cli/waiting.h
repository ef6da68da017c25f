/* waiting.h: what an attended attempt waits for, as its row tells it. */
#ifndef LEAT_CLI_WAITING_H
#define LEAT_CLI_WAITING_H

#include "cli/view.h"
#include "store/attempts.h"

/* "waiting 3m12s for landing/x.csv, at most until 06:00: what the last look met"; "run 12 of kid"; NULL when
 * the attempt is over, or waits for nothing. In the view's arena. */
const char *waiting_text(struct view *v, const struct attempt_row *a);
/* {"run", "step", "for" or "pipeline", "since", "until", "problem"}; NULL likewise. New reference. */
json_t *waiting_json(const struct attempt_row *a);

#endif
