/* Switches for comparison and debugging, read from the environment once. */
#ifndef EVAL_SETTINGS_H
#define EVAL_SETTINGS_H

#include <stdbool.h>

/* LAZULI_FUSE=0 turns the optimiser off: every node is a kernel of its own. */
bool settings_fuse(void);

#endif
