// One query head against its cache, and the log-sum-exp of a row: the scalar references.
#include "elementary.h"
#include "twins.h"

static float largest(const float *x, size_t n) {
  float top = x[0];
  for (size_t i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

static void attend_scalar(const float *q, const float *keys, const float *values, size_t positions,
                          size_t head_size, float scale, float *scores, float *out) {
  for (size_t p = 0; p < positions; p++) {
    float lane[WK_LANES] = {0};
    const float *key = keys + p * head_size;
    for (size_t i = 0; i < head_size; i++)
      lane[i % WK_LANES] = wk_fma(q[i], key[i], lane[i % WK_LANES]);
    scores[p] = scale * wk_tree(lane);
  }
  float top = largest(scores, positions), lane[WK_LANES] = {0};
  for (size_t p = 0; p < positions; p++) {
    scores[p] = wk_exp(scores[p] - top);
    lane[p % WK_LANES] += scores[p];
  }
  float inverse = 1 / wk_tree(lane);
  for (size_t i = 0; i < head_size; i++) out[i] = 0;
  for (size_t p = 0; p < positions; p++)
    for (size_t i = 0; i < head_size; i++)
      out[i] = wk_fma(scores[p], values[p * head_size + i], out[i]);
  for (size_t i = 0; i < head_size; i++) out[i] *= inverse;
}

void wk_attend(wk_isa isa, const float *q, const float *keys, const float *values, size_t positions,
               size_t head_size, float scale, float *scores, float *out) {
  WK_CHOOSE(isa, attend, q, keys, values, positions, head_size, scale, scores, out);
}

static float log_sum_exp_scalar(const float *x, size_t n) {
  float top = largest(x, n), lane[WK_LANES] = {0};
  for (size_t i = 0; i < n; i++) lane[i % WK_LANES] += wk_exp(x[i] - top);
  return (float)((double)top + wk_log64((double)wk_tree(lane)));
}

float wk_log_sum_exp(wk_isa isa, const float *x, size_t n) { WK_CHOOSE(isa, log_sum_exp, x, n); }
