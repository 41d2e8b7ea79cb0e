/* The report as JSON: stable keys, new ones may be added. */
#ifndef EXPORT_JSON_H
#define EXPORT_JSON_H

#include <stdio.h>

#include "model.h"
#include "rules.h"
#include "summary.h"

/* 0, or 1 when there is no memory or `out` cannot be written. */
int export_json(
    FILE* out, const model* m, const summary* s, const findings* found);

#endif
