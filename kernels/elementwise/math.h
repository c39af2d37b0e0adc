// Functions of one number that the operation tables are written in, for host and device. The float
// versions on the host, and exp of a double, are branch-free polynomials that the compiler
// vectorises (errors below 2 ulp unless said); the device uses CUDA's own; else double uses the C
// library. sin, cos and fmod also have a form "_near", without branches, for ordinary arguments.
#pragma once

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/half.h"

namespace iolaus::math {

template <class T> inline constexpr bool is_number = std::is_arithmetic_v<T>;

template <class T>
concept Number = std::is_arithmetic_v<T>;

/// b ? x : y, for numbers; the Tensor version is iolaus::where.
template <Number T> IOLAUS_HD inline T where(bool b, T x, T y) { return b ? x : y; }
template <Number T> IOLAUS_HD inline T zeros_like(T) { return T(0); }

namespace detail {
// Adding kMagic to |x| < 2^22 rounds it to even and leaves the whole number in the lowest bits.
inline constexpr float kMagic = 12582912.0f;              // 1.5 2^23
inline constexpr double kMagicDouble = 6755399441055744;  // 1.5 2^52
}  // namespace detail

/// Whether sin_near and cos_near take x: the reduction is exact enough, and x is not NaN.
inline bool angle_is_near(float x) { return x > -1e6f && x < 1e6f; }

namespace detail {
// sin(x + quarters pi / 2): x = n pi / 2 + r, n whole; r in double, then sin or cos by polynomials
// (Cephes), by the quadrant.
inline float sin_quarters(float x, float quarters) {
  const double angle = static_cast<double>(x);
  const double n = (angle * 0.63661977236758134 + kMagicDouble) - kMagicDouble;
  const float r = static_cast<float>((angle - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34);
  const float z = r * r;
  float s = -1.9515295891e-4f;
  s = s * z + 8.3321608736e-3f;
  s = s * z - 1.6666654611e-1f;
  const float sine = s * z * r + r;
  float c = 2.443315711809948e-5f;
  c = c * z - 1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  const float cosine = c * z * z + (1.0f - 0.5f * z);
  const uint32_t quadrant = iolaus::detail::float_bits(static_cast<float>(n) + quarters + kMagic);
  const float value = (quadrant & 1u) != 0 ? cosine : sine;
  return iolaus::detail::bits_float(iolaus::detail::float_bits(value) ^ ((quadrant & 2u) << 30));
}
}  // namespace detail

inline float sin_near(float x) { return x == 0.0f ? x : detail::sin_quarters(x, 0.0f); }
inline float cos_near(float x) { return detail::sin_quarters(x, 1.0f); }

/// Whether fmod_near takes the arguments: they are finite, and the quotient is below 2^28, so that
/// double decides exactly what its whole part is and holds the product of that with y.
inline bool fmod_is_near(float x, float y) {
  const float a = x < 0.0f ? -x : x, b = y < 0.0f ? -y : y;
  return (a < b * 0x1p28f) & (b <= std::numeric_limits<float>::max());
}
/// x - y trunc(x / y), exact.
inline float fmod_near(float x, float y) {
  const double a = static_cast<double>(x), b = static_cast<double>(y);
  const double whole = static_cast<double>(static_cast<int32_t>(a / b));
  const float rest = static_cast<float>(a - whole * b);
  return rest == 0.0f ? x * 0.0f : rest;
}

#if defined(__CUDA_ARCH__)
IOLAUS_HD inline float exp(float x) { return ::expf(x); }
IOLAUS_HD inline double exp(double x) { return ::exp(x); }
IOLAUS_HD inline float log(float x) { return ::logf(x); }
IOLAUS_HD inline float tanh(float x) { return ::tanhf(x); }
IOLAUS_HD inline float erf(float x) { return ::erff(x); }
IOLAUS_HD inline float gelu(float x) { return x * 0.5f * (1.0f + ::erff(x * 0.707106781f)); }
IOLAUS_HD inline float expm1(float x) { return ::expm1f(x); }
IOLAUS_HD inline float log1p(float x) { return ::log1pf(x); }
IOLAUS_HD inline float log2(float x) { return ::log2f(x); }
IOLAUS_HD inline float pow(float x, float y) { return ::powf(x, y); }
IOLAUS_HD inline float atan2(float y, float x) { return ::atan2f(y, x); }
IOLAUS_HD inline float sin(float x) { return ::sinf(x); }
IOLAUS_HD inline float cos(float x) { return ::cosf(x); }
IOLAUS_HD inline float fmod(float x, float y) { return ::fmodf(x, y); }
#else
namespace detail {
// 2^n from n + kMagic, n in [-126, 127].
inline float pow2(float n_magic) {
  return iolaus::detail::bits_float((iolaus::detail::float_bits(n_magic) << 23) + 0x3f800000u);
}
inline double pow2(double n_magic) {  // n in [-1022, 1023]
  return std::bit_cast<double>((std::bit_cast<uint64_t>(n_magic) << 52) + 0x3ff0000000000000u);
}

// e^x = 2^n (1 + r + r^2 p): reduction by ln 2 in two parts (Cody and Waite), then a polynomial.
struct ExpParts {
  float n_magic, r, p;  // n + kMagic
};
inline ExpParts exp_parts(float x) {
  const float n_magic = x * 1.44269504f + kMagic, n = n_magic - kMagic;
  const float r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
  float p = 1.37805939e-3f;
  p = p * r + 8.37312452e-3f;
  p = p * r + 4.16695364e-2f;
  p = p * r + 1.66664720e-1f;
  return {n_magic, r, p * r + 4.99999851e-1f};
}
// e^x for x in [-87, 88] or NaN, where 2^n is a normal number.
inline float exp_near(float x) {
  const ExpParts e = exp_parts(x);
  return ((e.p * e.r + 1.0f) * e.r + 1.0f) * pow2(e.n_magic);
}
}  // namespace detail

/// e^x.
IOLAUS_HD inline float exp(float x) {
  const detail::ExpParts e = detail::exp_parts(x > 89.0f ? 89.0f : (x < -104.0f ? -104.0f : x));
  const float y = (e.p * e.r + 1.0f) * e.r + 1.0f;
  // Two factors, because 2^n itself may overflow or be subnormal.
  const float n = e.n_magic - detail::kMagic, half = n * 0.5f + detail::kMagic;
  const float rest = (n - (half - detail::kMagic)) + detail::kMagic;
  const float scaled = y * detail::pow2(half) * detail::pow2(rest);
  return x != x ? x : scaled;
}

/// e^x: the same with a Taylor polynomial of degree 13, whose error is below 2^-57.
IOLAUS_HD inline double exp(double x) {
  constexpr double kMagic = detail::kMagicDouble;
  const double limited = x > 710.0 ? 710.0 : (x < -746.0 ? -746.0 : x);
  const double n = (limited * 1.4426950408889634 + kMagic) - kMagic;
  const double r = (limited - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double p = 1.0 / 6227020800;
  p = p * r + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  const double y = 1.0 + (r + r * r * p);
  const double half = n * 0.5 + kMagic, rest = (n - (half - kMagic)) + kMagic;
  const double scaled = y * detail::pow2(half) * detail::pow2(rest);
  return x != x ? x : scaled;
}

namespace detail {
// x = 2^e (1 + m), 1 + m in [sqrt(1/2), sqrt(2)), and ln(1 + m) by a polynomial (Cephes).
struct LogParts {
  float e, log_m;
};
inline LogParts log_parts(float x) {
  const bool subnormal = x < 1.17549435e-38f;
  const float scaled = subnormal ? x * 8388608.0f : x;
  const uint32_t bits = iolaus::detail::float_bits(scaled);
  float e = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126) - (subnormal ? 23.0f : 0.0f);
  float m = iolaus::detail::bits_float((bits & 0x007fffffu) | 0x3f000000u);  // [0.5, 1)
  const bool low = m < 0.707106781f;
  e = low ? e - 1.0f : e;
  m = low ? m + m - 1.0f : m - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  return {e, (m * z * p - 0.5f * z) + m};
}
// Infinity, 0, negative numbers and NaN, for any base.
inline float log_limits(float x, float result) {
  result = x == std::numeric_limits<float>::infinity() ? x : result;
  result = x == 0.0f ? -std::numeric_limits<float>::infinity() : result;
  return x < 0.0f || x != x ? std::numeric_limits<float>::quiet_NaN() : result;
}
}  // namespace detail

/// ln x; ln 2 in two parts.
IOLAUS_HD inline float log(float x) {
  const detail::LogParts parts = detail::log_parts(x);
  return detail::log_limits(x, (parts.e * -2.12194440e-4f + parts.log_m) + parts.e * 0.693359375f);
}

/// log2 x: whole for powers of 2.
IOLAUS_HD inline float log2(float x) {
  const detail::LogParts parts = detail::log_parts(x);
  return detail::log_limits(x, parts.e + parts.log_m * 1.44269504f);
}

/// ln(1 + x): the logarithm of the rounded sum, and what the rounding lost (Kahan).
IOLAUS_HD inline float log1p(float x) {
  const float u = 1.0f + x;
  const float lost = (x - (u - 1.0f)) / u;
  const bool exact = x == 0.0f || x == std::numeric_limits<float>::infinity();
  const float y = log(u);
  return exact ? x : (u > 0.0f ? y + lost : y);
}

/// e^x - 1: as exp, but 1 is not added to the polynomial before it is multiplied.
IOLAUS_HD inline float expm1(float x) {
  const detail::ExpParts e = detail::exp_parts(x > 89.0f ? 89.0f : (x < -30.0f ? -30.0f : x));
  const float p = e.p * e.r * e.r + e.r;
  const float half = detail::pow2(e.n_magic - 1.0f);  // 2^n may overflow
  const float y = 2.0f * (half * p + (half - 0.5f));
  return x != x || x == 0.0f ? x : y;
}

/// x^y = e^(y ln |x|) in double, whose rounding the large exponent cannot magnify into float's.
IOLAUS_HD inline float pow(float x, float y) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float a = x < 0.0f ? -x : x;
  // ln: 2^e m, m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m - 1) / (m + 1)).
  const uint64_t bits = std::bit_cast<uint64_t>(static_cast<double>(a));
  double e = static_cast<double>(static_cast<int32_t>(bits >> 52) - 1022);
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);
  const bool low = m < 0.70710678118654752;
  e = low ? e - 1.0 : e;
  m = low ? m + m : m;
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 2.0 / 15;
  p = p * z + 2.0 / 13;
  p = p * z + 2.0 / 11;
  p = p * z + 2.0 / 9;
  p = p * z + 2.0 / 7;
  p = p * z + 2.0 / 5;
  p = p * z + 2.0 / 3;
  p = p * z + 2.0;
  const double log2_a = e + s * p * 1.4426950408889634;
  const double log2_limit = a == 0.0f ? -std::numeric_limits<double>::infinity() : log2_a;
  const double power = y * (a == kInfinity ? std::numeric_limits<double>::infinity() : log2_limit);
  // 2^power: beyond +-160 a float is infinite or 0.
  const double limited = power > 160.0 ? 160.0 : (power > -160.0 ? power : -160.0);
  const double n_magic = limited + detail::kMagicDouble, n = n_magic - detail::kMagicDouble;
  const double r = (limited - n) * 0.69314718055994531;
  double q = 1.0 / 40320;
  q = q * r + 1.0 / 5040;
  q = q * r + 1.0 / 720;
  q = q * r + 1.0 / 120;
  q = q * r + 1.0 / 24;
  q = q * r + 1.0 / 6;
  q = q * r + 0.5;
  q = q * r + 1.0;
  q = q * r + 1.0;
  const float size = static_cast<float>(q * detail::pow2(n_magic));
  const bool whole = std::floor(y) == y, odd = whole && std::floor(y * 0.5f) != y * 0.5f;
  const bool negative = iolaus::detail::float_bits(x) >> 31 != 0;
  float result = negative && odd ? -size : size;
  result = x < 0.0f && !whole && a != kInfinity ? std::numeric_limits<float>::quiet_NaN() : result;
  result = x != x || y != y ? x + y : result;
  return y == 0.0f || x == 1.0f || (a == 1.0f && (y == kInfinity || y == -kInfinity)) ? 1.0f
                                                                                      : result;
}

/// The angle of (x, y): the arc tangent of a ratio in [0, 1] by a polynomial (Cephes), unfolded.
IOLAUS_HD inline float atan2(float y, float x) {
  const float ax = x < 0.0f ? -x : x, ay = y < 0.0f ? -y : y;
  const float most = ax > ay ? ax : ay, least = ax > ay ? ay : ax;
  const float ratio = most == 0.0f ? 0.0f : (least == most ? 1.0f : least / most);
  const bool high = ratio > 0.414213562f;  // tan(pi / 8)
  const float t = high ? (ratio - 1.0f) / (ratio + 1.0f) : ratio;
  const float z = t * t;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  const float near = p * z * t + t;
  float angle = high ? near + 0.785398163f : near;
  angle = ay > ax ? 1.57079633f - angle : angle;
  angle = iolaus::detail::float_bits(x) >> 31 != 0 ? 3.14159265f - angle : angle;
  const float result = iolaus::detail::float_bits(y) >> 31 != 0 ? -angle : angle;
  return x != x || y != y ? x + y : result;
}

/// tanh x: an odd polynomial near zero (Cephes), 1 - 2 / (e^2|x| + 1) elsewhere.
IOLAUS_HD inline float tanh(float x) {
  const float a = x < 0.0f ? -x : x;
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = x + x * z * p;
  const float e = detail::exp_near(a > 10.0f ? 20.0f : a + a);
  const float t = 1.0f - 2.0f / (e + 1.0f);
  const float large = x < 0.0f ? -t : t;
  return a < 0.625f || x != x ? small : large;
}

/// erf x: x + x P(x^2) near zero, 1 - e^Q(|x|) elsewhere (minimax polynomials).
IOLAUS_HD inline float erf(float x) {
  const float t = x < 0.0f ? -x : x;
  const float s = x * x;
  const float c = t > 4.0f ? 4.0f : t;
  float q =
      (-1.72853470e-5f * c + 3.83197126e-4f) * (c * c) + (-3.88396438e-3f * c + 2.42546219e-2f);
  q = q * c - 1.06777877e-1f;
  q = q * c - 6.34846687e-1f;
  q = q * c - 1.28717512e-1f;
  q = q * c - c;
  const float far = 1.0f - detail::exp_near(q);
  float p = -5.96761703e-4f;
  p = p * s + 4.99119423e-3f;
  p = p * s - 2.67681349e-2f;
  p = p * s + 1.12819925e-1f;
  p = p * s - 3.76125336e-1f;
  p = p * s + 1.28379166e-1f;
  const float near = p * x + x;
  const float signed_far = x < 0.0f ? -far : far;
  return t > 0.927734375f ? signed_far : near;
}

/// x Phi(x), Phi the normal distribution function, as max(x, 0) - |x| Phi(-|x|): the logarithm of
/// 2 Phi(-a) is a polynomial (least squares on [0, 8], weighted by what the error does to the
/// result, below 1e-9). Within 2 ulp of max(|x|, 1).
IOLAUS_HD inline float gelu(float x) {
  const float size = x < 0.0f ? -x : x;
  const float a = size > 8.0f ? 8.0f : size;
  float q = -3.16321618e-8f;
  q = q * a + 8.36609956e-7f;
  q = q * a - 9.63106868e-6f;
  q = q * a + 6.19520652e-5f;
  q = q * a - 2.16221392e-4f;
  q = q * a + 3.17528174e-5f;
  q = q * a + 4.79092076e-3f;
  q = q * a - 3.63408104e-2f;
  q = q * a - 3.18308562e-1f;
  q = q * a - 7.97884643e-1f;
  return (x < 0.0f ? 0.0f : x) - (0.5f * a) * detail::exp_near(q * a);
}

IOLAUS_HD inline float sin(float x) { return angle_is_near(x) ? sin_near(x) : ::sinf(x); }
IOLAUS_HD inline float cos(float x) { return angle_is_near(x) ? cos_near(x) : ::cosf(x); }
IOLAUS_HD inline float fmod(float x, float y) {
  return fmod_is_near(x, y) ? fmod_near(x, y) : ::fmodf(x, y);
}
#endif

IOLAUS_HD inline double gelu(double x) { return x * 0.5 * (1.0 + ::erf(x * 0.70710678118654752)); }
IOLAUS_HD inline double log(double x) { return ::log(x); }
IOLAUS_HD inline double tanh(double x) { return ::tanh(x); }
IOLAUS_HD inline double erf(double x) { return ::erf(x); }
IOLAUS_HD inline double expm1(double x) { return ::expm1(x); }
IOLAUS_HD inline double log1p(double x) { return ::log1p(x); }
IOLAUS_HD inline double sin(double x) { return ::sin(x); }
IOLAUS_HD inline double cos(double x) { return ::cos(x); }
IOLAUS_HD inline float sqrt(float x) { return ::sqrtf(x); }
IOLAUS_HD inline double sqrt(double x) { return ::sqrt(x); }
IOLAUS_HD inline double pow(double x, double y) { return ::pow(x, y); }
IOLAUS_HD inline float sinh(float x) { return ::sinhf(x); }
IOLAUS_HD inline double sinh(double x) { return ::sinh(x); }
IOLAUS_HD inline float cosh(float x) { return ::coshf(x); }
IOLAUS_HD inline double cosh(double x) { return ::cosh(x); }
IOLAUS_HD inline float asinh(float x) { return ::asinhf(x); }
IOLAUS_HD inline double asinh(double x) { return ::asinh(x); }
IOLAUS_HD inline float acosh(float x) { return ::acoshf(x); }
IOLAUS_HD inline double acosh(double x) { return ::acosh(x); }
IOLAUS_HD inline float atanh(float x) { return ::atanhf(x); }
IOLAUS_HD inline double atanh(double x) { return ::atanh(x); }
IOLAUS_HD inline float tan(float x) { return ::tanf(x); }
IOLAUS_HD inline double tan(double x) { return ::tan(x); }
IOLAUS_HD inline float asin(float x) { return ::asinf(x); }
IOLAUS_HD inline double asin(double x) { return ::asin(x); }
IOLAUS_HD inline float acos(float x) { return ::acosf(x); }
IOLAUS_HD inline double acos(double x) { return ::acos(x); }
IOLAUS_HD inline float atan(float x) { return ::atanf(x); }
IOLAUS_HD inline double atan(double x) { return ::atan(x); }
IOLAUS_HD inline float erfc(float x) { return ::erfcf(x); }
IOLAUS_HD inline double erfc(double x) { return ::erfc(x); }
IOLAUS_HD inline float exp2(float x) { return ::exp2f(x); }
IOLAUS_HD inline double exp2(double x) { return ::exp2(x); }
IOLAUS_HD inline double log2(double x) { return ::log2(x); }
IOLAUS_HD inline float log10(float x) { return ::log10f(x); }
IOLAUS_HD inline double log10(double x) { return ::log10(x); }
IOLAUS_HD inline double atan2(double y, double x) { return ::atan2(y, x); }
IOLAUS_HD inline double fmod(double x, double y) { return ::fmod(x, y); }

// Rounding; integers are whole already.
template <Number T> IOLAUS_HD inline T floor(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::floor(x);
  return x;
}
template <Number T> IOLAUS_HD inline T ceil(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::ceil(x);
  return x;
}
template <Number T> IOLAUS_HD inline T trunc(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::trunc(x);
  return x;
}
template <Number T> IOLAUS_HD inline T round_even(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::nearbyint(x);
  return x;
}
/// A number brought into T's range: a limit beyond it is no limit.
template <Number T> IOLAUS_HD inline T saturate(double x) {
  if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    if (x <= static_cast<double>(Limits::min())) return Limits::min();
    if (x >= static_cast<double>(Limits::max())) return Limits::max();
  }
  return static_cast<T>(x);
}
/// Neither infinite nor NaN. x - x is 0 for finite x only.
template <Number T> IOLAUS_HD inline bool is_finite(T x) { return x - x == T(0); }

template <Number T> IOLAUS_HD inline T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }
template <Number T> IOLAUS_HD inline T rsqrt(T x) { return T(1) / sqrt(x); }
template <Number T> IOLAUS_HD inline T abs(T x) {
  return x < T(0) ? T(0) - x : (x == T(0) ? T(0) : x);
}
/// -1, 0 or 1; NaN stays NaN.
template <Number T> IOLAUS_HD inline T sign(T x) {
  if constexpr (std::is_same_v<T, bool>) return x;
  return x > T(0) ? T(1) : (x < T(0) ? T(-1) : x);
}

}  // namespace iolaus::math
