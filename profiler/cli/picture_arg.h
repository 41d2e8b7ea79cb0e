/* What `dot` and `draw` are told: a trace, an evaluation, a file, a colour. */
#ifndef PICTURE_ARG_H
#define PICTURE_ARG_H

#include "draw.h"

typedef struct picture_arg {
  const char* trace;
  const char* out;  /* or NULL */
  const char* eval; /* as given, or NULL: all */
  draw_options draw;
} picture_arg;

/* 0, or the exit status after a complaint. */
int picture_arg_parse(
    const char* command, int argc, char** argv, picture_arg* out);

/* The graph asked for. 0, or the exit status after a complaint. */
int picture_arg_graph(
    const char* command, const picture_arg* arg, const model* m, graph* out);

#endif
