// How wk_round_inputs lays out one token.
//
// Quantised weights: one wk_rounded_block a block of 32. bfloat16 weights: bfloat16 numbers, zeros up
// to a multiple of 32. float32 and float16 weights: the float32 inputs. Each rounded up to 64 bytes.
#ifndef WAFER_ROUNDED_H
#define WAFER_ROUNDED_H
#include "blocks.h"
#include "lanes.h"

typedef struct wk_rounded_block {
  int8_t q[32];
  int32_t quad[8];  // quad[j] = q[4j] + … + q[4j + 3]
} wk_rounded_block;

// Blocks come first, padded with zeros to an even number, then their scales.
static inline size_t wk_even_blocks(size_t columns) { return (columns / 32 + 1) / 2 * 2; }

static inline const float *wk_rounded_scales(const void *token, size_t columns) {
  return (const float *)((const wk_rounded_block *)token + wk_even_blocks(columns));
}
#endif
