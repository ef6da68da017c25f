/* ask.c: what is asked about the steps of a pipeline before it runs (pipeline_reader.ask).
 *
 * Asked about are steps with SQL, those that promote, and every other one that publishes: whoever answers
 * must know which datasets are going to be written. Nothing is asked of a pipeline that has neither. */
#include "base/json.h"
#include "dag/build.h"

#include <string.h>

bool step_has_sql(const struct build *b, uint32_t i) {
    const struct value *checks = b->full->checks[i];
    if (b->notes[i].sql) return true;
    for (uint32_t k = 0; checks && k < checks->count; k++)
        if (checks->items[k].shape == VALUE_CHECK && checks->items[k].check->sql) return true;
    return false;
}

/* An answer can say something about its config. */
static bool is_looked_into(const struct build *b, uint32_t i) {
    const struct verb *v = b->notes[i].verb;
    return v && v->traits & (VERB_SQL | VERB_PROMOTE) && b->full->pub.steps[i].config;
}

static json_t *texts_json(const char *const *list, size_t n) {
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, json_string(list[i]));
    return out;
}

static json_t *into_json(const struct build *b, uint32_t i) {
    static const char *const policies[] = {"any", "add", "strict"};
    const struct step *s = &b->full->pub.steps[i];
    const struct note *note = &b->notes[i];
    const struct output *o = s->into;
    if (!o) return json_null();
    enum write_mode write = o->write, fresh = o->write;
    if (!note->write_said) {
        write = default_write(note->verb, o, s->bookmark);
        fresh = default_write(note->verb, o, true);
    }
    json_t *out = json_object();
    json_put_text(out, "dataset", o->dataset);
    json_put_text(out, "schema", o->zone ? policies[o->zone->schema] : NULL);
    json_put_text(out, "write", write_mode_names[write]);
    json_put_text(out, "write_new", write_mode_names[fresh]);
    json_put(out, "partition_by", texts_json(o->partition_by, o->partition_count));
    json_put(out, "key", texts_json(o->key, o->key_count));
    json_put_text(out, "merge_by", o->merge_by);
    return out;
}

/* A rule that may be misspelled is judged once the columns are known. */
static json_t *check_json(const struct check_text *k) {
    if (k->sql) return json_pack("{so}", "sql", sql_known(k->sql));
    json_t *object = k->object ? k->object : k->tried;
    return object && !k->doubt ? json_incref(object) : json_null();
}

static json_t *checks_json(const struct build *b, uint32_t i) {
    const struct value *checks = b->full->checks[i];
    json_t *out = json_array();
    for (uint32_t k = 0; checks && k < checks->count; k++) {
        const struct value *v = &checks->items[k];
        json_array_append_new(out, v->shape == VALUE_CHECK ? check_json(v->check) : json_null());
    }
    return out;
}

/* As far as it is known without the SQL's names. */
static json_t *reads_json(const struct build *b, uint32_t i) {
    const struct step *s = &b->full->pub.steps[i];
    json_t *out = texts_json(b->notes[i].checked, b->notes[i].checked_count);
    for (size_t k = 0; k < s->read_count; k++) json_array_append_new(out, json_string(s->reads[k].dataset));
    return out;
}

static json_t *question_json(const struct build *b, uint32_t i) {
    const struct step *s = &b->full->pub.steps[i];
    const struct verb *v = b->notes[i].verb;
    json_t *out = json_object();
    const struct sql_text *watched =
        s->attended ? b->notes[i].sql : NULL; /* asked about like any other query */
    json_put_text(out, "verb", watched ? "sql" : v ? v->name : NULL);
    json_put(out, "config",
             watched                ? json_pack("{so}", "text", sql_known(watched))
             : is_looked_into(b, i) ? value_known(s->config)
                                    : NULL);
    json_put(out, "reads", reads_json(b, i));
    json_put(out, "checks", checks_json(b, i));
    json_put(out, "into", into_json(b, i));
    return out;
}

void build_questions(struct build *b) {
    const struct pipeline *p = &b->full->pub;
    uint32_t n = 0;
    bool any = false;
    for (uint32_t i = 0; i < p->step_count && !any; i++) any = is_looked_into(b, i) || step_has_sql(b, i);
    if (!any) return;
    b->asked = xcalloc(p->step_count, sizeof *b->asked);
    b->questions = json_array();
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!p->steps[i].into && !is_looked_into(b, i) && !b->notes[i].sql) continue;
        b->asked[n++] = i;
        json_array_append_new(b->questions, question_json(b, i));
    }
}
