/* logline.h: what a line of an attempt's log looks like, for those who show it.
 *
 *     2026-11-20T06:15:00.123Z text of the step
 *
 * Every line begins with a stamp of LOG_STAMP bytes (UTC, when the line's first byte was read). Lines of the
 * warden itself have LOG_NOTE after the stamp. Bytes are otherwise as the step wrote them (secrets masked),
 * whatever their encoding. A log is appended to; it shrinks only when the cap is reached: then its middle was
 * left out, a note says so, and everything after the note has moved. */
#ifndef LEAT_WARDEN_LOGLINE_H
#define LEAT_WARDEN_LOGLINE_H

enum { LOG_STAMP = 25 };
#define LOG_NOTE "[leat] "

#endif
