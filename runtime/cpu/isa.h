/* Which instruction set the CPU kernels use.
 *
 * Every file of cpu/simd is compiled once for each of generic, avx2 and avx512;
 * LZ_ISA names the one at hand and ISA_NAME(x) makes a symbol of its own for it
 * (x_avx2). A family of kernels gathers its functions in a const table,
 *     const reduce_table ISA_NAME(reduce_table) = {...};     in cpu/simd/
 * and picks it once:
 *     ISA_DECLARE(reduce_table_t, reduce_table)               in cpu/reduce.c
 *     const reduce_table_t *t = ISA_PICK(reduce_table);
 */
#ifndef CPU_ISA_H
#define CPU_ISA_H

enum isa_level { ISA_GENERIC, ISA_AVX2, ISA_AVX512 };

/* The best that this machine has; LAZULI_ISA=generic|avx2|avx512 lowers it. */
enum isa_level isa_get(void);
const char* isa_name(enum isa_level level);

#define ISA_CAT_(a, b) a##_##b
#define ISA_CAT(a, b) ISA_CAT_(a, b)
#define ISA_NAME(x) ISA_CAT(x, LZ_ISA)

#if defined(__x86_64__)
#define ISA_DECLARE(type, name) \
  extern const type name##_generic, name##_avx2, name##_avx512;
#define ISA_PICK(name)                      \
  (isa_get() == ISA_AVX512 ? &name##_avx512 \
   : isa_get() == ISA_AVX2 ? &name##_avx2   \
                           : &name##_generic)
#else
#define ISA_DECLARE(type, name) extern const type name##_generic;
#define ISA_PICK(name) (&name##_generic)
#endif

#endif
