// Functions of one number that the operation tables are written in, for host and device. The float
// versions on the host are branch-free polynomials that the compiler vectorises (errors below 2 ulp
// unless said); the device uses CUDA's own; double uses the C library.
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

#if defined(__CUDA_ARCH__)
IOLAUS_HD inline float exp(float x) { return ::expf(x); }
IOLAUS_HD inline float log(float x) { return ::logf(x); }
IOLAUS_HD inline float tanh(float x) { return ::tanhf(x); }
IOLAUS_HD inline float erf(float x) { return ::erff(x); }
IOLAUS_HD inline float expm1(float x) { return ::expm1f(x); }
IOLAUS_HD inline float log1p(float x) { return ::log1pf(x); }
IOLAUS_HD inline float log2(float x) { return ::log2f(x); }
IOLAUS_HD inline float pow(float x, float y) { return ::powf(x, y); }
IOLAUS_HD inline float atan2(float y, float x) { return ::atan2f(y, x); }
#else
namespace detail {
// 2^n for integral n in [-126, 127] given as float.
inline float pow2(float n) {
  return iolaus::detail::bits_float(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}
inline float round_even(float x) { return (x + 12582912.0f) - 12582912.0f; }  // |x| < 2^22
}  // namespace detail

/// e^x: reduction by ln 2 in two parts (Cody and Waite), then a polynomial of degree 6.
IOLAUS_HD inline float exp(float x) {
  const float limited = x > 89.0f ? 89.0f : (x < -104.0f ? -104.0f : x);
  const float n = detail::round_even(limited * 1.44269504f);
  const float r = (limited - n * 0.693145752f) - n * 1.42860677e-6f;
  float p = 1.37805939e-3f;
  p = p * r + 8.37312452e-3f;
  p = p * r + 4.16695364e-2f;
  p = p * r + 1.66664720e-1f;
  p = p * r + 4.99999851e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // Two factors, because 2^n itself may overflow or be subnormal.
  const float half = detail::round_even(n * 0.5f);
  const float y = p * detail::pow2(half) * detail::pow2(n - half);
  return x != x ? x : y;
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
  const float limited = x > 89.0f ? 89.0f : (x < -30.0f ? -30.0f : x);
  const float n = detail::round_even(limited * 1.44269504f);
  const float r = (limited - n * 0.693145752f) - n * 1.42860677e-6f;
  float p = 1.37805939e-3f;
  p = p * r + 8.37312452e-3f;
  p = p * r + 4.16695364e-2f;
  p = p * r + 1.66664720e-1f;
  p = p * r + 4.99999851e-1f;
  p = p * r * r + r;
  const float half = detail::pow2(n - 1.0f);  // 2^n may overflow
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
  const double n = (limited + 6755399441055744.0) - 6755399441055744.0;
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
  const uint64_t scale = static_cast<uint64_t>(static_cast<int32_t>(n) + 1023) << 52;
  const float size = static_cast<float>(q * std::bit_cast<double>(scale));
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
  const float e = exp(a + a);
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
  const float far = 1.0f - exp(q);
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
#endif

IOLAUS_HD inline double exp(double x) { return ::exp(x); }
IOLAUS_HD inline double log(double x) { return ::log(x); }
IOLAUS_HD inline double tanh(double x) { return ::tanh(x); }
IOLAUS_HD inline double erf(double x) { return ::erf(x); }
IOLAUS_HD inline double expm1(double x) { return ::expm1(x); }
IOLAUS_HD inline double log1p(double x) { return ::log1p(x); }
IOLAUS_HD inline float sin(float x) { return ::sinf(x); }
IOLAUS_HD inline double sin(double x) { return ::sin(x); }
IOLAUS_HD inline float cos(float x) { return ::cosf(x); }
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
IOLAUS_HD inline float fmod(float x, float y) { return ::fmodf(x, y); }
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
