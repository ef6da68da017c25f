/* sql_print.c: the rows of a query as a table, CSV or JSON. CSV and JSON stream: any number of rows. */
#include "base/json.h"
#include "cli/sql.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

/* ---- CSV ----------------------------------------------------------------------------------------------- */

static void csv_field(FILE *f, const char *text) {
    if (!text) return; /* NULL: nothing between the commas; an empty text is "" */
    if (*text && !strpbrk(text, ",\"\r\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++) {
        if (*text == '"') fputc('"', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static int print_csv(const struct out *o, struct duck_rows *rows, struct err *err) {
    size_t n = duck_columns(rows);
    int more;
    for (size_t i = 0; i < n; i++) {
        if (i) fputc(',', o->file);
        csv_field(o->file, duck_column_name(rows, i));
    }
    fputc('\n', o->file);
    while ((more = duck_next(rows, err)) == 1) {
        for (size_t i = 0; i < n; i++) {
            if (i) fputc(',', o->file);
            csv_field(o->file, duck_text(rows, i));
        }
        fputc('\n', o->file);
    }
    return more;
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static int print_json(const struct out *o, struct duck_rows *rows, struct err *err) {
    char now[INSTANT_TEXT];
    instant_text(world_wall(world_real()), now);
    size_t n = duck_columns(rows);
    const char *separator = "\n";
    int more;
    out_printf(o, "{\"schema\": \"leat.sql/1\", \"generated_at\": \"%s\", \"items\": [", now);
    while ((more = duck_next(rows, err)) == 1) {
        json_t *row = json_object();
        for (size_t i = 0; i < n; i++) json_put(row, duck_column_name(rows, i), duck_json(rows, i));
        char *line = json_line(row);
        out_printf(o, "%s%s", separator, line);
        separator = ",\n";
        free(line);
        json_decref(row);
    }
    out_printf(o, "\n]}\n");
    return more;
}

/* ---- a table ------------------------------------------------------------------------------------------- */

static bool is_number(const char *type) {
    static const char *const types[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT",
                                        "UBIGINT", "UINTEGER", "FLOAT",   "DOUBLE", "DECIMAL", "USMALLINT"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(type, types[i], strlen(types[i])) == 0) return true;
    return false;
}

static struct column *columns_of(struct sql_session *s, struct duck_rows *rows) {
    size_t n = duck_columns(rows);
    struct column *columns = arena_array(s->view.arena, n + 1, sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        columns[i].title = arena_strdup(s->view.arena, duck_column_name(rows, i));
        columns[i].right = is_number(duck_column_type(rows, i));
        columns[i].keep = columns[i].right ? 0 : 1;
    }
    return columns;
}

static int print_table(struct sql_session *s, struct duck_rows *rows, size_t limit, struct err *err) {
    struct table *t = table_new(columns_of(s, rows));
    size_t n = duck_columns(rows), count = 0;
    int more;
    while ((more = duck_next(rows, err)) == 1 && count < limit) {
        for (size_t i = 0; i < n; i++) table_add(t, duck_text(rows, i));
        count++;
    }
    if (more >= 0) table_print(t, s->view.c);
    if (more == 1) cli_say(s->view.c, "and more rows: --limit N shows N of them, --csv all\n");
    table_free(t);
    return more < 0 ? -1 : 0;
}

int sql_print(struct sql_session *s, const char *sql, enum sql_format format, size_t limit, struct err *err) {
    struct duck_rows *rows = duck_query(s->duck, sql, NULL, err);
    if (!rows) return -1;
    const struct out *o = &s->view.c->out;
    int rc = format == SQL_CSV    ? print_csv(o, rows, err)
             : format == SQL_JSON ? print_json(o, rows, err)
                                  : print_table(s, rows, limit, err);
    duck_rows_free(rows);
    return rc < 0 ? -1 : EX_OK;
}
