/* schema.c: `leat schema`: the JSON Schema (draft-07) of pipeline files and of leat.yaml, for editors.
 *
 * Made from the same field tables that drive parsing, so it cannot say anything else. Where a value may hold
 * ${…} the schema also takes text; what a schema cannot say (references, edges) `leat validate` says. */
#include "base/json.h"
#include "cli/verbs.h"
#include "dag/keys.h"
#include "operators/op.h"

#include <string.h>

#define NAME_PATTERN     "^[a-z][a-z0-9_]{0,62}$"
#define DATASET_PATTERN  "^[a-z][a-z0-9_]{0,62}\\.[a-z][a-z0-9_]{0,62}$"
#define DURATION_PATTERN "^[0-9]+ ?(ms|s|m|h|d|(milli)?seconds?|minutes?|hours?|days?|weeks?)$"
#define SIZE_PATTERN     "^[0-9]+ ?([kKMGTP]i?)?B?$"
#define PERCENT_PATTERN  "^[0-9]+(\\.[0-9]+)?%$"

static json_t *table_schema(const struct field *table);

static json_t *type_of(const char *type) { return json_pack("{ss}", "type", type); }

static json_t *pattern(const char *text) { return json_pack("{ss ss}", "type", "string", "pattern", text); }

static json_t *scalar(void) { return json_pack("{s[sss]}", "type", "string", "number", "boolean"); }

static json_t *either(json_t *a, json_t *b) {
    json_t *list = json_array();
    json_array_append_new(list, a);
    json_array_append_new(list, b);
    return json_pack("{so}", "anyOf", list);
}

static json_t *words(const char *const *values) {
    json_t *list = json_array();
    for (; *values; values++) json_array_append_new(list, json_string(*values));
    return json_pack("{so}", "enum", list);
}

static const struct field *short_field(const struct field *table) {
    for (const struct field *f = table; f && f->name; f++)
        if (f->flags & FIELD_SHORT) return f;
    return NULL;
}

static json_t *map_of(json_t *values) {
    return json_pack("{ss so}", "type", "object", "additionalProperties", values);
}

static json_t *field_schema(const struct field *f);

static json_t *object_schema(const struct field *f) {
    if (!f->fields) return map_of(json_object());
    const struct field *plain = short_field(f->fields);
    return plain ? either(field_schema(plain), table_schema(f->fields)) : table_schema(f->fields);
}

/* The value itself, without lists and without ${…}. */
static json_t *plain_schema(const struct field *f) {
    switch (f->kind) {
    case FK_BOOL: return type_of("boolean");
    case FK_COUNT: return json_pack("{ss si}", "type", "integer", "minimum", 0);
    case FK_NUMBER: return type_of("number");
    case FK_DURATION: return pattern(DURATION_PATTERN);
    case FK_SIZE: return either(pattern(SIZE_PATTERN), type_of("integer"));
    case FK_PERCENT: return pattern(PERCENT_PATTERN);
    case FK_ENUM: return words(f->values);
    case FK_NAME: return pattern(NAME_PATTERN);
    case FK_DATASET: return pattern(DATASET_PATTERN);
    case FK_SQL:
    case FK_SHELL: return type_of("string");
    case FK_CHECK: return either(type_of("string"), type_of("object"));
    case FK_MAP: return map_of(scalar());
    case FK_OBJECT: return object_schema(f);
    case FK_ANY: return json_object();
    default: return scalar();
    }
}

static bool takes_text_anyway(enum field_kind kind) {
    return kind == FK_OBJECT || kind == FK_ANY || kind == FK_MAP || kind == FK_CHECK;
}

static json_t *field_schema(const struct field *f) {
    json_t *one = plain_schema(f);
    if (!(f->flags & FIELD_FIXED) && !takes_text_anyway(f->kind)) one = either(one, pattern("\\$\\{.+\\}"));
    if (!(f->flags & FIELD_LIST)) return one;
    return either(one, json_pack("{ss sO}", "type", "array", "items", one));
}

static void describe(json_t *schema, const struct field *f) {
    json_put_text(schema, "description", f->help);
    if (f->otherwise) json_put_text(schema, "default", f->otherwise);
    if (f->example) json_put(schema, "examples", json_pack("[s]", f->example));
}

static void add_fields(json_t *properties, json_t *required, const struct field *table) {
    for (const struct field *f = table; f && f->name; f++) {
        json_t *one = field_schema(f);
        describe(one, f);
        json_put(properties, f->name, one);
        if (required && (f->flags & FIELD_REQUIRED)) json_array_append_new(required, json_string(f->name));
    }
}

static json_t *closed(json_t *properties, json_t *required) {
    json_t *o =
        json_pack("{ss so sb}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_put(o, "required", required);
    else
        json_decref(required);
    return o;
}

static json_t *table_schema(const struct field *table) {
    json_t *properties = json_object(), *required = json_array();
    add_fields(properties, required, table);
    return closed(properties, required);
}

/* A verb's value: its plain form or its map. */
static json_t *verb_schema(const struct verb *v) {
    const struct field *plain = short_field(v->fields);
    json_t *map = table_schema(v->fields);
    json_t *value = plain ? either(field_schema(plain), map) : map;
    json_put_text(value, "description", v->about);
    return value;
}

static json_t *step_schema(void) {
    json_t *properties = json_object(), *one_of = json_array();
    size_t n = 0;
    const struct verb *const *verbs = op_verbs(&n);
    add_fields(properties, NULL, step_fields);
    for (size_t i = 0; i < n; i++) {
        json_put(properties, verbs[i]->name, verb_schema(verbs[i]));
        add_fields(properties, NULL, verbs[i]->siblings);
        json_array_append_new(one_of, json_pack("{s[s]}", "required", verbs[i]->name));
    }
    json_array_append_new(one_of, json_pack("{s[s]}", "required", "use"));
    json_t *step = closed(properties, json_array());
    json_put(step, "oneOf", one_of);
    return step;
}

static json_t *by_name(const char *definition) {
    return json_pack("{ss s{ss} s{ss}}", "type", "object", "propertyNames", "pattern", NAME_PATTERN,
                     "additionalProperties", "$ref", definition);
}

static json_t *document(const char *title, const struct field *table) {
    json_t *schema = table_schema(table);
    json_put_text(schema, "$schema", "http://json-schema.org/draft-07/schema#");
    json_put_text(schema, "title", title);
    return schema;
}

static json_t *pipeline_schema(void) {
    json_t *schema = document("leat pipeline", pipeline_fields);
    json_t *properties = json_object_get(schema, "properties");
    json_put(schema, "definitions",
             json_pack("{so so}", "step", step_schema(), "param", table_schema(param_fields)));
    json_put(properties, "steps", by_name("#/definitions/step"));
    json_put(properties, "finally", by_name("#/definitions/step"));
    json_put(properties, "defaults", table_schema(default_fields));
    return schema;
}

static json_t *project_schema(void) {
    json_t *schema = document("leat project", project_fields);
    json_t *properties = json_object_get(schema, "properties");
    json_put(schema, "definitions", json_pack("{so}", "zone", table_schema(zone_fields)));
    json_put(properties, "zones", by_name("#/definitions/zone"));
    json_put(properties, "defaults", table_schema(default_fields));
    json_put(properties, "pools", map_of(json_pack("{ss si}", "type", "integer", "minimum", 0)));
    return schema;
}

static int run(struct cli *c, struct err *err) {
    const char *which = cli_arg(c, 0);
    bool project = which && strcmp(which, "project") == 0;
    if (which && !project && strcmp(which, "pipeline") != 0)
        return err_set(err, EX_NOT_FOUND, "there are schemas of `pipeline` and `project`, none of `%s`",
                       which);
    json_t *schema = project ? project_schema() : pipeline_schema();
    json_dumpf(schema, c->out.file, JSON_INDENT(2));
    out_printf(&c->out, "\n");
    json_decref(schema);
    return EX_OK;
}

static const char *const examples[] = {
    "leat schema pipeline > pipeline.schema.json\tfor pipelines/*.yaml",
    "leat schema project > project.schema.json\tfor leat.yaml",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, 0};

const struct command command_schema = {
    .name = "schema",
    .group = GROUP_LEARN,
    .usage = "[pipeline|project]",
    .about = "Prints the JSON Schema of pipeline files or of leat.yaml, for editors.",
    .examples = examples,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
