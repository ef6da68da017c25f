/* promote_keys.c: see promote.h. */
#include "operators/promote.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "engine/duck.h"
#include "operators/prepare.h"
#include "zones/delta.h"
#include "zones/schema.h"

#include <string.h>
#include <strings.h>

/* ---- what the words mean ---- */

const char *promote_type(struct duck *d, struct arena *a, const char *column, const char *type,
                         struct err *err) {
    struct buf b = BUF_INIT;
    struct err why = {0};
    /* Only words, digits, blanks and ( ) , [ ] make a type: nothing else of the text reaches the
     * statement. */
    bool plain =
        type[strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ (),[]")] == 0;
    buf_addf(&b, "SELECT CAST(NULL AS %s) AS c", type);
    json_t *described = plain ? duck_describe(d, buf_str(&b), NULL, &why) : NULL;
    buf_release(&b);
    const char *out = described ? arena_strdup(a, json_text(json_array_get(described, 0), "type")) : NULL;
    json_decref(described);
    if (out) return out;
    err_set(err, EX_INVALID, "types: `%s` of column `%s` is no type%s%s", type, column,
            why.msg[0] ? ": " : "", why.msg);
    return NULL;
}

bool promote_keep(const char *keep, struct promote_order *out, struct err *err) {
    static const struct {
        const char *word, *order;
        bool column;
    } kept[] = {{"last", "_leat_row DESC", false},
                {"first", "_leat_row", false},
                {"newest ", " DESC NULLS LAST, _leat_row DESC", true},
                {"oldest ", " NULLS LAST, _leat_row", true}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        size_t n = strlen(kept[i].word);
        if (kept[i].column ? strncmp(keep, kept[i].word, n) != 0 : strcmp(keep, kept[i].word) != 0) continue;
        *out = (struct promote_order){.order = kept[i].order};
        if (kept[i].column) out->column = keep + n + strspn(keep + n, " ");
        return true;
    }
    err_set(err, EX_INVALID, "dedupe.keep: `%s` is none of `last`, `first`, `newest COLUMN`, `oldest COLUMN`",
            keep);
    return false;
}

/* ---- before it runs ---- */

static const json_t *entry_of(const json_t *map, const char *column) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, key, value) if (strcasecmp(key, column) == 0) return value;
    return NULL;
}

/* The rows that are promoted: of `select`, else the dataset's own. */
static struct known_rows base_rows(struct prepare_step *s, const char *dataset) {
    const struct known_columns *source = known_get(prepare_known(s), dataset);
    const json_t *select = json_object_get(s->config, "select");
    struct prepare_local local = {.name = PROMOTE_SOURCE, .dataset = dataset, .of = source};
    if (select) return prepare_query(s, select, &local, json_pack("[ss]", "config", "select"));
    json_t *all = json_pack("{ss s[]}", "text", "FROM " PROMOTE_SOURCE, "params");
    struct known_rows rows = prepare_query(s, all, &local, json_pack("[ss]", "config", "dataset"));
    json_decref(all);
    return rows;
}

static void named(struct prepare_step *s, const struct known_rows *base, const char *column, const char *key,
                  json_t *at, bool at_key) {
    const char *dataset = json_text_or(s->config, "dataset", "");
    struct column_question q = {
        .name = column,
        .key = key,
        .what = json_object_get(s->config, "select") ? "the select" : dataset,
        .columns = base->list,
        .at = at,
        .at_key = at_key,
        .doubtful = !base->names_sure,
    };
    if (base->list)
        prepare_column(s, &q);
    else
        json_decref(at);
}

/* Types as the engine writes them, null where the text is none or not known yet; new reference. */
static json_t *look_at_types(struct prepare_step *s, const struct known_rows *base) {
    json_t *types = json_object(), *value;
    const char *column;
    json_object_foreach(json_object_get(s->config, "types"), column, value) {
        struct err err = {0};
        json_t *at = json_pack("[sss]", "config", "types", column);
        const char *text = json_string_value(value), *type = NULL;
        named(s, base, column, "`types`", json_incref(at), true);
        if (text) type = promote_type(prepare_duck(s), prepare_arena(s), column, text, &err);
        struct problem p = {.kind = PROBLEM_TYPE,
                            .message =
                                arena_printf(prepare_arena(s), "`%s` is no SQL type", text ? text : ""),
                            .at = at,
                            .position = -1};
        if (text && !type)
            prepare_complain(s, &p);
        else
            json_decref(at);
        json_put_text(types, column, type);
    }
    return types;
}

static void look_at_keep(struct prepare_step *s, const struct known_rows *base, const char *keep) {
    struct promote_order order = {0};
    struct err err = {0};
    json_t *at = json_pack("[sss]", "config", "dedupe", "keep");
    if (!promote_keep(keep, &order, &err)) {
        struct problem p = {.kind = PROBLEM_WORD, .message = err.msg, .at = at, .position = -1};
        prepare_complain(s, &p);
        return;
    }
    if (order.column)
        named(s, base, order.column, "`keep`", at, false);
    else
        json_decref(at);
}

static void look_at_dedupe(struct prepare_step *s, const struct known_rows *base) {
    const json_t *dedupe = json_object_get(s->config, "dedupe"), *key = json_object_get(dedupe, "key"), *name;
    const char *keep = json_text(dedupe, "keep");
    size_t i;
    json_array_foreach(key, i, name) if (json_is_string(name))
        named(s, base, json_string_value(name), "`dedupe`",
              json_pack("[sssi]", "config", "dedupe", "key", (int)i), false);
    if (keep) look_at_keep(s, base, keep);
}

/* A column has the type that `types` says, else the target's, else its own. */
static void cast_rows(struct prepare_step *s, struct known_rows *rows, const json_t *types) {
    const char *dataset = json_text(json_object_get(s->question, "into"), "dataset");
    const json_t *target = dataset ? known_get(prepare_known(s), dataset)->list : NULL;
    size_t i;
    json_t *c;
    json_array_foreach(rows->list, i, c) {
        const char *name = json_text_or(c, "name", "");
        const json_t *said = entry_of(types, name), *old = schema_column(target, name);
        struct buf b = BUF_INIT;
        if (said)
            json_put(c, "type", json_incref((json_t *)(uintptr_t)said));
        else if (old && delta_sql_type(json_object_get(old, "type"), &b))
            json_put_text(c, "type", buf_str(&b));
        buf_release(&b);
    }
}

void promote_prepare(struct prepare_step *s) {
    const char *dataset = json_text(s->config, "dataset");
    if (!dataset) return;
    struct known_rows base = base_rows(s, dataset);
    json_t *types = look_at_types(s, &base);
    look_at_dedupe(s, &base);
    s->rows = (struct known_rows){
        .list = json_deep_copy(base.list), .names_sure = base.names_sure, .types_sure = base.types_sure};
    cast_rows(s, &s->rows, types);
    json_decref(types);
    json_decref(base.list);
}
