// Reading memory and doing nothing else: what benchmarks hold kernels against.
#include "twins.h"
#include "lanes.h"

static uint64_t read_scalar(const void *bytes, size_t count) {
  uint64_t sum[4] = {0};
  const uint8_t *p = bytes;
  for (size_t i = 0; i + 32 <= count; i += 32)
    for (int j = 0; j < 4; j++) {
      uint64_t word;
      memcpy(&word, p + i + 8 * j, 8);
      sum[j] += word;
    }
  return sum[0] + sum[1] + sum[2] + sum[3];
}

#if defined(__x86_64__)
typedef uint64_t words8 __attribute__((vector_size(64)));

#define WK_READ                                                                      \
  {                                                                                  \
    words8 sum[4] = {{0}, {0}, {0}, {0}};                                            \
    const uint8_t *p = bytes;                                                        \
    for (size_t i = 0; i + 256 <= count; i += 256)                                   \
      for (int j = 0; j < 4; j++) {                                                  \
        words8 words;                                                                \
        memcpy(&words, p + i + 64 * j, 64);                                          \
        sum[j] += words;                                                             \
      }                                                                              \
    words8 all = sum[0] + sum[1] + sum[2] + sum[3];                                  \
    return all[0] + all[1] + all[2] + all[3] + all[4] + all[5] + all[6] + all[7];    \
  }

__attribute__((target("avx2"))) uint64_t wk_read_avx2(const void *bytes, size_t count) WK_READ
__attribute__((target("avx512f"))) uint64_t wk_read_avx512(const void *bytes, size_t count) WK_READ
#endif

uint64_t wk_read(wk_isa isa, const void *bytes, size_t count) {
  WK_CHOOSE(isa, read, bytes, count);
}
