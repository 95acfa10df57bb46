// The reduced path on AVX2: int8 dot products out of multiplications of byte pairs, and bfloat16
// ones out of fma.
//
// vpmaddubsw adds two products of an unsigned and a signed byte and saturates at 16 bits. No sum
// here can reach that: inputs are at most 127 in size, weights at most 63 where they stay unsigned,
// and q8_0 goes in as |w| (at most 128) against the input with the sign of w, 2 * 128 * 127 = 32512.
#if defined(__x86_64__)
#include <immintrin.h>
#include "rounded.h"
#include "twins.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "simd_avx2.h"

#define WK_INLINE static inline __attribute__((always_inline))

WK_INLINE __m256i load_32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
WK_INLINE __m256i twice(const void *p) { return _mm256_broadcastsi128_si256(v_16_bytes(p)); }
WK_INLINE __m256i two(__m128i low, __m128i high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}
WK_INLINE __m256i low_bits(__m256i bytes, int mask) {
  return _mm256_and_si256(bytes, _mm256_set1_epi8((char)mask));
}
WK_INLINE __m256i sum_pairs(__m256i words) {
  return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

// 32 inputs times `inverse`, rounded to bytes, in order.
WK_INLINE __m256i to_bytes(const float *x, __m256 inverse) {
  __m256i i[4];
  for (int k = 0; k < 4; k++)
    i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * k), inverse));
  __m256i bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

void wk_round_blocks_avx2(wk_type type, const float *x, size_t columns, void *out) {
  wk_rounded_four *fours = out;
  size_t count = wk_fours(columns);
  float *scales = (float *)(fours + count);
  for (size_t b = 0; b < 4 * count; b++) {
    __m256i q = _mm256_setzero_si256();
    scales[b] = 0;
    if (32 * b < columns) {
      __m256i size = _mm256_setzero_si256();
      for (size_t k = 0; k < 4; k++)
        size = _mm256_max_epu32(size, _mm256_and_si256(load_32(x + 32 * b + 8 * k),
                                                       _mm256_set1_epi32(0x7fffffff)));
      __m128i most = _mm_max_epu32(_mm256_castsi256_si128(size), _mm256_extracti128_si256(size, 1));
      most = _mm_max_epu32(most, _mm_shuffle_epi32(most, 0x4e));
      most = _mm_max_epu32(most, _mm_shuffle_epi32(most, 0xb1));
      uint32_t top = (uint32_t)_mm_cvtsi128_si32(most);
      float largest = wk_float(top), inverse = 127 / largest;
      if (top >= 0x7f800000) {
        scales[b] = __builtin_nanf("");
      } else if (inverse < __builtin_inff()) {
        scales[b] = largest / 127;
        q = to_bytes(x + 32 * b, _mm256_set1_ps(inverse));
      }
    }
    __m256i both = sum_pairs(_mm256_maddubs_epi16(_mm256_set1_epi8(1), q));
    __m128i sum[2] = {_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)};
    __m128i bytes[2] = {_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1)};
    __m128i all = _mm_add_epi32(sum[0], sum[1]), offset = _mm_set1_epi32(-wk_offset(type));
    __m128i aside[2] = {_mm_mullo_epi32(all, offset), _mm_setzero_si128()};
    if (wk_has_minima(type))
      aside[0] = _mm_castps_si128(_mm_mul_ps(_mm_cvtepi32_ps(all), _mm_set1_ps(scales[b])));
    if (type == WK_Q6_K)
      for (int h = 0; h < 2; h++) aside[h] = _mm_mullo_epi32(sum[h], offset);
    for (int h = 0; h < 2; h++) {
      _mm_storeu_si128((__m128i *)(fours[b / 4].q[h] + b % 4 * 16), bytes[h]);
      _mm_storeu_si128((__m128i *)(fours[b / 4].aside.start[h] + b % 4 * 4), aside[h]);
    }
  }
}

// Fours that share a header.
WK_INLINE size_t super_fours(wk_type type) { return type >= WK_Q4_K ? 2 : 1; }
WK_INLINE size_t super_bytes(wk_type type) {
  return wk_block_bytes(type) * (type >= WK_Q4_K ? 1 : 4);
}

// The scales of four number p of those that share the header at `at`; n of its blocks 0 to 3 exist. Two
// for each of blocks 0, 2 | 1, 3: they are scale and minimum where there are minima, those of the
// halves of a block for q6_K; otherwise the second is not used.
WK_INLINE __m256 load_scales(wk_type type, const uint8_t *at, size_t p, size_t n) {
  if (type < WK_Q4_K) {
    uint32_t word[4] = {0};
    const size_t bytes = wk_block_bytes(type);
    _Pragma("unroll") for (size_t b = 0; b < 4; b++) if (b < n) memcpy(word + b, at + b * bytes, 4);
    return _mm256_cvtph_ps(
        _mm_setr_epi32((int)word[0], (int)word[2], (int)word[1], (int)word[3]));
  }
  if (type == WK_Q6_K) {
    const wk_q6_k *b = (const wk_q6_k *)at;
    __m128i eight = _mm_loadl_epi64((const __m128i *)(b->scales + 8 * p));
    eight = _mm_shufflelo_epi16(eight, 0xd8);
    return _mm256_mul_ps(v_half_all(&b->d).low, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)));
  }
  uint32_t s[3], head;
  memcpy(&head, at, 4);
  memcpy(s, at + 4, 12);
  // Six-bit fields, four a word: scales of the four, then minima.
  uint32_t scale = p == 0 ? s[0] & 0x3f3f3f3f
                          : (s[2] & 0x0f0f0f0f) | (s[0] >> 6 & 0x03030303) << 4;
  uint32_t min = p == 0 ? s[1] & 0x3f3f3f3f
                        : (s[2] >> 4 & 0x0f0f0f0f) | (s[1] >> 6 & 0x03030303) << 4;
  __m128i fields = _mm_shuffle_epi8(_mm_setr_epi32((int)scale, (int)min, 0, 0),
                                    _mm_setr_epi8(0, 4, 2, 6, 1, 5, 3, 7, 0, 0, 0, 0, 0, 0, 0, 0));
  __m256 heads = _mm256_cvtph_ps(_mm_set1_epi32((int)head));
  heads = _mm256_xor_ps(heads, _mm256_castsi256_ps(_mm256_set1_epi64x((int64_t)(1ull << 63))));
  return _mm256_mul_ps(heads, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(fields)));
}

// The bytes of half h of blocks 2s and 2s + 1 of four number p; n of its blocks exist.
WK_INLINE __m256i load_pair(wk_type type, const uint8_t *at, size_t p, size_t s, size_t h,
                            size_t n) {
  const __m256i nibbles = _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4);
  switch (type) {
    case WK_Q8_0: case WK_Q4_0: case WK_Q4_1: {
      const size_t bytes = wk_block_bytes(type), head = type == WK_Q4_1 ? 4 : 2;
      const uint8_t *q = at + 2 * s * bytes + head + (type == WK_Q8_0 ? 16 * h : 0);
      __m128i none = _mm_setzero_si128();
      __m256i both = two(2 * s < n ? v_16_bytes(q) : none,
                         2 * s + 1 < n ? v_16_bytes(q + bytes) : none);
      if (type == WK_Q8_0) return both;
      return low_bits(h == 0 ? both : _mm256_srli_epi16(both, 4), 15);
    }
    case WK_Q4_K: case WK_Q5_K: {
      const wk_q4_k *b4 = (const wk_q4_k *)at;
      const wk_q5_k *b5 = (const wk_q5_k *)at;
      const uint8_t *q = (type == WK_Q5_K ? b5->q : b4->q) + 64 * p + 32 * s + 16 * h;
      __m256i u = low_bits(_mm256_srlv_epi32(twice(q), nibbles), 15);
      if (type == WK_Q4_K) return u;
      // Bits 4p + 2s and the next, to bit 4.
      int first = (int)(2 * s);
      __m256i high = twice(b5->high + 16 * h);
      high = p == 0 ? _mm256_sllv_epi32(high, _mm256_setr_epi32(4 - first, 4 - first, 4 - first,
                                                                4 - first, 3 - first, 3 - first,
                                                                3 - first, 3 - first))
                    : _mm256_srlv_epi32(high, _mm256_setr_epi32(first, first, first, first,
                                                                first + 1, first + 1, first + 1,
                                                                first + 1));
      return _mm256_or_si256(u, low_bits(high, 16));
    }
    case WK_Q6_K: {
      const wk_q6_k *b = (const wk_q6_k *)at;
      const uint8_t *q = b->q + 64 * p + 16 * h;
      __m256i u = two(v_16_bytes(q), v_16_bytes(q + 32)), high = twice(b->high + 32 * p + 16 * h);
      u = low_bits(s == 0 ? u : _mm256_srli_epi16(u, 4), 15);
      // Bits 4s and 4s + 2, to bit 4.
      high = s == 0 ? _mm256_sllv_epi32(high, _mm256_setr_epi32(4, 4, 4, 4, 2, 2, 2, 2))
                    : _mm256_srlv_epi32(high, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2));
      return _mm256_or_si256(u, low_bits(high, 48));
    }
    case WK_F32: case WK_F16: case WK_BF16: break;
  }
  return _mm256_setzero_si256();
}

// Tiles: 4 rows of one token hide latencies; 2 x 2 outputs and their operands fit the registers.
enum { GEMV_ROWS = 4, GEMM_ROWS = 2, GEMM_TOKENS = 2 };
enum { MOST_ROWS = 4, MOST_SUMS = 4 };

// Lanes of blocks 2s and 2s + 1: four each of scales[2s], scales[2s + 1].
WK_INLINE __m256 spread(const float *scales, size_t s) {
  __m256 four = _mm256_broadcast_ps((const __m128 *)scales);
  int k = 2 * (int)s;
  return _mm256_permutevar_ps(four, _mm256_setr_epi32(k, k, k, k, k + 1, k + 1, k + 1, k + 1));
}

// Blocks 2s and 2s + 1 of row r's four, times those of all tokens.
WK_INLINE void pair_of(wk_type type, const size_t R, const size_t T, size_t r, const uint8_t *at,
                       size_t p, size_t s, size_t n, __m256 scales, const uint8_t *rounded,
                       size_t token_bytes, size_t columns, size_t four, v16 *acc) {
  __m256i u0 = load_pair(type, at, p, s, 0, n), u1 = load_pair(type, at, p, s, 1, n);
  __m256 first = s == 0 ? _mm256_permute_ps(scales, 0x00) : _mm256_permute_ps(scales, 0xaa);
  __m256 second = s == 0 ? _mm256_permute_ps(scales, 0x55) : _mm256_permute_ps(scales, 0xff);
  _Pragma("unroll") for (size_t t = 0; t < T; t++) {
    const uint8_t *token = rounded + t * token_bytes;
    const wk_rounded_four *x = (const wk_rounded_four *)token + four;
    __m256 dx = spread(wk_rounded_scales(token, columns) + 4 * four, s);
    __m256i q0 = load_32(x->q[0] + 32 * s), q1 = load_32(x->q[1] + 32 * s);
    __m256 *sum = s == 0 ? &acc[t * R + r].low : &acc[t * R + r].high;
    if (type == WK_Q8_0) {
      __m256i i0 = sum_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(u0), _mm256_sign_epi8(q0, u0)));
      __m256i i1 = sum_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(u1), _mm256_sign_epi8(q1, u1)));
      __m256 i = _mm256_cvtepi32_ps(_mm256_add_epi32(i0, i1));
      *sum = _mm256_fmadd_ps(i, _mm256_mul_ps(first, dx), *sum);
      continue;
    }
    __m256i i0 = _mm256_maddubs_epi16(u0, q0), i1 = _mm256_maddubs_epi16(u1, q1);
    if (type == WK_Q6_K) {
      i0 = _mm256_add_epi32(sum_pairs(i0), load_32(x->aside.start[0] + 8 * s));
      i1 = _mm256_add_epi32(sum_pairs(i1), load_32(x->aside.start[1] + 8 * s));
      *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i0), _mm256_mul_ps(first, dx), *sum);
      *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i1), _mm256_mul_ps(second, dx), *sum);
      continue;
    }
    __m256i i = sum_pairs(_mm256_add_epi16(i0, i1));
    if (type == WK_Q4_0) i = _mm256_add_epi32(i, load_32(x->aside.start[0] + 8 * s));
    *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i), _mm256_mul_ps(first, dx), *sum);
    if (wk_has_minima(type))
      *sum = _mm256_fmadd_ps(second, _mm256_loadu_ps(x->aside.base + 8 * s), *sum);
  }
}

WK_INLINE void four_of(wk_type type, const size_t R, const size_t T, const uint8_t *at,
                       size_t row_bytes, size_t p, size_t n, const uint8_t *rounded,
                       size_t token_bytes, size_t columns, size_t four, v16 *acc) {
  _Pragma("unroll") for (size_t r = 0; r < R; r++) {
    const uint8_t *row = at + r * row_bytes;
    __m256 scales = load_scales(type, row, p, n);
    _Pragma("unroll") for (size_t s = 0; s < 2; s++)
      pair_of(type, R, T, r, row, p, s, n, scales, rounded, token_bytes, columns, four, acc);
  }
}

WK_INLINE void store_sums(const size_t R, const size_t T, const v16 *acc, float *y,
                          size_t y_stride) {
  for (size_t k = 0; k < R * T; k++) {
    float lane[WK_LANES];
    v_store(lane, acc[k]);
    y[k / R * y_stride + k % R] = wk_tree(lane);
  }
}

// Asks for the next lines of weights, two tiles ahead. In the order of memory, not row by row: the
// hardware's own prefetching follows it, and a decode reaches twice the bandwidth.
WK_INLINE void ask_for(const uint8_t *next, size_t bytes) {
  for (size_t o = 0; o < bytes; o += 64) __builtin_prefetch(next + o, 0, 2);
}

WK_INLINE void tile(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                    size_t row_bytes, size_t columns, const uint8_t *rounded, size_t token_bytes,
                    float *y, size_t y_stride) {
  v16 acc[MOST_SUMS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = v_zero();
  const size_t group = super_fours(type), bytes = super_bytes(type);
  size_t whole = columns / 128, rest = columns / 32 % 4;
  const uint8_t *next = w + 2 * R * row_bytes;
  for (size_t c = 0; c < whole; c += group) {
    const uint8_t *at = w + c / group * bytes;
    _Pragma("unroll") for (size_t r = 0; r < R; r++, next += bytes)
      if (T == 1) ask_for(next, bytes);
    _Pragma("unroll") for (size_t p = 0; p < group; p++)
      four_of(type, R, T, at, row_bytes, p, 4, rounded, token_bytes, columns, c + p, acc);
  }
  if (type < WK_Q4_K && rest > 0)
    four_of(type, R, T, w + whole * bytes, row_bytes, 0, rest, rounded, token_bytes, columns,
            whole, acc);
  store_sums(R, T, acc, y, y_stride);
}

WK_INLINE __m256 flushed(__m256 x) {
  __m256i bits = _mm256_castps_si256(x), exponent = _mm256_set1_epi32(0x7f800000);
  __m256i none = _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), _mm256_setzero_si256());
  // All but the sign.
  return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_srli_epi32(none, 1), bits));
}

// The second and the first numbers of eight pairs of bfloat16.
WK_INLINE __m256 odd(__m256i pairs) {
  __m256i high = _mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000));
  return flushed(_mm256_castsi256_ps(high));
}
WK_INLINE __m256 even(__m256i pairs) {
  return flushed(_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)));
}

WK_INLINE void bfloat_step(const size_t R, const size_t T, const uint8_t *const *w,
                           const uint8_t *rounded, size_t token_bytes, v16 *acc) {
  _Pragma("unroll") for (size_t h = 0; h < 2; h++)
  _Pragma("unroll") for (size_t t = 0; t < T; t++) {
    __m256i pairs = load_32(rounded + t * token_bytes + 32 * h);
    __m256 x1 = odd(pairs), x0 = even(pairs);
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      __m256i weights = load_32(w[r] + 32 * h);
      __m256 *sum = h == 0 ? &acc[t * R + r].low : &acc[t * R + r].high;
      *sum = flushed(_mm256_fmadd_ps(odd(weights), x1, *sum));
      *sum = flushed(_mm256_fmadd_ps(even(weights), x0, *sum));
    }
  }
}

WK_INLINE void bfloat_tile(const size_t R, const size_t T, const uint8_t *w, size_t row_bytes,
                           size_t columns, const uint8_t *rounded, size_t token_bytes, float *y,
                           size_t y_stride) {
  v16 acc[MOST_SUMS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = v_zero();
  const uint8_t *next = w + 2 * R * row_bytes;
  const uint8_t *at[MOST_ROWS];
  size_t c = 0;
  for (; c + 32 <= columns; c += 32) {
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      at[r] = w + r * row_bytes + 2 * c;
    }
    if (T == 1) ask_for(next, R * 64);
    next += R * 64;
    bfloat_step(R, T, at, rounded + 2 * c, token_bytes, acc);
  }
  if (c < columns) {
    uint8_t rest[MOST_ROWS][64] = {{0}};
    for (size_t r = 0; r < R; r++) {
      memcpy(rest[r], w + r * row_bytes + 2 * c, 2 * (columns - c));
      at[r] = rest[r];
    }
    bfloat_step(R, T, at, rounded + 2 * c, token_bytes, acc);
  }
  store_sums(R, T, acc, y, y_stride);
}

WK_INLINE void rows_of(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                       size_t row_bytes, size_t rows, size_t columns, const uint8_t *rounded,
                       size_t token_bytes, float *y, size_t y_stride) {
  size_t r = 0;
  for (; r + R <= rows; r += R)
    if (type == WK_BF16)
      bfloat_tile(R, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
                  y_stride);
    else
      tile(type, R, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
           y_stride);
  for (; r < rows; r++)
    if (type == WK_BF16)
      bfloat_tile(1, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
                  y_stride);
    else
      tile(type, 1, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
           y_stride);
}

// Weights that stay in the second-level cache while one tile of tokens after the other uses them.
enum { PANEL_BYTES = 256 << 10 };

WK_INLINE void matmul_of(wk_type type, const uint8_t *w, size_t row_bytes, size_t rows,
                         size_t columns, const uint8_t *rounded, size_t tokens, float *y,
                         size_t y_stride) {
  size_t token_bytes = wk_rounded_bytes(type, columns);
  size_t panel = tokens == 1 ? rows : PANEL_BYTES / (row_bytes + 1) / 8 * 8 + 8;
  for (size_t r = 0; r < rows; r += panel) {
    size_t n = rows - r < panel ? rows - r : panel, t = 0;
    const uint8_t *at = w + r * row_bytes;
    for (; t + GEMM_TOKENS <= tokens; t += GEMM_TOKENS)
      rows_of(type, GEMM_ROWS, GEMM_TOKENS, at, row_bytes, n, columns, rounded + t * token_bytes,
              token_bytes, y + t * y_stride + r, y_stride);
    for (; t < tokens; t++)
      rows_of(type, GEMV_ROWS, 1, at, row_bytes, n, columns, rounded + t * token_bytes,
              token_bytes, y + t * y_stride + r, y_stride);
  }
}

// One function a type, so that its format is a constant in the tiles.
#define WK_MATMUL_OF(name, type)                                                                 \
  static __attribute__((noinline)) void name(const uint8_t *w, size_t row_bytes, size_t rows,    \
                                             size_t columns, const uint8_t *rounded,             \
                                             size_t tokens, float *y, size_t y_stride) {         \
    matmul_of(type, w, row_bytes, rows, columns, rounded, tokens, y, y_stride);                  \
  }
WK_MATMUL_OF(matmul_bf16, WK_BF16)
WK_MATMUL_OF(matmul_q8_0, WK_Q8_0)
WK_MATMUL_OF(matmul_q4_0, WK_Q4_0)
WK_MATMUL_OF(matmul_q4_1, WK_Q4_1)
WK_MATMUL_OF(matmul_q4_k, WK_Q4_K)
WK_MATMUL_OF(matmul_q5_k, WK_Q5_K)
WK_MATMUL_OF(matmul_q6_k, WK_Q6_K)

void wk_matmul_rounded_avx2(wk_type type, const void *w, size_t row_bytes, size_t rows,
                            size_t columns, const void *rounded, size_t tokens, float *y,
                            size_t y_stride) {
  static void (*const of[])(const uint8_t *, size_t, size_t, size_t, const uint8_t *, size_t,
                            float *, size_t) = {
      [WK_BF16] = matmul_bf16, [WK_Q8_0] = matmul_q8_0, [WK_Q4_0] = matmul_q4_0,
      [WK_Q4_1] = matmul_q4_1, [WK_Q4_K] = matmul_q4_k, [WK_Q5_K] = matmul_q5_k,
      [WK_Q6_K] = matmul_q6_k};
  of[type](w, row_bytes, rows, columns, rounded, tokens, y, y_stride);
}
#pragma clang attribute pop
#endif
