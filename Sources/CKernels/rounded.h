// How wk_round_inputs lays out one token.
//
// Quantised weights: a wk_rounded_four for each four blocks of 32, then a scale for each block;
// blocks that are missing to four are zeros. bfloat16 weights: bfloat16 numbers, zeros up to a
// multiple of 32. float32 and float16 weights: the float32 inputs. Each rounded up to 64 bytes.
#ifndef WAFER_ROUNDED_H
#define WAFER_ROUNDED_H
#include "blocks.h"
#include "lanes.h"

typedef struct wk_rounded_four {
  int8_t q[2][64];  // q[h][16b + i]: element 16h + i of block b
  // What a lane's sum s of its q takes part in beside the products. Formats with minima: float(s) *
  // dx. Formats whose twins store u too large by an offset: -offset * s, to start the product's sum
  // with; q6_K for each half of s, others for all of it in the first.
  union { float base[16]; int32_t start[2][16]; } aside;
} wk_rounded_four;

// What the bytes that the twins multiply are too large by; 0 where formats are unsigned.
static inline int32_t wk_offset(wk_type type) {
  return type == WK_Q8_0 ? 128 : type == WK_Q4_0 ? 8 : type == WK_Q6_K ? 32 : 0;
}

static inline size_t wk_fours(size_t columns) { return (columns / 32 + 3) / 4; }

static inline const float *wk_rounded_scales(const void *token, size_t columns) {
  return (const float *)((const wk_rounded_four *)token + wk_fours(columns));
}

// Whether the formats have minima beside their scales.
static inline int wk_has_minima(wk_type type) {
  return type == WK_Q4_1 || type == WK_Q4_K || type == WK_Q5_K;
}
#endif
