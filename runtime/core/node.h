/* Nodes, as arrays and evaluation see them from inside. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "core/array.h"

/* Until node_report_of() takes back what this returns, nodes that the thread
 * makes are told to the probe as derivatives or repetitions of n. */
uint64_t node_report_for(const lz_node* n);
void node_report_of(uint64_t before);

/* n consecutive array ids. */
uint64_t node_new_ids(unsigned n);

/* Output `a` of the node is going. */
void node_forget_output(lz_node* node, lz_array* a);

/* Frees an array whose last reference went; returns its node, or NULL. */
lz_node* array_destroy(lz_array* a);

#endif
