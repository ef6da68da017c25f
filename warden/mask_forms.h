/* mask_forms.h: the ways a secret is commonly written down. */
#ifndef LEAT_WARDEN_MASK_FORMS_H
#define LEAT_WARDEN_MASK_FORMS_H

#include <stddef.h>

/* Calls add() once per form of the secret (forms may repeat or be short; the caller sorts that out). */
void mask_forms(const char *secret, void (*add)(void *ctx, const char *p, size_t n), void *ctx);

#endif
