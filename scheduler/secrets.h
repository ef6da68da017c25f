/* secrets.h: secrets by reference. The values live in memory only, on their way to a step's environment. */
#ifndef LEAT_SCHEDULER_SECRETS_H
#define LEAT_SCHEDULER_SECRETS_H

#include <jansson.h>

/* Where secrets come from. */
struct secret_sources {
    const char *root;        /* of relative paths */
    const json_t *env_files; /* what the listed env files define; the real environment wins */
};

/* `references` maps a name to `file:PATH` or `env:NAME`. New reference: an object of the values that could be
 * had; a trailing newline of a file is dropped. */
json_t *secrets_resolve(const json_t *references, const struct secret_sources *from);
/* The values as a NULL-ended list for the warden to mask; free() the list, the texts are borrowed from
 * `secrets`. */
const char **secrets_masks(const json_t *secrets);

#endif
