// Norm, sum, gate and rotation: the scalar references. Rotation has no twin: it is a thousandth of
// the work, and compilers vectorise it.
#include "elementary.h"
#include "twins.h"

static void rms_norm_scalar(const float *x, const float *weight, size_t n, float epsilon,
                            float *out) {
  float lane[WK_LANES] = {0};
  for (size_t i = 0; i < n; i++) lane[i % WK_LANES] = wk_fma(x[i], x[i], lane[i % WK_LANES]);
  float inverse = 1 / __builtin_sqrtf(wk_tree(lane) / (float)n + epsilon);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * inverse * weight[i];
}

void wk_rms_norm(wk_isa isa, const float *x, const float *weight, size_t n, float epsilon,
                 float *out) {
  WK_CHOOSE(isa, rms_norm, x, weight, n, epsilon, out);
}

static void add_scalar(float *x, const float *y, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] += y[i];
}

void wk_add(wk_isa isa, float *x, const float *y, size_t n) { WK_CHOOSE(isa, add, x, y, n); }

static void swiglu_scalar(float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) gate[i] = gate[i] / (1 + wk_exp(-gate[i])) * up[i];
}

void wk_swiglu(wk_isa isa, float *gate, const float *up, size_t n) {
  WK_CHOOSE(isa, swiglu, gate, up, n);
}

void wk_rotate(float *head, const float *cos, const float *sin, size_t head_size, int interleaved) {
  size_t half = head_size / 2;
  if (interleaved) {
    for (size_t i = 0; i < half; i++) {
      float a = head[2 * i], b = head[2 * i + 1];
      head[2 * i] = a * cos[i] - b * sin[i];
      head[2 * i + 1] = a * sin[i] + b * cos[i];
    }
  } else {
    float *first = head, *second = head + half;
    for (size_t i = 0; i < half; i++) {
      float a = first[i], b = second[i];
      first[i] = a * cos[i] - b * sin[i];
      second[i] = a * sin[i] + b * cos[i];
    }
  }
}
