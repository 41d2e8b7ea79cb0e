/* Loading and saving: npy, safetensors, gguf. */
#ifndef MLX_C_IO_H
#define MLX_C_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

LAZULI_API int mlx_load_reader(
    mlx_array* res, mlx_io_reader in_stream, const mlx_stream s);

LAZULI_API int mlx_load(mlx_array* res, const char* file, const mlx_stream s);

/* Tensors and metadata of a GGUF file, version 2 or 3. F32, F16, I8, I16 and
 * I32 are lazy; BF16 becomes float16; Q4_0, Q4_1 and Q8_0 become uint32 words
 * with float16 .scales and .biases of groups of 32, as quantized_matmul takes
 * them. Error: no such file, a truncated one, another type. */
LAZULI_API int mlx_load_gguf(
    mlx_io_gguf* gguf, const char* file, const mlx_stream s);

/* Lazy arrays and the texts of __metadata__, both by name. 8-bit floats come as
 * uint8. What the header says is checked against the file at once: an error
 * names file and tensor, and leaves both maps alone. The reader lives on until
 * every array is read. */
LAZULI_API int mlx_load_safetensors_reader(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    mlx_io_reader in_stream,
    const mlx_stream s);

LAZULI_API int mlx_load_safetensors(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    const char* file,
    const mlx_stream s);

LAZULI_API int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a);

/* Here and below: a file that is there is replaced when all of the new one is
 * written, also where the program dies on the way. Nothing is synced to disk:
 * after a power failure either may be lost; sync() where that matters. Error: a
 * full disk, before the time for writing is spent. */
LAZULI_API int mlx_save(const char* file, const mlx_array a);

/* Evaluates all arrays at once, then writes; ".gguf" is added where it is
 * missing. Arrays: float32, float16, int8, int16, int32; metadata: texts,
 * lists of texts, scalars and vectors of integers, bool or float32. */
LAZULI_API int mlx_save_gguf(const char* file, mlx_io_gguf gguf);

/* Evaluates all arrays at once, then writes; ".safetensors" is added to a path
 * where it is missing. Error: float64, which the format's readers lack. A file
 * that was there stays if writing fails. */
LAZULI_API int mlx_save_safetensors_writer(
    mlx_io_writer in_stream,
    const mlx_map_string_to_array param,
    const mlx_map_string_to_string metadata);

LAZULI_API int mlx_save_safetensors(
    const char* file,
    const mlx_map_string_to_array param,
    const mlx_map_string_to_string metadata);

#ifdef __cplusplus
}
#endif

#endif
