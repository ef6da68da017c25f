/* files.c: what the files of the pipelines say, and what they said when. */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* They fire every n-th hour, in UTC or the zone, `wait`, and publish `into`; or they start `after`. */
static const struct {
    const char *name, *if_running, *into, *after, *waits;
    int every, runs;
    bool zone;
} pipes[PIPES] = {
    {.name = "hourly", .if_running = "wait", .every = 2, .runs = 1, .zone = true, .waits = "morning"},
    {.name = "thirds", .if_running = "skip", .every = 3, .runs = 1, .into = "raw.thirds"},
    {.name = "quarters",
     .if_running = "cancel",
     .every = 6,
     .runs = 1,
     .into = "raw.quarters",
     .zone = true,
     .waits = "arrives"},
    {.name = "daily", .if_running = "allow", .every = 24, .runs = 2, .zone = true, .waits = "arrives"},
    [EACH] = {.name = "each", .if_running = "wait", .runs = 1, .after = "[raw.thirds, raw.quarters]"},
    [BOTH] = {.name = "both", .if_running = "skip", .runs = 1, .after = "{all: [raw.thirds, raw.quarters]}"},
    [DAY] = {.name = "day", .if_running = "wait", .runs = 1, .after = "{all: [raw.thirds], same: day}"}};

const char *pipe_name(int pipe) { return pipes[pipe].name; }
int pipe_runs(int pipe) { return pipes[pipe].runs; }
bool pipe_has_zone(int pipe) { return pipes[pipe].zone; }

/* ---- texts ---- */

static const char *path_of(int pipe, int file, char path[320]) {
    static const char *const suffixes[] = {"", "_moved"};
    snprintf(path, 320, "%s/pipelines/%s%s.yaml", stage->folder, pipe_name(pipe), suffixes[file]);
    return path;
}

static void write_schedule(FILE *f, int pipe) {
    static const char *const missed[] = {"run_latest", "run_all", "skip"};
    const struct words *w = &stage->words[pipe];
    fprintf(f, "pipeline: %s\nmax_active_runs: %d\nschedule:\n  timezone: %s\n  if_running: %s\n",
            pipe_name(pipe), pipe_runs(pipe), pipes[pipe].zone ? ZONE_NAME : "UTC", pipes[pipe].if_running);
    if (pipes[pipe].after) {
        fprintf(f, "  after: %s\n", pipes[pipe].after);
        return;
    }
    char hours[8] = "0";
    if (w->every < 24) snprintf(hours, sizeof hours, "*/%d", w->every);
    fprintf(f, "  cron: \"%d %s * * *\"\n  if_missed: %s\n", w->minute, hours,
            missed[(stage->seed + (uint64_t)pipe) % 3]);
}

static void write_steps(FILE *f, int pipe, bool broken) {
    fprintf(f, "%s:\n", broken ? "stepss" : "steps");
    const char *waits = stage->other[pipe] ? NULL : pipes[pipe].waits;
    if (waits) write_wait(f, waits);
    if (!stage->other[pipe] && !pipes[pipe].after)
        fprintf(f, "  first:\n    shell: \"true\"\n    retry: {times: 1, wait: 1m}\n");
    if (waits) fprintf(f, "    after: %s\n", waits);
    fprintf(f, "  %s:\n    shell: \"true\"\n", stage->other[pipe] ? "alone" : "second");
    if (!stage->other[pipe] && !pipes[pipe].after) fprintf(f, "    after: first\n");
    if (pipes[pipe].into) fprintf(f, "    into: %s\n    write: replace\n", pipes[pipe].into);
    if (pipes[pipe].after) fprintf(f, "    reads: [raw.thirds, raw.quarters]\n");
}

void file_write(int pipe, bool broken) {
    char path[320];
    FILE *f = fopen(path_of(pipe, stage->file[pipe], path), "w");
    if (!f) abort();
    write_schedule(f, pipe);
    write_steps(f, pipe, broken);
    fclose(f);
    instant_t wall = stage_wall();
    struct timespec at = {.tv_sec = wall / US_PER_SECOND, .tv_nsec = wall % US_PER_SECOND * 1000};
    utimensat(AT_FDCWD, path, (struct timespec[]){at, at}, 0);
}

/* ---- what they said when ---- */

static struct edit *remember(int pipe) {
    if (stage->edit_count == EDITS) abort(); /* whoever edits leaves room */
    struct edit *e = &stage->edits[stage->edit_count++];
    instant_t now = stage_wall();
    *e = (struct edit){
        .pipe = pipe, .at = now, .words = stage->words[pipe], .unsure_from = now, .unsure_to = now};
    return e;
}

void file_says(int pipe, struct words words) {
    stage->words[pipe] = words;
    remember(pipe);
}

bool file_is_gone(int pipe) { return stage->words[pipe].minute < 0; }

static const struct pause_span *pause_of(int pipe) {
    for (int i = 0; i < stage->pause_count; i++)
        if (stage->pauses[i].pipe == pipe && stage->pauses[i].to == INSTANT_NONE) return &stage->pauses[i];
    return NULL;
}

/* Up to here everything is decided. */
static instant_t decided_until(int pipe) {
    const struct pause_span *p = pause_of(pipe);
    return p && p->from < stage->rested ? p->from : stage->rested;
}

/* Words that nobody has come to rest with may not be in force: then they are forgotten with their file. */
static bool is_in_force(int pipe) {
    for (int i = 0; i < stage->edit_count; i++)
        if (stage->edits[i].pipe == pipe && stage->edits[i].at >= stage->rested) return false;
    return true;
}

/* A file that goes or comes: who dies before everything due is decided leaves it to the next one to find out.
 * What fired until a file went is decided all the same. */
static struct edit *remember_unsure(int pipe) {
    bool certain = file_is_gone(pipe) && is_in_force(pipe);
    struct edit *e = remember(pipe);
    if (!certain) e->unsure_from = decided_until(pipe);
    e->unsure_to = INSTANT_NONE;
    e->life = stage->lives;
    return e;
}

/* ---- the zone ---- */

/* What was in force at an instant that comes twice is not for the judge to say. Files that are gone come back. */
bool files_may_have_zone(void) {
    return !stage->sets_back && stage_wall() >= stage->latest && stage->edit_count < EDITS - 3 * PIPES;
}

/* The one before is not in force yet, unless its file went meanwhile: it never will be. */
static void supersede(int pipe) {
    for (int i = stage->edit_count - 1; i >= 0; i--) {
        struct edit *e = &stage->edits[i];
        if (e->pipe != pipe) continue;
        if (e->words.minute < 0) return;
        if (e->of_zone && e->life == stage->lives) e->was_short = true;
    }
}

void files_in_zone(void) {
    for (int p = 0; p < PIPES; p++) {
        if (!pipes[p].zone) continue;
        stage->words[p].zone = stage->zone_count - 1;
        if (file_is_gone(p)) continue;
        supersede(p);
        struct edit *e = remember_unsure(p);
        e->of_zone = true;
        e->broken_until = stage->broken[p] ? INT64_MAX : 0;
    }
}

/* What had fired when a file went may not have when somebody finds out. */
void files_time_went_back(void) {
    for (int i = 0; i < stage->edit_count; i++)
        if (stage->edits[i].life) stage->edits[i].unsure_from = decided_until(stage->edits[i].pipe);
}

void file_remove(int pipe) {
    char path[320];
    stage->was[pipe] = stage->words[pipe];
    stage->words[pipe].minute = -1;
    stage->broken[pipe] = false;
    remember_unsure(pipe);
    remove(path_of(pipe, stage->file[pipe], path));
}

void file_put_back(int pipe, struct words words) {
    words.zone = pipes[pipe].zone ? stage->zone_count - 1 : 0;
    stage->words[pipe] = words;
    remember_unsure(pipe);
    file_write(pipe, false);
}

void file_rename(int pipe) {
    char from[320], to[320];
    path_of(pipe, stage->file[pipe], from);
    stage->file[pipe] = !stage->file[pipe];
    rename(from, path_of(pipe, stage->file[pipe], to));
}

void files_at_rest(void) {
    stage->rested = stage_wall();
    for (int i = 0; i < stage->edit_count; i++) {
        struct edit *e = &stage->edits[i];
        if (e->broken_until == INT64_MAX && !stage->broken[e->pipe]) e->broken_until = stage->rested;
        if (!e->life || (e->of_zone && pause_of(e->pipe))) continue;
        if (e->life == stage->lives) e->unsure_from = e->at;
        e->unsure_to = e->life == stage->lives ? e->at : stage->rested;
        e->life = 0;
    }
}

void files_begin(void) {
    char path[300];
    snprintf(path, sizeof path, "%s/pipelines", stage->folder);
    mkdir(path, 0700);
    for (int p = 0; p < PIPES; p++) {
        file_says(p, (struct words){.minute = p < CLOCKED ? (int)chance_below(60) : 0,
                                    .every = pipes[p].every,
                                    .zone = pipes[p].zone ? stage->zone_count - 1 : 0});
        stage->edits[p].at = INT64_MIN;
        file_write(p, false);
    }
    stage->rested = stage->latest = stage_wall();
}
