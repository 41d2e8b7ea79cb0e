/* Plans by structure: what the optimiser decided for a tape, to be used again
 * for every tape of the same signature. A training step is planned once.
 *
 * A blueprint names arrays by where they stand: the output of a node of the
 * tape as it was collected, or a leaf. It owns the programs of its steps, which
 * the plans that use it share. All functions but blueprint_unref: graph lock.
 */
#ifndef EVAL_BLUEPRINT_H
#define EVAL_BLUEPRINT_H

#include "eval/fuse.h"
#include "eval/signature.h"

/* The blueprint of this signature, with a reference for the plan, or NULL. One
 * that was drawn while nobody watched serves only while nobody watches. */
lz_blueprint* blueprint_find(const plan_signature* s);

/* Makes the plan's steps as the blueprint p->blueprint has them. */
int blueprint_apply(lz_plan* p, const plan_signature* s);

/* An empty blueprint, for programs to be kept in; NULL with a message. */
lz_blueprint* blueprint_new(void);
void* blueprint_alloc(lz_blueprint* b, size_t bytes);
void blueprint_unref(lz_blueprint* b);

/* While p->signature is set, p->blueprint is drawn as the plan is made: values
 * that stand for nodes, decisions for who watches, steps that were computed
 * while planning. What cannot be drawn clears p->signature. */
void blueprint_note_edit(
    lz_plan* p, uint32_t node, lz_array* value, bool alias);
void blueprint_note_rewrite(
    lz_plan* p, uint8_t what, const lz_array* from, const lz_array* into);
void blueprint_note_refusal(
    lz_plan* p,
    const lz_array* producer,
    const lz_array* consumer,
    const fuse_verdict* v,
    uint64_t bytes);
void blueprint_note_fold(lz_plan* p, const lz_step* s);

/* Draws the steps, which have just been made, and puts the blueprint among
 * those that are found. */
void blueprint_keep(lz_plan* p);

#endif
