// Seeded weights in every storage type that has a simple quantiser.
#include "include/wafer_synthetic.h"
#include "blocks.h"
#include <string.h>

enum { BLOCK = 32 };

// `count` (a multiple of 4, at most BLOCK) weights from column `first`, a multiple of 4.
static void weights(uint64_t key, size_t row, size_t first, size_t count, float scale, float *out) {
  uint64_t place = key + ((uint64_t)row << 32) + first / 4;
  float step = scale * 0x1p-15f;
  for (size_t i = 0; i < count / 4; i++) {
    uint64_t bits = wk_mix(place + i);
    for (size_t j = 0; j < 4; j++)
      out[4 * i + j] = ((float)((bits >> 16 * j) & 0xffff) - 32767.5f) * step;
  }
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

static int clamped(int q, int most) { return q > most ? most : q; }

static void quantize_q8_0(const float *x, wk_q8_0 *block) {
  float most = 0;
  for (int i = 0; i < BLOCK; i++) {
    float size = x[i] < 0 ? -x[i] : x[i];
    most = size > most ? size : most;
  }
  float d = most / 127, inverse = d > 0 ? 1 / d : 0;
  block->d = to_float16(d);
  for (int i = 0; i < BLOCK; i++) block->q[i] = (int8_t)nearest(x[i] * inverse);
}

// The weight of the largest size becomes -8.
static void quantize_q4_0(const float *x, wk_q4_0 *block) {
  float most = 0;
  for (int i = 0; i < BLOCK; i++)
    if ((x[i] < 0 ? -x[i] : x[i]) > (most < 0 ? -most : most)) most = x[i];
  float d = most / -8, inverse = d != 0 ? 1 / d : 0;
  block->d = to_float16(d);
  for (int i = 0; i < BLOCK / 2; i++) {
    int low = clamped((int)(x[i] * inverse + 8.5f), 15);
    int high = clamped((int)(x[i + 16] * inverse + 8.5f), 15);
    block->q[i] = (uint8_t)(low | high << 4);
  }
}

static void quantize_q4_1(const float *x, wk_q4_1 *block) {
  float low = x[0], high = x[0];
  for (int i = 1; i < BLOCK; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float d = (high - low) / 15, inverse = d > 0 ? 1 / d : 0;
  block->d = to_float16(d);
  block->m = to_float16(low);
  for (int i = 0; i < BLOCK / 2; i++) {
    int first = clamped((int)((x[i] - low) * inverse + 0.5f), 15);
    int second = clamped((int)((x[i + 16] - low) * inverse + 0.5f), 15);
    block->q[i] = (uint8_t)(first | second << 4);
  }
}

int wk_synthetic(wk_type type, uint64_t key, size_t row, size_t first, size_t count, float scale,
                 void *out) {
  if (type > WK_Q4_1) return 0;
  uint8_t *to = out;
  float block[BLOCK + 4];
  // Unquantised slices may start and end anywhere: the group of four around them is made and cut.
  for (size_t done = 0; done < count;) {
    size_t column = first + done, skip = column % 4;
    size_t n = count - done < BLOCK ? count - done : BLOCK;
    weights(key, row, column - skip, (skip + n + 3) / 4 * 4, scale, block);
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
