/* Functions exported to and imported from files, customarily named *.mlxfn.
 *
 * A function is called once on placeholders, and what it does with them is
 * written: operations with their parameters, captured arrays with their values
 * (large ones that are equal once a file), captured graphs as they are. It runs
 * anew in any process that imports the file; the closure is not needed there.
 * Inside the function values cannot be read, as in compile; operations whose
 * parameters are functions of this program (custom_vjp and its kin, checkpoint)
 * are an error that names them.
 *
 * A traced function takes arguments of the number, names, shapes and dtypes
 * that it was traced with; of any shape but the same number of axes if it was
 * traced shapeless. What the function makes of a shape itself stays as in the
 * trace then, and an operation that cannot tell its result's shape from its
 * inputs (a slice) makes a call with other shapes an error that names it.
 *
 * Files are in this machine's byte order and carry a version of the format, one
 * for each operation, and checksums: what was written by another build that
 * meant something else, or is damaged or cut short, is refused with a message.
 * Files that MLX itself has written are refused by name. */
#ifndef MLX_C_EXPORT_H
#define MLX_C_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/map.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_function_exporter_ {
  void* ctx;
} mlx_function_exporter;

typedef struct mlx_imported_function_ {
  void* ctx;
} mlx_imported_function;

/* Writes one function. What was at the path is replaced when all is written and
 * kept where anything fails. */
LAZULI_API int mlx_export_function(
    const char* file,
    const mlx_closure fun,
    const mlx_vector_array args,
    bool shapeless);

/* The same of a function that takes arrays by name, too. */
LAZULI_API int mlx_export_function_kwargs(
    const char* file,
    const mlx_closure_kwargs fun,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs,
    bool shapeless);

/* For one file with several traces of a function. NULL ctx and an error where
 * nothing can be written. Holds the closure until it is freed. */
LAZULI_API mlx_function_exporter mlx_function_exporter_new(
    const char* file, const mlx_closure fun, bool shapeless);

/* A NULL ctx is fine. The file is complete before, after each apply. */
LAZULI_API int mlx_function_exporter_free(mlx_function_exporter xfunc);

/* Traces the function with such arguments and appends it. Arguments that an
 * earlier trace takes are an error. */
LAZULI_API int mlx_function_exporter_apply(
    const mlx_function_exporter xfunc, const mlx_vector_array args);

/* The names become part of what the trace takes; the function, which takes
 * none, does not see them. */
LAZULI_API int mlx_function_exporter_apply_kwargs(
    const mlx_function_exporter xfunc,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs);

/* Reads and checks all functions of a file; NULL ctx and an error where one
 * does not hold. Large constants are read, and compared with their checksum, by
 * the first evaluation that needs them; replacing the file does not change
 * them. */
LAZULI_API mlx_imported_function mlx_imported_function_new(const char* file);

/* A NULL ctx is fine. Results stay valid. */
LAZULI_API int mlx_imported_function_free(mlx_imported_function xfunc);

/* Builds the graph of the function that takes such arguments; nothing is
 * computed. An error tells what was given and what the file has. */
LAZULI_API int mlx_imported_function_apply(
    mlx_vector_array* res,
    const mlx_imported_function xfunc,
    const mlx_vector_array args);

/* The order of the names does not matter. */
LAZULI_API int mlx_imported_function_apply_kwargs(
    mlx_vector_array* res,
    const mlx_imported_function xfunc,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs);

#ifdef __cplusplus
}
#endif

#endif
