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

// Four lanes each of p[0] to p[3].
WK_INLINE v16 spread_4(const float *p) {
  __m512i at = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps(at, _mm512_broadcast_f32x4(_mm_loadu_ps(p)));
}

// Lanes 4b to 4b + 3 hold p[2b].
WK_INLINE v16 spread_even(const float *p) {
  __m512i at = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
  return _mm512_permutexvar_ps(at, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}

// Words of `first` and `second` (64 bytes each) that hold, by lane, the float16 of four headers
// `words` words apart.
WK_INLINE v16 spread_headers(__m512i first, __m512i second, int start, int words) {
  int a = start, b = start + words, c = start + 2 * words, d = start + 3 * words;
  __m256i at = _mm256_setr_epi16(
      (short)a, (short)a, (short)a, (short)a, (short)b, (short)b, (short)b, (short)b, (short)c,
      (short)c, (short)c, (short)c, (short)d, (short)d, (short)d, (short)d);
  __m512i heads = _mm512_permutex2var_epi16(first, _mm512_castsi256_si512(at), second);
  return _mm512_cvtph_ps(_mm512_castsi512_si256(heads));
}

void wk_round_blocks_vnni(wk_type type, const float *x, size_t columns, void *out) {
  wk_rounded_four *fours = out;
  size_t count = wk_fours(columns);
  float *scales = (float *)(fours + count);
  __m512i size = _mm512_set1_epi32(0x7fffffff);
  for (size_t b = 0; b < 4 * count; b++) {
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
    __m128i sum[2], zero = _mm_setzero_si128();
    for (int h = 0; h < 2; h++) {
      sum[h] = _mm_dpbusd_epi32(zero, _mm_set1_epi8(1), q[h]);
      _mm_storeu_si128((__m128i *)(fours[b / 4].q[h] + b % 4 * 16), q[h]);
    }
    __m128i all = _mm_add_epi32(sum[0], sum[1]), offset = _mm_set1_epi32(-wk_offset(type));
    __m128i aside[2] = {_mm_mullo_epi32(all, offset), zero};
    if (wk_has_minima(type))
      aside[0] = _mm_castps_si128(_mm_mul_ps(_mm_cvtepi32_ps(all), _mm_set1_ps(scales[b])));
    if (type == WK_Q6_K)
      for (int h = 0; h < 2; h++) aside[h] = _mm_mullo_epi32(sum[h], offset);
    for (int h = 0; h < 2; h++)
      _mm_storeu_si128((__m128i *)(fours[b / 4].aside.start[h] + b % 4 * 4), aside[h]);
  }
}

// 128 weights of four blocks: unsigned bytes of the halves, and by lane their scales and minima.
// Only q6_K has a scale of its own for the second half.
typedef struct byte_four {
  __m512i u[2];
  v16 d, second, m;
} byte_four;

// Fours that share a header.
WK_INLINE size_t super_fours(wk_type type) { return type >= WK_Q4_K ? 2 : 1; }
WK_INLINE size_t super_bytes(wk_type type) {
  return wk_block_bytes(type) * (type >= WK_Q4_K ? 1 : 4);
}

WK_INLINE __m512i low_bits(__m512i bytes, int mask) {
  return _mm512_and_si512(bytes, _mm512_set1_epi8((char)mask));
}

// The same 16 bytes four times, shifted right by `first`, `first + step`, … bits and masked.
WK_INLINE __m512i four_times(const uint8_t *p, int first, int step, int mask) {
  __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
  __m512i quarter = (__m512i)(__v32hi){0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                       2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
  __m512i shifts = _mm512_add_epi16(_mm512_set1_epi16((short)first),
                                    _mm512_mullo_epi16(quarter, _mm512_set1_epi16((short)step)));
  return low_bits(_mm512_srlv_epi16(bytes, shifts), mask);
}

WK_INLINE void unpack_header(wk_type type, const uint8_t *at, float *scales) {
  if (type == WK_Q4_K || type == WK_Q5_K) {
    uint32_t s[3];
    memcpy(s, at + 4, 12);
    v16i fields = vi_four_words(
        s[0] & 0x3f3f3f3f, (s[2] & 0x0f0f0f0f) | (s[0] >> 6 & 0x03030303) << 4,
        s[1] & 0x3f3f3f3f, (s[2] >> 4 & 0x0f0f0f0f) | (s[1] >> 6 & 0x03030303) << 4);
    v16 both = v_choose(v_half_all(at), v_mul(v_half_all(at + 2), v_all(-1)), 8);
    v_store(scales, v_mul(both, vi_float(fields)));
  } else if (type == WK_Q6_K) {
    const wk_q6_k *b = (const wk_q6_k *)at;
    v_store(scales, v_mul(v_half_all(&b->d), v_signed_bytes(b->scales)));
  }
}

// Four number p of those that share the header at `at`; n of its blocks exist.
WK_INLINE byte_four load_four(wk_type type, const uint8_t *at, size_t p, size_t n,
                              const float *scales) {
  byte_four out = {.m = v_zero()};
  switch (type) {
    case WK_Q8_0: {
      const wk_q8_0 *b = (const wk_q8_0 *)at;
      out.u[0] = out.u[1] = _mm512_setzero_si512();
      uint16_t heads[4] = {0};
      for (size_t i = 0; i < n; i++) heads[i] = wk_load16(&b[i].d);
      for (int h = 0; h < 2; h++) {
        const int8_t *q = b[0].q + 16 * h;
        __m512i u = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)q));
        __mmask8 has[4] = {0xff, n > 1 ? 0xff : 0, n > 2 ? 0xff : 0, n > 3 ? 0xff : 0};
        u = _mm512_inserti32x4(
            u, _mm_maskz_loadu_epi32(has[1], (const __m128i *)(q + sizeof *b)), 1);
        u = _mm512_inserti32x4(
            u, _mm_maskz_loadu_epi32(has[2], (const __m128i *)(q + 2 * sizeof *b)), 2);
        u = _mm512_inserti32x4(
            u, _mm_maskz_loadu_epi32(has[3], (const __m128i *)(q + 3 * sizeof *b)), 3);
        out.u[h] = _mm512_xor_si512(u, _mm512_set1_epi8((char)0x80));
      }
      __m128i four;
      memcpy(&four, heads, 8);
      __m512i at4 = _mm512_castsi256_si512(
          _mm256_setr_epi16(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
      __m512i spread = _mm512_permutexvar_epi16(at4, _mm512_castsi128_si512(four));
      out.d = _mm512_cvtph_ps(_mm512_castsi512_si256(spread));
      break;
    }
    case WK_Q4_0: {
      uint64_t words = (1ull << (9 * n)) - 1;
      __m512i first = _mm512_maskz_loadu_epi16((__mmask32)words, at);
      __m512i second = _mm512_maskz_loadu_epi16((__mmask32)(words >> 32), at + 64);
      __m512i q = _mm512_permutex2var_epi16(
          first,
          (__m512i)(__v32hi){1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22,
                            23, 24, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35},
          second);
      out.u[0] = low_bits(q, 15), out.u[1] = low_bits(_mm512_srli_epi16(q, 4), 15);
      out.d = spread_headers(first, second, 0, 9);
      break;
    }
    case WK_Q4_1: {
      uint32_t words = (uint32_t)((1ull << (5 * n)) - 1);
      __m512i first = _mm512_maskz_loadu_epi32((__mmask16)words, at);
      __m512i second = _mm512_maskz_loadu_epi32((__mmask16)(words >> 16), at + 64);
      __m512i q = _mm512_permutex2var_epi32(
          first, _mm512_setr_epi32(1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19), second);
      out.u[0] = low_bits(q, 15), out.u[1] = low_bits(_mm512_srli_epi16(q, 4), 15);
      out.d = spread_headers(first, second, 0, 10);
      out.m = spread_headers(first, second, 1, 10);
      break;
    }
    case WK_Q4_K: case WK_Q5_K: {
      const wk_q4_k *b4 = (const wk_q4_k *)at;
      const wk_q5_k *b5 = (const wk_q5_k *)at;
      __m512i q = _mm512_loadu_si512((type == WK_Q5_K ? b5->q : b4->q) + 64 * p);
      // Quarters of the low nibbles: halves of block 0, halves of block 2; of the high: 1 and 3.
      __m512i low = low_bits(q, 15), high = low_bits(_mm512_srli_epi16(q, 4), 15);
      __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
      __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
      out.u[0] = _mm512_permutex2var_epi64(low, even, high);
      out.u[1] = _mm512_permutex2var_epi64(low, odd, high);
      if (type == WK_Q5_K)
        for (int h = 0; h < 2; h++) {
          __m512i fifth = four_times(b5->high + 16 * h, 4 * (int)p, 1, 1);
          out.u[h] = _mm512_or_si512(out.u[h], _mm512_slli_epi16(fifth, 4));
        }
      out.d = spread_4(scales + 4 * p), out.m = spread_4(scales + 8 + 4 * p);
      break;
    }
    case WK_Q6_K: {
      const wk_q6_k *b = (const wk_q6_k *)at;
      __m512i q = _mm512_loadu_si512(b->q + 64 * p);
      // Quarters of the low nibbles: halves of block 0, halves of block 1; of the high: 2 and 3.
      __m512i low = low_bits(q, 15), high = low_bits(_mm512_srli_epi16(q, 4), 15);
      out.u[0] = _mm512_shuffle_i32x4(low, high, 0x88);
      out.u[1] = _mm512_shuffle_i32x4(low, high, 0xdd);
      for (int h = 0; h < 2; h++) {
        __m512i upper = four_times(b->high + 32 * p + 16 * h, 0, 2, 3);
        out.u[h] = _mm512_or_si512(out.u[h], _mm512_slli_epi16(upper, 4));
      }
      out.d = spread_even(scales + 8 * p), out.second = spread_even(scales + 8 * p + 1);
      break;
    }
    case WK_F32: case WK_F16: case WK_BF16: break;
  }
  return out;
}

// Tiles: 8 rows of one token hide latencies; 2 x 4 outputs and their operands fit the registers.
enum { GEMV_ROWS = 8, GEMM_ROWS = 2, GEMM_TOKENS = 4 };
enum { MOST_ROWS = 8, MOST_SUMS = 8, AHEAD_BYTES = 256 << 10 };

// The canonical sums of R x T accumulators, to their outputs.
WK_INLINE void store_sums(const size_t R, const size_t T, const v16 *acc, float *y,
                          size_t y_stride) {
  float sums[MOST_SUMS];
  if (R * T == 8)
    v_trees(acc, sums);
  else
    for (size_t k = 0; k < R * T; k++) {
      float lane[WK_LANES];
      v_store(lane, acc[k]);
      sums[k] = wk_tree(lane);
    }
  for (size_t k = 0; k < R * T; k++) y[k / R * y_stride + k % R] = sums[k];
}

WK_INLINE void tile(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                    size_t row_bytes, size_t columns, const uint8_t *rounded,
                    size_t token_bytes, float *y, size_t y_stride) {
  v16 acc[MOST_SUMS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = v_zero();
  const size_t group = super_fours(type), bytes = super_bytes(type);
  size_t fours = wk_fours(columns);
  size_t ahead = 2 * R * row_bytes <= AHEAD_BYTES ? 2 * R * row_bytes : 1024;
  for (size_t c = 0; c < fours; c += group) {
    const uint8_t *at = w + c / group * bytes;
    size_t n = columns / 32 - 4 * c < 4 ? columns / 32 - 4 * c : 4;
    float scales[MOST_ROWS][17];
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      if (T == 1)
        for (size_t o = 0; o < bytes; o += 64) __builtin_prefetch(at + r * row_bytes + ahead + o);
      unpack_header(type, at + r * row_bytes, scales[r]);
    }
    _Pragma("nounroll") for (size_t p = 0; p < group; p++) {
      byte_four weights[MOST_ROWS];
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        weights[r] = load_four(type, at + r * row_bytes, p, n, scales[r]);
      _Pragma("unroll") for (size_t t = 0; t < T; t++) {
        const uint8_t *token = rounded + t * token_bytes;
        const wk_rounded_four *x = (const wk_rounded_four *)token + c + p;
        v16 dx = spread_4(wk_rounded_scales(token, columns) + 4 * (c + p));
        __m512i q0 = _mm512_loadu_si512(x->q[0]), q1 = _mm512_loadu_si512(x->q[1]);
        __m512i start0 = _mm512_loadu_si512(x->aside.start[0]);
        if (type == WK_Q6_K) {
          __m512i start1 = _mm512_loadu_si512(x->aside.start[1]);
          _Pragma("unroll") for (size_t r = 0; r < R; r++) {
            v16 sum0 = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start0, weights[r].u[0], q0));
            v16 sum1 = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start1, weights[r].u[1], q1));
            acc[t * R + r] = v_fma(sum0, v_mul(weights[r].d, dx), acc[t * R + r]);
            acc[t * R + r] = v_fma(sum1, v_mul(weights[r].second, dx), acc[t * R + r]);
          }
          continue;
        }
        __m512i start = wk_has_minima(type) ? _mm512_setzero_si512() : start0;
        _Pragma("unroll") for (size_t r = 0; r < R; r++) {
          __m512i sum = _mm512_dpbusd_epi32(start, weights[r].u[0], q0);
          sum = _mm512_dpbusd_epi32(sum, weights[r].u[1], q1);
          acc[t * R + r] = v_fma(_mm512_cvtepi32_ps(sum), v_mul(weights[r].d, dx), acc[t * R + r]);
          if (wk_has_minima(type))
            acc[t * R + r] = v_fma(weights[r].m, v_load(x->aside.base), acc[t * R + r]);
        }
      }
    }
  }
  store_sums(R, T, acc, y, y_stride);
}

WK_INLINE void rows_of(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                       size_t row_bytes, size_t rows, size_t columns, const uint8_t *rounded,
                       size_t token_bytes, float *y, size_t y_stride) {
  size_t r = 0;
  for (; r + R <= rows; r += R)
    tile(type, R, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
         y_stride);
  for (; r < rows; r++)
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
                           size_t columns, const uint8_t *rounded, size_t token_bytes, float *y,
                    size_t y_stride) {
  v16 acc[MOST_SUMS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = v_zero();
  size_t ahead = 2 * R * row_bytes <= AHEAD_BYTES ? 2 * R * row_bytes : 1024;
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
        acc[t * R + r] = _mm512_dpbf16_ps(acc[t * R + r], (__m512bh)weights[r], x);
    }
  }
  store_sums(R, T, acc, y, y_stride);
}

WK_INLINE void bfloat_rows(const size_t R, const size_t T, const uint8_t *w, size_t row_bytes,
                           size_t rows, size_t columns, const uint8_t *rounded,
                           size_t token_bytes, float *y, size_t y_stride) {
  size_t r = 0;
  for (; r + R <= rows; r += R)
    bfloat_tile(R, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
         y_stride);
  for (; r < rows; r++)
    bfloat_tile(1, T, w + r * row_bytes, row_bytes, columns, rounded, token_bytes, y + r,
         y_stride);
}

void wk_matmul_dpbf16(const void *w, size_t row_bytes, size_t rows, size_t columns,
                      const void *rounded, size_t tokens, float *y, size_t y_stride) {
  size_t token_bytes = wk_rounded_bytes(WK_BF16, columns);
  size_t panel = tokens == 1 ? rows : PANEL_BYTES / (row_bytes + 1) / 8 * 8 + 8;
  for (size_t r = 0; r < rows; r += panel) {
    size_t n = rows - r < panel ? rows - r : panel, t = 0;
    const uint8_t *at = (const uint8_t *)w + r * row_bytes, *x = rounded;
    for (; t + GEMM_TOKENS <= tokens; t += GEMM_TOKENS)
      bfloat_rows(GEMM_ROWS, GEMM_TOKENS, at, row_bytes, n, columns, x + t * token_bytes,
                  token_bytes, y + t * y_stride + r, y_stride);
    for (; t < tokens; t++)
      bfloat_rows(GEMV_ROWS, 1, at, row_bytes, n, columns, x + t * token_bytes,
                  token_bytes, y + t * y_stride + r, y_stride);
  }
}
#pragma clang attribute pop
#endif
