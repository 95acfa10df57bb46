// The constants of wk_exp, which its vector twins share.
#ifndef WAFER_ELEMENTARY_H
#define WAFER_ELEMENTARY_H
#include "lanes.h"
#include "wafer_kernels.h"

#define WK_EXP_HIGH 89.0f
#define WK_EXP_LOW -104.0f
#define WK_LOG2E 0x1.715476p0f
#define WK_ROUND 0x1.8p23f
// ln 2 in two parts. The first has few enough bits for n * high to be exact.
#define WK_LN2_HIGH 0x1.62e4p-1f
#define WK_LN2_LOW 0x1.7f7d1cp-20f

// 1/7!, 1/6!, …, 1/1!, 1/0!. The rest of the series is below 2^-27 for |r| <= ln 2 / 2.
enum { WK_EXP_TERMS = 8 };
static const float wk_exp_terms[WK_EXP_TERMS] = {
    1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1.0f, 1.0f};
#endif
