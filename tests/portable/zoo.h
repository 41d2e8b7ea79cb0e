/* A function that uses most operations that have parameters. */
#ifndef TESTS_ZOO_H
#define TESTS_ZOO_H

#include "core/closure.h"

/* One reference. Takes what zoo_inputs() gives; its results are small. */
lz_closure* zoo_closure(void);
/* Appends the arguments: READY, always the same. */
void zoo_inputs(lz_list* in);

#endif
