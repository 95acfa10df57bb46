// Quantised weights times several tokens on AVX2.
//
// With 16 registers a tile holds the sums of six outputs, too few to share the cost of expanding
// weights. So a panel of rows is expanded once, into memory that stays in the first-level cache, and
// all tokens are multiplied with it: 12 fma a step of 16 lanes for 3 rows and 2 tokens, and 10 loads.
// Sums rest in memory between chunks of columns, so their order is the canonical one.
enum { GEMM_ROWS = 3, GEMM_TOKENS = 2 };
// 9 rows of at most 768 floats are 27 KiB; the sums of 64 tokens 36 KiB more.
enum { PANEL_ROWS = 9, CHUNK_COLUMNS = 768, BATCH_TOKENS = 64 };

typedef struct gemm_panel {
  float weights[PANEL_ROWS][CHUNK_COLUMNS] __attribute__((aligned(64)));
  v16 sums[BATCH_TOKENS][PANEL_ROWS];
} gemm_panel;

// Adds the products of R rows from r and T tokens from t with `columns` inputs.
WK_INLINE void gemm_tile(const size_t R, const size_t T, gemm_panel *panel, size_t r, size_t t,
                         size_t columns, const float *x, size_t x_stride) {
  v16 acc[GEMM_ROWS * GEMM_TOKENS];
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) acc[k] = panel->sums[t + k / R][r + k % R];
  for (size_t c = 0; c < columns; c += 16) {
    v16 input[GEMM_TOKENS];
    _Pragma("unroll") for (size_t k = 0; k < T; k++) input[k] = v_load(x + k * x_stride + c);
    _Pragma("unroll") for (size_t k = 0; k < R * T; k++)
      acc[k].low = _mm256_fmadd_ps(_mm256_load_ps(panel->weights[r + k % R] + c),
                                   input[k / R].low, acc[k].low);
    _Pragma("unroll") for (size_t k = 0; k < R * T; k++)
      acc[k].high = _mm256_fmadd_ps(_mm256_load_ps(panel->weights[r + k % R] + c + 8),
                                    input[k / R].high, acc[k].high);
  }
  _Pragma("unroll") for (size_t k = 0; k < R * T; k++) panel->sums[t + k / R][r + k % R] = acc[k];
}

static void gemm_chunk(gemm_panel *panel, size_t rows, size_t tokens, size_t columns,
                       const float *x, size_t x_stride) {
  size_t t = 0;
  for (; t + GEMM_TOKENS <= tokens; t += GEMM_TOKENS) {
    size_t r = 0;
    for (; r + GEMM_ROWS <= rows; r += GEMM_ROWS)
      gemm_tile(GEMM_ROWS, GEMM_TOKENS, panel, r, t, columns, x + t * x_stride, x_stride);
    for (; r < rows; r++)
      gemm_tile(1, GEMM_TOKENS, panel, r, t, columns, x + t * x_stride, x_stride);
  }
  for (; t < tokens; t++) {
    size_t r = 0;
    for (; r + GEMM_ROWS <= rows; r += GEMM_ROWS)
      gemm_tile(GEMM_ROWS, 1, panel, r, t, columns, x + t * x_stride, x_stride);
    for (; r < rows; r++) gemm_tile(1, 1, panel, r, t, columns, x + t * x_stride, x_stride);
  }
}

// Columns first ..< first + count of a row, whole blocks.
WK_INLINE void expand_chunk(wk_type type, const uint8_t *row, size_t first, size_t count,
                            float *out) {
  const size_t group = group_steps(type);
  const uint8_t *at = row + first / wk_block_elements(type) * wk_block_bytes(type);
  for (size_t c = 0; c < count / 32; c += group, at += group_bytes(type)) {
    float scales[GROUP_FLOATS] __attribute__((aligned(64)));
    size_t steps = count / 32 - c < group ? count / 32 - c : group;
    unpack_scales(type, at, steps, scales);
    for (size_t i = 0; i < steps; i++, out += 32) {
      v16 w[2];
      expand_step(type, at, i, scales, w);
      v_store(out, w[0]);
      v_store(out + 16, w[1]);
    }
  }
}

WK_INLINE void gemm(wk_type type, const uint8_t *w, size_t row_bytes, size_t rows, size_t columns,
                    const float *x, size_t x_stride, size_t tokens, float *y, size_t y_stride) {
  gemm_panel panel;
  for (size_t r = 0; r < rows; r += PANEL_ROWS) {
    size_t n = rows - r < PANEL_ROWS ? rows - r : PANEL_ROWS;
    for (size_t t = 0; t < tokens; t += BATCH_TOKENS) {
      size_t batch = tokens - t < BATCH_TOKENS ? tokens - t : BATCH_TOKENS;
      memset(panel.sums, 0, sizeof panel.sums[0] * batch);
      for (size_t c = 0; c < columns; c += CHUNK_COLUMNS) {
        size_t count = columns - c < CHUNK_COLUMNS ? columns - c : CHUNK_COLUMNS;
        for (size_t i = 0; i < n; i++)
          expand_chunk(type, w + (r + i) * row_bytes, c, count, panel.weights[i]);
        gemm_chunk(&panel, n, batch, count, x + t * x_stride + c, x_stride);
      }
      for (size_t k = 0; k < batch; k++)
        for (size_t i = 0; i < n; i++) {
          float lane[WK_LANES];
          v_store(lane, panel.sums[k][i]);
          y[(t + k) * y_stride + r + i] = wk_tree(lane);
        }
    }
  }
}
