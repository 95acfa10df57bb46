// How wk_round_inputs lays out one token.
//
// Quantised weights: a wk_rounded_pair for each two blocks of 32, then a scale for each block; an odd
// last block is paired with zeros. bfloat16 weights: bfloat16 numbers, zeros up to a multiple of 32.
// float32 and float16 weights: the float32 inputs. Each rounded up to 64 bytes.
#ifndef WAFER_ROUNDED_H
#define WAFER_ROUNDED_H
#include "blocks.h"
#include "lanes.h"

typedef struct wk_rounded_pair {
  int8_t q[64];
  int32_t quad[16];  // quad[j] = q[4j] + … + q[4j + 3]
} wk_rounded_pair;

static inline size_t wk_pairs(size_t columns) { return (columns / 32 + 1) / 2; }

static inline const float *wk_rounded_scales(const void *token, size_t columns) {
  return (const float *)((const wk_rounded_pair *)token + wk_pairs(columns));
}

// Whether the formats have minima beside their scales.
static inline int wk_has_minima(wk_type type) {
  return type == WK_Q4_1 || type == WK_Q4_K || type == WK_Q5_K;
}
#endif
