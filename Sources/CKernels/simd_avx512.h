// Sixteen lanes as one AVX-512 register. The twins are written once, over these few operations.
#include <immintrin.h>
#include "lanes.h"

typedef __m512 v16;

static inline v16 v_zero(void) { return _mm512_setzero_ps(); }
static inline v16 v_all(float x) { return _mm512_set1_ps(x); }
static inline v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
static inline v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
static inline v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
static inline v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
static inline v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
static inline v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
static inline v16 v_fms(v16 a, v16 b, v16 c) { return _mm512_fmsub_ps(a, b, c); }
// The second operand where either is NaN.
static inline v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }
static inline v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }

// The first n lanes; what lies behind them is neither read nor written. Lanes past n are +0.
static inline __mmask16 v_first(size_t n) { return (__mmask16)((1u << n) - 1); }
static inline v16 v_load_part(const float *p, size_t n) {
  return _mm512_maskz_loadu_ps(v_first(n), p);
}
static inline void v_store_part(float *p, v16 a, size_t n) {
  _mm512_mask_storeu_ps(p, v_first(n), a);
}
// Lane j is a[j] for j < n, else b[j].
static inline v16 v_choose(v16 a, v16 b, size_t n) {
  return _mm512_mask_mov_ps(b, v_first(n), a);
}

// 16 float16, bfloat16, bytes from memory.
static inline v16 v_half(const uint8_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
static inline v16 v_bfloat(const uint8_t *p) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline v16 v_signed_bytes(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
// The float16 at p in every lane.
static inline v16 v_half_all(const void *p) {
  return _mm512_cvtph_ps(_mm256_set1_epi16((short)wk_load16(p)));
}

// 16 small unsigned integers.
typedef __m512i v16i;
static inline v16i vi_bytes(const uint8_t *p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
static inline v16i vi_all(int x) { return _mm512_set1_epi32(x); }
static inline v16i vi_and(v16i a, v16i b) { return _mm512_and_si512(a, b); }
// Bits of a where mask is set, of b elsewhere.
static inline v16i vi_merge(v16i a, v16i b, v16i mask) {
  return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}
// Moves bit n of a byte to place 4, the next ones after it, and the rest out of the low six.
static inline v16i vi_bit_to_4(v16i a, int n) {
  return _mm512_rorv_epi32(a, _mm512_set1_epi32((n - 4) & 31));
}
// The 16 bytes of four words.
static inline v16i vi_four_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm512_cvtepu8_epi32(_mm_setr_epi32((int)a, (int)b, (int)c, (int)d));
}
static inline v16i vi_sub(v16i a, v16i b) { return _mm512_sub_epi32(a, b); }
static inline v16i vi_right(v16i a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
static inline v16 vi_float(v16i a) { return _mm512_cvtepi32_ps(a); }

// p * 2^n, as wk_exp multiplies; n holds integers.
static inline v16 v_scale(v16 p, v16 n) {
  __m512i whole = _mm512_cvtps_epi32(n), half = _mm512_srai_epi32(whole, 1);
  __m512i bias = _mm512_set1_epi32(127);
  __m512i first = _mm512_slli_epi32(_mm512_add_epi32(half, bias), 23);
  __m512i second = _mm512_slli_epi32(_mm512_add_epi32(_mm512_sub_epi32(whole, half), bias), 23);
  return _mm512_mul_ps(_mm512_mul_ps(p, _mm512_castsi512_ps(first)), _mm512_castsi512_ps(second));
}

// What the 16 nibbles may stand for: fma(d, nibble, m), computed once a block and looked up. The
// lookup reads the low four bits of an index and ignores the others.
typedef __m512 v_table;
static inline v16 v_counting(void) {
  return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static inline v_table v_affine_table(v16 d, v16 m) { return v_fma(d, v_counting(), m); }
static inline v_table v_centred_table(v16 d) { return v_mul(d, v_sub(v_counting(), v_all(8))); }
static inline v16 v_lookup(v_table t, v16i index) { return _mm512_permutexvar_ps(index, t); }

// The same for five bits.
typedef struct v_table32 { v_table low, high; } v_table32;
static inline v_table32 v_affine_table32(v16 d, v16 m) {
  return (v_table32){v_affine_table(d, m), v_fma(d, v_add(v_counting(), v_all(16)), m)};
}
static inline v16 v_lookup32(v_table32 t, v16i index) {
  return _mm512_permutex2var_ps(t.low, index, t.high);
}

// Scales of n (at most 7) q4_0 blocks of 18 bytes. The headers are picked out of two registers and
// converted together.
static inline void v_q4_0_scales(const uint8_t *blocks, size_t n, float *out) {
  uint64_t halves = (1ull << (9 * n)) - 1;
  __m512i first = _mm512_maskz_loadu_epi16((__mmask32)halves, blocks);
  __m512i second = _mm512_maskz_loadu_epi16((__mmask32)(halves >> 32), blocks + 64);
  __m512i at = _mm512_castsi128_si512(_mm_setr_epi16(0, 9, 18, 27, 36, 45, 54, 0));
  __m512i heads = _mm512_permutex2var_epi16(first, at, second);
  _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm512_castsi512_si128(heads)));
}

// Scales of n (at most 6) q4_1 blocks of 20 bytes: d0, m0, d1, m1, …
static inline void v_q4_1_scales(const uint8_t *blocks, size_t n, float *out) {
  uint32_t words = (uint32_t)((1ull << (5 * n)) - 1);
  __m512i first = _mm512_maskz_loadu_epi32((__mmask16)words, blocks);
  __m512i second = _mm512_maskz_loadu_epi32((__mmask16)(words >> 16), blocks + 64);
  __m512i at = _mm512_setr_epi32(0, 5, 10, 15, 20, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  __m512i heads = _mm512_permutex2var_epi32(first, at, second);
  _mm512_storeu_ps(out, _mm512_cvtph_ps(_mm512_castsi512_si256(heads)));
}

// The canonical trees of eight vectors at once: each step halves the lanes of two and packs them.
static inline void v_trees(const v16 a[8], float out[8]) {
  __m512 pair[4], quad[2];
  for (int i = 0; i < 4; i++)
    pair[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0x44),
                            _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0xee));
  for (int i = 0; i < 2; i++)
    quad[i] = _mm512_add_ps(_mm512_shuffle_f32x4(pair[2 * i], pair[2 * i + 1], 0x88),
                            _mm512_shuffle_f32x4(pair[2 * i], pair[2 * i + 1], 0xdd));
  __m512 two = _mm512_add_ps(_mm512_shuffle_ps(quad[0], quad[1], 0x44),
                             _mm512_shuffle_ps(quad[0], quad[1], 0xee));
  __m512 one = _mm512_add_ps(_mm512_shuffle_ps(two, two, 0x88), _mm512_shuffle_ps(two, two, 0xdd));
  // Of each four lanes p, the first is the sum of a[p] and the second that of a[4 + p].
  __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  _mm256_storeu_ps(out, _mm512_castps512_ps256(_mm512_permutexvar_ps(order, one)));
}
