// Kernels of the forward pass. Every kernel has a scalar reference, and faster twins for AVX2 and
// AVX-512 that give the same bits.
//
// Canonical order of a dot product over n elements: 16 lanes; lane j starts at +0 and takes
// acc = fma(w, x, acc) over elements j, j + 16, j + 32, …; elements past n count as zero (they leave
// the accumulator as it is). The lanes are then added in a fixed tree:
// 16 -> 8 (lane j + lane j + 8) -> 4 (j + j + 4) -> 2 (j + j + 2) -> 1.
// A quantised weight is first turned into the float32 that the format defines (e.g. q4_1:
// fma(d, q, m)), so a result does not depend on whether weights were expanded beforehand.
#ifndef WAFER_KERNELS_H
#define WAFER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

typedef enum wk_type {
  WK_F32 = 0, WK_F16 = 1, WK_BF16 = 2, WK_Q8_0 = 3, WK_Q4_0 = 4, WK_Q4_1 = 5,
  WK_Q4_K = 6, WK_Q5_K = 7, WK_Q6_K = 8
} wk_type;

// Instruction sets, in order. wk_detect gives the best this processor has.
typedef enum wk_isa { WK_SCALAR = 0, WK_AVX2 = 1, WK_AVX512 = 2 } wk_isa;
wk_isa wk_detect(void);

// y[t * y_stride + r] = sum over c of w[r, c] * x[t * x_stride + c], canonical order.
// w: rows of row_bytes bytes, each holding `columns` elements in whole blocks. x: float32.
void wk_matmul(wk_isa isa, wk_type type, const void *w, size_t row_bytes, size_t rows, size_t columns,
               const float *x, size_t x_stride, size_t tokens, float *y, size_t y_stride);

// Expands one stored row to float32.
void wk_dequantize(wk_type type, const void *row, size_t columns, float *out);

// out[i] = x[i] * (1 / sqrt(mean(x^2) + epsilon)) * weight[i]; the mean in canonical order.
void wk_rms_norm(wk_isa isa, const float *x, const float *weight, size_t n, float epsilon, float *out);

// x[i] += y[i]
void wk_add(wk_isa isa, float *x, const float *y, size_t n);

// gate[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x))
void wk_swiglu(wk_isa isa, float *gate, const float *up, size_t n);

// Turns pairs of one head in place: cos and sin hold d/2 values; interleaved: (2i, 2i+1), else (i, i+d/2).
void wk_rotate(float *head, const float *cos, const float *sin, size_t head_size, int interleaved);

// One query head against `positions` cached keys and values, each [positions, head_size] contiguous:
// out = sum_p softmax(scale * q.k_p) v_p. Scores: canonical dots. Softmax sum: canonical order over
// positions from 0. out: fma in position order. scores: scratch of `positions` floats.
void wk_attend(wk_isa isa, const float *q, const float *keys, const float *values, size_t positions,
               size_t head_size, float scale, float *scores, float *out);

// log(sum(exp(x))) over n, canonical order.
float wk_log_sum_exp(wk_isa isa, const float *x, size_t n);

// Our own elementary functions, equal on every host. Each documents its largest error.
float wk_exp(float x);
double wk_exp64(double x);
double wk_log64(double x);
// sin and cos of an angle in radians, |x| < 2^31.
void wk_sincos64(double x, double *sine, double *cosine);

#endif
