/* commands.c: the table of verbs, and finding one in it. */
#include "base/suggest.h"
#include "cli/verbs.h"

#include <string.h>

const struct command *const commands[] = {
    &command_validate,
    &command_run,
    &command_serve,
    &command_backfill,
    &command_backfill_list,
    &command_backfill_show,
    &command_backfill_pause,
    &command_backfill_resume,
    &command_backfill_cancel,
    &command_retry,
    &command_restate,
    &command_cancel,
    &command_pause,
    &command_resume,
    &command_runs,
    &command_runs_show,
    &command_status,
    &command_forecast,
    &command_why,
    &command_next,
    &command_logs,
    &command_sql,
    &command_zone_list,
    &command_zone_show,
    &command_zone_history,
    &command_zone_rollback,
    &command_zone_repair,
    &command_bookmark_list,
    &command_bookmark_show,
    &command_bookmark_history,
    &command_bookmark_set,
    &command_bookmark_reset,
    &command_bookmark_rewind,
    &command_bookmark_undo,
    &command_explain,
    &command_schema,
    &command_help,
    &command_version,
    &command_worker,
    NULL,
};

static bool is_first_word(const char *name, const char *word) {
    size_t n = strlen(word);
    return strncmp(name, word, n) == 0 && (name[n] == '\0' || name[n] == ' ');
}

static const struct command *find_two(const char *first, const char *second) {
    for (const struct command *const *c = commands; *c; c++) {
        const char *space = strchr((*c)->name, ' ');
        if (space && is_first_word((*c)->name, first) && strcmp(space + 1, second) == 0) return *c;
    }
    return NULL;
}

static const struct command *find_one(const char *word) {
    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, word) == 0) return *c;
        if ((*c)->alias && strcmp((*c)->alias, word) == 0) return *c;
    }
    return NULL;
}

enum { NAMES_MAX = 128 };

/* First words (noun NULL) or the second words of a noun. */
static size_t names_of(const char *noun, const char **names) {
    size_t n = 0;
    for (const struct command *const *c = commands; *c && n + 1 < NAMES_MAX; c++) {
        const char *space = strchr((*c)->name, ' ');
        if (noun && space && is_first_word((*c)->name, noun)) names[n++] = space + 1;
        if (noun || (*c)->group == GROUP_HIDDEN) continue;
        if (!space) names[n++] = (*c)->name;
        if ((*c)->alias) names[n++] = (*c)->alias;
    }
    return n;
}

static void unknown(const char *noun, const char *word, struct err *err) {
    const char *names[NAMES_MAX];
    const char *meant = suggest(word, names, names_of(noun, names));
    err_set(err, EX_USAGE, "unknown verb `%s%s%s`", noun ? noun : "", noun ? " " : "", word);
    if (meant)
        err_hint(err, "did you mean `leat %s%s%s`?", noun ? noun : "", noun ? " " : "", meant);
    else
        err_hint(err, "see `leat help`");
}

static void bare_noun(const char *noun, const char *const *names, size_t n, struct err *err) {
    char list[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < n && len < sizeof list - 32; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", names[i]);
    err_set(err, EX_USAGE, "`leat %s` needs one of: %s", noun, list);
    err_hint(err, "see `leat %s %s --help`", noun, names[0]);
}

const struct command *command_find(char *const *words, size_t n, size_t *used, struct err *err) {
    const struct command *two = n > 1 ? find_two(words[0], words[1]) : NULL;
    *used = two ? 2 : 1;
    if (two) return two;
    const struct command *one = find_one(words[0]);
    if (one) return one;
    const char *names[NAMES_MAX];
    size_t subs = names_of(words[0], names);
    if (subs == 0)
        unknown(NULL, words[0], err);
    else if (n > 1)
        unknown(words[0], words[1], err);
    else
        bare_noun(words[0], names, subs, err);
    return NULL;
}
