/* Functions to export, and what the tests of exporting share. */
#ifndef TESTS_PORTABLE_FUNCTIONS_H
#define TESTS_PORTABLE_FUNCTIONS_H

#include "support.h"

/* The file that is written; each process has its own. */
extern char path[64];
int functions_set_up(void** state);
int functions_tear_down(void** state);

mlx_stream cpu(void);
mlx_vector_array list1(mlx_array a);
mlx_vector_array list2(mlx_array a, mlx_array b);
mlx_array get(mlx_vector_array v, size_t i);
int give(mlx_vector_array* res, mlx_array a);
mlx_array full(float value, int n, const int* shape);
/* Element i of result k, which has `size` elements. */
void expect(
    mlx_vector_array res, size_t k, size_t size, size_t i, double value);
/* -exp(x) */
int negative_exp(mlx_vector_array* res, const mlx_vector_array in);
/* The sum of all arguments and of the payload, an array. */
int sum_all(mlx_vector_array* res, const mlx_vector_array in, void* payload);
mlx_closure summing(mlx_array* payload);
mlx_map_string_to_array named(const char* a, float x, const char* b, float y);
void export_negative_exp(bool shapeless);
/* n ones as separate arguments. */
mlx_vector_array ones(int n);
long size_of_file(void);

#endif
