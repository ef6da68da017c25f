/* select.h: which pipelines are meant: the words that every verb over pipelines takes (design: cli.md
 * "Selection syntax").
 *
 *   orders              the pipeline of that name; the path of a file
 *   orders_*            names that match (fnmatch)
 *   tag:finance         that have the tag
 *   dataset:raw.orders  that write it
 *   zone:trusted        that write into it
 *   state:WORD          broken paused queued running stale: what is so now
 *   result:WORD         ok warn failed cancelled: how its last run ended
 *
 * Several words mean all that any of them means; none means all there are. A name, pattern, tag, dataset or
 * zone that nothing has is a mistake (exit 4); that nothing is in a state is an answer. */
#ifndef LEAT_CLI_SELECT_H
#define LEAT_CLI_SELECT_H

#include "cli/view.h"

struct selected {
    const char *name;    /* NULL: its file does not say */
    const char *path;    /* NULL: it has no file any more; the database knows it */
    const char *shown;   /* its name, else its file as the project sees it */
    const char *problem; /* of its file, as far as a word asked (state:broken); NULL: none */
};

struct selection {
    struct selected *list; /* in order of files, then of names; in the arena, as all its texts */
    size_t count;
};

/* It may mean several: a pattern, or a word with a colon. */
bool select_is_wide(const char *word);
/* 0, or -1 with err. */
int select_pipelines(struct view *v, char *const *words, size_t word_count, struct selection *out,
                     struct err *err);
/* NULL: it is not among them. By the name, or the file of what has none. */
const struct selected *selection_find(const struct selection *s, const char *shown);

#endif
