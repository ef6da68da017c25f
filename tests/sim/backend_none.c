/* backend_none.c: in the place of backend_store.c where only the core is built (mutants.sh). */
#include "tests/sim/sim.h"

const struct backend *const backend_real = NULL;
