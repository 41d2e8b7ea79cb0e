#include "api/vector.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "core/hold.h"

/* ---- arrays -------------------------------------------------------------- */

static int array_copy(lz_array** to, lz_array* const* from) {
  *to = array_ref(*from);
  hold_take(*to);
  return 0;
}

static bool handle_valid(mlx_array value) {
  return value.ctx != NULL;
}

static int array_take(lz_array** to, mlx_array value) {
  return array_copy(to, &((lz_handle*)value.ctx)->array);
}

static void array_drop(lz_array** item) {
  hold_drop(*item);
}

static int array_get(mlx_array* res, lz_array* const* item) {
  return api_handle_set(res, array_ref(*item));
}

#define VECTOR array
#define STORE lz_list
#define STORED lz_array*
#define GIVEN const mlx_array
#define DATA const mlx_array*
#define VALID handle_valid
#define TAKE array_take
#define COPY array_copy
#define DROP array_drop
#define GET array_get
#define OUT mlx_array
#include "api/vector_template.h"

int api_vector_set(mlx_vector_array* res, lz_list* from) {
  for (size_t i = 0; i < from->count; i++) hold_take(from->items[i]);
  return vector_array_replace(res, from);
}

/* ---- vectors of arrays --------------------------------------------------- */

static int list_duplicate(lz_list* to, const lz_list* from) {
  return vector_array_duplicate(to, from);
}

static bool list_valid(mlx_vector_array value) {
  return value.ctx != NULL;
}

static int list_take(lz_list* to, mlx_vector_array value) {
  return vector_array_duplicate(to, value.ctx);
}

static void list_drop(lz_list* item) {
  vector_array_clear(item);
}

static int list_get(mlx_vector_array* res, const lz_list* item) {
  lz_list copy;
  return vector_array_duplicate(&copy, item) ||
         vector_array_replace(res, &copy);
}

#define VECTOR vector_array
#define STORE lz_lists
#define STORED lz_list
#define GIVEN const mlx_vector_array
#define DATA const mlx_vector_array*
#define VALID list_valid
#define TAKE list_take
#define COPY list_duplicate
#define DROP list_drop
#define GET list_get
#define OUT mlx_vector_array
#include "api/vector_template.h"

/* ---- ints ---------------------------------------------------------------- */

static int int_copy(int* to, const int* from) {
  *to = *from;
  return 0;
}

static bool int_valid(int value) {
  (void)value;
  return true;
}

static int int_take(int* to, int value) {
  return int_copy(to, &value);
}

static void int_drop(int* item) {
  (void)item;
}

#define VECTOR int
#define STORE lz_ints
#define STORED int
#define GIVEN int
#define DATA int*
#define VALID int_valid
#define TAKE int_take
#define COPY int_copy
#define DROP int_drop
#define GET int_copy
#define OUT int
#include "api/vector_template.h"

int api_vector_int_set(mlx_vector_int* res, lz_ints* from) {
  return vector_int_replace(res, from);
}

/* ---- strings ------------------------------------------------------------- */

static bool text_valid(const char* value) {
  return value != NULL;
}

static int text_take(char** to, const char* value) {
  *to = strdup(value);
  return *to ? 0 : error_memory() == NULL;
}

static int text_copy(char** to, char* const* from) {
  return text_take(to, *from);
}

static void text_drop(char** item) {
  free(*item);
}

static int text_get(char** res, char* const* item) {
  *res = *item;
  return 0;
}

#define VECTOR string
#define STORE lz_strings
#define STORED char*
#define GIVEN const char*
#define DATA const char**
#define VALID text_valid
#define TAKE text_take
#define COPY text_copy
#define DROP text_drop
#define GET text_get
#define OUT char*
#include "api/vector_template.h"

int api_vector_string_set(mlx_vector_string* res, lz_strings* from) {
  return vector_string_replace(res, from);
}
