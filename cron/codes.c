/* codes.c: the names of what can be said about a text. */
#include "cron/cron.h"

const char *const cron_code_names[] = {
#define X(name, title) #name,
    CRON_CODE_LIST(X)
#undef X
};
