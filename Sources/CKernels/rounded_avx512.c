// The reduced path on AVX-512: int8 dot products (VNNI) and bfloat16 ones (BF16).
#if defined(__x86_64__)
#include <immintrin.h>
#include "rounded.h"
#include "twins.h"
#pragma clang attribute push(                                                                     \
    __attribute__((target(                                                                        \
        "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"))),              \
    apply_to = function)
#include "simd_avx512.h"

#define WK_INLINE static inline __attribute__((always_inline))

// Lanes 0 to 7 hold p[0], lanes 8 to 15 p[1].
WK_INLINE v16 spread_2(const float *p) {
  return _mm512_mask_broadcastss_ps(_mm512_set1_ps(p[0]), 0xff00, _mm_load_ss(p + 1));
}

// Four lanes each of p[0] to p[3].
WK_INLINE v16 spread_4(const float *p) {
  __m512i at = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps(at, _mm512_broadcast_f32x4(_mm_loadu_ps(p)));
}

// Eight lanes each of two float16.
WK_INLINE v16 spread_halves(const void *a, const void *b) {
  __m256i low = _mm256_set1_epi16((short)wk_load16(a));
  return _mm512_cvtph_ps(_mm256_mask_set1_epi16(low, 0xff00, (short)wk_load16(b)));
}

void wk_round_blocks_vnni(const float *x, size_t columns, void *out) {
  wk_rounded_pair *pairs = out;
  size_t count = wk_pairs(columns);
  float *scales = (float *)(pairs + count);
  __m512i size = _mm512_set1_epi32(0x7fffffff);
  for (size_t b = 0; b < 2 * count; b++) {
    __m128i q[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
    scales[b] = 0;
    if (32 * b < columns) {
      v16 low = v_load(x + 32 * b), high = v_load(x + 32 * b + 16);
      uint32_t top = _mm512_reduce_max_epu32(
          _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(low), size),
                           _mm512_and_si512(_mm512_castps_si512(high), size)));
      float largest = wk_float(top), inverse = 127 / largest;
      if (top >= 0x7f800000) {
        scales[b] = __builtin_nanf("");
      } else if (inverse < __builtin_inff()) {
        scales[b] = largest / 127;
        q[0] = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v_mul(low, v_all(inverse))));
        q[1] = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v_mul(high, v_all(inverse))));
      }
    }
    __m256i both = _mm256_set_m128i(q[1], q[0]);
    __m256i quad = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), both);
    _mm256_storeu_si256((__m256i *)(pairs[b / 2].q + b % 2 * 32), both);
    _mm256_storeu_si256((__m256i *)(pairs[b / 2].quad + b % 2 * 8), quad);
  }
}

// 64 weights of two blocks: unsigned bytes, and by lane their scales and minima.
typedef struct byte_pair {
  __m512i u;
  v16 d, m;
} byte_pair;

// What the bytes are too large by, as a power of two; 0 if nothing.
WK_INLINE int offset_bits(wk_type type) {
  return type == WK_Q8_0 ? 7 : type == WK_Q4_0 ? 3 : type == WK_Q6_K ? 5 : 0;
}

// Pairs that share a header.
WK_INLINE size_t super_pairs(wk_type type) { return type >= WK_Q4_K ? 4 : 1; }
WK_INLINE size_t super_bytes(wk_type type) {
  return wk_block_bytes(type) * (type >= WK_Q4_K ? 1 : 2);
}

// Low nibbles of the even, high nibbles of the odd 16-byte quarters or 32-byte halves.
WK_INLINE __m512i nibbles(__m512i bytes, __m512i shifts) {
  return _mm512_and_si512(_mm512_srlv_epi16(bytes, shifts), _mm512_set1_epi8(15));
}
WK_INLINE __m512i halves(int low, int high) {
  return _mm512_inserti64x4(_mm512_set1_epi16((short)low), _mm256_set1_epi16((short)high), 1);
}

// Two blocks of 32 with a nibble a weight.
WK_INLINE __m512i nibble_blocks(const uint8_t *a, const uint8_t *b) {
  __m512i first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)a));
  __m512i both = _mm512_mask_broadcast_i32x4(first, 0xff00, _mm_loadu_si128((const __m128i *)b));
  __m512i shifts = _mm512_setr_epi64(0, 0, 0x0004000400040004, 0x0004000400040004, 0, 0,
                                     0x0004000400040004, 0x0004000400040004);
  return nibbles(both, shifts);
}

// The 32 bytes of a K-quant twice over, shifted by `low` and `high` bits.
WK_INLINE __m512i twice(const uint8_t *p, int low, int high) {
  __m512i bytes = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
  return _mm512_srlv_epi16(bytes, halves(low, high));
}

WK_INLINE void unpack_header(wk_type type, const uint8_t *at, float *scales) {
  if (type == WK_Q4_K || type == WK_Q5_K) {
    float d = wk_half(wk_load16(at)), minimum = wk_half(wk_load16(at + 2));
    for (int g = 0; g < 8; g++) {
      uint8_t scale, min;
      wk_k_scale(at + 4, g, &scale, &min);
      scales[g] = d * (float)scale, scales[8 + g] = -(minimum * (float)min);
    }
  } else if (type == WK_Q6_K) {
    const wk_q6_k *b = (const wk_q6_k *)at;
    v_store(scales, v_mul(v_half_all(&b->d), v_signed_bytes(b->scales)));
  }
}

WK_INLINE byte_pair load_pair(wk_type type, const uint8_t *at, size_t p, const float *scales) {
  byte_pair out = {.m = v_zero()};
  switch (type) {
    case WK_Q8_0: {
      const wk_q8_0 *b = (const wk_q8_0 *)at;
      __m256i low = _mm256_loadu_si256((const __m256i *)b[0].q);
      __m256i high = _mm256_loadu_si256((const __m256i *)b[1].q);
      out.u = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
      out.u = _mm512_xor_si512(out.u, _mm512_set1_epi8((char)0x80));
      out.d = spread_halves(&b[0].d, &b[1].d);
      break;
    }
    case WK_Q4_0: {
      const wk_q4_0 *b = (const wk_q4_0 *)at;
      out.u = nibble_blocks(b[0].q, b[1].q);
      out.d = spread_halves(&b[0].d, &b[1].d);
      break;
    }
    case WK_Q4_1: {
      const wk_q4_1 *b = (const wk_q4_1 *)at;
      out.u = nibble_blocks(b[0].q, b[1].q);
      out.d = spread_halves(&b[0].d, &b[1].d);
      out.m = spread_halves(&b[0].m, &b[1].m);
      break;
    }
    case WK_Q4_K: {
      const wk_q4_k *b = (const wk_q4_k *)at;
      out.u = _mm512_and_si512(twice(b->q + 32 * p, 0, 4), _mm512_set1_epi8(15));
      out.d = spread_2(scales + 2 * p), out.m = spread_2(scales + 8 + 2 * p);
      break;
    }
    case WK_Q5_K: {
      const wk_q5_k *b = (const wk_q5_k *)at;
      __m512i four = _mm512_and_si512(twice(b->q + 32 * p, 0, 4), _mm512_set1_epi8(15));
      __m512i fifth = twice(b->high, 2 * (int)p, 2 * (int)p + 1);
      fifth = _mm512_slli_epi16(_mm512_and_si512(fifth, _mm512_set1_epi8(1)), 4);
      out.u = _mm512_or_si512(four, fifth);
      out.d = spread_2(scales + 2 * p), out.m = spread_2(scales + 8 + 2 * p);
      break;
    }
    case WK_Q6_K: {
      const wk_q6_k *b = (const wk_q6_k *)at;
      size_t h = p / 2;
      int second = (int)(p % 2);
      __m512i four = nibbles(_mm512_loadu_si512(b->q + 64 * h), halves(second * 4, second * 4));
      __m512i upper = twice(b->high + 32 * h, second * 4, second * 4 + 2);
      upper = _mm512_slli_epi16(_mm512_and_si512(upper, _mm512_set1_epi8(3)), 4);
      out.u = _mm512_or_si512(four, upper);
      out.d = spread_4(scales + 4 * p);
      break;
    }
    case WK_F32: case WK_F16: case WK_BF16: break;
  }
  return out;
}

enum { MOST_ROWS = 4, MOST_TOKENS = 4, AHEAD_BYTES = 256 << 10 };

WK_INLINE void tile(wk_type type, const size_t R, const size_t T, const uint8_t *w, size_t row_bytes,
                    size_t columns, const uint8_t *rounded, float *y, size_t y_stride) {
  v16 acc[MOST_TOKENS][MOST_ROWS];
  for (size_t t = 0; t < T; t++)
    for (size_t r = 0; r < R; r++) acc[t][r] = v_zero();
  const size_t group = super_pairs(type), bytes = super_bytes(type);
  size_t pairs = wk_pairs(columns), token_bytes = wk_rounded_bytes(type, columns);
  size_t ahead = 4 * R * row_bytes <= AHEAD_BYTES ? 4 * R * row_bytes : 1024;
  for (size_t c = 0; c < pairs; c += group) {
    const uint8_t *at[MOST_ROWS];
    uint8_t padded[MOST_ROWS][2 * sizeof(wk_q8_0)];
    float scales[MOST_ROWS][16];
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      at[r] = w + r * row_bytes + c / group * bytes;
      if (T == 1)
        for (size_t o = 0; o < bytes; o += 64) __builtin_prefetch(at[r] + ahead + o);
      if (group == 1 && c + 1 == pairs && columns / 32 % 2 == 1) {
        // An odd last block: nothing behind it is read.
        memset(padded[r], 0, sizeof padded[r]);
        memcpy(padded[r], at[r], wk_block_bytes(type));
        at[r] = padded[r];
      }
      unpack_header(type, at[r], scales[r]);
    }
    _Pragma("nounroll") for (size_t p = 0; p < group; p++) {
      byte_pair weights[MOST_ROWS];
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        weights[r] = load_pair(type, at[r], p, scales[r]);
      _Pragma("unroll") for (size_t t = 0; t < T; t++) {
        const uint8_t *token = rounded + t * token_bytes;
        const wk_rounded_pair *x = (const wk_rounded_pair *)token + c + p;
        v16 dx = spread_2(wk_rounded_scales(token, columns) + 2 * (c + p));
        __m512i q = _mm512_loadu_si512(x->q), quad = _mm512_loadu_si512(x->quad);
        __m512i start = _mm512_setzero_si512();
        if (offset_bits(type) > 0)
          start = _mm512_sub_epi32(start, _mm512_slli_epi32(quad, (unsigned)offset_bits(type)));
        _Pragma("unroll") for (size_t r = 0; r < R; r++) {
          v16 sum = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start, weights[r].u, q));
          acc[t][r] = v_fma(sum, v_mul(weights[r].d, dx), acc[t][r]);
          if (wk_has_minima(type))
            acc[t][r] = v_fma(_mm512_cvtepi32_ps(quad), v_mul(weights[r].m, dx), acc[t][r]);
        }
      }
    }
  }
  for (size_t t = 0; t < T; t++)
    for (size_t r = 0; r < R; r++) {
      float lane[WK_LANES];
      v_store(lane, acc[t][r]);
      y[t * y_stride + r] = wk_tree(lane);
    }
}

WK_INLINE void matmul_of(wk_type type, const uint8_t *w, size_t row_bytes, size_t rows,
                         size_t columns, const uint8_t *rounded, size_t tokens, float *y,
                         size_t y_stride) {
  size_t token_bytes = wk_rounded_bytes(type, columns), r = 0;
  for (; r < rows; r += rows - r >= 4 ? 4 : 1) {
    const uint8_t *at = w + r * row_bytes;
    size_t t = 0;
    for (; rows - r >= 4 && t + 4 <= tokens; t += 4)
      tile(type, 4, 4, at, row_bytes, columns, rounded + t * token_bytes, y + t * y_stride + r,
           y_stride);
    for (; t < tokens; t++)
      if (rows - r >= 4)
        tile(type, 4, 1, at, row_bytes, columns, rounded + t * token_bytes, y + t * y_stride + r,
             y_stride);
      else
        tile(type, 1, 1, at, row_bytes, columns, rounded + t * token_bytes, y + t * y_stride + r,
             y_stride);
  }
}

// One function a type, so that its format is a constant in the tiles.
#define WK_MATMUL_OF(name, type)                                                                 \
  static __attribute__((noinline)) void name(const uint8_t *w, size_t row_bytes, size_t rows,    \
                                             size_t columns, const uint8_t *rounded,             \
                                             size_t tokens, float *y, size_t y_stride) {         \
    matmul_of(type, w, row_bytes, rows, columns, rounded, tokens, y, y_stride);                  \
  }
WK_MATMUL_OF(matmul_q8_0, WK_Q8_0)
WK_MATMUL_OF(matmul_q4_0, WK_Q4_0)
WK_MATMUL_OF(matmul_q4_1, WK_Q4_1)
WK_MATMUL_OF(matmul_q4_k, WK_Q4_K)
WK_MATMUL_OF(matmul_q5_k, WK_Q5_K)
WK_MATMUL_OF(matmul_q6_k, WK_Q6_K)

void wk_matmul_vnni(wk_type type, const void *w, size_t row_bytes, size_t rows, size_t columns,
                    const void *rounded, size_t tokens, float *y, size_t y_stride) {
  static void (*const of[])(const uint8_t *, size_t, size_t, size_t, const uint8_t *, size_t,
                            float *, size_t) = {
      [WK_Q8_0] = matmul_q8_0, [WK_Q4_0] = matmul_q4_0, [WK_Q4_1] = matmul_q4_1,
      [WK_Q4_K] = matmul_q4_k, [WK_Q5_K] = matmul_q5_k, [WK_Q6_K] = matmul_q6_k};
  of[type](w, row_bytes, rows, columns, rounded, tokens, y, y_stride);
}

WK_INLINE void bfloat_tile(const size_t R, const size_t T, const uint8_t *w, size_t row_bytes,
                           size_t columns, const uint8_t *rounded, float *y, size_t y_stride) {
  v16 acc[MOST_TOKENS][MOST_ROWS];
  for (size_t t = 0; t < T; t++)
    for (size_t r = 0; r < R; r++) acc[t][r] = v_zero();
  size_t token_bytes = wk_rounded_bytes(WK_BF16, columns);
  size_t ahead = 4 * R * row_bytes <= AHEAD_BYTES ? 4 * R * row_bytes : 1024;
  for (size_t c = 0; c < columns; c += 32) {
    size_t n = columns - c < 32 ? columns - c : 32;
    __mmask32 some = (__mmask32)((1ull << n) - 1);
    __m512i weights[MOST_ROWS];
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      const uint8_t *at = w + r * row_bytes + 2 * c;
      if (T == 1) __builtin_prefetch(at + ahead);
      weights[r] = _mm512_maskz_loadu_epi16(some, at);
    }
    _Pragma("unroll") for (size_t t = 0; t < T; t++) {
      __m512bh x = (__m512bh)_mm512_loadu_si512(rounded + t * token_bytes + 2 * c);
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        acc[t][r] = _mm512_dpbf16_ps(acc[t][r], (__m512bh)weights[r], x);
    }
  }
  for (size_t t = 0; t < T; t++)
    for (size_t r = 0; r < R; r++) {
      float lane[WK_LANES];
      v_store(lane, acc[t][r]);
      y[t * y_stride + r] = wk_tree(lane);
    }
}

void wk_matmul_dpbf16(const void *w, size_t row_bytes, size_t rows, size_t columns,
                      const void *rounded, size_t tokens, float *y, size_t y_stride) {
  size_t token_bytes = wk_rounded_bytes(WK_BF16, columns), r = 0;
  for (; r < rows; r += rows - r >= 4 ? 4 : 1) {
    const uint8_t *at = (const uint8_t *)w + r * row_bytes, *x = rounded;
    size_t t = 0;
    for (; rows - r >= 4 && t + 4 <= tokens; t += 4)
      bfloat_tile(4, 4, at, row_bytes, columns, x + t * token_bytes, y + t * y_stride + r, y_stride);
    for (; t < tokens; t++)
      if (rows - r >= 4)
        bfloat_tile(4, 1, at, row_bytes, columns, x + t * token_bytes, y + t * y_stride + r,
                    y_stride);
      else
        bfloat_tile(1, 1, at, row_bytes, columns, x + t * token_bytes, y + t * y_stride + r,
                    y_stride);
  }
}
#pragma clang attribute pop
#endif
