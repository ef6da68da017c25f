/* item.h: one field of a cron text; for cron/ only. */
#ifndef LEAT_CRON_ITEM_H
#define LEAT_CRON_ITEM_H

#include "cron/read.h"

struct reader {
    const char *text;
    struct cron_text *out;
    struct cron_note *err;
    enum cron_field field;
};

/* Reads the field that `at` spans and appends its items; 0, or -1 with err. */
int cron_read_field(struct reader *r, enum cron_field field, struct part at);

#endif
