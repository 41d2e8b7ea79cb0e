/* Making and freeing what rules share; for rules.c alone. */
#ifndef FACTS_H
#define FACTS_H

#include "rules.h"

bool rules_facts_make(rules_run* run); /* false: no memory */
void rules_facts_free(rules_run* run);

#endif
