/* pipeline.c: `pipeline:`, a run of another pipeline as a step. The step ends as that run ends. */
#include "base/json.h"
#include "base/tz_set.h"
#include "operators/operators.h"

#include <string.h>

static bool instant_of_text(const char *text, const struct tz *tz, instant_t *out) {
    struct civil wall;
    if (instant_parse(text, out)) return true;
    if (!civil_parse(text, &wall)) return false;
    *out = tz_instant(tz, &wall);
    return true;
}

static int refuse(const char *text, struct err *err) {
    err_set(err, EX_INVALID, "`window` of `pipeline`: `%.80s` is not a time", text);
    return err_hint(err, "write a day such as 2026-11-20, `none`, or {from: …, to: …} with days or times");
}

/* A day from midnight to midnight in the zone. */
static int day_window(const char *text, const struct tz *tz, struct op_attend *out, struct err *err) {
    struct civil day;
    if (strlen(text) != strlen("2026-11-20") || !civil_parse(text, &day)) return refuse(text, err);
    struct civil next = civil_of(instant_of(&day) + US_PER_DAY);
    out->window_start = tz_instant(tz, &day);
    out->window_end = tz_instant(tz, &next);
    return 0;
}

static int own_window(const json_t *window, const struct tz *tz, struct op_attend *out, struct err *err) {
    const char *day = json_text(window, "day"), *from = json_text(window, "from"),
               *to = json_text(window, "to");
    out->window = WINDOW_OWN;
    if (day && !from && !to) return day_window(day, tz, out, err);
    if (day || !from || !to)
        return err_set(err, EX_INVALID, "`window` of `pipeline` is a day, or both `from` and `to`");
    if (!instant_of_text(from, tz, &out->window_start)) return refuse(from, err);
    if (!instant_of_text(to, tz, &out->window_end)) return refuse(to, err);
    if (out->window_start < out->window_end) return 0;
    return err_set(err, EX_INVALID, "`window` of `pipeline` ends before it begins: `to` is not included");
}

static int attend(const struct op_asked *asked, struct op_attend *out, struct err *err) {
    const json_t *window = json_object_get(asked->config, "window"),
                 *with = json_object_get(asked->config, "with");
    *out = (struct op_attend){.kind = ATTEND_RUN,
                              .what = json_text(asked->config, "name"),
                              .at = INSTANT_NONE,
                              .with = with,
                              .window_start = INSTANT_NONE,
                              .window_end = INSTANT_NONE};
    if (!out->what) return err_set(err, EX_INVALID, "`pipeline` does not say which one");
    if (!window) return 0;
    if (strcmp(json_text_or(window, "day", ""), "none") == 0) {
        out->window = WINDOW_NONE;
        return 0;
    }
    struct tz *tz = tz_set_load(asked->zones, asked->timezone, err);
    int rc = tz ? own_window(window, tz, out, err) : -1;
    tz_free(tz);
    return rc;
}

static const struct field window_fields[] = {
    {.name = "day",
     .kind = FK_TEXT,
     .flags = FIELD_SHORT,
     .help = "A day in this pipeline's time zone, or `none`.",
     .example = "${window.date}"},
    {.name = "from",
     .kind = FK_TEXT,
     .help = "A day or a time.",
     .example = "${start_of(window.start, \"month\")}"},
    {.name = "to", .kind = FK_TEXT, .help = "A day or a time, not included.", .example = "${window.end}"},
    {0},
};

static const struct field fields[] = {
    {.name = "name",
     .kind = FK_NAME,
     .flags = FIELD_REQUIRED | FIELD_SHORT | FIELD_FIXED,
     .help = "The pipeline to run.",
     .example = "refresh_orders"},
    {.name = "with",
     .kind = FK_ANY,
     .help = "Values of its parameters.",
     .example = "{region: eu, day: \"${window.date}\"}"},
    {.name = "window",
     .kind = FK_OBJECT,
     .fields = window_fields,
     .otherwise = "that of this run",
     .help = "The window it runs for.",
     .example = "none"},
    {0},
};

const struct op op_pipeline = {
    .verb = {.name = "pipeline",
             .about = "Runs another pipeline as a step; the step ends as that run does.",
             .fields = fields,
             .traits = VERB_ATTENDED | VERB_CALL},
    .attend = attend,
};
