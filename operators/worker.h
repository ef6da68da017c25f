/* worker.h: `leat worker --request FILE`, the process that does the data work of one attempt under the
 * warden.
 *
 * Actions: work (P1 and P2 of a work operator), audit (P2 of what a process step wrote), publish (P4 and P5
 * of an intent), parse (steps looked at before they run). The result file is written last and durably; the
 * exit code is 0 when it is complete, whatever it says. */
#ifndef LEAT_OPERATORS_WORKER_H
#define LEAT_OPERATORS_WORKER_H

int worker_main(const char *request_path);

#endif
