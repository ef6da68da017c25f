/* fuzz_delta_log.c: any bytes as a Delta log entry, and as a schema, a type and a path: nothing crashes, and
 * what was understood comes back the same when it is written and read again. */
#include "base/json.h"
#include "zones/delta.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An entry that was read, written as one of our own commits and read again. */
static void write_again(const struct delta_entry *e) {
    const struct delta_commit c = {.version = 1,
                                   .operation = "append",
                                   .token = "t",
                                   .project = "p",
                                   .pipeline = "q",
                                   .step = "s",
                                   .run = "1",
                                   .adds = e->adds,
                                   .removes = e->removes,
                                   .columns = e->columns,
                                   .partition_by = e->partition_by,
                                   .table_id = "id",
                                   .data_change = true};
    struct buf text = BUF_INIT;
    struct delta_entry again;
    delta_commit_text(&c, &text);
    int r = delta_entry_parse(text.s, text.len, "again", &again, NULL);
    assert(r == 0);
    assert(json_array_size(again.adds) == json_array_size(e->adds));
    assert(json_array_size(again.removes) == json_array_size(e->removes));
    for (size_t i = 0; i < json_array_size(e->adds); i++) {
        const json_t *a = json_array_get(e->adds, i), *b = json_array_get(again.adds, i);
        assert(strcmp(json_text(a, "target"), json_text(b, "target")) == 0);
        assert(json_equal(json_object_get(a, "partition"), json_object_get(b, "partition")));
    }
    assert(!e->columns || json_equal(e->columns, again.columns));
    delta_entry_release(&again);
    buf_release(&text);
}

static void try_texts(const char *text) {
    struct delta_type t;
    if (delta_type_of("c", text, false, &t, NULL) == 0) {
        struct buf sql = BUF_INIT;
        bool known = delta_sql_type(t.type, &sql);
        assert(known);
        buf_release(&sql);
        delta_type_release(&t);
    }
    json_decref(delta_columns_parse(text, NULL));
    free(delta_path_decode(text));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n) {
    struct delta_entry e;
    if (delta_entry_parse((const char *)data, n, "log", &e, NULL) == 0) {
        write_again(&e);
        delta_entry_release(&e);
    }
    char *text = malloc(n + 1);
    memcpy(text, data, n);
    text[n] = 0;
    try_texts(text);
    free(text);
    return 0;
}
