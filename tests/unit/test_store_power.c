/* The plug is pulled after every write: whatever the disk had not been made to keep is lost, in part, or torn
 * at its sectors. The real store, the real transactions. Nothing acknowledged may be lost, nothing may be
 * half there, and recovery must lead on. Two mutants (a disk that lies about syncs, synchronous=NORMAL) show
 * that the test would see. */
#include "store/internal.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/store_vfs.h"

enum { CHAPTERS = 4, TURNS = 4 * CHAPTERS, SECTOR = 512 };
enum survival { ALL, NONE, SOME }; /* of what was written since the last sync */

struct image {
    unsigned char *bytes;
    int64_t size, cap;
    bool there;
};

static struct image before[FILE_COUNT]; /* on disk when recording began */
static const char *const suffixes[FILE_COUNT] = {"leat.db", "leat.db-wal"};

/* ---- the story, recorded ---- */

static void mark(int64_t turns) { shim_record(OP_MARK, FILE_DB, turns, 0, NULL); }

static void image_load(struct image *im, const char *path) {
    size_t n = 0;
    struct err err;
    *im = (struct image){.there = fs_exists(path)};
    if (!im->there) return;
    im->bytes = (unsigned char *)fs_read(path, 64 << 20, &n, &err);
    im->size = im->cap = (int64_t)n;
}

/* The log is copied back and cut in the middle, so that power fails in checkpoints too. */
static void record(const char *pragma) {
    static int (*const turns[])(struct story *, struct chapter *, struct err *) = {
        chapter_claim, chapter_prepare, chapter_commit, chapter_close};
    const struct store_options o = {.vfs = "shim", .ballast_bytes = -1};
    struct fx f;
    struct err err = {0};
    fx_folder_in(&f, "/dev/shm");
    f.s = store_open_writer(f.state, &o, &err);
    assert_non_null(f.s);
    struct story t = {.s = f.s};
    assert_ok(store_exec(f.s, pragma, &err));
    assert_ok(story_begin(&t, &err));
    for (int i = 0; i < FILE_COUNT; i++) image_load(&before[i], fx_path(&f, suffixes[i]));
    shim.recording = true;
    for (int64_t n = 0; n < CHAPTERS; n++) {
        struct chapter c = {.n = n};
        for (int turn = 0; turn < 4; turn++) {
            assert_ok(turns[turn](&t, &c, &err));
            mark(4 * n + turn + 1);
        }
        if (n == 1) assert_ok(store_tend(f.s, true, &err));
        if (n == 2)
            assert_int_equal(SQLITE_OK,
                             sqlite3_wal_checkpoint_v2(f.s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
    }
    shim.recording = false;
    fx_end(&f);
}

/* ---- the disk after the cut ---- */

static uint64_t luck = 88172645463325252u;
static unsigned draw(unsigned below) {
    luck ^= luck << 13, luck ^= luck >> 7, luck ^= luck << 17;
    return (unsigned)(luck >> 33) % below;
}

static void image_write(struct image *im, int64_t at, const unsigned char *bytes, int64_t n) {
    if (at + n > im->cap) {
        im->cap = 2 * (at + n);
        im->bytes = realloc(im->bytes, (size_t)im->cap);
        if (!im->bytes) abort();
    }
    if (at > im->size) memset(im->bytes + im->size, 0, (size_t)(at - im->size));
    memcpy(im->bytes + at, bytes, (size_t)n);
    if (at + n > im->size) im->size = at + n;
    im->there = true;
}

static void image_cut(struct image *im, int64_t size) {
    static const unsigned char zero = 0;
    if (size > im->size) image_write(im, size - 1, &zero, 1);
    im->size = size;
}

static void write_torn(struct image *im, const struct op *o) {
    for (int at = 0; at < o->size; at += SECTOR)
        if (draw(2))
            image_write(im, o->offset + at, o->bytes + at, o->size - at < SECTOR ? o->size - at : SECTOR);
}

static void apply(struct image *im, const struct op *o, bool durable, enum survival mode) {
    unsigned survives = mode == ALL ? 100 : mode == NONE ? 0 : 50;
    if (!durable && draw(100) >= survives) return;
    if (o->kind == OP_TRUNCATE)
        image_cut(im, o->offset);
    else if (durable || mode == ALL || draw(3))
        image_write(im, o->offset, o->bytes, o->size);
    else
        write_torn(im, o);
}

static void image_save(const struct image *im, const char *path) {
    unlink(path);
    if (!im->there) return;
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(im->bytes, 1, (size_t)im->size, f) != (size_t)im->size)
        fail_msg("cannot write %s", path);
    fclose(f);
}

/* The files as they are when the power fails right after op `cut`. */
static void disk_after(size_t cut, enum survival mode, const char *folder) {
    size_t synced[FILE_COUNT] = {0};
    for (size_t i = 0; i < cut; i++)
        if (shim.ops[i].kind == OP_SYNC) synced[shim.ops[i].file] = i;
    for (int file = 0; file < FILE_COUNT; file++) {
        struct image im = {.there = before[file].there};
        if (before[file].size) image_write(&im, 0, before[file].bytes, before[file].size);
        for (size_t i = 0; i < cut; i++) {
            const struct op *o = &shim.ops[i];
            if (o->file == file && (o->kind == OP_WRITE || o->kind == OP_TRUNCATE))
                apply(&im, o, i < synced[file], mode);
        }
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, suffixes[file]);
        image_save(&im, path);
        free(im.bytes);
    }
}

/* ---- what is found ---- */

/* How many turns of the story the database knows; -1 when it is broken. */
static int64_t turns_known(struct store *s, const char **broken) {
    struct err err;
    struct arena *a = arena_new();
    struct intent_row *open;
    struct attempt_row *live;
    size_t no, nl;
    int64_t versions = 0, turns = -1;
    *broken = story_broken(s, &versions);
    if (!*broken && !store_intents_open(s, a, &open, &no, &err) &&
        !store_attempts_live(s, a, &live, &nl, &err)) {
        turns = 4 * versions;
        if (no) turns += strcmp(open[0].state, "prepared") == 0 ? 2 : -1;
        if (!no && nl) turns += 1;
    }
    arena_free(a);
    return turns;
}

static int64_t acknowledged_before(size_t cut) {
    int64_t turns = 0;
    for (size_t i = 0; i < cut; i++)
        if (shim.ops[i].kind == OP_MARK) turns = shim.ops[i].offset;
    return turns;
}

/* NULL, or what went wrong after this cut. */
static const char *wrong_after(size_t cut, enum survival mode, bool lead_on) {
    struct fx f;
    struct err err = {0};
    const char *broken = NULL;
    const struct store_options o = {.vfs = "shim", .ballast_bytes = -1};
    fx_folder_in(&f, "/dev/shm");
    assert_ok(fs_mkdirs(f.state, 0700, &err));
    disk_after(cut, mode, f.state);
    f.s = store_open_writer(f.state, &o, &err);
    if (!f.s) broken = "cannot be opened";
    int64_t acknowledged = acknowledged_before(cut), known = f.s ? turns_known(f.s, &broken) : 0;
    if (!broken && known < acknowledged) broken = "an acknowledged commit is lost";
    if (!broken && known > acknowledged + 1) broken = "a commit that never began is there";
    struct story t = {.s = f.s};
    struct chapter c = {0};
    if (!broken && lead_on) {
        int64_t versions = 0;
        if (story_begin(&t, &err) || story_recover(&t, &err)) broken = "recovery fails";
        if (!broken) broken = story_broken(f.s, &versions);
        c.n = versions;
        if (!broken && story_chapter(&t, &c, &err)) broken = "no next chapter";
        if (!broken) broken = story_broken(f.s, &versions);
        if (!broken && versions != c.n + 1) broken = "the next chapter is not there";
    }
    fx_end(&f);
    return broken;
}

static void forget(void) {
    shim_forget();
    for (int i = 0; i < FILE_COUNT; i++) free(before[i].bytes);
}

static void nothing_acknowledged_is_ever_lost(void **state) {
    (void)state;
    static const enum survival modes[] = {ALL, NONE, SOME, SOME};
    record("");                                                /* the store as it is */
    size_t states = 0, stride = getenv("LEAT_QUICK") ? 16 : 1; /* under valgrind; every state elsewhere */
    for (size_t m = 0; m < 4; m++) {
        for (size_t cut = 0; cut <= shim.count; cut += stride, states++) {
            const char *wrong = wrong_after(cut, modes[m], (cut + m) % 3 == 0);
            if (wrong) fail_msg("power fails after op %zu of %zu, mode %zu: %s", cut, shim.count, m, wrong);
        }
    }
    print_message("%zu states of the disk\n", states);
    assert_int_equal(TURNS, acknowledged_before(shim.count));
    forget();
}

static bool some_cut_is_wrong(void) {
    for (int round = 0; round < 3; round++)
        for (size_t cut = 0; cut <= shim.count; cut += 3)
            if (wrong_after(cut, round == 0 ? NONE : SOME, false)) return true;
    return false;
}

static void a_lying_disk_would_be_seen(void **state) {
    (void)state;
    shim.lying = true;
    record("PRAGMA synchronous=FULL");
    shim.lying = false;
    assert_true(some_cut_is_wrong());
    forget();
}

static void synchronous_normal_would_be_seen(void **state) {
    (void)state;
    record("PRAGMA synchronous=NORMAL");
    assert_true(some_cut_is_wrong());
    forget();
}

static int begin_all(void **state) {
    (void)state;
    shim_register();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_ever_lost),
        cmocka_unit_test(a_lying_disk_would_be_seen),
        cmocka_unit_test(synchronous_normal_would_be_seen),
    };
    return cmocka_run_group_tests(tests, begin_all, NULL);
}
