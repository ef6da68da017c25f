/* codes.c: the table of codes.h. */
#include "dag/codes.h"

#include <string.h>

const struct code codes[] = {
#define X(code, title, wrong, right) {#code, title, wrong, right},
    CODE_LIST(X)
#undef X
};
const size_t code_count = sizeof codes / sizeof *codes;

const struct code *code_find(const char *code) {
    for (size_t i = 0; i < code_count; i++)
        if (strcmp(codes[i].code, code) == 0) return &codes[i];
    return NULL;
}
