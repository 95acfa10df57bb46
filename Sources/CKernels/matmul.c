// Weights times inputs: the scalar reference.
#include "blocks.h"
#include "lanes.h"
#include "twins.h"

// Elements expanded at a time; whole blocks of every format.
enum { PIECE = 256 };

static void matmul_scalar(wk_type type, const void *w, size_t row_bytes, size_t rows,
                          size_t columns, const float *x, size_t x_stride, size_t tokens, float *y,
                          size_t y_stride) {
  float weights[PIECE];
  for (size_t r = 0; r < rows; r++) {
    const uint8_t *row = (const uint8_t *)w + r * row_bytes;
    for (size_t t = 0; t < tokens; t++) {
      float lane[WK_LANES] = {0};
      for (size_t c = 0; c < columns; c += PIECE) {
        size_t count = columns - c < PIECE ? columns - c : PIECE;
        wk_dequantize(type, row, c, count, weights);
        const float *input = x + t * x_stride + c;
        for (size_t i = 0; i < count; i++)
          lane[i % WK_LANES] = wk_fma(weights[i], input[i], lane[i % WK_LANES]);
      }
      y[t * y_stride + r] = wk_tree(lane);
    }
  }
}

void wk_matmul(wk_isa isa, wk_type type, const void *w, size_t row_bytes, size_t rows,
               size_t columns, const float *x, size_t x_stride, size_t tokens, float *y,
               size_t y_stride) {
  WK_CHOOSE(isa, matmul, type, w, row_bytes, rows, columns, x, x_stride, tokens, y, y_stride);
}
