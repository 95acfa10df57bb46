// Kernels of the forward pass. Every kernel has a scalar reference, and twins for AVX2 and AVX-512
// that give the same bits (a NaN stays a NaN, but which one is not promised).
//
// Canonical order of a dot product over n elements: 16 lanes; lane j starts at +0 and takes
// acc = fma(w, x, acc) over elements j, j + 16, j + 32, …; elements past n leave the accumulator as
// it is. The lanes are then added in a fixed tree:
// 16 -> 8 (lane j + lane j + 8) -> 4 (j + j + 4) -> 2 (j + j + 2) -> 1.
// A canonical sum is the same with acc = acc + x. Neither knows of rows, tokens or positions beside
// its own, so a result's bits do not depend on what else is computed in the same call.
//
// A quantised weight first becomes the float32 that its format defines (e.g. q4_1: fma(d, q, m)),
// so a result does not depend on whether weights were expanded beforehand either.
//
// Pointers to floats need the alignment of a float, pointers to weights none. Outputs do not
// overlap inputs unless a kernel is said to work in place. Nothing outside the stated extents is
// read.
#ifndef WAFER_KERNELS_H
#define WAFER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

// How weights lie in memory; quantised ones are ggml's blocks (see blocks.h).
typedef enum wk_type {
  WK_F32 = 0, WK_F16 = 1, WK_BF16 = 2, WK_Q8_0 = 3, WK_Q4_0 = 4, WK_Q4_1 = 5,
  WK_Q4_K = 6, WK_Q5_K = 7, WK_Q6_K = 8
} wk_type;

// Instruction sets, in order. wk_detect gives the best this processor and its system offer. A
// kernel that is asked for more than the build has (another architecture) runs its scalar
// reference.
typedef enum wk_isa { WK_SCALAR = 0, WK_AVX2 = 1, WK_AVX512 = 2 } wk_isa;
wk_isa wk_detect(void);

// y[t * y_stride + r] = sum over c of w[r, c] * x[t * x_stride + c], canonical order.
// w: rows of row_bytes bytes, each holding `columns` elements in whole blocks. x: float32.
void wk_matmul(wk_isa isa, wk_type type, const void *w, size_t row_bytes, size_t rows,
               size_t columns, const float *x, size_t x_stride, size_t tokens, float *y,
               size_t y_stride);

// Expands elements first ..< first + count of one stored row to float32.
void wk_dequantize(wk_type type, const void *row, size_t first, size_t count, float *out);

// The reduced path: inputs are rounded before they are multiplied, weights are not. It is an
// option, and its results differ from wk_matmul's.
//
// Quantised weights: a block of 32 inputs becomes int8, q = rint(x * (127 / max|x|)), and a scale
// dx = max|x| / 127. The weights of a block are integers u, with a scale d and, in some formats, a
// minimum m. Lane 4b + j of 16 owns elements 4j ..< 4j + 4 and 16 + 4j ..< 16 + 4j + 4 of block b
// of every four:
//   i = sum of eight u * q,  s = sum of eight q                               (exact integers)
//   acc = fma(float(i), d * dx, acc);  where there are minima, acc = fma(m, float(s) * dx, acc)
// q6_K has a scale for each half of 16: there the first four elements take one fma, the second four
// another. The lanes are added in the canonical tree. Blocks are filled up to four with zeros. A
// block of subnormal inputs counts as zero; one that is not finite makes its results NaN.
//
// bfloat16 weights: inputs are rounded to bfloat16 (nearest, ties to even). Lane j takes the pairs
// (32k + 2j, 32k + 2j + 1) in order of k, acc = fma(w1, x1, acc), acc = fma(w0, x0, acc); subnormal
// factors and results count as zero.
//
// float32 and float16 weights: as wk_matmul.
//
// The AVX-512 twins need dot products of bytes (VNNI) or of bfloat16 (BF16); on a processor with
// AVX-512 but without them the AVX2 twin runs.
//
// wk_round_inputs writes wk_rounded_bytes(type, columns) bytes a token, one after the other,
// 64-byte aligned; wk_matmul_rounded multiplies them.
size_t wk_rounded_bytes(wk_type type, size_t columns);
void wk_round_inputs(wk_isa isa, wk_type type, const float *x, size_t x_stride, size_t columns,
                     size_t tokens, void *rounded);
void wk_matmul_rounded(wk_isa isa, wk_type type, const void *w, size_t row_bytes, size_t rows,
                       size_t columns, const void *rounded, size_t tokens, float *y,
                       size_t y_stride);

// out[i] = x[i] * (1 / sqrt(mean(x^2) + epsilon)) * weight[i]; the sum is a canonical dot. out may
// be x.
void wk_rms_norm(wk_isa isa, const float *x, const float *weight, size_t n, float epsilon,
                 float *out);

// x[i] += y[i]
void wk_add(wk_isa isa, float *x, const float *y, size_t n);

// gate[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x))
void wk_swiglu(wk_isa isa, float *gate, const float *up, size_t n);

// Turns pairs of one head in place: (a, b) becomes (a cos - b sin, a sin + b cos), products
// rounded. cos and sin hold head_size / 2 values; interleaved pairs are (2i, 2i + 1), others (i, i
// + head_size / 2).
void wk_rotate(float *head, const float *cos, const float *sin, size_t head_size, int interleaved);

// One query head against `positions` (at least 1) cached keys and values, each [positions,
// head_size] contiguous: out = sum_p softmax(scale * q.k_p) v_p.
// s_p = scale * canonical dot; e_p = exp(s_p - max s); acc[i] = fma(e_p, v_p[i], acc[i]) from +0 in
// order of positions; out[i] = acc[i] * (1 / canonical sum of e). scores: scratch of `positions`
// floats, left holding e.
void wk_attend(wk_isa isa, const float *q, const float *keys, const float *values, size_t positions,
               size_t head_size, float scale, float *scores, float *out);

// log(sum(exp(x))) over n (at least 1): max + log(canonical sum of exp(x - max)).
float wk_log_sum_exp(wk_isa isa, const float *x, size_t n);

// A sum of the 64-bit words at `bytes`, whole kibibytes: reading at the speed of memory, for
// benchmarks to hold the kernels against.
uint64_t wk_read(wk_isa isa, const void *bytes, size_t count);

// Our own elementary functions, equal on every host. Largest errors, as the tests measure them, are
// in units in the last place (ulp) of the result.

// exp, at most 1 ulp; 0 below -104, infinity above 89.
float wk_exp(float x);
// exp, at most 1 ulp; 0 below -746, infinity above 710.
double wk_exp64(double x);
// Natural logarithm, at most 1 ulp; -infinity at 0, NaN below.
double wk_log64(double x);
// sin and cos of an angle in radians, |x| < 2^31, at most 1 ulp each.
void wk_sincos64(double x, double *sine, double *cosine);

#endif
