/* gc.c: the collector. See gc.h.
 *
 * What may go is narrow on purpose: a stage, or a data file, whose name holds an attempt's token, when that
 * token is neither live nor in any kept version, and nothing about it is younger than the grace. Names
 * without a token belong to somebody else and are never touched. A dataset whose log goes on past the
 * database's head is left alone: the files may belong to versions the database does not know.
 *
 * It goes in pieces, and others may publish between them. That is safe because the live tokens are read before
 * the kept files (whose attempt is live by then is spared, whose has ended is in the versions), because what
 * came since is younger than the grace, and because a dataset whose head moved is read again before its files
 * are looked at. */
#include "zones/gc.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "store/attempts.h"
#include "store/datasets.h"
#include "zones/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 500 }; /* of a folder's tree, for one piece */
#define TRASH "_leat_trash"
#define STAGE "_leat_stage"

enum phase { READ_LIVE, READ_KEPT, STAGES, DATASETS, TRASH_DAYS, DONE };

struct gc {
    struct store *store;
    struct gc_options o;
    struct gc_report report;
    json_t *list;
    struct arena *arena;
    struct map live; /* tokens of live attempts and open intents */
    const char **tokens;
    size_t token_count;
    struct dataset_row *datasets;
    size_t dataset_count;
    struct map keep; /* absolute paths of every kept version */
    enum phase phase;
    size_t zone, dataset; /* the next ones */
    FTS *walk;            /* NULL: between two trees */
};

/* ---- the keep-set ---- */

static int keep_dataset(struct gc *g, const struct dataset_row *d, struct err *err) {
    struct file_list files;
    if (store_files_all(g->store, d->id, g->arena, &files, err) < 0) return -1;
    for (size_t i = 0; i < files.count; i++) {
        char *path = fs_join(d->path, files.rows[i].path);
        map_add(&g->keep, arena_strdup(g->arena, path), 0, NULL);
        free(path);
    }
    return 0;
}

static int read_live(struct gc *g, struct err *err) {
    if (store_tokens_live(g->store, g->arena, &g->tokens, &g->token_count, err) < 0 ||
        store_datasets_list(g->store, g->arena, &g->datasets, &g->dataset_count, err) < 0)
        return -1;
    for (size_t i = 0; i < g->token_count; i++) map_add(&g->live, g->tokens[i], 0, NULL);
    g->phase = READ_KEPT;
    return 0;
}

static int read_kept(struct gc *g, struct err *err) {
    if (g->dataset < g->dataset_count) return keep_dataset(g, &g->datasets[g->dataset++], err);
    g->phase = STAGES;
    return 0;
}

/* ---- tokens and ages ---- */

/* The token in a path: the first stretch that token_parse() takes. false: there is none. */
static bool find_token(const char *path, char out[TOKEN_TEXT]) {
    for (const char *p = path; (p = strchr(p, 'r')); p++) {
        size_t n = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyz-");
        for (; n >= 16 && n < TOKEN_TEXT; n--) {
            struct attempt_spec spec;
            memcpy(out, p, n);
            out[n] = 0;
            if (token_parse(out, &spec)) return true;
        }
    }
    return false;
}

static bool is_live(const struct gc *g, const char *path) {
    for (size_t i = 0; i < g->token_count; i++)
        if (strstr(path, g->tokens[i])) return true;
    return false;
}

/* Written, moved or renamed within the grace. */
static bool is_young(const struct gc *g, const struct stat *st) {
    instant_t m = (instant_t)st->st_mtim.tv_sec * US_PER_SECOND,
              c = (instant_t)st->st_ctim.tv_sec * US_PER_SECOND;
    return (m > c ? m : c) > g->o.now - g->o.grace;
}

/* ---- the trash ---- */

static void note(struct gc *g, const char *path) {
    if (g->list) json_array_append_new(g->list, json_string(path));
}

/* <zone>/_leat_trash/<day>/<path below the zone> */
static char *trash_path(const struct gc *g, const char *zone, const char *path) {
    struct civil c = civil_of(g->o.now);
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/" TRASH "/%04lld-%02d-%02d%s", zone, (long long)c.year, c.month, c.day,
             path + strlen(zone));
    return buf_take(&b);
}

/* Folders that became empty go; one that did not, or that somebody fills again, stays. */
static void remove_empty_folders(const char *path, const char *top) {
    char *at = fs_parent(path);
    while (strlen(at) > strlen(top) && rmdir(at) == 0) {
        char *up = fs_parent(at);
        free(at);
        at = up;
    }
    free(at);
}

static int to_trash(struct gc *g, const char *zone, const char *top, const char *path, struct err *err) {
    note(g, path);
    if (g->o.dry_run) return 0;
    char *to = trash_path(g, zone, path), *folder = fs_parent(to);
    int r = fs_mkdirs(folder, 0755, err);
    if (!r && rename(path, to) && errno != ENOENT) r = err_errno(err, "cannot move %s to the trash", path);
    if (!r) remove_empty_folders(path, top);
    free(to);
    free(folder);
    return r;
}

static bool day_parse(const char *name, instant_t *out) {
    int year, month, day, n = 0;
    if (sscanf(name, "%4d-%2d-%2d%n", &year, &month, &day, &n) != 3 || name[n]) return false;
    *out = days_from_civil(year, month, day) * US_PER_DAY;
    return true;
}

/* A day that has been in the trash long enough; a day ends before its grace begins. NULL: there is none. */
static char *old_day(const struct gc *g, const char *trash) {
    DIR *dir = opendir(trash);
    char *found = NULL;
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        instant_t day;
        bool old = day_parse(e->d_name, &day) && day + US_PER_DAY + g->o.trash_grace <= g->o.now;
        if (old) found = fs_join(trash, e->d_name);
    }
    if (dir) closedir(dir);
    return found;
}

static int remove_entry(const FTSENT *e, struct err *err) {
    if (e->fts_info == FTS_D) return 0;
    if (remove(e->fts_accpath) == 0 || errno == ENOENT) return 0;
    return err_errno(err, "cannot delete %s", e->fts_path);
}

/* ---- stages ---- */

static int collect_stage(struct gc *g, const char *zone, const char *stages, const char *name,
                         struct err *err) {
    struct attempt_spec spec;
    struct stat st;
    if (!token_parse(name, &spec) || map_get(&g->live, name, NULL)) return 0;
    char *path = fs_join(stages, name);
    int r = 0;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && !is_young(g, &st)) {
        r = to_trash(g, zone, stages, path, err);
        g->report.stages++;
    }
    free(path);
    return r;
}

static int collect_stages(struct gc *g, const char *zone, struct err *err) {
    char *stages = fs_join(zone, STAGE);
    DIR *dir = opendir(stages);
    int r = 0;
    for (struct dirent *e; dir && !r && (e = readdir(dir));)
        r = collect_stage(g, zone, stages, e->d_name, err);
    if (dir) closedir(dir);
    free(stages);
    return r;
}

/* ---- data files ---- */

static bool is_garbage(const struct gc *g, const struct dataset_row *d, const char *path,
                       const struct stat *st) {
    char token[TOKEN_TEXT];
    return !map_get(&g->keep, path, NULL) && !is_young(g, st) && find_token(path + strlen(d->path), token) &&
           !is_live(g, path);
}

static int collect_file(struct gc *g, const char *zone, const struct dataset_row *d, const FTSENT *e,
                        struct err *err) {
    if (!is_garbage(g, d, e->fts_path, e->fts_statp)) return 0;
    g->report.files++;
    g->report.bytes += (int64_t)e->fts_statp->st_size;
    return to_trash(g, zone, d->path, e->fts_path, err);
}

static int take_entry(struct gc *g, const char *zone, const struct dataset_row *d, FTSENT *e,
                      struct err *err) {
    bool hidden = e->fts_level > 0 && (e->fts_name[0] == '_' || e->fts_name[0] == '.');
    if (e->fts_info == FTS_D && hidden) fts_set(g->walk, e, FTS_SKIP);
    if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR) {
        errno = e->fts_errno;
        return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", e->fts_path);
    }
    return e->fts_info == FTS_F && !hidden ? collect_file(g, zone, d, e, err) : 0;
}

static int walk_begin(struct gc *g, const char *path, struct err *err) {
    char *roots[] = {(char *)(uintptr_t)path, NULL};
    g->walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    return g->walk ? 0 : err_errno(err, "cannot read %s", path);
}

static void walk_end(struct gc *g) {
    if (g->walk) fts_close(g->walk);
    g->walk = NULL;
}

/* The next entries of a dataset's folder, or of a day in the trash (d NULL); at its end the walk is over. */
static int walk_on(struct gc *g, const char *zone, const struct dataset_row *d, struct err *err) {
    for (int i = 0; i < ENTRIES; i++) {
        FTSENT *e = fts_read(g->walk);
        if (!e) {
            walk_end(g);
            return 0;
        }
        if (d ? take_entry(g, zone, d, e, err) : remove_entry(e, err)) return -1;
    }
    return 0;
}

/* What a killed publisher left of its log entry: ".<version>.json.XXXXXX" and checkpoints half written. */
static void collect_log_temporaries(struct gc *g, const struct dataset_row *d, const char *log) {
    char *folder = fs_join(d->path, log);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        if (e->d_name[0] != '.' || e->d_name[1] < '0' || e->d_name[1] > '9') continue;
        char *path = fs_join(folder, e->d_name);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && !is_young(g, &st)) {
            note(g, path);
            if (!g->o.dry_run) unlink(path);
        }
        free(path);
    }
    if (dir) closedir(dir);
    free(folder);
}

/* Published to since it was read: what it keeps now is kept, too. */
static int read_again(struct gc *g, struct dataset_row *d, struct err *err) {
    struct dataset_row now;
    int found = store_dataset_find(g->store, d->name, g->arena, &now, err);
    if (found < 0) return -1;
    if (found == 0 || now.id != d->id || now.head == d->head) return 0;
    *d = now;
    return keep_dataset(g, d, err);
}

static int begin_dataset(struct gc *g, struct dataset_row *d, struct err *err) {
    struct publish_ahead ahead;
    if (d->stopped || !fs_exists(d->path)) return 0;
    if (read_again(g, d, err)) return -1;
    collect_log_temporaries(g, d, "_delta_log");
    collect_log_temporaries(g, d, "_leat");
    int r = publish_ahead(d->path, d->format, d->head, &ahead, err);
    /* An open intent's own entry is there between P5 and P6: the next round sees to this dataset. */
    return r == 0 ? walk_begin(g, d->path, err) : r < 0 ? -1 : 0;
}

/* ---- piece by piece ---- */

static const char *zone_path(const struct gc *g) { return g->o.zones[g->zone].path; }

static int take_stages(struct gc *g, struct err *err) {
    if (g->zone == g->o.zone_count) {
        g->phase = DONE;
        return 0;
    }
    g->phase = DATASETS;
    g->dataset = 0;
    return collect_stages(g, zone_path(g), err);
}

static int take_datasets(struct gc *g, struct err *err) {
    size_t n = strlen(zone_path(g));
    if (g->walk) return walk_on(g, zone_path(g), &g->datasets[g->dataset - 1], err);
    if (g->dataset == g->dataset_count) {
        g->phase = TRASH_DAYS;
        return 0;
    }
    struct dataset_row *d = &g->datasets[g->dataset++];
    bool inside = strncmp(d->path, zone_path(g), n) == 0 && d->path[n] == '/';
    return inside ? begin_dataset(g, d, err) : 0;
}

static int take_trash(struct gc *g, struct err *err) {
    if (g->walk) return walk_on(g, zone_path(g), NULL, err);
    char *trash = fs_join(zone_path(g), TRASH), *day = old_day(g, trash);
    int r = 0;
    if (day) note(g, day);
    if (day && !g->o.dry_run) r = walk_begin(g, day, err);
    g->report.deleted += day != NULL;
    if (!day || g->o.dry_run) {
        g->zone++;
        g->phase = STAGES;
    }
    free(day);
    free(trash);
    return r;
}

int gc_step(struct gc *g, struct err *err) {
    static int (*const steps[])(struct gc *, struct err *) = {[READ_LIVE] = read_live,
                                                              [READ_KEPT] = read_kept,
                                                              [STAGES] = take_stages,
                                                              [DATASETS] = take_datasets,
                                                              [TRASH_DAYS] = take_trash};
    if (g->phase != DONE && steps[g->phase](g, err)) return -1;
    return g->phase != DONE;
}

struct gc *gc_new(struct store *s, const struct gc_options *o, json_t *list) {
    struct gc *g = xcalloc(1, sizeof *g);
    *g = (struct gc){.store = s, .o = *o, .list = list, .arena = arena_new()};
    return g;
}

const struct gc_report *gc_done(const struct gc *g) { return &g->report; }

void gc_free(struct gc *g) {
    if (!g) return;
    walk_end(g);
    map_release(&g->live);
    map_release(&g->keep);
    arena_free(g->arena);
    free(g);
}

int gc_run(struct store *s, const struct gc_options *o, struct gc_report *out, json_t *list,
           struct err *err) {
    struct gc *g = gc_new(s, o, list);
    int more = 1;
    while (more == 1) more = gc_step(g, err);
    *out = *gc_done(g);
    gc_free(g);
    return more;
}

/* ---- retention ---- */

/* A version is old from the moment the next one was published: the one that was current `keep_versions` ago
 * still stays. */
int gc_first_kept(struct store *s, int64_t dataset_id, duration_t keep_versions, instant_t now,
                  int64_t *version, struct err *err) {
    *version = 0;
    if (keep_versions <= 0) return 0;
    int64_t since;
    instant_t at = now - keep_versions;
    if (store_version_since(s, dataset_id, at, &since, err) < 0) return -1;
    struct arena *a = arena_new();
    struct version_row row;
    int r = since < 0 ? 0 : store_version_get(s, dataset_id, since, a, &row, err);
    if (r > 0) *version = row.published_at >= at && since > 0 ? since - 1 : since;
    arena_free(a);
    return r < 0 ? -1 : 0;
}
