// What every kernel shares: 16 lanes and the tree that adds them, and the exact conversions between
// the small float formats and float32.
#ifndef WAFER_LANES_H
#define WAFER_LANES_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WK_LANES = 16 };

static inline float wk_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

static inline float wk_tree(const float lane[WK_LANES]) {
  float sum[WK_LANES / 2];
  for (int j = 0; j < 8; j++) sum[j] = lane[j] + lane[j + 8];
  for (int width = 4; width > 0; width /= 2)
    for (int j = 0; j < width; j++) sum[j] = sum[j] + sum[j + width];
  return sum[0];
}

static inline float wk_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint32_t wk_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

// float16 to float32, exact. The exponent is moved by a multiplication, which also makes subnormals
// normal; infinities and NaNs are set apart.
static inline float wk_half(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;
  if (rest >= 0x0f800000) return wk_float(sign | 0x70000000 | rest);
  return wk_float(sign | wk_bits(wk_float(rest) * 0x1p112f));
}

static inline float wk_bfloat(uint16_t b) { return wk_float((uint32_t)b << 16); }

static inline uint16_t wk_load16(const void *p) {
  uint16_t value;
  memcpy(&value, p, 2);
  return value;
}
#endif
