/* sql.c: `leat sql`: ad-hoc SELECTs over the zones' datasets and the project's files.
 *
 * The embedded engine is loaded in a child process only, so that a query that runs out of memory takes down
 * nothing else, and this program stays small. The child does everything: it reads the statement's tables from
 * its syntax tree, pins the live version of each (or the one that zone.name@version says), and prints. */
#include "cli/sql.h"
#include "base/json.h"
#include "base/suggest.h"
#include "cli/verbs.h"
#include "cli/zone.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- zone.name@version --------------------------------------------------------------------------------- */

static bool is_word(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The end of a quoted text or a comment that begins at s[i]; i when none does. */
static size_t skip_quoted(const char *s, size_t i) {
    if (s[i] == '\'' || s[i] == '"') {
        char quote = s[i++];
        while (s[i] && s[i] != quote) i++;
        return s[i] ? i + 1 : i;
    }
    if (s[i] == '-' && s[i + 1] == '-') return i + strcspn(s + i, "\n");
    if (s[i] == '/' && s[i + 1] == '*') {
        const char *end = strstr(s + i + 2, "*/");
        return end ? (size_t)(end - s) + 2 : i + strlen(s + i);
    }
    return i;
}

/* The length of `12` or `v12`, a version as every table shows it; 0: there is none. */
static size_t version_length(const char *s) {
    size_t mark = *s == 'v', digits = strspn(s + mark, "0123456789");
    return digits ? mark + digits : 0;
}

/* zone.name@12 is no identifier of SQL; zone."name@12" is. Everything else is copied as it is. */
void sql_quote_versions(const char *s, struct buf *out) {
    size_t i = 0, word = 0; /* of the identifier that ends at i */
    while (s[i]) {
        size_t end = skip_quoted(s, i);
        if (end > i) {
            buf_add(out, s + i, end - i);
            i = end;
            word = i;
            continue;
        }
        size_t version = s[i] == '@' ? version_length(s + i + 1) : 0;
        if (version > 0 && i > word && word > 0 && s[word - 1] == '.') {
            out->len -= i - word;
            buf_addf(out, "\"%.*s\"", (int)(i + 1 + version - word), s + word);
            i += 1 + version;
            word = i;
            continue;
        }
        buf_addc(out, s[i]);
        if (!is_word(s[i++])) word = i;
    }
}

/* ---- the datasets of a statement ----------------------------------------------------------------------- */

static int no_dataset(struct sql_session *s, const char *name, struct err *err) {
    struct dataset_row *rows = NULL;
    size_t n = 0;
    const char *meant = NULL;
    if (s->view.store && store_datasets_list(s->view.store, s->view.arena, &rows, &n, err) < 0) return -1;
    const char **names = arena_array(s->view.arena, n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = rows[i].name;
    meant = suggest(name, names, n);
    err_set(err, EX_NOT_FOUND, "no dataset `%s`", name);
    return meant ? err_hint(err, "did you mean `%s`?", meant) : err_hint(err, "see `leat zone list`");
}

int sql_attach(struct sql_session *s, const char *name, struct err *err) {
    const char *at = strchr(name, '@'), *dataset = name;
    if (at) dataset = arena_strndup(s->view.arena, name, (size_t)(at - name));
    struct dataset_row row;
    int hit = s->view.store ? store_dataset_find(s->view.store, dataset, s->view.arena, &row, err) : 0;
    if (hit < 0) return -1;
    if (hit == 0) return no_dataset(s, dataset, err);
    if (row.head < 0) {
        err_set(err, EX_NOT_FOUND, "%s has no version yet: nothing was published", dataset);
        return err_hint(err, "run the step that writes it; see `leat runs`");
    }
    struct zone_input in = {.dataset = row.name, .dataset_id = row.id, .version = row.head, .since = -1};
    if (at) {
        struct version_row version;
        if (zone_version(at + 1, &in.version, err) < 0) return -1;
        in.view = name;
        hit = store_version_get(s->view.store, row.id, in.version, s->view.arena, &version, err);
        if (hit < 0) return -1;
        if (hit == 0) {
            err_set(err, EX_NOT_FOUND, "%s has no version %s", dataset, at + 1);
            return err_hint(err, "see `leat zone history %s`", dataset);
        }
    }
    return zone_attach(s->duck, s->view.store, &in, NULL, err);
}

static int not_a_select(struct err *err) {
    err_set(err, EX_USAGE, "`leat sql` runs SELECT statements only: datasets change by publishing");
    return err_hint(err, "a step with `into:` publishes; see `leat help checks`");
}

static int attach_reads(struct sql_session *s, const char *sql, struct err *err) {
    struct duck_reads reads = {0};
    if (duck_parse_reads(s->duck, sql, s->view.arena, &reads, err) < 0) {
        if (strstr(err->msg, "Only SELECT")) return not_a_select(err);
        int64_t at = duck_error_position(s->duck);
        if (at >= 0 && !err->hint[0]) err_hint(err, "at character %lld: …%.40s", (long long)at + 1, sql + at);
        return -1;
    }
    for (size_t i = 0; i < reads.count; i++)
        if (sql_attach(s, reads.names[i], err) < 0) return -1;
    return 0;
}

/* ---- the engine ---------------------------------------------------------------------------------------- */

int sql_open(struct sql_session *s, struct cli *c, struct err *err) {
    *s = (struct sql_session){0};
    if (view_open(&s->view, c, err) < 0) return -1;
    const struct project *p = s->view.project;
    const char **folders =
        arena_array(s->view.arena, p->zone_count + p->allow_path_count + 1, sizeof *folders);
    size_t n = 0;
    folders[n++] = p->root;
    for (size_t i = 0; i < p->zone_count; i++) folders[n++] = p->zones[i].path;
    for (size_t i = 0; i < p->allow_path_count; i++) folders[n++] = p->allow_paths[i];
    struct duck_options o = {.timezone = c->tz, .allowed = folders, .allowed_count = n};
    if (chdir(p->root) < 0) return err_errno(err, "cannot enter %s", p->root);
    s->duck = duck_open(&o, err);
    return s->duck ? 0 : -1;
}

void sql_close(struct sql_session *s) {
    duck_close(s->duck);
    view_close(&s->view);
}

int sql_in_child(struct cli *c, int (*work)(struct cli *, struct err *), struct err *err) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) return err_errno(err, "cannot start a process for the engine");
    if (pid == 0) {
        struct err why = {0};
        int code = work(c, &why);
        if (code < 0) cli_print_error(c, &why);
        _exit(cli_flush(c, code < 0 ? (int)why.exit : code));
    }
    int status = 0;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGINT, &ignore, &old); /* the child is in the same group and decides */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    sigaction(SIGINT, &old, NULL);
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    int signal = WTERMSIG(status);
    if (signal != SIGKILL && signal != SIGSEGV && signal != SIGABRT) return 128 + signal;
    err_set(err, EX_ENVIRONMENT, "the engine's process was ended by signal %d%s", signal,
            signal == SIGKILL ? " (out of memory?)" : "");
    return err_hint(err, "read less at once, or put the query into a pipeline with `memory:`");
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static enum sql_format format_of(const struct cli *c) {
    if (cli_given(c, "csv")) return SQL_CSV;
    return c->json ? SQL_JSON : c->plain ? SQL_PLAIN : SQL_TABLE;
}

static int query(struct cli *c, struct err *err) {
    struct sql_session s;
    struct buf sql = BUF_INIT;
    long limit = 0;
    sql_quote_versions(cli_arg(c, 0), &sql);
    int rc = cli_number(c, "limit", 1, 100, &limit, err);
    if (rc == 0) {
        rc = sql_open(&s, c, err);
        if (rc == 0) rc = attach_reads(&s, buf_str(&sql), err);
        if (rc == 0) rc = sql_print(&s, buf_str(&sql), format_of(c), (size_t)limit, err);
        sql_close(&s);
    }
    buf_release(&sql);
    return rc;
}

static int run(struct cli *c, struct err *err) { return sql_in_child(c, query, err); }

static const struct flag flags[] = {
    {.name = "csv", .help = "RFC 4180 with a header line; NULL is an empty field, times are UTC"},
    {.name = "limit",
     .letter = 'n',
     .value = "N",
     .help = "rows of a table for people (100); --csv and --json give all"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat sql \"select * from refined.revenue\"\ta table",
    "leat sql \"select count(*) from trusted.orders@12\"\tan older version",
    "leat sql --csv \"select * from read_parquet('data/*.parquet')\" > all.csv\tfiles of the project",
    NULL,
};

static const int exits[] = {EX_FAILED, EX_INVALID, EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_sql = {
    .name = "sql",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "TEXT [--csv|--json] [-n N]",
    .about = "Runs a SELECT over the zones' datasets and the project's files.",
    .more =
        "Datasets are read in their live version; zone.name@version names another. Files are those of the\n"
        "project folder, the zones and the folders under `allow_paths`.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
