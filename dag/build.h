/* build.h: the pipeline while it is being built, shared by the stages of loading (pipeline.c names them in
 * order). */
#ifndef LEAT_DAG_BUILD_H
#define LEAT_DAG_BUILD_H

#include "base/map.h"
#include "dag/keys.h"
#include "dag/load.h"

/* What the loaded pipeline keeps for itself behind struct pipeline. */
struct pipeline_full {
    struct pipeline pub; /* first: pointers to it and to this are the same */
    struct tz *tz;       /* of pub.timezone */
    struct tz **zones;   /* malloc'ed: those of its schedules; shared ones */
    size_t zone_count, zone_cap;
    struct kept_json kept;
    const struct value **checks; /* of each step; NULL: none */
};

/* What is known of a step only until everything is checked. */
struct note {
    const struct node *node; /* the step's own map */
    struct span at_into, at_write, at_key, at_partition, at_bookmark, at_merge_by, at_verb;
    bool write_said, empty_said, bookmark_said;
    const struct sql_text *sql; /* whose tables it reads; NULL: none */
    const char **checked;       /* datasets that its checks compare with: edges, neither pins nor bookmarks */
    size_t checked_count;
    const struct verb *verb;
    struct span call;                                       /* of the template it is an instance of */
    const struct value *key, *partition_columns, *merge_by; /* as written; NULL: not said */
};

/* An instance to be: a step, or one value of its each:. */
struct planned {
    const struct node *map; /* `steps:` or `finally:` */
    const struct entry *entry;
    const char *name, *group; /* group NULL: no each: */
    json_t *each;
    int64_t max_parallel;
    bool finally;
};

struct edge {
    uint32_t from, to;
};

/* A schedule, and where it is written. */
struct schedule_note {
    struct schedule *s;
    const struct node *node;          /* its map */
    const struct node **firing_nodes; /* of each firing: its text */
};

struct build {
    struct load l;
    struct pipeline_full *full;
    const struct pipeline_reader *reader;
    const struct node *root;
    struct planned *planned; /* malloc'ed */
    size_t planned_count, planned_cap;
    struct map names;  /* of steps and instances -> index */
    struct map groups; /* of steps with each: -> index of the first instance */
    struct map keys;   /* step keys -> row of step_fields; verbs -> STEP_KEYS + index */
    struct note *notes;
    struct edge *edges; /* malloc'ed; data edges and after: */
    size_t edge_count, edge_cap;
    const struct node *defaults;          /* of the pipeline; may be NULL */
    struct schedule_note *schedule_notes; /* of each schedule */
    struct buf definition;                /* everything that decides what the pipeline does */
    uint64_t params_used[16];
    json_t *questions; /* of the steps in `asked`; NULL: nothing is asked */
    uint32_t *asked;   /* malloc'ed */
};

/* What leat.yaml keeps: the trees of what is parsed once for each use. */
struct project_full {
    struct project pub;
    struct arena *nodes;
    const struct node *defaults_node, *templates_node;
};

void build_params(struct build *b, const struct node *n);     /* params.c */
void build_schedule(struct build *b, const struct node *n);   /* schedule.c */
bool build_firings(struct build *b, struct schedule_note *n); /* firings.c: texts and zone; false: reported */
void lint_firings(struct build *b, const struct schedule_note *n);
void plan_steps(struct build *b, const struct node *map, bool finally); /* each.c */
void build_step(struct build *b, uint32_t index);                       /* step.c */
void build_attended(struct build *b, uint32_t index);                   /* attended.c */
void build_output(struct build *b, uint32_t index);   /* output.c: rules that need to know what is read */
void build_questions(struct build *b);                /* ask.c */
bool step_has_sql(const struct build *b, uint32_t i); /* of its own, or in a check */
/* answer.c: answers are those of the questions, from `first` on; NULL: nobody could be asked, and why says
 * so. */
void build_answers(struct build *b, const json_t *answers, size_t first, const char *why);
void build_graph(struct build *b);                                          /* graph.c */
void lint_pipeline(struct build *b);                                        /* lint.c */
bool parse_bookmark(struct build *b, const struct node *n, struct step *s); /* bookmark.c */
void add_edge(struct build *b, uint32_t from, uint32_t to);
void add_read(struct build *b, struct step *s, const char *dataset, bool only_new, struct span at);
void add_checked(struct build *b, uint32_t step, const char *dataset);
enum write_mode default_write(const struct verb *v, const struct output *o, bool consumes); /* output.c */
void add_watched(struct build *b, uint32_t step, const char *dataset);

void defaults_check(struct load *l, const struct node *n);                     /* project.c */
void calendars_build(struct load *l, struct project *p, const struct node *n); /* calendar.c */
int env_file_read(const char *path, json_t *into, struct diags *d);            /* envfile.c */

#endif
