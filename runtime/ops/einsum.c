#include "ops/einsum.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/patterns.h"
#include "ops/reduce.h"
#include "ops/shape.h"

/* Axes are named by numbers: letters first, then the axes of an ellipsis,
 * counted from the last. */
enum { LETTERS = 52, LABELS = LETTERS + LZ_MAX_DIMS };

typedef struct einsum_term {
  lz_array* a;
  int n;
  uint8_t label[LZ_MAX_DIMS]; /* one an axis */
} einsum_term;

typedef struct einsum_plan {
  einsum_term* terms;
  int n_terms;
  einsum_term out; /* labels only */
  int32_t extent[LABELS];
  lz_stream* s;
} einsum_plan;

static int einsum_find(const einsum_term* t, int label) {
  for (int i = 0; i < t->n; i++)
    if (t->label[i] == label) return i;
  return -1;
}

static void einsum_remove(einsum_term* t, int axis) {
  memmove(t->label + axis, t->label + axis + 1, (size_t)(t->n - axis - 1));
  t->n--;
}

/* ---- reading the subscripts ---------------------------------------------- */

static int einsum_letter(char c) {
  return islower((unsigned char)c) ? c - 'a' : c - 'A' + 26;
}

/* Labels of one operand, or of the result (ndim < 0), whose ellipsis has
 * `ellipsis` axes. text ends at `end`. */
static int einsum_labels(
    einsum_term* t,
    const char* text,
    const char* end,
    int ndim,
    int* ellipsis) {
  int letters = 0, dots = 0;
  for (const char* c = text; c < end; c++)
    letters += isalpha((unsigned char)*c) != 0;
  t->n = 0;
  for (const char* c = text; c < end; c++) {
    if (*c == ' ') continue;
    if (isalpha((unsigned char)*c)) {
      if (t->n == LZ_MAX_DIMS)
        return error_fail("[einsum] more than %d subscripts", LZ_MAX_DIMS);
      t->label[t->n++] = (uint8_t)einsum_letter(*c);
      continue;
    }
    if (end - c < 3 || strncmp(c, "...", 3) != 0)
      return error_fail(
          "[einsum] Subscripts must be letters, but got '%c'.", *c);
    if (dots++)
      return error_fail(
          "[einsum] Only one ellipsis per subscript is allowed: '%.*s'",
          (int)(end - text),
          text);
    int n = ndim < 0 ? *ellipsis : ndim - letters;
    if (n < 0)
      return error_fail(
          "[einsum] '%.*s' needs at least %d dimensions but the operand has "
          "%d.",
          (int)(end - text),
          text,
          letters,
          ndim);
    if (n > *ellipsis) *ellipsis = n;
    for (int i = n; i-- > 0 && t->n < LZ_MAX_DIMS;)
      t->label[t->n++] = (uint8_t)(LETTERS + i);
    c += 2;
  }
  if (ndim >= 0 && t->n != ndim)
    return error_fail(
        "[einsum] Invalid number of subscripts %d in '%.*s' for an operand "
        "with %d dimensions.",
        t->n,
        (int)(end - text),
        text,
        ndim);
  return 0;
}

/* Without "->": the ellipsis, then what occurs once, in order. */
static void einsum_implicit(einsum_plan* p, int ellipsis) {
  int count[LETTERS] = {0};
  for (int i = 0; i < p->n_terms; i++)
    for (int k = 0; k < p->terms[i].n; k++)
      if (p->terms[i].label[k] < LETTERS) count[p->terms[i].label[k]]++;
  p->out.n = 0;
  for (int i = ellipsis; i-- > 0;)
    p->out.label[p->out.n++] = (uint8_t)(LETTERS + i);
  /* Capitals come before small letters. */
  for (int k = 0; k < LETTERS; k++) {
    int label = (k + 26) % LETTERS;
    if (count[label] == 1 && p->out.n < LZ_MAX_DIMS)
      p->out.label[p->out.n++] = (uint8_t)label;
  }
}

static int einsum_extents(einsum_plan* p) {
  for (int i = 0; i < p->n_terms; i++) {
    const einsum_term* t = &p->terms[i];
    for (int k = 0; k < t->n; k++) {
      int32_t* known = &p->extent[t->label[k]];
      int32_t n = t->a->shape[k];
      int first = einsum_find(t, t->label[k]);
      if (first != k && t->a->shape[first] != n)
        return error_fail(
            "[einsum] Dimensions of repeated subscripts do not have the same "
            "size: %s",
            error_shape_of(t->a));
      if (*known >= 0 && n != 1 && *known != 1 && *known != n)
        return error_fail(
            "[einsum] Cannot broadcast dimension %d of input %d with shape %s "
            "to size %d.",
            k,
            i,
            error_shape_of(t->a),
            *known);
      if (*known < 0 || *known == 1) *known = n;
    }
  }
  for (int k = 0; k < p->out.n; k++) {
    if (p->extent[p->out.label[k]] < 0)
      return error_fail("[einsum] an output subscript is in no input");
    if (einsum_find(&p->out, p->out.label[k]) != k)
      return error_fail("[einsum] Repeat indices not allowed in output.");
  }
  return 0;
}

static int einsum_parse(
    einsum_plan* p, const char* text, lz_array* const* operands, size_t n) {
  const char* arrow = strstr(text, "->");
  const char* end = arrow ? arrow : text + strlen(text);
  int ellipsis = 0;
  for (int i = 0; i < LABELS; i++) p->extent[i] = -1;
  size_t commas = 0;
  for (const char* c = text; c < end; c++) commas += *c == ',';
  if (commas + 1 != n)
    return error_fail(
        "[einsum] Number of operands, %zu, does not match number of input "
        "subscripts, %zu",
        n,
        commas + 1);
  const char* from = text;
  for (size_t i = 0; i < n; i++) {
    const char* to = memchr(from, ',', (size_t)(end - from));
    if (!to) to = end;
    p->terms[i].a = operands[i];
    if (einsum_labels(&p->terms[i], from, to, operands[i]->ndim, &ellipsis))
      return 1;
    from = to + 1;
  }
  p->n_terms = (int)n;
  if (!arrow)
    einsum_implicit(p, ellipsis);
  else if (einsum_labels(
               &p->out, arrow + 2, arrow + strlen(arrow), -1, &ellipsis))
    return 1;
  return einsum_extents(p);
}

/* ---- contraction --------------------------------------------------------- */

/* Is the label needed outside of the terms x and y? */
static bool einsum_kept(const einsum_plan* p, int label, int x, int y) {
  if (einsum_find(&p->out, label) >= 0) return true;
  for (int i = 0; i < p->n_terms; i++)
    if (i != x && i != y && einsum_find(&p->terms[i], label) >= 0) return true;
  return false;
}

/* An axis named twice becomes its diagonal. */
static void einsum_diagonals(einsum_plan* p, einsum_term* t) {
  for (int k = 0; t->a && k < t->n; k++)
    for (int m = k + 1; m < t->n; m++)
      if (t->label[k] == t->label[m]) {
        uint8_t label = t->label[k];
        t->a = op_diagonal(t->a, 0, k, m, p->s);
        einsum_remove(t, m);
        einsum_remove(t, k);
        t->label[t->n++] = label;
        k = -1;
        break;
      }
}

/* Sums over the axes that only this term has and nobody asks for. */
static void einsum_sum(einsum_plan* p, int index, int other) {
  einsum_term* t = &p->terms[index];
  int axes[LZ_MAX_DIMS], n = 0;
  for (int k = 0; k < t->n; k++)
    if (!einsum_kept(p, t->label[k], index, other) &&
        (other < 0 || einsum_find(&p->terms[other], t->label[k]) < 0))
      axes[n++] = k;
  if (n) t->a = op_sum(t->a, AXES(axes, n), false, p->s);
  while (n) einsum_remove(t, axes[--n]);
}

/* Axes of one element that the other term has at length: they broadcast. */
static void einsum_shed(einsum_plan* p, einsum_term* t, const einsum_term* u) {
  int axes[LZ_MAX_DIMS], n = 0;
  for (int k = 0; t->a && k < t->n; k++)
    if (t->a->shape[k] == 1 && einsum_find(u, t->label[k]) >= 0) axes[n++] = k;
  if (n) t->a = op_squeeze(t->a, axes, n, p->s);
  while (n) einsum_remove(t, axes[--n]);
}

/* The axes in the order of `labels`, those that are missing with extent 1. */
static lz_array* einsum_align(
    einsum_plan* p, const einsum_term* t, const uint8_t* labels, int n) {
  if (!t->a) return NULL;
  int order[LZ_MAX_DIMS], k = 0;
  int32_t shape[LZ_MAX_DIMS];
  for (int i = 0; i < n; i++) {
    int axis = einsum_find(t, labels[i]);
    shape[i] = axis < 0 ? 1 : t->a->shape[axis];
    if (axis >= 0) order[k++] = axis;
  }
  lz_array* a = k ? op_transpose(t->a, order, k, p->s) : t->a;
  return op_reshape(a, shape, n, p->s);
}

/* Extents of the terms themselves: one that broadcasts may still be 1 here. */
static int32_t einsum_extent(
    const einsum_term* x, const einsum_term* y, int label) {
  int k = einsum_find(x, label);
  return k >= 0 ? x->a->shape[k] : y->a->shape[einsum_find(y, label)];
}

static int32_t einsum_product(
    const einsum_term* x, const einsum_term* y, const uint8_t* l, int n) {
  int32_t size = 1;
  for (int i = 0; i < n; i++) size *= einsum_extent(x, y, l[i]);
  return size;
}

/* x becomes the contraction of x and y. Labels are those of batches (both,
 * kept), rows (x alone), columns (y alone) and inner ones (both, summed). */
static int einsum_contract(einsum_plan* p, int ix, int iy) {
  einsum_term *x = &p->terms[ix], *y = &p->terms[iy];
  einsum_sum(p, ix, iy);
  einsum_sum(p, iy, ix);
  if (!x->a || !y->a) return 1;
  einsum_shed(p, x, y);
  einsum_shed(p, y, x);
  /* What was shed may leave axes of the other that are its own now. */
  einsum_sum(p, ix, iy);
  einsum_sum(p, iy, ix);
  if (!x->a || !y->a) return 1;
  uint8_t all[2 * LZ_MAX_DIMS], inner[LZ_MAX_DIMS];
  int batch = 0, rows = 0, columns = 0, inside = 0;
  for (int k = 0; k < x->n; k++)
    if (einsum_find(y, x->label[k]) >= 0) {
      if (einsum_kept(p, x->label[k], ix, iy))
        all[batch++] = x->label[k];
      else
        inner[inside++] = x->label[k];
    }
  for (int k = 0; k < x->n; k++)
    if (einsum_find(y, x->label[k]) < 0) all[batch + rows++] = x->label[k];
  for (int k = 0; k < y->n; k++)
    if (einsum_find(x, y->label[k]) < 0)
      all[batch + rows + columns++] = y->label[k];
  int n = batch + rows + columns;
  if (n + inside > LZ_MAX_DIMS)
    return error_fail("[einsum] more than %d dimensions", LZ_MAX_DIMS);
  lz_array* out;
  if (inside == 0 || !dtype_is_inexact((lz_dtype)x->a->dtype)) {
    memcpy(all + n, inner, (size_t)inside);
    int axes[LZ_MAX_DIMS];
    for (int i = 0; i < inside; i++) axes[i] = n + i;
    out = op_multiply(
        einsum_align(p, x, all, n + inside),
        einsum_align(p, y, all, n + inside),
        p->s);
    if (inside) out = op_sum(out, AXES(axes, inside), false, p->s);
  } else {
    uint8_t left[LZ_MAX_DIMS], right[LZ_MAX_DIMS];
    memcpy(left, all, (size_t)(batch + rows));
    memcpy(left + batch + rows, inner, (size_t)inside);
    memcpy(right, all, (size_t)batch);
    memcpy(right + batch, inner, (size_t)inside);
    memcpy(right + batch + inside, all + batch + rows, (size_t)columns);
    int32_t b = einsum_product(x, y, all, batch);
    int32_t m = einsum_product(x, y, all + batch, rows);
    int32_t c = einsum_product(x, y, all + batch + rows, columns);
    int32_t k = einsum_product(x, y, inner, inside);
    lz_array* l = einsum_align(p, x, left, batch + rows + inside);
    lz_array* r = einsum_align(p, y, right, batch + inside + columns);
    l = op_reshape(l, (const int32_t[]){b, m, k}, 3, p->s);
    r = op_reshape(r, (const int32_t[]){b, k, c}, 3, p->s);
    int32_t shape[LZ_MAX_DIMS];
    for (int i = 0; i < n; i++) shape[i] = einsum_extent(x, y, all[i]);
    out = op_reshape(op_matmul(l, r, p->s), shape, n, p->s);
  }
  x->a = out;
  x->n = n;
  memcpy(x->label, all, (size_t)n);
  *y = p->terms[--p->n_terms];
  return out ? 0 : 1;
}

/* Multiplications that contracting the pair takes. */
static double einsum_cost(const einsum_plan* p, int x, int y) {
  double cost = 1;
  const einsum_term *a = &p->terms[x], *b = &p->terms[y];
  for (int k = 0; k < a->n; k++) cost *= p->extent[a->label[k]];
  for (int k = 0; k < b->n; k++)
    if (einsum_find(a, b->label[k]) < 0) cost *= p->extent[b->label[k]];
  return cost;
}

lz_array* op_einsum(
    const char* subscripts, lz_array* const* operands, size_t n, lz_stream* s) {
  if (!s) return NULL;
  if (n == 0) return error_set("[einsum] At least one operand is required.");
  einsum_plan p = {.s = s};
  p.terms = calloc(n, sizeof *p.terms);
  if (!p.terms) return error_memory();
  lz_array* result = NULL;
  if (einsum_parse(&p, subscripts, operands, n)) goto done;
  for (int i = 0; i < p.n_terms; i++) {
    einsum_diagonals(&p, &p.terms[i]);
    if (!p.terms[i].a) goto done;
  }
  while (p.n_terms > 1) {
    int x = 0, y = 1;
    double best = einsum_cost(&p, 0, 1);
    for (int i = 0; i < p.n_terms; i++)
      for (int k = i + 1; k < p.n_terms; k++) {
        double cost = einsum_cost(&p, i, k);
        if (cost < best) {
          best = cost;
          x = i;
          y = k;
        }
      }
    if (einsum_contract(&p, x, y)) goto done;
  }
  einsum_sum(&p, 0, -1);
  result = einsum_align(&p, &p.terms[0], p.out.label, p.out.n);
done:
  free(p.terms);
  return result;
}
