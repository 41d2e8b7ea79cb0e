/* A picture as a DOT file for Graphviz. */
#ifndef EXPORT_DOT_H
#define EXPORT_DOT_H

#include <stdio.h>

#include "graph.h"

/* 0, or 1 when `out` cannot be written or there is no memory. */
int export_dot(FILE* out, const graph* g, graph_by by);

#endif
