/* casts.c: see casts.h. */
#include "zones/casts.h"

#include <string.h>
#include <strings.h>

enum { REASON_CHARACTERS = 200 }; /* of an odd value: it must not fill the quarantine */

void casts_release(struct casts *c) {
    buf_release(&c->select);
    buf_release(&c->reasons);
}

static void add_reason(struct buf *b, const char *ident, const char *name, const char *target) {
    struct buf label = BUF_INIT;
    buf_addf(&label, " is not %s", target);
    buf_addf(b, ", CASE WHEN %s IS NOT NULL AND TRY_CAST(%s AS %s) IS NULL THEN ", ident, ident, target);
    buf_sql_text(b, name);
    buf_addf(b, " || ': ' || left(CAST(%s AS VARCHAR), %d) || ", ident, REASON_CHARACTERS);
    buf_sql_text(b, buf_str(&label));
    buf_adds(b, " END");
    buf_release(&label);
}

void casts_add(struct casts *c, const char *name, const char *found, const char *target) {
    struct buf ident = BUF_INIT;
    buf_sql_ident(&ident, name);
    if (c->select.len) buf_adds(&c->select, ", ");
    if (target && strcmp(found, target) != 0) {
        buf_addf(&c->select, "TRY_CAST(%s AS %s) AS ", buf_str(&ident), target);
        add_reason(&c->reasons, buf_str(&ident), name, target);
    }
    buf_adds(&c->select, buf_str(&ident));
    buf_release(&ident);
}

void casts_reason(const struct casts *c, struct buf *out) {
    if (c->reasons.len)
        buf_addf(out, "nullif(concat_ws('; '%s), '')", buf_str(&c->reasons));
    else
        buf_adds(out, "CAST(NULL AS VARCHAR)");
}

static bool begins_with_one(const char *type, const char *const *types) {
    for (; *types; types++)
        if (strncasecmp(type, *types, strlen(*types)) == 0) return true;
    return false;
}

bool casts_want_text(const char *found, const char *target) {
    static const char *const texts[] = {"VARCHAR", "TEXT", "STRING", "CHAR", NULL};
    static const char *const numbers[] = {"BIGINT", "DOUBLE", "INTEGER", "HUGEINT", "DECIMAL", NULL};
    if (!target || strcasecmp(found, target) == 0) return false;
    return begins_with_one(target, texts) || begins_with_one(found, numbers);
}
