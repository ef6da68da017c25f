/* exits.h: exit records on disk, for the time between a warden that had nothing left to run and the next one.
 *
 * The file <state>/warden.exits holds EXIT frames (protocol.h) and a check sum of them. It is written durably
 * before the warden ends, read by the next warden, and removed when every record of it was acknowledged. A
 * file that does not check out is set aside as warden.exits.bad and the jobs count as lost. */
#ifndef LEAT_WARDEN_EXITS_H
#define LEAT_WARDEN_EXITS_H

#include "warden/job.h"

#define EXITS_FILE "warden.exits"

/* Writes the records of all ended jobs; removes the file when there are none. */
int exits_save(const char *state, const struct jobs *jobs, struct err *err);
/* Adds the records as ended jobs. 0 also when there is no file; -1 when it was bad (and set aside). */
int exits_load(const char *state, struct jobs *jobs, struct err *err);

#endif
