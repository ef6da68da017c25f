/* windowed.h: what the window is to a step. Pure.
 *
 * In a run about an explicit window, where bookmarks stay as they are:
 *
 *   a bookmark of files or values   would read what is new, whatever the window: it is left out, unless its
 *                                   values name window.* and it replaces partitions
 *   `__new` of a dataset            appended: left out; else it reads the whole
 *   promote                         takes the window's rows by its `select`; without one it cannot tell which
 *                                   they are, and the run is refused
 *   all others                      run */
#ifndef LEAT_SCHEDULER_WINDOWED_H
#define LEAT_SCHEDULER_WINDOWED_H

#include "dag/pipeline.h"

/* Whether the window may change what it does. Verbs of Leat's own see it only where their values name it; of a
 * process nobody knows. */
bool step_sees_window(const struct step *s);

enum in_window { IN_WINDOW_RUNS, IN_WINDOW_LEFT_OUT, IN_WINDOW_REFUSED };

/* *why: a clause for people ("its bookmark …"), static; "" when it runs. May be NULL. */
enum in_window step_in_window(const struct step *s, const char **why);

#endif
