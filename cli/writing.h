/* writing.h: what the verbs that change something small (a bookmark, a dataset's version) share.
 *
 * They are writers like `run`: they take the instance lock and recover what a crash left before they change
 * anything (contract.md 18). The lock is not held while a person is asked. */
#ifndef LEAT_CLI_WRITING_H
#define LEAT_CLI_WRITING_H

#include "cli/running.h"
#include "cli/view.h"

/* Recovers when there is something to recover, so that what is shown next is how things are. Opens the view
 * anew afterwards. */
int writing_prepare(struct view *v, struct err *err);
/* Recovers, then calls change(conductor, ctx) as the only writer. */
int writing_apply(struct view *v, int (*change)(struct conductor *k, void *ctx, struct err *err), void *ctx,
                  struct err *err);
/* Who does it, for histories: the user's name. */
const char *writing_author(void);
/* With --no-input nobody is asked, so the history must at least learn why: needs --reason. */
int writing_check_reason(const struct cli *c, struct err *err);

#endif
