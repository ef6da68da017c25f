/* straight.c: the flights example's SQL in one DuckDB process, file by file, with no pipeline around it: what
 * bench/run compares Leat with.
 *
 *     bench-straight PROJECT [each]
 *
 * For every landing file: clean it, leave out rows that are there already, write Parquet under its day. Then
 * the two refined tables; with `each`, after every file. No bookmarks, versions, checks' records, checksums
 * or fsync: what is left is the engine's own work. */
#include "base/arena.h"
#include "base/buf.h"
#include "engine/duck.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char clean[] =
    "copy (select * from (select distinct cast(try_cast(date as timestamp) as date) as flight_date,"
    " cast(try_cast(date as timestamp) as timestamptz) as departed_at, try_cast(delay as integer) as delay,"
    " try_cast(distance as integer) as distance, origin, destination"
    " from read_csv('%s', header = true, all_varchar = true))"
    " where departed_at is not null and delay between -180 and 2880 and distance > 0"
    " and origin in (select iata from airports) and destination in (select iata from airports)%s)"
    " to '%s' (format parquet, partition_by (flight_date), append, filename_pattern 'part-%zu-{uuid}')";

/* Rows that an earlier file brought are left out. */
static const char again[] =
    " except select flight_date, departed_at, delay, distance, origin, destination from"
    " read_parquet('%s/*/*.parquet', hive_partitioning = true)";

static const char *const refined[] = {
    "copy (select flight_date, count(*) as flights, round(avg(delay), 2) as mean_delay,"
    " count(*) filter (where delay > 15) as late, max(delay) as worst"
    " from read_parquet('bench-lake/flights/*/*.parquet', hive_partitioning = true) group by flight_date)"
    " to 'bench-lake/daily_delay.parquet'",
    "copy (select f.origin, o.city as origin_city, f.destination, d.city as destination_city,"
    " count(*) as flights, round(avg(f.delay), 2) as mean_delay"
    " from read_parquet('bench-lake/flights/*/*.parquet', hive_partitioning = true) f"
    " join airports o on o.iata = f.origin join airports d on d.iata = f.destination group by all)"
    " to 'bench-lake/route_delay.parquet'",
};

static int refine(struct duck *d, struct err *err) {
    for (size_t i = 0; i < sizeof refined / sizeof *refined; i++)
        if (duck_exec(d, refined[i], NULL, NULL, err) < 0) return -1;
    return 0;
}

static int take_file(struct duck *d, const char *path, size_t number, struct err *err) {
    struct buf known = BUF_INIT;
    if (number > 0) buf_addf(&known, again, "bench-lake/flights");
    int rc = duck_execf(d, err, clean, path, buf_str(&known), "bench-lake/flights", number);
    buf_release(&known);
    return rc;
}

static int work(struct duck *d, bool each, struct err *err) {
    glob_t files;
    int rc = 0;
    if (duck_exec(d, "create table airports as from read_csv('landing/airports/*.csv', header = true)", NULL,
                  NULL, err) < 0)
        return -1;
    if (glob("landing/flights/*.csv", 0, NULL, &files) != 0)
        return err_set(err, EX_NOT_FOUND, "no landing files");
    for (size_t i = 0; rc == 0 && i < files.gl_pathc; i++) {
        rc = take_file(d, files.gl_pathv[i], i, err);
        if (rc == 0 && each) rc = refine(d, err);
    }
    globfree(&files);
    return rc == 0 && !each ? refine(d, err) : rc;
}

int main(int argc, char **argv) {
    struct err err = {0};
    if (argc < 2 || chdir(argv[1]) < 0) {
        fprintf(stderr, "usage: bench-straight PROJECT [each]\n");
        return EX_USAGE;
    }
    char *root = realpath(".", NULL);
    struct duck_options o = {.allowed = (const char *const[]){root}, .allowed_count = 1};
    struct duck *d = duck_open(&o, &err);
    int rc = d ? work(d, argc > 2 && strcmp(argv[2], "each") == 0, &err) : -1;
    if (rc < 0) fprintf(stderr, "%s\n", err.msg);
    duck_close(d);
    free(root);
    return rc < 0 ? EX_FAILED : EX_OK;
}
