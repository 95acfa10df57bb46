// Seeded weights in every storage type that has a simple quantiser.
#include "include/wafer_synthetic.h"
#include "blocks.h"
#include <string.h>

enum { BLOCK = 32 };

// BLOCK + 4 weights from column `first`, a multiple of 4: enough for a block that starts within four.
static void weights(uint64_t key, size_t row, size_t first, float scale, float *out) {
  uint64_t place = key + ((uint64_t)row << 32) + first / 4, bits[BLOCK / 4 + 1];
  for (size_t i = 0; i <= BLOCK / 4; i++) bits[i] = wk_mix(place + i);
  float step = scale * 0x1p-15f;
  for (size_t i = 0; i < BLOCK + 4; i++)
    out[i] = ((float)(int)(bits[i / 4] >> 16 * (i % 4) & 0xffff) - 32767.5f) * step;
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

// Nearest, ties to even; of finite numbers.
static uint16_t to_bfloat16(float x) {
  uint32_t bits = bits_of(x);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Nearest, ties to even; of numbers below 65504.
static uint16_t to_float16(float x) {
  uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size < 0x38800000) {
    // Subnormal in float16: adding 2^-1 aligns the last bit kept with that of a float32, which rounds.
    float magic;
    memcpy(&magic, &size, 4);
    magic += 0.5f;
    return (uint16_t)(sign | (bits_of(magic) - 0x3f000000));
  }
  size += 0xfff + ((size >> 13) & 1);
  return (uint16_t)(sign | ((size - 0x38000000) >> 13));
}

// Nearest, halves away from zero, as roundf; |x| < 2^22.
static int nearest(float x) { return (int)(x < 0 ? x - 0.5f : x + 0.5f); }

// Lowest and highest of a block.
static void range(const float *x, float *low, float *high) {
  float a = x[0], b = x[0];
  for (int i = 1; i < BLOCK; i++) {
    a = x[i] < a ? x[i] : a;
    b = x[i] > b ? x[i] : b;
  }
  *low = a;
  *high = b;
}

static void quantize_q8_0(const float *x, wk_q8_0 *block) {
  float low, high;
  range(x, &low, &high);
  float d = (-low > high ? -low : high) / 127, inverse = d > 0 ? 1 / d : 0;
  block->d = to_float16(d);
  for (int i = 0; i < BLOCK; i++) block->q[i] = (int8_t)nearest(x[i] * inverse);
}

// Weights in units of d from `zero` on, to 0 ... 15, rounded down.
static void nibbles(const float *x, float inverse, float zero, uint8_t *q) {
  for (int i = 0; i < BLOCK / 2; i++) {
    int low = (int)(x[i] * inverse + zero), high = (int)(x[i + 16] * inverse + zero);
    q[i] = (uint8_t)((low > 15 ? 15 : low) | (high > 15 ? 15 : high) << 4);
  }
}

// The weight of the largest size becomes -8.
static void quantize_q4_0(const float *x, wk_q4_0 *block) {
  float low, high;
  range(x, &low, &high);
  float d = (-low > high ? low : high) / -8, inverse = d != 0 ? 1 / d : 0;
  block->d = to_float16(d);
  nibbles(x, inverse, 8.5f, block->q);
}

static void quantize_q4_1(const float *x, wk_q4_1 *block) {
  float low, high;
  range(x, &low, &high);
  float d = (high - low) / 15, inverse = d > 0 ? 1 / d : 0;
  block->d = to_float16(d);
  block->m = to_float16(low);
  nibbles(x, inverse, 0.5f - low * inverse, block->q);
}

int wk_synthetic(wk_type type, uint64_t key, size_t row, size_t first, size_t count, float scale,
                 void *out) {
  if (type > WK_Q4_1) return 0;
  uint8_t *to = out;
  float block[BLOCK + 4];
  // Unquantised slices may start and end anywhere: what surrounds them is made, and left out.
  for (size_t done = 0; done < count;) {
    size_t column = first + done, skip = column % 4;
    size_t n = count - done < BLOCK ? count - done : BLOCK;
    weights(key, row, column - skip, scale, block);
    const float *x = block + skip;
    switch (type) {
      case WK_F32: memcpy(to + 4 * done, x, 4 * n); break;
      case WK_F16:
        for (size_t i = 0; i < n; i++) ((uint16_t *)out)[done + i] = to_float16(x[i]);
        break;
      case WK_BF16:
        for (size_t i = 0; i < n; i++) ((uint16_t *)out)[done + i] = to_bfloat16(x[i]);
        break;
      case WK_Q8_0: quantize_q8_0(x, (wk_q8_0 *)out + done / BLOCK); break;
      case WK_Q4_0: quantize_q4_0(x, (wk_q4_0 *)out + done / BLOCK); break;
      case WK_Q4_1: quantize_q4_1(x, (wk_q4_1 *)out + done / BLOCK); break;
      default: return 0;
    }
    done += n;
  }
  return 1;
}
