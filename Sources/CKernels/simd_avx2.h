// Sixteen lanes as two AVX2 registers: the same operations as simd_avx512.h.
#include <immintrin.h>
#include "lanes.h"

typedef struct v16 { __m256 low, high; } v16;

static inline v16 v_zero(void) { return (v16){_mm256_setzero_ps(), _mm256_setzero_ps()}; }
static inline v16 v_all(float x) { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline v16 v_load(const float *p) {
  return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline void v_store(float *p, v16 a) {
  _mm256_storeu_ps(p, a.low);
  _mm256_storeu_ps(p + 8, a.high);
}
#define WK_BOTH(op) ((v16){op(a.low, b.low), op(a.high, b.high)})
static inline v16 v_add(v16 a, v16 b) { return WK_BOTH(_mm256_add_ps); }
static inline v16 v_sub(v16 a, v16 b) { return WK_BOTH(_mm256_sub_ps); }
static inline v16 v_mul(v16 a, v16 b) { return WK_BOTH(_mm256_mul_ps); }
static inline v16 v_div(v16 a, v16 b) { return WK_BOTH(_mm256_div_ps); }
static inline v16 v_min(v16 a, v16 b) { return WK_BOTH(_mm256_min_ps); }
static inline v16 v_max(v16 a, v16 b) { return WK_BOTH(_mm256_max_ps); }
#undef WK_BOTH
static inline v16 v_fma(v16 a, v16 b, v16 c) {
  return (v16){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
static inline v16 v_fms(v16 a, v16 b, v16 c) {
  return (v16){_mm256_fmsub_ps(a.low, b.low, c.low), _mm256_fmsub_ps(a.high, b.high, c.high)};
}

// All bits of the first n of 8 lanes from `base`.
static inline __m256i v_first(size_t n, int base) {
  __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - base), lane);
}
static inline v16 v_load_part(const float *p, size_t n) {
  return (v16){_mm256_maskload_ps(p, v_first(n, 0)), _mm256_maskload_ps(p + 8, v_first(n, 8))};
}
static inline void v_store_part(float *p, v16 a, size_t n) {
  _mm256_maskstore_ps(p, v_first(n, 0), a.low);
  _mm256_maskstore_ps(p + 8, v_first(n, 8), a.high);
}
static inline v16 v_choose(v16 a, v16 b, size_t n) {
  return (v16){_mm256_blendv_ps(b.low, a.low, _mm256_castsi256_ps(v_first(n, 0))),
               _mm256_blendv_ps(b.high, a.high, _mm256_castsi256_ps(v_first(n, 8)))};
}

static inline __m128i v_16_bytes(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
static inline v16 v_half(const uint8_t *p) {
  return (v16){_mm256_cvtph_ps(v_16_bytes(p)), _mm256_cvtph_ps(v_16_bytes(p + 16))};
}
static inline __m256 v_bfloat8(const uint8_t *p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v_16_bytes(p)), 16));
}
static inline v16 v_bfloat(const uint8_t *p) { return (v16){v_bfloat8(p), v_bfloat8(p + 16)}; }
static inline v16 v_signed_bytes(const int8_t *p) {
  __m128i bytes = v_16_bytes(p);
  return (v16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
               _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline v16 v_half_all(const void *p) {
  __m256 all = _mm256_cvtph_ps(_mm_set1_epi16((short)wk_load16(p)));
  return (v16){all, all};
}

typedef struct v16i { __m256i low, high; } v16i;
static inline v16i vi_bytes(const uint8_t *p) {
  __m128i bytes = v_16_bytes(p);
  return (v16i){_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
static inline v16i vi_all(int x) { return (v16i){_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
#define WK_BOTH(op) ((v16i){op(a.low, b.low), op(a.high, b.high)})
static inline v16i vi_and(v16i a, v16i b) { return WK_BOTH(_mm256_and_si256); }
static inline v16i vi_sub(v16i a, v16i b) { return WK_BOTH(_mm256_sub_epi32); }
#undef WK_BOTH
static inline __m256i vi_merge8(__m256i a, __m256i b, __m256i mask) {
  return _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b));
}
static inline v16i vi_merge(v16i a, v16i b, v16i mask) {
  return (v16i){vi_merge8(a.low, b.low, mask.low), vi_merge8(a.high, b.high, mask.high)};
}
static inline v16i vi_four_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return (v16i){_mm256_cvtepu8_epi32(_mm_setr_epi32((int)a, (int)b, 0, 0)),
                _mm256_cvtepu8_epi32(_mm_setr_epi32((int)c, (int)d, 0, 0))};
}
static inline v16i vi_right(v16i a, int n) {
  return (v16i){_mm256_srli_epi32(a.low, n), _mm256_srli_epi32(a.high, n)};
}
static inline v16i vi_left(v16i a, int n) {
  return (v16i){_mm256_slli_epi32(a.low, n), _mm256_slli_epi32(a.high, n)};
}
static inline v16i vi_bit_to_4(v16i a, int n) { return vi_right(vi_left(a, 4), n); }
static inline v16 vi_float(v16i a) {
  return (v16){_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}

static inline __m256 v_scale8(__m256 p, __m256 n) {
  __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  __m256i bias = _mm256_set1_epi32(127);
  __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
}
static inline v16 v_scale(v16 p, v16 n) {
  return (v16){v_scale8(p.low, n.low), v_scale8(p.high, n.high)};
}

// No lookup of 16 floats here: the nibble is converted, and takes part in the same fma.
typedef struct v_table { __m256 d, m; int centre; } v_table;
static inline v_table v_affine_table(v16 d, v16 m) { return (v_table){d.low, m.low, 0}; }
static inline v_table v_centred_table(v16 d) { return (v_table){d.low, _mm256_setzero_ps(), 1}; }
static inline __m256 v_lookup8(v_table t, __m256i index) {
  __m256i nibble = _mm256_and_si256(index, _mm256_set1_epi32(15));
  if (t.centre)
    return _mm256_mul_ps(t.d, _mm256_cvtepi32_ps(_mm256_sub_epi32(nibble, _mm256_set1_epi32(8))));
  return _mm256_fmadd_ps(t.d, _mm256_cvtepi32_ps(nibble), t.m);
}
static inline v16 v_lookup(v_table t, v16i index) {
  return (v16){v_lookup8(t, index.low), v_lookup8(t, index.high)};
}

typedef struct v_table32 { __m256 d, m; } v_table32;
static inline v_table32 v_affine_table32(v16 d, v16 m) { return (v_table32){d.low, m.low}; }
static inline v16 v_lookup32(v_table32 t, v16i index) {
  v16i five = vi_and(index, vi_all(31));
  return (v16){_mm256_fmadd_ps(t.d, _mm256_cvtepi32_ps(five.low), t.m),
               _mm256_fmadd_ps(t.d, _mm256_cvtepi32_ps(five.high), t.m)};
}

static inline void v_q4_0_scales(const uint8_t *blocks, size_t n, float *out) {
  uint16_t heads[16] = {0};
  for (size_t i = 0; i < n; i++) memcpy(heads + i, blocks + 18 * i, 2);
  v_store(out, v_half((const uint8_t *)heads));
}

static inline void v_q4_1_scales(const uint8_t *blocks, size_t n, float *out) {
  uint32_t heads[8] = {0};
  for (size_t i = 0; i < n; i++) memcpy(heads + i, blocks + 20 * i, 4);
  v_store(out, v_half((const uint8_t *)heads));
}

static inline void v_trees(const v16 a[8], float out[8]) {
  for (int i = 0; i < 8; i++) {
    __m256 eight = _mm256_add_ps(a[i].low, a[i].high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    out[i] = _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
}
