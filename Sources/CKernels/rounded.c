// The reduced path: inputs rounded to int8 or bfloat16. Scalar reference.
#include "rounded.h"
#include "twins.h"

size_t wk_rounded_bytes(wk_type type, size_t columns) {
  size_t bytes;
  if (type == WK_BF16)
    bytes = (columns + 31) / 32 * 64;
  else if (type < WK_Q8_0)
    bytes = columns * 4;
  else
    bytes = wk_fours(columns) * (sizeof(wk_rounded_four) + 4 * sizeof(float));
  return (bytes + 63) / 64 * 64;
}

// The twin that multiplies `type`: the AVX-512 ones need VNNI or BF16, which not every AVX-512 has.
static wk_isa twin_of(wk_isa isa, wk_type type) {
#if defined(__x86_64__)
  if (isa < WK_AVX512) return isa;
  __builtin_cpu_init();
  int dots = type == WK_BF16 ? __builtin_cpu_supports("avx512bf16") != 0
                             : __builtin_cpu_supports("avx512vnni") != 0;
  return dots ? WK_AVX512 : WK_AVX2;
#else
  (void)isa, (void)type;
  return WK_SCALAR;
#endif
}

// Nearest bfloat16, ties to even; a NaN stays one.
static uint16_t to_bfloat(float x) {
  uint32_t bits = wk_bits(x);
  if (x != x) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Rounds 32 inputs into block b of four; gives their scale.
static float round_block(wk_type type, const float *x, wk_rounded_four *four, size_t b) {
  // As bit patterns without sign: infinities lie above every number, NaNs above those.
  uint32_t top = 0;
  for (int i = 0; i < 32; i++) {
    uint32_t size = wk_bits(x[i]) & 0x7fffffff;
    top = size > top ? size : top;
  }
  // A block of subnormals is zero. One that is not finite makes every result NaN.
  float largest = wk_float(top), inverse = 127 / largest;
  int finite = top < 0x7f800000, usable = finite && inverse < __builtin_inff();
  float scale = usable ? largest / 127 : finite ? 0 : __builtin_nanf("");
  int32_t quads[2][4] = {0};
  for (size_t i = 0; i < 32; i++) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even.
    int8_t q = usable ? (int8_t)((x[i] * inverse + 0x1.8p23f) - 0x1.8p23f) : 0;
    four->q[i / 16][16 * b + i % 16] = q;
    quads[i / 16][i % 16 / 4] += q;
  }
  for (size_t j = 0; j < 4; j++) {
    int32_t all = quads[0][j] + quads[1][j], halves = type == WK_Q6_K;
    if (wk_has_minima(type)) {
      four->aside.base[4 * b + j] = (float)all * scale;
      four->aside.start[1][4 * b + j] = 0;
    } else {
      four->aside.start[0][4 * b + j] = -wk_offset(type) * (halves ? quads[0][j] : all);
      four->aside.start[1][4 * b + j] = -wk_offset(type) * (halves ? quads[1][j] : 0);
    }
  }
  return scale;
}

static void round_scalar(wk_type type, const float *x, size_t columns, void *out) {
  if (type == WK_BF16) {
    uint16_t *b = out;
    for (size_t i = 0; i < columns; i++) b[i] = to_bfloat(x[i]);
    memset(b + columns, 0, ((columns + 31) / 32 * 32 - columns) * 2);
  } else if (type < WK_Q8_0) {
    memcpy(out, x, columns * 4);
  } else {
    wk_rounded_four *fours = out;
    size_t count = wk_fours(columns);
    float *scales = (float *)(fours + count);
    for (size_t b = 0; b < 4 * count; b++) {
      static const float zeros[32];
      const float *block = 32 * b < columns ? x + 32 * b : zeros;
      scales[b] = round_block(type, block, fours + b / 4, b % 4);
    }
  }
}

void wk_round_inputs(wk_isa isa, wk_type type, const float *x, size_t x_stride, size_t columns,
                     size_t tokens, void *rounded) {
  size_t bytes = wk_rounded_bytes(type, columns);
  wk_isa twin = twin_of(isa, type);
  for (size_t t = 0; t < tokens; t++) {
    const float *from = x + t * x_stride;
    void *out = (uint8_t *)rounded + t * bytes;
#if defined(__x86_64__)
    if (type >= WK_Q8_0 && twin == WK_AVX512) {
      wk_round_blocks_vnni(type, from, columns, out);
      continue;
    }
    if (type >= WK_Q8_0 && twin == WK_AVX2) {
      wk_round_blocks_avx2(type, from, columns, out);
      continue;
    }
#endif
    (void)twin;
    round_scalar(type, from, columns, out);
  }
}

// A block of 32 weights as value * d[half] + m.
typedef struct integer_block {
  int32_t value[32];
  float d[2], m;
} integer_block;

// Block `index` of 32 in a row.
static integer_block load_block(wk_type type, const uint8_t *row, size_t index) {
  integer_block out = {.m = 0};
  switch (type) {
    case WK_Q8_0: {
      const wk_q8_0 *b = (const wk_q8_0 *)row + index;
      out.d[0] = out.d[1] = wk_half(b->d);
      for (int i = 0; i < 32; i++) out.value[i] = b->q[i];
      break;
    }
    case WK_Q4_0: {
      const wk_q4_0 *b = (const wk_q4_0 *)row + index;
      out.d[0] = out.d[1] = wk_half(b->d);
      for (int i = 0; i < 32; i++) out.value[i] = (b->q[i % 16] >> i / 16 * 4 & 15) - 8;
      break;
    }
    case WK_Q4_1: {
      const wk_q4_1 *b = (const wk_q4_1 *)row + index;
      out.d[0] = out.d[1] = wk_half(b->d);
      out.m = wk_half(b->m);
      for (int i = 0; i < 32; i++) out.value[i] = b->q[i % 16] >> i / 16 * 4 & 15;
      break;
    }
    case WK_Q4_K: case WK_Q5_K: {
      const wk_q4_k *b4 = (const wk_q4_k *)row + index / 8;
      const wk_q5_k *b5 = (const wk_q5_k *)row + index / 8;
      int five = type == WK_Q5_K, g = (int)(index % 8);
      const uint8_t *q = five ? b5->q : b4->q;
      uint8_t scale, min;
      wk_k_scale(five ? b5->scales : b4->scales, g, &scale, &min);
      out.d[0] = out.d[1] = wk_half(five ? b5->d : b4->d) * (float)scale;
      out.m = -(wk_half(five ? b5->minimum : b4->minimum) * (float)min);
      for (int i = 0; i < 32; i++)
        out.value[i] = (q[g / 2 * 32 + i] >> g % 2 * 4 & 15)
                       + (five ? (b5->high[i] >> g & 1) * 16 : 0);
      break;
    }
    case WK_Q6_K: {
      const wk_q6_k *b = (const wk_q6_k *)row + index / 8;
      int h = (int)(index % 8) / 4, g = (int)(index % 4);
      for (int half = 0; half < 2; half++)
        out.d[half] = wk_half(b->d) * (float)b->scales[h * 8 + g * 2 + half];
      for (int i = 0; i < 32; i++)
        out.value[i] = (b->q[h * 64 + g % 2 * 32 + i] >> g / 2 * 4 & 15)
                       + (b->high[h * 32 + i] >> g * 2 & 3) * 16 - 32;
      break;
    }
    case WK_F32: case WK_F16: case WK_BF16: break;
  }
  return out;
}

static float dot_integers(wk_type type, const uint8_t *row, size_t columns, const void *token) {
  const wk_rounded_four *inputs = token;
  const float *scales = wk_rounded_scales(token, columns);
  float lane[WK_LANES] = {0};
  for (size_t b = 0; b < 4 * wk_fours(columns); b++) {
    const wk_rounded_four *x = inputs + b / 4;
    integer_block w = {.m = 0};
    if (b < columns / 32) w = load_block(type, row, b);
    for (size_t j = 0; j < 4; j++) {
      size_t k = b % 4 * 4 + j;
      int32_t sum[2] = {0};
      for (size_t i = 0; i < 8; i++)
        sum[i / 4] += w.value[i / 4 * 16 + 4 * j + i % 4] * x->q[i / 4][4 * k + i % 4];
      if (type == WK_Q6_K) {
        lane[k] = wk_fma((float)sum[0], w.d[0] * scales[b], lane[k]);
        lane[k] = wk_fma((float)sum[1], w.d[1] * scales[b], lane[k]);
      } else {
        lane[k] = wk_fma((float)(sum[0] + sum[1]), w.d[0] * scales[b], lane[k]);
      }
      if (wk_has_minima(type)) lane[k] = wk_fma(w.m, x->aside.base[k], lane[k]);
    }
  }
  return wk_tree(lane);
}

static float flushed(float x) {
  return (wk_bits(x) & 0x7f800000) == 0 ? wk_float(wk_bits(x) & 0x80000000) : x;
}

static float dot_bfloat(const uint8_t *row, size_t columns, const uint16_t *inputs) {
  float lane[WK_LANES] = {0};
  for (size_t c = 0; c < columns; c += 32)
    for (size_t j = 0; j < WK_LANES; j++)
      for (int part = 1; part >= 0; part--) {
        size_t i = c + 2 * j + (size_t)part;
        float w = i < columns ? flushed(wk_bfloat(wk_load16(row + 2 * i))) : 0;
        float x = flushed(wk_bfloat(inputs[i]));
        lane[j] = flushed(wk_fma(w, x, lane[j]));
      }
  return wk_tree(lane);
}

void wk_matmul_rounded(wk_isa isa, wk_type type, const void *w, size_t row_bytes, size_t rows,
                       size_t columns, const void *rounded, size_t tokens, float *y,
                       size_t y_stride) {
  size_t bytes = wk_rounded_bytes(type, columns);
  if (type == WK_F32 || type == WK_F16) {
    wk_matmul(isa, type, w, row_bytes, rows, columns, rounded, bytes / 4, tokens, y, y_stride);
    return;
  }
#if defined(__x86_64__)
  wk_isa twin = twin_of(isa, type);
  if (twin == WK_AVX512 && type == WK_BF16)
    return wk_matmul_dpbf16(w, row_bytes, rows, columns, rounded, tokens, y, y_stride);
  if (twin == WK_AVX512)
    return wk_matmul_vnni(type, w, row_bytes, rows, columns, rounded, tokens, y, y_stride);
  if (twin == WK_AVX2)
    return wk_matmul_rounded_avx2(type, w, row_bytes, rows, columns, rounded, tokens, y, y_stride);
#endif
  for (size_t t = 0; t < tokens; t++) {
    const uint8_t *token = (const uint8_t *)rounded + t * bytes;
    for (size_t r = 0; r < rows; r++) {
      const uint8_t *row = (const uint8_t *)w + r * row_bytes;
      y[t * y_stride + r] = type == WK_BF16 ? dot_bfloat(row, columns, (const uint16_t *)token)
                                            : dot_integers(type, row, columns, token);
    }
  }
}
