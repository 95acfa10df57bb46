// Stored weights as float32: what each format says a weight is. Products d * scale * q are exact in
// float32 (at most 11 + 7 + 6 bits), so each weight is rounded at most once.
#include "blocks.h"
#include "lanes.h"

static void expand_q8_0(const wk_q8_0 *b, float *out) {
  float d = wk_half(b->d);
  for (int i = 0; i < 32; i++) out[i] = d * (float)b->q[i];
}

static void expand_q4_0(const wk_q4_0 *b, float *out) {
  float d = wk_half(b->d);
  for (int i = 0; i < 16; i++) {
    out[i] = d * (float)((b->q[i] & 15) - 8);
    out[i + 16] = d * (float)((b->q[i] >> 4) - 8);
  }
}

static void expand_q4_1(const wk_q4_1 *b, float *out) {
  float d = wk_half(b->d), m = wk_half(b->m);
  for (int i = 0; i < 16; i++) {
    out[i] = d * (float)(b->q[i] & 15) + m;
    out[i + 16] = d * (float)(b->q[i] >> 4) + m;
  }
}

// Groups of q4_K (high == NULL) and q5_K.
static void expand_k(uint16_t d16, uint16_t min16, const uint8_t *scales, const uint8_t *high,
                     const uint8_t *q, float *out) {
  float d = wk_half(d16), minimum = wk_half(min16);
  for (int g = 0; g < 8; g++) {
    uint8_t scale, min;
    wk_k_scale(scales, g, &scale, &min);
    float step = d * (float)scale, base = minimum * (float)min;
    for (int i = 0; i < 32; i++) {
      int nibble = q[g / 2 * 32 + i] >> g % 2 * 4 & 15;
      int fifth = high ? (high[i] >> g & 1) * 16 : 0;
      out[g * 32 + i] = step * (float)(nibble + fifth) - base;
    }
  }
}

static void expand_q6_k(const wk_q6_k *b, float *out) {
  float d = wk_half(b->d);
  for (int h = 0; h < 2; h++)
    for (int g = 0; g < 4; g++)
      for (int i = 0; i < 32; i++) {
        int nibble = b->q[h * 64 + g % 2 * 32 + i] >> g / 2 * 4 & 15;
        int upper = b->high[h * 32 + i] >> g * 2 & 3;
        float step = d * (float)b->scales[h * 8 + g * 2 + i / 16];
        out[h * 128 + g * 32 + i] = step * (float)((nibble | upper << 4) - 32);
      }
}

static void expand_block(wk_type type, const uint8_t *block, float *out) {
  switch (type) {
    case WK_Q8_0: expand_q8_0((const wk_q8_0 *)block, out); break;
    case WK_Q4_0: expand_q4_0((const wk_q4_0 *)block, out); break;
    case WK_Q4_1: expand_q4_1((const wk_q4_1 *)block, out); break;
    case WK_Q4_K: {
      const wk_q4_k *b = (const wk_q4_k *)block;
      expand_k(b->d, b->minimum, b->scales, NULL, b->q, out);
      break;
    }
    case WK_Q5_K: {
      const wk_q5_k *b = (const wk_q5_k *)block;
      expand_k(b->d, b->minimum, b->scales, b->high, b->q, out);
      break;
    }
    case WK_Q6_K: expand_q6_k((const wk_q6_k *)block, out); break;
    case WK_F32: case WK_F16: case WK_BF16: break;
  }
}

void wk_dequantize(wk_type type, const void *row, size_t first, size_t count, float *out) {
  const uint8_t *bytes = row;
  if (type == WK_F32) {
    memcpy(out, bytes + first * 4, count * 4);
  } else if (type == WK_F16) {
    for (size_t i = 0; i < count; i++) out[i] = wk_half(wk_load16(bytes + (first + i) * 2));
  } else if (type == WK_BF16) {
    for (size_t i = 0; i < count; i++) out[i] = wk_bfloat(wk_load16(bytes + (first + i) * 2));
  } else {
    size_t elements = wk_block_elements(type), size = wk_block_bytes(type);
    while (count > 0) {
      size_t skip = first % elements, take = elements - skip < count ? elements - skip : count;
      const uint8_t *block = bytes + first / elements * size;
      if (take == elements) {
        expand_block(type, block, out);
      } else {
        float whole[256];
        expand_block(type, block, whole);
        memcpy(out, whole + skip, take * sizeof(float));
      }
      first += take, count -= take, out += take;
    }
  }
}
