/* fuzz_check.c: any bytes as a check rule: what is read prints, and reads back as the same rule. */
#include "dag/check.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char message[256] = "";
    size_t offset = 0;
    const char *text = (const char *)data;
    json_t *j = check_parse(text, size, message, &offset);
    if (!j) {
        assert(*message && offset <= size);
        return 0;
    }
    struct buf b = BUF_INIT;
    check_print(j, &b);
    json_t *again = check_parse(buf_str(&b), b.len, message, &offset);
    assert(again);
    json_object_del(j, "text");
    json_object_del(again, "text");
    assert(json_equal(j, again));
    json_decref(j);
    json_decref(again);
    buf_release(&b);
    return 0;
}
