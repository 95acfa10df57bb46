// The AVX2 twins. Only this file's functions are compiled for it: the binary itself is baseline.
#if defined(__x86_64__)
#include <immintrin.h>
#include "twins.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define WK_TWIN(name) wk_##name##_avx2
// Tiles: a vector of 16 lanes takes two of the 16 registers.
#define WK_GEMV_ROWS 4
#define WK_GEMM_ROWS 2
#define WK_GEMM_TOKENS 2
#define WK_OWN_TILES
#include "simd_avx2.h"
#include "matmul_twin.h"
#include "vector_twin.h"
#pragma clang attribute pop
#endif
