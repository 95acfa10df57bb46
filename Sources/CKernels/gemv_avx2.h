// Quantised weights times one token on AVX2.
//
// The general tile expands 16 lanes of a row at a time and spills: 16 registers hold no more than the
// sums of four rows and what eight weights need. So here each row's weights are expanded eight at a
// time and used at once.
//
// What it costs, on Zen 3: 32 weights of q4_1 take 23 vector operations (2 unpack bytes, 4 part
// nibbles, 4 convert, 4 scale, 4 multiply and add, 5 for the header), so 5.8 cycles of its four vector
// pipes; 8 are measured, as shuffles and conversions compete for the pipes of the fma. 8 of the
// operations are fma, for two pipes: less than 4 cycles it cannot be, with each weight first becoming
// the float32 that its format defines.
#include "blocks.h"

// Rows side by side: they hide the latency of each other's chain of fma. Sums take two registers a row.
enum { GEMV_ROWS = 4 };

WK_INLINE __m256i vi_unsigned8(const void *p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
WK_INLINE __m256 v_signed8(const void *p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
WK_INLINE __m256i vi_low4(__m256i a) { return _mm256_and_si256(a, _mm256_set1_epi32(15)); }

// Adds eight weights times eight inputs to lanes 8 * half ..< 8 * half + 8.
WK_INLINE void add_eight(v16 *sum, int half, __m256 w, const float *x) {
  __m256 *lanes = half ? &sum->high : &sum->low;
  *lanes = _mm256_fmadd_ps(w, _mm256_loadu_ps(x), *lanes);
}

// Ends a row's turn: the compiler would otherwise share the inputs' loads between rows, and pay for
// the registers with sums in memory. The processor overlaps rows by itself.
WK_INLINE void end_turn(v16 *sum) {
  __asm__ volatile("" : "+x"(sum->low), "+x"(sum->high) : : "memory");
}

// A block of 32.
WK_INLINE void gemv_block(wk_type type, const uint8_t *block, const float *x, v16 *sum) {
  if (type == WK_Q8_0) {
    const wk_q8_0 *b = (const wk_q8_0 *)block;
    __m256 d = v_half_all(&b->d).low;
    _Pragma("unroll") for (int i = 0; i < 4; i++)
      add_eight(sum, i % 2, _mm256_mul_ps(d, v_signed8(b->q + 8 * i)), x + 8 * i);
  } else if (type == WK_Q4_1) {
    const wk_q4_1 *b = (const wk_q4_1 *)block;
    int head;
    memcpy(&head, block, 4);
    __m256 both = _mm256_cvtph_ps(_mm_set1_epi32(head));
    __m256 d = _mm256_moveldup_ps(both), m = _mm256_movehdup_ps(both);
    _Pragma("unroll") for (int half = 0; half < 2; half++) {
      __m256i q = vi_unsigned8(b->q + 8 * half);
      __m256 low = _mm256_cvtepi32_ps(vi_low4(q));
      __m256 high = _mm256_cvtepi32_ps(_mm256_srli_epi32(q, 4));
      add_eight(sum, half, _mm256_fmadd_ps(d, low, m), x + 8 * half);
      add_eight(sum, half, _mm256_fmadd_ps(d, high, m), x + 16 + 8 * half);
    }
    end_turn(sum);
  } else if (type == WK_Q4_0) {
    // A nibble n in the top bits of a word, with the topmost turned, is (n - 8) * 2^28 as a signed
    // number: exact, as is the scale that takes the 2^28 back.
    const wk_q4_0 *b = (const wk_q4_0 *)block;
    __m256 d = _mm256_mul_ps(v_half_all(&b->d).low, _mm256_set1_ps(0x1p-28f));
    __m256i q = _mm256_broadcastsi128_si256(v_16_bytes(b->q));
    q = _mm256_xor_si256(q, _mm256_set1_epi8((char)0x88));
    _Pragma("unroll") for (int half = 0; half < 2; half++) {
      int k = 8 * half;
      const char o = (char)0x80;
      __m256i top = _mm256_shuffle_epi8(
          q, _mm256_setr_epi8(o, o, o, (char)k, o, o, o, (char)(k + 1), o, o, o, (char)(k + 2), o,
                              o, o, (char)(k + 3), o, o, o, (char)(k + 4), o, o, o, (char)(k + 5),
                              o, o, o, (char)(k + 6), o, o, o, (char)(k + 7)));
      __m256 low = _mm256_cvtepi32_ps(_mm256_slli_epi32(top, 4));
      __m256 high = _mm256_cvtepi32_ps(
          _mm256_and_si256(top, _mm256_set1_epi32((int)0xf0000000)));
      add_eight(sum, half, _mm256_mul_ps(d, low), x + 8 * half);
      add_eight(sum, half, _mm256_mul_ps(d, high), x + 16 + 8 * half);
    }
    end_turn(sum);
  }
}

// The 256 weights of a K-quant's block as bytes, signed for q6_K, in order.
WK_INLINE void unpack_bytes(wk_type type, const uint8_t *block, uint8_t out[256]) {
  const __m256i nibble = _mm256_set1_epi8(15), fifth = _mm256_set1_epi8(16);
  if (type == WK_Q6_K) {
    const wk_q6_k *b = (const wk_q6_k *)block;
    const __m256i upper = _mm256_set1_epi8(48), centre = _mm256_set1_epi8(32);
    _Pragma("unroll") for (size_t h = 0; h < 2; h++) {
      __m256i high = _mm256_loadu_si256((const __m256i *)(b->high + 32 * h));
      _Pragma("unroll") for (int g = 0; g < 4; g++) {
        __m256i q = _mm256_loadu_si256((const __m256i *)(b->q + 64 * h + g % 2 * 32));
        q = _mm256_and_si256(g < 2 ? q : _mm256_srli_epi16(q, 4), nibble);
        // Bits 2g and 2g + 1, to bits 4 and 5.
        __m256i bits = g < 2 ? _mm256_slli_epi16(high, 4 - 2 * g)
                             : _mm256_srli_epi16(high, 2 * g - 4);
        q = _mm256_or_si256(q, _mm256_and_si256(bits, upper));
        _mm256_store_si256((__m256i *)(out + 128 * h + 32 * (size_t)g),
                           _mm256_sub_epi8(q, centre));
      }
    }
    return;
  }
  const uint8_t *packed = type == WK_Q5_K ? ((const wk_q5_k *)block)->q : ((const wk_q4_k *)block)->q;
  __m256i high = _mm256_setzero_si256();
  if (type == WK_Q5_K)
    high = _mm256_loadu_si256((const __m256i *)((const wk_q5_k *)block)->high);
  _Pragma("unroll") for (int g = 0; g < 8; g++) {
    __m256i q = _mm256_loadu_si256((const __m256i *)(packed + g / 2 * 32));
    q = _mm256_and_si256(g % 2 == 0 ? q : _mm256_srli_epi16(q, 4), nibble);
    if (type == WK_Q5_K) {
      __m256i bits = g < 4 ? _mm256_slli_epi16(high, 4 - g) : _mm256_srli_epi16(high, g - 4);
      q = _mm256_or_si256(q, _mm256_and_si256(bits, fifth));
    }
    _mm256_store_si256((__m256i *)(out + 32 * g), q);
  }
}

// Group g of a K-quant's block, whose bytes and scales are unpacked.
WK_INLINE void gemv_group(wk_type type, const uint8_t *bytes, const float *scales, size_t g,
                          const float *x, v16 *sum) {
  if (type == WK_Q6_K) {
    _Pragma("unroll") for (int i = 0; i < 4; i++) {
      __m256 d = _mm256_broadcast_ss(scales + 2 * g + (size_t)i / 2);
      add_eight(sum, i % 2, _mm256_mul_ps(d, v_signed8(bytes + 8 * i)), x + 8 * i);
    }
    return;
  }
  __m256 d = _mm256_broadcast_ss(scales + g), m = _mm256_broadcast_ss(scales + 8 + g);
  _Pragma("unroll") for (int i = 0; i < 4; i++) {
    __m256 q = _mm256_cvtepi32_ps(vi_unsigned8(bytes + 8 * i));
    add_eight(sum, i % 2, _mm256_fmsub_ps(d, q, m), x + 8 * i);
  }
}

WK_INLINE void gemv_tile(wk_type type, const size_t R, const uint8_t *w, size_t row_bytes,
                         size_t columns, const float *x, float *y) {
  v16 acc[GEMV_ROWS];
  _Pragma("unroll") for (size_t r = 0; r < R; r++) acc[r] = v_zero();
  const size_t elements = wk_block_elements(type), bytes = wk_block_bytes(type);
  const uint8_t *next = w + 2 * R * row_bytes;
  for (size_t c = 0; c < columns / elements; c++) {
    const uint8_t *at = w + c * bytes;
    const float *input = x + c * elements;
    // Two tiles ahead, and in the order of memory, not row by row: the hardware's own prefetching follows
    // it, and a decode reaches twice the bandwidth.
    _Pragma("unroll") for (size_t o = 0; o < R * bytes; o += 64)
      __builtin_prefetch(next + o, 0, 2);
    next += R * bytes;
    if (elements == 32) {
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        gemv_block(type, at + r * row_bytes, input, &acc[r]);
      continue;
    }
    float scales[GEMV_ROWS][16] __attribute__((aligned(32)));
    uint8_t unpacked[GEMV_ROWS][256] __attribute__((aligned(32)));
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      unpack_scales(type, at + r * row_bytes, 8, scales[r]);
      unpack_bytes(type, at + r * row_bytes, unpacked[r]);
    }
    _Pragma("nounroll") for (size_t g = 0; g < 8; g++)
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        gemv_group(type, unpacked[r] + 32 * g, scales[r], g, input + 32 * g, &acc[r]);
  }
  for (size_t r = 0; r < R; r++) {
    float lane[WK_LANES];
    v_store(lane, acc[r]);
    y[r] = wk_tree(lane);
  }
}

WK_INLINE void gemv(wk_type type, const uint8_t *w, size_t row_bytes, size_t rows, size_t columns,
                    const float *x, float *y) {
  size_t r = 0;
  for (; r + GEMV_ROWS <= rows; r += GEMV_ROWS)
    gemv_tile(type, GEMV_ROWS, w + r * row_bytes, row_bytes, columns, x, y + r);
  for (; r < rows; r++) gemv_tile(type, 1, w + r * row_bytes, row_bytes, columns, x, y + r);
}
