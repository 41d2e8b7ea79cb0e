/* GEMM_SPLIT's part of gemm_table (cpu/gemm.h). */
#ifndef CPU_SIMD_GEMM_SPLIT_H
#define CPU_SIMD_GEMM_SPLIT_H

#include "cpu/gemm.h"
#include "cpu/isa.h"

#define GEMM_SPLIT_LANES 32

#if defined(LZ_ISA_avx512)
#define GEMM_SPLIT_KERNEL ISA_NAME(gemm_split_kernel)
#define GEMM_SPLIT_ENTER ISA_NAME(gemm_split_enter)
#define GEMM_SPLIT_LEAVE ISA_NAME(gemm_split_leave)
#define GEMM_SPLIT_A ISA_NAME(gemm_split_a)
#define GEMM_SPLIT_B ISA_NAME(gemm_split_b)

void GEMM_SPLIT_ENTER(void);
void GEMM_SPLIT_LEAVE(void);
void GEMM_SPLIT_KERNEL(
    int64_t kn, const void* a, const void* b, void* tile, int64_t ld, bool add);
int GEMM_SPLIT_A(
    void* panel,
    int lanes,
    int64_t kn,
    const void* src,
    int64_t lane_stride,
    int64_t k_stride);
int GEMM_SPLIT_B(
    void* panel,
    int lanes,
    int64_t kn,
    const void* src,
    int64_t lane_stride,
    int64_t k_stride);
#else
#define GEMM_SPLIT_KERNEL NULL
#define GEMM_SPLIT_ENTER NULL
#define GEMM_SPLIT_LEAVE NULL
#define GEMM_SPLIT_A NULL
#define GEMM_SPLIT_B NULL
#endif

#endif
