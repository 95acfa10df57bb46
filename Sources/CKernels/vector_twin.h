// Norm, sum, gate, attention and log-sum-exp over v16: included once for each instruction set.
#include "elementary.h"

static inline v16 v_exp(v16 x) {
  x = v_max(v_all(WK_EXP_LOW), v_min(v_all(WK_EXP_HIGH), x));
  v16 n = v_sub(v_fma(x, v_all(WK_LOG2E), v_all(WK_ROUND)), v_all(WK_ROUND));
  v16 r = v_fma(n, v_all(-WK_LN2_HIGH), x);
  r = v_fma(n, v_all(-WK_LN2_LOW), r);
  v16 p = v_all(wk_exp_terms[0]);
  for (int k = 1; k < WK_EXP_TERMS; k++) p = v_fma(p, r, v_all(wk_exp_terms[k]));
  return v_scale(p, n);
}

static inline float v_tree(v16 a) {
  float lane[WK_LANES];
  v_store(lane, a);
  return wk_tree(lane);
}

// Calls `body` with a vector's offset i and its lanes n: 16, and fewer for the last.
#define WK_EACH(count, body)                                          \
  for (size_t i = 0; i < (count); i += WK_LANES) {                    \
    size_t n = (count) - i < WK_LANES ? (count) - i : WK_LANES;       \
    body                                                              \
  }

void WK_TWIN(rms_norm)(const float *x, const float *weight, size_t count, float epsilon,
                       float *out) {
  v16 acc = v_zero();
  WK_EACH(count, {
    v16 a = v_load_part(x + i, n);
    acc = v_choose(v_fma(a, a, acc), acc, n);
  })
  v16 inverse = v_all(1 / __builtin_sqrtf(v_tree(acc) / (float)count + epsilon));
  WK_EACH(count, {
    v16 a = v_mul(v_load_part(x + i, n), inverse);
    v_store_part(out + i, v_mul(a, v_load_part(weight + i, n)), n);
  })
}

void WK_TWIN(add)(float *x, const float *y, size_t count) {
  WK_EACH(count, { v_store_part(x + i, v_add(v_load_part(x + i, n), v_load_part(y + i, n)), n); })
}

void WK_TWIN(swiglu)(float *gate, const float *up, size_t count) {
  WK_EACH(count, {
    v16 g = v_load_part(gate + i, n);
    v16 e = v_exp(v_mul(g, v_all(-1)));
    v16 silu = v_div(g, v_add(v_all(1), e));
    v_store_part(gate + i, v_mul(silu, v_load_part(up + i, n)), n);
  })
}

static float largest(const float *x, size_t count) {
  float top = x[0];
  if (count >= WK_LANES) {
    v16 tops = v_load(x);
    size_t i = WK_LANES;
    for (; i + WK_LANES <= count; i += WK_LANES) tops = v_max(v_load(x + i), tops);
    float lane[WK_LANES];
    v_store(lane, tops);
    for (int j = 0; j < WK_LANES; j++) top = lane[j] > top ? lane[j] : top;
    x += i, count -= i;
  }
  for (size_t i = 0; i < count; i++) top = x[i] > top ? x[i] : top;
  return top;
}

// out += e[p] * values[p], in order of positions, for V (at most 4) vectors of a head (the last of
// `n` lanes). The accumulators stay in registers.
static inline __attribute__((always_inline)) void weigh(
    const size_t V, const float *e, const float *values, size_t positions, size_t head_size,
    size_t n, float inverse, float *out) {
  v16 acc[4];
  for (size_t k = 0; k < V; k++) acc[k] = v_zero();
  for (size_t p = 0; p < positions; p++) {
    const float *value = values + p * head_size;
    v16 weight = v_all(e[p]);
    _Pragma("unroll") for (size_t k = 0; k + 1 < V; k++)
      acc[k] = v_fma(weight, v_load(value + 16 * k), acc[k]);
    v16 last = n == WK_LANES ? v_load(value + 16 * (V - 1)) : v_load_part(value + 16 * (V - 1), n);
    acc[V - 1] = v_fma(weight, last, acc[V - 1]);
  }
  for (size_t k = 0; k + 1 < V; k++) v_store(out + 16 * k, v_mul(acc[k], v_all(inverse)));
  v_store_part(out + 16 * (V - 1), v_mul(acc[V - 1], v_all(inverse)), n);
}

void WK_TWIN(attend)(const float *q, const float *keys, const float *values, size_t positions,
                     size_t head_size, float scale, float *scores, float *out) {
  // The keys are a float32 matrix whose rows are positions.
  matmul_f32((const uint8_t *)keys, head_size * 4, positions, head_size, q, head_size, 1, scores,
             positions);
  WK_EACH(positions, {
    v_store_part(scores + i, v_mul(v_all(scale), v_load_part(scores + i, n)), n);
  })
  float top = largest(scores, positions);
  v16 sums = v_zero();
  WK_EACH(positions, {
    v16 e = v_exp(v_sub(v_load_part(scores + i, n), v_all(top)));
    v_store_part(scores + i, e, n);
    sums = v_choose(v_add(sums, e), sums, n);
  })
  float inverse = 1 / v_tree(sums);
  size_t i = 0;
  for (; i + 64 <= head_size; i += 64)
    weigh(4, scores, values + i, positions, head_size, WK_LANES, inverse, out + i);
  for (; i < head_size; i += WK_LANES) {
    size_t n = head_size - i < WK_LANES ? head_size - i : WK_LANES;
    weigh(1, scores, values + i, positions, head_size, n, inverse, out + i);
  }
}

float WK_TWIN(log_sum_exp)(const float *x, size_t count) {
  float top = largest(x, count);
  v16 sums = v_zero();
  WK_EACH(count, {
    v16 e = v_exp(v_sub(v_load_part(x + i, n), v_all(top)));
    sums = v_choose(v_add(sums, e), sums, n);
  })
  return (float)((double)top + wk_log64((double)v_tree(sums)));
}
