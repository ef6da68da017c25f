/* stage.h: months of the whole program on a virtual clock.
 *
 *   main.c         seeds; one process a life of the conductor, one life after another
 *   life.h, life.c a life: the real conductor (timetable, core, store, catalog) steps through virtual time
 *                  and dies anywhere
 *   acts.c         what users do to it, and what befalls it
 *   files.c        what the files of the pipelines say, and what they said when
 *   zone.c         zone data of the stage's own, which changes
 *   landing.c      the file that some steps wait for: it comes and goes
 *   disk.c         SQLite's file layer with a will of its own
 *   warden.c       a warden whose jobs are entries in shared memory: they outlive the conductor as real ones do
 *   worker.c       what the job of a worker leaves: the result of an audit, of a publish
 *   judge.c        what must be true of the database afterwards, worked out without the program's own code
 *   judge_zone.c   when words and a zone fire
 *   judge_data.c   the same as judge.c, of versions and of what they start
 *   judge_wait.c   the same of steps that wait
 *
 * The stage is memory that all of these processes share. A life ends by _exit() at a point that the seed
 * chose: before any write or sync of the database, before any word to the warden. What is durable then is
 * what the next life finds. Everything is decided by the seed, but for the order in which threads read files,
 * which nothing depends on. */
#ifndef LEAT_TESTS_SIM_MONTHS_STAGE_H
#define LEAT_TESTS_SIM_MONTHS_STAGE_H

#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The clock starts the first ones, datasets that two of those write start the others. */
enum { THIRDS = 1, EACH = 4, BOTH, DAY, PIPES, CLOCKED = EACH };
enum { JOBS = 64, EDITS = 256, PAUSES = 64, ZONES = 64, LANDINGS = 512, JUMPS = 64 };
enum { DIED = 77, BROKE = 3, VIOLATED = 4 };

struct job {
    bool used, failed_start, cancelled;
    char id[128];
    char request[320]; /* of a worker; "": a process */
    int64_t ends;      /* steady */
    int exit_code;
};

/* When a pipeline fires: at this minute of every n-th hour from midnight on. */
struct words {
    int minute; /* -1: never: its file is gone */
    int every;
    int zone; /* of the stage's, whose midnight it is */
};

/* One version of the zone data: from `jump` on another offset. The first is UTC, for ever. */
struct zone_data {
    instant_t since; /* wall: in the files from then on */
    instant_t jump;  /* a whole minute */
    duration_t before, after;
};

/* What a pipeline's schedule said from an instant on. */
struct edit {
    int pipe;
    instant_t at; /* wall */
    struct words words;
    /* A file that went, or came back: whoever died over it may have decided what was due meanwhile, or not.
     * Of one that went they begin `at` that instant, since what was due before is decided by the next one:
     * but for words that never were in force, and a clock that was set back before. Both `at`: nobody did. */
    instant_t unsure_from, unsure_to;
    bool was_short; /* it was away so shortly that it never was; or never in force */
    bool of_zone;   /* not the file said something else, but the zone data; while it is paused it waits */
    instant_t broken_until; /* wall: with of_zone, its file was; 0: it was not */
    int64_t life;           /* in which it was made, and nobody has come to rest since; 0: somebody has */
};

struct pause_span {
    int pipe;
    instant_t from, to; /* wall; to INSTANT_NONE: not resumed */
};

/* A file that steps wait for is there. */
struct landing {
    instant_t from, to; /* wall; to INSTANT_NONE: it is still there */
};

struct jump {
    instant_t at;  /* wall, before it */
    duration_t by; /* below zero: what lies between comes twice */
};

struct stage {
    uint64_t seed, chance;  /* chance: the state of the generator */
    int64_t now;            /* steady */
    instant_t wall_ahead;   /* wall - steady */
    int64_t horizon, quiet; /* steady: nothing more happens; nothing more fails */
    int64_t next_act;       /* steady: users and accidents */
    int64_t points, die_at; /* where this life dies; 0: it does not */
    bool warden_dies;
    struct job jobs[JOBS];
    struct edit edits[EDITS];
    int edit_count;
    struct pause_span pauses[PAUSES];
    int pause_count;
    struct zone_data zones[ZONES]; /* the last one is in force */
    int zone_count;
    struct landing landings[LANDINGS];
    int landing_count;
    int64_t lands_at; /* steady: the file comes or goes */
    struct jump jumps[JUMPS];
    int jump_count;
    int64_t jobs_of_waits;         /* that the warden was asked for: none */
    bool broken[PIPES];            /* its file has an error now */
    instant_t first_broken[PIPES]; /* wall; 0: it never had one */
    struct words words[PIPES];     /* as its file says */
    struct words was[PIPES];       /* before it was gone */
    int file[PIPES];               /* which of its two file names it has */
    bool other[PIPES];             /* another definition has its name */
    int64_t back_at[PIPES];        /* steady: a file that is gone comes back; 0: it is not gone */
    instant_t rested;              /* wall: everything that was due then has been decided */
    instant_t latest;              /* wall: the latest reading of the clock there was */
    int64_t backfill, cancel_at;   /* steady: when it is given up; 0: never */
    int64_t newest_at_cancel;      /* run, when the backfill's cancel was answered; 0: it was not */
    bool went_back;                /* the wall clock, at least once */
    bool sets_back;    /* in this seed by many hours too; then files are not edited: what was in force
                                  at an instant that comes twice is not for the judge to say */
    char spoiled[128]; /* the publish job that failed last: its next try does not */
    int64_t published; /* jobs that published */
    int64_t lives, jobs_started, acts;
    bool verbose;
    char folder[256];
};

extern struct stage *stage;

uint64_t chance_next(void);
uint32_t chance_below(uint32_t n);
bool chance_of(uint32_t per_mille); /* never in the quiet at the end */
void point(void);                   /* a place to die at */
void story(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

const char *pipe_name(int pipe);
int pipe_runs(int pipe); /* max_active_runs */
bool pipe_has_zone(int pipe);

/* ---- files.c */
void files_begin(void);
void file_write(int pipe, bool broken);
void file_says(int pipe, struct words words); /* from now on; remembered */
bool file_is_gone(int pipe);
void file_remove(int pipe);
void file_put_back(int pipe, struct words words);
void file_rename(int pipe);
void files_time_went_back(void);
void files_at_rest(void); /* everything that was due has been decided */
/* Other zone data is in force; when, of each pipeline that is in the zone, depends on who dies over it. */
void files_in_zone(void);
bool files_may_have_zone(void); /* there is room, and time goes on as it should */

/* ---- zone.c */
#define ZONE_NAME "Stage/Town"
void zone_begin(void);
void zone_change(void);
duration_t zone_offset(const struct zone_data *z, instant_t t);

/* ---- landing.c */
enum { WAIT_POLL_M = 20, WAIT_HOURS = 4, MORNING_M = 6 * 60 + 15 }; /* what the steps that wait say */
void landing_due(void);
int64_t landing_next(void); /* steady */
bool step_waits(const char *step);
void write_wait(FILE *f, const char *step); /* the step, as the file of a pipeline has it */

void disk_open(void);              /* SQLite's files: places to die at, and failing writes */
bool disk_failed(void);            /* in this life */
int live(void);                    /* a life; its exit code */
int judge(char *why, size_t size); /* 0: all is well */

/* ---- worker.c */
struct job_spec;
void worker_takes(struct job *j, const struct job_spec *spec);
void worker_leaves(const struct job *j); /* it ended well */
instant_t stage_wall(void);

#endif
