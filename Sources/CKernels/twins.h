// The faster twins of the kernels, and the choice between them.
#ifndef WAFER_TWINS_H
#define WAFER_TWINS_H
#include "wafer_kernels.h"

#if defined(__x86_64__)
#define WK_TWINS(result, name, ...)             \
  result wk_##name##_avx2 __VA_ARGS__;          \
  result wk_##name##_avx512 __VA_ARGS__;
#else
#define WK_TWINS(result, name, ...)
#endif

WK_TWINS(void, matmul, (wk_type type, const void *w, size_t row_bytes, size_t rows, size_t columns,
                        const float *x, size_t x_stride, size_t tokens, float *y, size_t y_stride))
WK_TWINS(void, rms_norm, (const float *x, const float *weight, size_t n, float epsilon, float *out))
WK_TWINS(void, add, (float *x, const float *y, size_t n))
WK_TWINS(void, swiglu, (float *gate, const float *up, size_t n))
WK_TWINS(void, attend, (const float *q, const float *keys, const float *values, size_t positions,
                        size_t head_size, float scale, float *scores, float *out))
WK_TWINS(uint64_t, read, (const void *bytes, size_t count))
WK_TWINS(float, log_sum_exp, (const float *x, size_t n))

// The reduced path on AVX2, and where the processor has dot products of bytes or of bfloat16.
#if defined(__x86_64__)
void wk_round_blocks_avx2(wk_type type, const float *x, size_t columns, void *out);
void wk_matmul_rounded_avx2(wk_type type, const void *w, size_t row_bytes, size_t rows,
                            size_t columns, const void *rounded, size_t tokens, float *y,
                            size_t y_stride);
void wk_round_blocks_vnni(wk_type type, const float *x, size_t columns, void *out);
void wk_matmul_vnni(wk_type type, const void *w, size_t row_bytes, size_t rows, size_t columns,
                    const void *rounded, size_t tokens, float *y, size_t y_stride);
void wk_matmul_dpbf16(const void *w, size_t row_bytes, size_t rows, size_t columns,
                      const void *rounded, size_t tokens, float *y, size_t y_stride);
#endif

// Calls the twin for `isa`; the scalar reference where this build has no other.
#if defined(__x86_64__)
#define WK_CHOOSE(isa, name, ...)                                  \
  switch (isa) {                                                   \
    case WK_AVX512: return wk_##name##_avx512(__VA_ARGS__);        \
    case WK_AVX2: return wk_##name##_avx2(__VA_ARGS__);            \
    case WK_SCALAR: break;                                         \
  }                                                                \
  return name##_scalar(__VA_ARGS__)
#else
#define WK_CHOOSE(isa, name, ...) \
  (void)(isa);                    \
  return name##_scalar(__VA_ARGS__)
#endif
#endif
