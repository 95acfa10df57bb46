// Which instruction set this processor offers, asked at run time: the binary itself is baseline.
#include "wafer_kernels.h"

wk_isa wk_detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")
      || !__builtin_cpu_supports("f16c"))
    return WK_SCALAR;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return WK_AVX512;
  return WK_AVX2;
#else
  return WK_SCALAR;
#endif
}
