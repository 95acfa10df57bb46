// Weights that are a function of their place, so that any slice of a model can be made alone.
#ifndef WAFER_SYNTHETIC_H
#define WAFER_SYNTHETIC_H
#include "wafer_kernels.h"

// SplitMix64's output function (Steele, Lea, Flood, OOPSLA 2014), applied to z + its increment.
static inline uint64_t wk_mix(uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Elements first ..< first + count of row `row` of the tensor with this key, whole blocks, written as
// `type` stores them. Returns 0 for a type that has no quantiser here (the K-quants), else 1.
//
// Weight (r, c) is scale * (u - 32767.5) / 32768, rounded to float32, where u is bits 16(c mod 4) ..<
// 16(c mod 4) + 16 of wk_mix(key + r * 2^32 + c / 4): uniform, with mean 0 and standard deviation
// scale / sqrt(3). bfloat16 and float16 round it to nearest, ties to even. Quantised types fit each block of
// 32 in the manner of ggml's quantize_row_*_ref.
int wk_synthetic(wk_type type, uint64_t key, size_t row, size_t first, size_t count, float scale,
                 void *out);
#endif
