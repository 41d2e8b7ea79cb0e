/* Growable arrays of the loader: VEC(type) v; index by v.at[i], i < v.n. */
#ifndef VEC_H
#define VEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type) \
  struct {        \
    type* at;     \
    uint32_t n;   \
    uint32_t cap; \
  }

static inline bool vec_reserve(
    void** at, uint32_t* cap, uint64_t need, size_t size) {
  if (need <= *cap) return true;
  if (need >= UINT32_MAX) return false;
  uint64_t room = *cap ? (uint64_t)*cap * 2 : 64;
  if (room < need) room = need;
  if (room >= UINT32_MAX) room = UINT32_MAX - 1;
  void* grown = realloc(*at, room * size);
  if (!grown) return false;
  *at = grown;
  *cap = (uint32_t)room;
  return true;
}

/* Room for `count` more: false when there is none. */
#define VEC_ROOM(v, count) \
  vec_reserve(             \
      (void**)&(v).at, &(v).cap, (uint64_t)(v).n + (count), sizeof *(v).at)

/* A new last element, cleared; NULL when there is no memory. */
#define VEC_PUSH(v)                                                    \
  (VEC_ROOM(v, 1)                                                      \
       ? (memset(&(v).at[(v).n], 0, sizeof *(v).at), &(v).at[(v).n++]) \
       : NULL)

/* Appends a copy: false when there is no memory. */
#define VEC_ADD(v, value) (VEC_ROOM(v, 1) && ((v).at[(v).n++] = (value), true))

#endif
