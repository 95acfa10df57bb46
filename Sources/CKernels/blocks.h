// Layouts of quantised rows, as GGUF files hold them (ggml-common.h of ggml). Scales are float16.
#ifndef WAFER_BLOCKS_H
#define WAFER_BLOCKS_H
#include <stddef.h>
#include <stdint.h>
#include "wafer_kernels.h"

// 32 weights d * q; q is a signed byte.
typedef struct wk_q8_0 { uint16_t d; int8_t q[32]; } __attribute__((packed)) wk_q8_0;
// 32 weights d * (q - 8). Byte i holds weight i in its low nibble and weight i + 16 in its high
// one.
typedef struct wk_q4_0 { uint16_t d; uint8_t q[16]; } __attribute__((packed)) wk_q4_0;
// 32 weights d * q + m; nibbles as in q4_0.
typedef struct wk_q4_1 { uint16_t d, m; uint8_t q[16]; } __attribute__((packed)) wk_q4_1;

// 256 weights in 8 groups of 32, group g: (d * scale_g) * q - (minimum * min_g), with 6-bit scale
// and min, see wk_k_scale. Bytes 32p ..< 32p + 32 of q hold group 2p in low nibbles, 2p + 1 in
// high.
typedef struct wk_q4_k { uint16_t d, minimum; uint8_t scales[12], q[128]; }
    __attribute__((packed)) wk_q4_k;
// The same with a fifth bit a weight: bit g of high[i] belongs to weight i of group g.
typedef struct wk_q5_k { uint16_t d, minimum; uint8_t scales[12], high[32], q[128]; }
    __attribute__((packed)) wk_q5_k;
// 256 weights in two halves of 128, each in 4 groups of 32: (d * scale) * (q - 32), a signed 8-bit
// scale for each 16 weights. In half h, groups 0 and 1 are the low nibbles of bytes 64h ..< 64h +
// 32 and 64h + 32 ..< 64h + 64, groups 2 and 3 the high ones; bits 2g, 2g + 1 of high[32h + i] are
// bits 4 and 5 of weight i of group g.
typedef struct wk_q6_k { uint8_t q[128], high[64]; int8_t scales[16]; uint16_t d; }
    __attribute__((packed)) wk_q6_k;

// Elements of a block, and its bytes.
static inline size_t wk_block_elements(wk_type type) {
  return type < WK_Q8_0 ? 1 : type < WK_Q4_K ? 32 : 256;
}
static inline size_t wk_block_bytes(wk_type type) {
  switch (type) {
    case WK_F32: return 4;
    case WK_F16: case WK_BF16: return 2;
    case WK_Q8_0: return sizeof(wk_q8_0);
    case WK_Q4_0: return sizeof(wk_q4_0);
    case WK_Q4_1: return sizeof(wk_q4_1);
    case WK_Q4_K: return sizeof(wk_q4_k);
    case WK_Q5_K: return sizeof(wk_q5_k);
    case WK_Q6_K: return sizeof(wk_q6_k);
  }
  return 0;
}

// Scale and min of group g (0 ..< 8) out of the 12 bytes of q4_K and q5_K: six bits each; the upper
// two bits of groups 4 to 7 lie in the bytes of groups 0 to 3.
static inline void wk_k_scale(const uint8_t *s, int g, uint8_t *scale, uint8_t *min) {
  if (g < 4) {
    *scale = s[g] & 63;
    *min = s[g + 4] & 63;
  } else {
    *scale = (uint8_t)((s[g + 4] & 15) | (s[g - 4] >> 6) << 4);
    *min = (uint8_t)(s[g + 4] >> 4 | (s[g] >> 6) << 4);
  }
}
#endif
