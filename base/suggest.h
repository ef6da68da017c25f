/* suggest.h: did-you-mean, one function for verbs, flags, keys, references and columns (design: cli.md
 * 1.4). */
#ifndef LEAT_BASE_SUGGEST_H
#define LEAT_BASE_SUGGEST_H

#include <stddef.h>

/* Optimal string alignment distance, case-folded; counts past `limit` are reported as limit + 1. */
size_t edit_distance(const char *a, const char *b, size_t limit);

/* The unique best of n candidates within a third of the length (rounded up) in edits, else the unique one
 * that `word` is a prefix of; NULL when there is none or it is not unique. The result is borrowed from the
 * candidates. */
const char *suggest(const char *word, const char *const *candidates, size_t n);

#endif
