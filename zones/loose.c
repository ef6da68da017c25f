/* loose.c: see loose.h. */
#include "zones/loose.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STRICT "header=true, quote='\"', skip=0, comment='', sample_size=-1"

static const struct family {
    const char *extensions; /* separated by spaces */
    const char *delimiter;  /* of lines of columns; NULL: it has none */
    const char *read;       /* the call: list, are there Hive folders, more options */
    bool text;
} families[LOOSE_FAMILIES] = {
    {"parquet", NULL, "read_parquet(%s, union_by_name=true, hive_partitioning=%s%s)", false},
    {"csv", ",", "read_csv(%s, " STRICT ", delim=',', union_by_name=true, hive_partitioning=%s%s)", true},
    {"tsv tab", "\t", "read_csv(%s, " STRICT ", delim='\t', union_by_name=true, hive_partitioning=%s%s)",
     true},
    {"json ndjson jsonl", NULL, "read_json(%s, sample_size=-1, union_by_name=true, hive_partitioning=%s%s)",
     true},
};

static bool word_in(const char *words, const char *word, size_t n) {
    for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (strcspn(p, " ") == n && strncasecmp(p, word, n) == 0) return true;
    return false;
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int loose_family(const char *path) {
    const char *name = name_of(path), *end;
    size_t n = strlen(name);
    end = name + n;
    if (n > 3 && strcasecmp(end - 3, ".gz") == 0) end -= 3;
    if (n > 4 && strcasecmp(end - 4, ".zst") == 0) end -= 4;
    const char *dot = end;
    while (dot > name && dot[-1] != '.') dot--;
    if (dot == name) return -1;
    for (int i = 0; i < LOOSE_FAMILIES; i++)
        if (word_in(families[i].extensions, dot, (size_t)(end - dot))) return i;
    return -1;
}

bool loose_is_text(int family) { return families[family].text; }

void loose_read(struct buf *sql, int family, const char *variable, const struct loose_reading *how) {
    const struct family *f = &families[family];
    char list[96];
    struct buf more = BUF_INIT;
    snprintf(list, sizeof list, "getvariable('%s')", variable);
    buf_addf(&more, "%s%s%s", how->hive, f->delimiter ? how->types : "",
             how->with_source ? ", filename='_leat_source'" : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_addf(sql, f->read, list, *how->hive ? "true" : "false", buf_str(&more));
#pragma GCC diagnostic pop
    buf_release(&more);
}

/* ---- which one cannot be read ---- */

/* Reads the file once more, as text, with every line that does not fit set aside. -1: not even so. */
static int set_aside(struct duck *d, const struct family *f, const char *path) {
    struct err ignored;
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "DROP TABLE IF EXISTS leat_bad_lines; DROP TABLE IF EXISTS leat_bad_scans;"
                   "CREATE OR REPLACE TEMP TABLE leat_lines AS SELECT count(*) AS n FROM read_csv(");
    buf_sql_text(&sql, path);
    buf_adds(&sql, ", " STRICT ", escape='\"', delim=");
    buf_sql_text(&sql, f->delimiter);
    buf_adds(&sql, ", all_varchar=true, store_rejects=true, rejects_table='leat_bad_lines',"
                   " rejects_scan='leat_bad_scans')");
    int r = duck_exec(d, buf_str(&sql), NULL, NULL, &ignored);
    buf_release(&sql);
    return r;
}

#define WORDS_OF_COUNT "Expected Number of Columns: (\\d+) Found: (\\d+)"

static json_t *first_bad_line(struct duck *d) {
    struct err ignored;
    json_t *rows = duck_table(d,
                              "SELECT line, left(csv_line, 80) AS text, regexp_replace(error_message, "
                              "'" WORDS_OF_COUNT "', 'columns: the header has \\1, this line \\2') AS why "
                              "FROM leat_bad_lines ORDER BY line LIMIT 1",
                              NULL, 1, &ignored);
    json_t *row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return row;
}

static void say(const char *path, const json_t *line, struct err *err) {
    if (line)
        err_set(err, EX_FAILED, "%s:%lld: %s: %s", name_of(path), (long long)json_int(line, "line", 0),
                json_text_or(line, "why", ""), json_text_or(line, "text", ""));
    else
        err_set(err, EX_FAILED, "%s is broken off in a quoted value, or mixes two ways to quote",
                name_of(path));
    err_reason(err, "bad_file");
    err_hint(err, "mend it where it comes from: a file that changed is read again; as it came it is %s",
             path);
}

void loose_blame(struct duck *d, const json_t *paths, struct err *err) {
    size_t i;
    json_t *path;
    bool found = false;
    json_array_foreach(paths, i, path) {
        const char *p = json_string_value(path);
        const struct family *f = &families[loose_family(p)];
        if (found || !f->delimiter) continue;
        bool read = set_aside(d, f, p) == 0;
        json_t *line = read ? first_bad_line(d) : NULL;
        found = !read || line;
        if (found) say(p, line, err);
        json_decref(line);
    }
}
