/* windowed.c: see windowed.h. */
#include "scheduler/plans/windowed.h"

#include "dag/value.h"
#include "operators/op.h"

static const char no_select[] = "it cannot tell which rows are the window's: give it a `select` that uses "
                                "${window.start} and ${window.end}";
static const char appends_new[] = "it brings what its bookmark finds, whatever the window";

static bool promotes(const struct step *s) {
    size_t n;
    return op_verbs(&n)[s->verb]->traits & VERB_PROMOTE;
}

static bool replaces_its_window(const struct step *s) {
    return s->into->write == WRITE_REPLACE_PARTITIONS && s->uses_window;
}

static bool is_left_out(const struct step *s) {
    if (!s->into) return false;
    if (s->bookmark == BOOKMARK_VERSION) return s->into->write == WRITE_APPEND;
    return s->bookmark && !replaces_its_window(s);
}

bool step_sees_window(const struct step *s) {
    size_t n;
    unsigned own = VERB_SQL | VERB_EXTRACT | VERB_PROMOTE;
    return s->uses_window || !(op_verbs(&n)[s->verb]->traits & own);
}

enum in_window step_in_window(const struct step *s, const char **why) {
    bool lost = promotes(s) && !value_member(s->config, "select");
    bool left_out = !promotes(s) && is_left_out(s);
    if (why) *why = lost ? no_select : left_out ? appends_new : "";
    return lost ? IN_WINDOW_REFUSED : left_out ? IN_WINDOW_LEFT_OUT : IN_WINDOW_RUNS;
}
