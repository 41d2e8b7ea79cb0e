/* What the commands that read a trace share. */
#ifndef TRACE_ARG_H
#define TRACE_ARG_H

#include "model.h"

/* Loads a trace; on failure complains in one line and returns NULL. */
model* trace_arg_load(const char* command, const char* path);

/* The exit status once a trace's answer is printed: a damaged file is
 * complained about in one line, and has status CLI_FAILED, though what stands
 * before the damage was shown. Frees the model. */
int trace_arg_done(const char* command, model* m);

#endif
