// exp, log, sin and cos by reduction and a Taylor polynomial, long enough for its error to lie
// below the rounding. Only +, -, *, /, fma and bit patterns: IEEE 754 gives the same bits
// everywhere.
#include "elementary.h"

float wk_exp(float x) {
  x = x > WK_EXP_HIGH ? WK_EXP_HIGH : x;
  x = x < WK_EXP_LOW ? WK_EXP_LOW : x;
  // x = n ln 2 + r, |r| <= ln 2 / 2. Adding and taking away 1.5 * 2^23 rounds to an integer.
  float n = wk_fma(x, WK_LOG2E, WK_ROUND) - WK_ROUND;
  float r = wk_fma(n, -WK_LN2_HIGH, x);
  r = wk_fma(n, -WK_LN2_LOW, r);
  float p = wk_exp_terms[0];
  for (int k = 1; k < WK_EXP_TERMS; k++) p = wk_fma(p, r, wk_exp_terms[k]);
  // 2^n in two factors: the first product is exact, the second rounds once, also to a subnormal.
  if (x != x) return x;
  int32_t whole = (int32_t)n, half = whole >> 1;
  p *= wk_float((uint32_t)(half + 127) << 23);
  return p * wk_float((uint32_t)(whole - half + 127) << 23);
}

static double power_of_two(int64_t n) {
  uint64_t bits = (uint64_t)(n + 1023) << 52;
  double value;
  memcpy(&value, &bits, 8);
  return value;
}

static const double ln2_high = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;

double wk_exp64(double x) {
  if (x != x) return x;
  x = x > 710 ? 710 : x < -746 ? -746 : x;
  const double round = 0x1.8p52;
  double n = __builtin_fma(x, 0x1.71547652b82fep0, round) - round;
  double high = __builtin_fma(n, -ln2_high, x), r = __builtin_fma(n, -ln2_low, high);
  // What rounding r lost comes back as a first-order term.
  double lost = __builtin_fma(n, -ln2_low, high - r);
  // exp(r) - 1 - r = r^2 (1/2! + r/3! + … + r^12/14!), then 1 + (r + …).
  double p = 1.0 / 87178291200.0;
  static const double factorial[] = {
      6227020800.0, 479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0,
      5040.0, 720.0, 120.0, 24.0, 6.0, 2.0};
  for (int k = 0; k < 12; k++) p = __builtin_fma(p, r, 1.0 / factorial[k]);
  double e = 1.0 + (r + __builtin_fma(r * r, p, lost));
  int64_t whole = (int64_t)n, half = whole >> 1;
  return e * power_of_two(half) * power_of_two(whole - half);
}

double wk_log64(double x) {
  if (x != x || x == __builtin_inf()) return x;
  if (x == 0) return -__builtin_inf();
  if (x < 0) return __builtin_nan("");
  int64_t exponent = 0;
  if (x < 0x1p-1022) x *= 0x1p54, exponent = -54;
  uint64_t bits;
  memcpy(&bits, &x, 8);
  // x = 2^exponent (1 + f), 1 + f between sqrt(1/2) and sqrt(2).
  exponent += (int64_t)(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
  double m;
  memcpy(&m, &bits, 8);
  if (m > 0x1.6a09e667f3bcdp0) m *= 0.5, exponent += 1;
  // log(1 + f) = 2 atanh(s) = 2s + s (2s^2/3 + 2s^4/5 + …) with s = f / (2 + f), and 2s = f - s f.
  double f = m - 1, s = f / (2 + f), z = s * s, p = 2.0 / 25.0;
  for (int k = 23; k >= 3; k -= 2) p = __builtin_fma(p, z, 2.0 / k);
  double tail = s * (f - z * p), n = (double)exponent;
  return __builtin_fma(n, ln2_high, f - (tail - n * ln2_low));
}

void wk_sincos64(double x, double *sine, double *cosine) {
  // pi/2 in three parts of 53 bits each.
  const double part1 = 0x1.921fb54442d18p0, part2 = 0x1.1a62633145c07p-54,
               part3 = -0x1.f1976b7ed8fbcp-110, round = 0x1.8p52;
  double n = __builtin_fma(x, 0x1.45f306dc9c883p-1, round) - round;
  // Exact: both x and n * part1 are multiples of 2^-53, and so is their small difference.
  double a = __builtin_fma(n, -part1, x);
  // a - n * part2 as the unrounded sum of r and `low` (Knuth's two-sum).
  double b = -n * part2, b_low = __builtin_fma(-n, part2, -b);
  double r = a + b, c = r - a;
  double low = ((a - (r - c)) + (b - c)) + __builtin_fma(-n, part3, b_low);

  double z = r * r;
  static const double factorial[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800,
                                     39916800, 479001600, 6227020800.0, 87178291200.0,
                                     1307674368000.0, 20922789888000.0, 355687428096000.0};
  // sin r = r - r^3/3! + …, |r| <= pi/4: the first term left out is below 2^-62 of the result.
  double p = 1.0 / factorial[17];
  for (int k = 15; k >= 3; k -= 2)
    p = __builtin_fma(p, z, (k % 4 == 1 ? 1.0 : -1.0) / factorial[k]);
  double s = r + __builtin_fma(r * z, p, low * (1 - 0.5 * z));
  // cos r = 1 - r^2/2 + r^4/4! - …; what 1 - r^2/2 rounds away is kept.
  double q = 1.0 / factorial[16];
  for (int k = 14; k >= 4; k -= 2)
    q = __builtin_fma(q, z, (k % 4 == 0 ? 1.0 : -1.0) / factorial[k]);
  double half = 0.5 * z, w = 1 - half;
  double c0 = w + (((1 - w) - half) + (z * z * q - r * low));

  switch ((int64_t)n & 3) {
    case 0: *sine = s, *cosine = c0; break;
    case 1: *sine = c0, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c0; break;
    default: *sine = -c0, *cosine = s; break;
  }
}
