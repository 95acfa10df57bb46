// Weights times inputs over v16: included once for each instruction set.
//
// A tile is R rows by T tokens, with an accumulator for each pair. Every step expands 32 weights of
// each row, as two vectors, and uses them for all T tokens. Several rows at once hide the latency
// of the one chain of fma that the canonical order allows for each output.
#include "blocks.h"

#define WK_INLINE static inline __attribute__((always_inline))

// Steps of 32 weights whose scales are unpacked together, and floats they unpack to.
WK_INLINE size_t group_steps(wk_type type) {
  return type == WK_Q4_0 ? 7 : type == WK_Q4_1 ? 6 : type >= WK_Q4_K ? 8 : type == WK_Q8_0 ? 2 : 1;
}
enum { GROUP_FLOATS = 16 };

// Bounds of a tile's arrays.
enum { MOST_ROWS = 8, MOST_SUMS = 16 };

// Bytes of a group.
WK_INLINE size_t group_bytes(wk_type type) {
  return wk_block_bytes(type) * group_steps(type) * 32 / wk_block_elements(type);
}

// Scales of `steps` steps at `group`: what `expand_step` needs of them.
WK_INLINE void unpack_scales(wk_type type, const uint8_t *group, size_t steps, float *out) {
  if (type == WK_Q4_1) {
    v_q4_1_scales(group, steps, out);
  } else if (type == WK_Q4_0) {
    v_q4_0_scales(group, steps, out);
  } else if (type == WK_Q4_K || type == WK_Q5_K) {
    // Eight steps d * scale, then eight bases minimum * min. Six-bit fields, unpacked four a word.
    uint32_t s[3];
    memcpy(s, group + 4, 12);
    v16i fields = vi_four_words(
        s[0] & 0x3f3f3f3f, (s[2] & 0x0f0f0f0f) | (s[0] >> 6 & 0x03030303) << 4,
        s[1] & 0x3f3f3f3f, (s[2] >> 4 & 0x0f0f0f0f) | (s[1] >> 6 & 0x03030303) << 4);
    v16 both = v_choose(v_half_all(group), v_half_all(group + 2), 8);
    v_store(out, v_mul(both, vi_float(fields)));
  } else if (type == WK_Q6_K) {
    const wk_q6_k *b = (const wk_q6_k *)group;
    v_store(out, v_mul(v_half_all(&b->d), v_signed_bytes(b->scales)));
  }
}

// The 32 weights of step i of the group, as float32.
WK_INLINE void expand_step(wk_type type, const uint8_t *group, size_t i, const float *scales,
                           v16 w[2]) {
  switch (type) {
    case WK_F32:
      w[0] = v_load((const float *)group);
      w[1] = v_load((const float *)(group + 64));
      break;
    case WK_F16:
      w[0] = v_half(group), w[1] = v_half(group + 32);
      break;
    case WK_BF16:
      w[0] = v_bfloat(group), w[1] = v_bfloat(group + 32);
      break;
    case WK_Q8_0: {
      const wk_q8_0 *b = (const wk_q8_0 *)group + i;
      v16 d = v_half_all(&b->d);
      w[0] = v_mul(d, v_signed_bytes(b->q)), w[1] = v_mul(d, v_signed_bytes(b->q + 16));
      break;
    }
    case WK_Q4_0: {
      const wk_q4_0 *b = (const wk_q4_0 *)group + i;
      v_table table = v_centred_table(v_all(scales[i]));
      v16i q = vi_bytes(b->q);
      w[0] = v_lookup(table, q), w[1] = v_lookup(table, vi_right(q, 4));
      break;
    }
    case WK_Q4_1: {
      const wk_q4_1 *b = (const wk_q4_1 *)group + i;
      v_table table = v_affine_table(v_all(scales[2 * i]), v_all(scales[2 * i + 1]));
      v16i q = vi_bytes(b->q);
      w[0] = v_lookup(table, q), w[1] = v_lookup(table, vi_right(q, 4));
      break;
    }
    case WK_Q4_K: {
      const wk_q4_k *b = (const wk_q4_k *)group;
      v_table table = v_affine_table(v_all(scales[i]), v_all(-scales[8 + i]));
      for (int part = 0; part < 2; part++) {
        v16i q = vi_bytes(b->q + i / 2 * 32 + part * 16);
        w[part] = v_lookup(table, i % 2 ? vi_right(q, 4) : q);
      }
      break;
    }
    case WK_Q5_K: {
      const wk_q5_k *b = (const wk_q5_k *)group;
      v_table32 table = v_affine_table32(v_all(scales[i]), v_all(-scales[8 + i]));
      for (int part = 0; part < 2; part++) {
        v16i q = vi_bytes(b->q + i / 2 * 32 + part * 16), high = vi_bytes(b->high + part * 16);
        q = vi_merge(i % 2 ? vi_right(q, 4) : q, vi_bit_to_4(high, (int)i), vi_all(15));
        w[part] = v_lookup32(table, q);
      }
      break;
    }
    case WK_Q6_K: {
      const wk_q6_k *b = (const wk_q6_k *)group;
      size_t h = i / 4, g = i % 4;
      for (size_t part = 0; part < 2; part++) {
        v16i q = vi_bytes(b->q + h * 64 + g % 2 * 32 + part * 16);
        v16i high = vi_bytes(b->high + h * 32 + part * 16);
        q = vi_merge(vi_right(q, (int)g / 2 * 4), vi_bit_to_4(high, (int)g * 2), vi_all(15));
        q = vi_sub(vi_and(q, vi_all(63)), vi_all(32));
        w[part] = v_mul(v_all(scales[2 * i + part]), vi_float(q));
      }
      break;
    }
  }
}

// The last n (below 32) weights of a row of an unquantised type.
WK_INLINE void expand_rest(wk_type type, const uint8_t *at, size_t n, v16 w[2]) {
  uint8_t bytes[128] = {0};
  memcpy(bytes, at, n * wk_block_bytes(type));
  expand_step(type, bytes, 0, NULL, w);
}

// Lines of weights are asked for two tiles ahead, as long as that fits the second-level cache
// beside what is in use; in longer rows, this far along the row.
enum { AHEAD_BYTES = 1024, AHEAD_GROUP_BYTES = 256 << 10 };

WK_INLINE void tile(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                    size_t row_bytes, size_t columns, const float *x, size_t x_stride, float *y,
                    size_t y_stride) {
  v16 acc[MOST_SUMS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = v_zero();
  const size_t group = group_steps(type), bytes = group_bytes(type);
  // The hardware follows long runs; rows read side by side are not.
  size_t ahead = 2 * R * row_bytes <= AHEAD_GROUP_BYTES ? 2 * R * row_bytes : AHEAD_BYTES;
  // K-quants hold steps in pairs: low and high nibbles of the same bytes.
  const size_t both = type >= WK_Q4_K ? 2 : 1;
  size_t steps = columns / 32;
  float scales[MOST_ROWS][GROUP_FLOATS] __attribute__((aligned(64)));
  for (size_t c = 0; c < steps; c += group) {
    const uint8_t *at = w + c / group * bytes;
    size_t count = type < WK_Q4_K && steps - c < group ? steps - c : group;
    _Pragma("unroll") for (size_t r = 0; r < R; r++) {
      if (T == 1)
        for (size_t o = 0; o < bytes; o += 64) __builtin_prefetch(at + r * row_bytes + ahead + o);
      unpack_scales(type, at + r * row_bytes, count, scales[r]);
    }
    // Unrolled further, a group would not fit the registers.
    _Pragma("nounroll") for (size_t pair = 0; pair < count; pair += both)
    _Pragma("unroll") for (size_t i = pair; i < pair + both; i++) {
      v16 weights[MOST_ROWS][2];
      _Pragma("unroll") for (size_t r = 0; r < R; r++)
        expand_step(type, at + r * row_bytes, i, scales[r], weights[r]);
      _Pragma("unroll") for (size_t t = 0; t < T; t++) {
        const float *input = x + t * x_stride + (c + i) * 32;
        v16 x0 = v_load(input), x1 = v_load(input + 16);
        _Pragma("unroll") for (size_t r = 0; r < R; r++) {
          acc[t * R + r] = v_fma(weights[r][0], x0, acc[t * R + r]);
          acc[t * R + r] = v_fma(weights[r][1], x1, acc[t * R + r]);
        }
      }
    }
  }
  size_t rest = columns % 32;
  if (type < WK_Q8_0 && rest > 0) {
    size_t n0 = rest < 16 ? rest : 16, n1 = rest - n0;
    for (size_t r = 0; r < R; r++) {
      v16 weights[2];
      expand_rest(type, w + r * row_bytes + steps * bytes, rest, weights);
      for (size_t t = 0; t < T; t++) {
        const float *input = x + t * x_stride + steps * 32;
        v16 *a = &acc[t * R + r];
        *a = v_choose(v_fma(weights[0], v_load_part(input, n0), *a), *a, n0);
        if (n1 > 0) *a = v_choose(v_fma(weights[1], v_load_part(input + 16, n1), *a), *a, n1);
      }
    }
  }
  if (R * T % 8 == 0) {
    _Pragma("unroll") for (size_t k = 0; k < R * T; k += 8) {
      float sums[8];
      v_trees(acc + k, sums);
      for (size_t i = 0; i < 8; i++) y[(k + i) / R * y_stride + (k + i) % R] = sums[i];
    }
  } else {
    for (size_t k = 0; k < R * T; k++) {
      float lane[WK_LANES];
      v_store(lane, acc[k]);
      y[k / R * y_stride + k % R] = wk_tree(lane);
    }
  }
}

// All rows for T tokens: tiles of R rows, then single ones.
WK_INLINE void rows_of(wk_type type, const size_t R, const size_t T, const uint8_t *w,
                       size_t row_bytes, size_t rows, size_t columns, const float *x,
                       size_t x_stride, float *y, size_t y_stride) {
  size_t r = 0;
  for (; r + R <= rows; r += R)
    tile(type, R, T, w + r * row_bytes, row_bytes, columns, x, x_stride, y + r, y_stride);
  for (; r < rows; r++)
    tile(type, 1, T, w + r * row_bytes, row_bytes, columns, x, x_stride, y + r, y_stride);
}

#ifdef WK_OWN_TILES
#include "gemv_avx2.h"
#include "gemm_avx2.h"
#endif

// Weights that stay in the second-level cache while one tile of tokens after the other uses them.
enum { PANEL_BYTES = 256 << 10 };

WK_INLINE void matmul_of(wk_type type, const uint8_t *w, size_t row_bytes, size_t rows,
                         size_t columns, const float *x, size_t x_stride, size_t tokens, float *y,
                         size_t y_stride) {
#ifdef WK_OWN_TILES
  if (type >= WK_Q8_0) {
    if (tokens == 1)
      gemv(type, w, row_bytes, rows, columns, x, y);
    else
      gemm(type, w, row_bytes, rows, columns, x, x_stride, tokens, y, y_stride);
    return;
  }
#endif
  if (tokens == 1) {
    rows_of(type, WK_GEMV_ROWS, 1, w, row_bytes, rows, columns, x, x_stride, y, y_stride);
    return;
  }
  size_t panel = PANEL_BYTES / (row_bytes + 1) / 8 * 8 + 8;
  for (size_t r = 0; r < rows; r += panel) {
    size_t n = rows - r < panel ? rows - r : panel, t = 0;
    const uint8_t *at = w + r * row_bytes;
    for (; t + WK_GEMM_TOKENS <= tokens; t += WK_GEMM_TOKENS)
      rows_of(type, WK_GEMM_ROWS, WK_GEMM_TOKENS, at, row_bytes, n, columns, x + t * x_stride,
              x_stride, y + t * y_stride + r, y_stride);
    for (; t + 2 <= tokens; t += 2)
      rows_of(type, 4, 2, at, row_bytes, n, columns, x + t * x_stride, x_stride,
              y + t * y_stride + r, y_stride);
    if (t < tokens)
      rows_of(type, WK_GEMV_ROWS, 1, at, row_bytes, n, columns, x + t * x_stride, x_stride,
              y + t * y_stride + r, y_stride);
  }
}

// One function a type, so that its format is a constant in the tiles.
#define WK_MATMUL_OF(name, type)                                                                  \
  static __attribute__((noinline)) void name(const uint8_t *w, size_t row_bytes, size_t rows,     \
                                             size_t columns, const float *x, size_t x_stride,     \
                                             size_t tokens, float *y, size_t y_stride) {          \
    matmul_of(type, w, row_bytes, rows, columns, x, x_stride, tokens, y, y_stride);               \
  }
WK_MATMUL_OF(matmul_f32, WK_F32)
WK_MATMUL_OF(matmul_f16, WK_F16)
WK_MATMUL_OF(matmul_bf16, WK_BF16)
WK_MATMUL_OF(matmul_q8_0, WK_Q8_0)
WK_MATMUL_OF(matmul_q4_0, WK_Q4_0)
WK_MATMUL_OF(matmul_q4_1, WK_Q4_1)
WK_MATMUL_OF(matmul_q4_k, WK_Q4_K)
WK_MATMUL_OF(matmul_q5_k, WK_Q5_K)
WK_MATMUL_OF(matmul_q6_k, WK_Q6_K)

void WK_TWIN(matmul)(wk_type type, const void *w, size_t row_bytes, size_t rows, size_t columns,
                     const float *x, size_t x_stride, size_t tokens, float *y, size_t y_stride) {
  static void (*const of[])(const uint8_t *, size_t, size_t, size_t, const float *, size_t, size_t,
                            float *, size_t) = {
      [WK_F32] = matmul_f32, [WK_F16] = matmul_f16, [WK_BF16] = matmul_bf16,
      [WK_Q8_0] = matmul_q8_0, [WK_Q4_0] = matmul_q4_0, [WK_Q4_1] = matmul_q4_1,
      [WK_Q4_K] = matmul_q4_k, [WK_Q5_K] = matmul_q5_k, [WK_Q6_K] = matmul_q6_k};
  of[type](w, row_bytes, rows, columns, x, x_stride, tokens, y, y_stride);
}
