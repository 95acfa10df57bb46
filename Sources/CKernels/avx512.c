// The AVX-512 twins. Only this file's functions are compiled for it: the binary itself is baseline.
#if defined(__x86_64__)
#include <immintrin.h>
#include "twins.h"
#pragma clang attribute push(                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"))),   \
    apply_to = function)
#define WK_TWIN(name) wk_##name##_avx512
// Tiles, by measurement on Zen 5: 8 rows hide the latency of an fma; 4 x 4 outputs and their
// operands fill the 32 registers.
#define WK_GEMV_ROWS 8
#define WK_GEMM_ROWS 4
#define WK_GEMM_TOKENS 4
#include "simd_avx512.h"
#include "matmul_twin.h"
#include "vector_twin.h"
#pragma clang attribute pop
#endif
