/* Sorting, partitions and what is made of them; cumulative operations. In each
 * `axis` NULL means: of the flattened array. */
#ifndef OPS_ORDER_H
#define OPS_ORDER_H

#include "core/op.h"
#include "cpu/scan.h"

lz_array* op_sort(lz_array* a, const int* axis, lz_stream* s);
lz_array* op_argsort(lz_array* a, const int* axis, lz_stream* s);
/* The element of rank kth in its place, smaller ones before it. */
lz_array* op_partition(lz_array* a, int kth, const int* axis, lz_stream* s);
lz_array* op_argpartition(lz_array* a, int kth, const int* axis, lz_stream* s);
/* The k greatest, in no order. */
lz_array* op_topk(lz_array* a, int k, const int* axis, lz_stream* s);
lz_array* op_median(
    lz_array* a, const int* axes, int n_axes, bool keepdims, lz_stream* s);

lz_array* op_scan(
    scan_kind kind,
    lz_array* a,
    int axis,
    bool reverse,
    bool inclusive,
    lz_stream* s);

typedef struct order_params {
  int32_t axis;
  int32_t kth;
} order_params;

typedef struct scan_params {
  int32_t axis;
  int16_t reverse;
  int16_t inclusive;
} scan_params;

extern const lz_op op_sort_desc, op_argsort_desc, op_partition_desc,
    op_argpartition_desc, op_scan_descs[SCAN_KINDS];

#endif
