// The math functions of the elementwise kernels against the C library in a wider type, in units of
// the last place; and the conversions of float16 that use the CPU's instructions.
#include "kernels/elementwise/math.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "core/dtype.h"
#include "core/simd.h"
#include "kernels/copy/copy.h"

using namespace iolaus;

namespace {

// |got - wanted| in units of T's last place at wanted.
template <class T> double ulps(T got, long double wanted) {
  const T size = std::fabs(static_cast<T>(wanted));
  if (got == static_cast<T>(wanted)) return 0;
  const T next = std::nextafter(size, std::numeric_limits<T>::infinity());
  return static_cast<double>(std::fabs(static_cast<long double>(got) - wanted) /
                             static_cast<long double>(next - size));
}

// Calls fn for floats of all magnitudes and signs, NaN left out.
template <class Fn> void for_floats(float most, Fn&& fn) {
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += 4099) {
    const float x = std::bit_cast<float>(bits);
    if (x > most) break;
    fn(x);
    fn(-x);
  }
}

template <class Fn> float vectorised(Fn&& fn, float x) {
  float y = 0;
  simd::run([&] { y = fn(x); });
  return y;
}

}  // namespace

TEST_CASE("the exponential of a double is within one unit of the last place") {
  double worst = 0;
  for (double x = -708; x < 709.7; x += 0.00713) {
    double y = 0;
    simd::run([&] { y = math::exp(x); });
    worst = std::max(worst, ulps(y, std::exp(static_cast<long double>(x))));
  }
  CHECK(worst <= 1);
  CHECK(math::exp(0.0) == 1);
  CHECK(math::exp(710.0) == std::numeric_limits<double>::infinity());
  CHECK(math::exp(std::numeric_limits<double>::infinity()) ==
        std::numeric_limits<double>::infinity());
  CHECK(math::exp(-800.0) == 0);
  CHECK(math::exp(-740.0) == std::exp(-740.0));  // subnormal
  CHECK(std::isnan(math::exp(std::nan(""))));
}

TEST_CASE("functions of floats are within two units of the last place") {
  double exp = 0, expm1 = 0, erf = 0, tanh = 0, sin = 0, cos = 0;
  const auto worse = [](double& worst, float got, double wanted) {
    worst = std::max(worst, ulps(got, static_cast<long double>(wanted)));
  };
  for_floats(80, [&](float x) {
    const auto wide = static_cast<double>(x);
    worse(exp, vectorised([](float v) { return math::exp(v); }, x), std::exp(wide));
    worse(expm1, vectorised([](float v) { return math::expm1(v); }, x), std::expm1(wide));
    worse(erf, vectorised([](float v) { return math::erf(v); }, x), std::erf(wide));
    worse(tanh, vectorised([](float v) { return math::tanh(v); }, x), std::tanh(wide));
  });
  for_floats(std::numeric_limits<float>::max(), [&](float x) {
    const auto wide = static_cast<double>(x);
    worse(sin, vectorised([](float v) { return math::sin(v); }, x), std::sin(wide));
    worse(cos, vectorised([](float v) { return math::cos(v); }, x), std::cos(wide));
  });
  CHECK(exp < 2);
  CHECK(expm1 < 2);
  CHECK(erf < 2);
  CHECK(tanh < 2);
  CHECK(sin < 2);
  CHECK(cos < 2);
  CHECK(std::signbit(math::sin(-0.0f)));
  CHECK(std::isnan(math::sin(std::numeric_limits<float>::infinity())));
  CHECK(std::isnan(math::cos(std::nanf(""))));
}

TEST_CASE("gelu of a float is within two units of the last place of its argument, or of one") {
  double worst = 0;
  for_floats(std::numeric_limits<float>::max(), [&](float x) {
    const auto wide = static_cast<double>(x);
    const double wanted = 0.5 * wide * std::erfc(-wide / std::sqrt(2.0));
    const double got = vectorised([](float v) { return math::gelu(v); }, x);
    worst = std::max(worst, std::fabs(got - wanted) / std::max(std::fabs(wide), 1.0));
  });
  CHECK(worst < 2 * 0x1p-23);
  CHECK(math::gelu(std::numeric_limits<float>::infinity()) ==
        std::numeric_limits<float>::infinity());
  CHECK(std::isnan(math::gelu(std::nanf(""))));
  CHECK(math::gelu(-3.0f) == doctest::Approx(-0.004049694).epsilon(1e-5));
}

TEST_CASE("fmod of floats is exact, whichever formula takes the arguments") {
  int wrong = 0;
  const float numbers[] = {0.0f, 1e-45f, 1e-38f,  0.1f,  0.25f, 1.0f,    3.0f,
                           7.5f, 1e6f,   1.25e8f, 1e10f, 1e30f, 3.4e38f, INFINITY};
  const auto check = [&](float x, float y) {
    const float got = math::fmod(x, y), wanted = std::fmod(x, y);
    const bool same = std::isnan(wanted)
                          ? std::isnan(got)
                          : std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(wanted);
    wrong += same ? 0 : 1;
  };
  for (float x : numbers) {
    for (float y : numbers) {
      for (float sign_x : {1.0f, -1.0f}) {
        for (float sign_y : {1.0f, -1.0f}) check(sign_x * x, sign_y * y);
      }
    }
  }
  // Pairs of random bits, and whole multiples give or take a unit of the last place.
  uint32_t state = 1;
  const auto draw = [&] { return std::bit_cast<float>(state = state * 1664525u + 1013904223u); };
  for (int i = 0; i < 200000; ++i) {
    const float x = draw(), y = draw();
    check(x, y);
    const float multiple = y * static_cast<float>(state >> 8 & 0xfffu);
    check(multiple, y);
    check(std::nextafter(multiple, 0.0f), y);
    check(std::nextafter(multiple, INFINITY), y);
  }
  CHECK(wrong == 0);
}

TEST_CASE("conversions to and from float16 give the bits of the portable ones") {
  const Tensor halves = empty({65536 + 3}, {.dtype = kFloat16});
  auto* half = static_cast<Half*>(halves.raw_data());
  for (int64_t i = 0; i < halves.numel(); ++i) half[i].bits = static_cast<uint16_t>(i);
  const Tensor floats = empty({halves.numel()}, {.dtype = kFloat32});
  copy(halves, floats);
  const float* value = floats.data<float>();
  int wrong = 0;
  const auto differ = [](float a, float b) {
    return std::isnan(b) ? !std::isnan(a)
                         : std::bit_cast<uint32_t>(a) != std::bit_cast<uint32_t>(b);
  };
  for (int64_t i = 0; i < halves.numel(); ++i) {
    wrong += differ(value[i], static_cast<float>(half[i])) ? 1 : 0;
  }
  CHECK(wrong == 0);

  const Tensor many = empty({1048583}, {.dtype = kFloat32});
  auto* number = many.data<float>();
  for (int64_t i = 0; i < many.numel(); ++i) {
    number[i] = std::bit_cast<float>(static_cast<uint32_t>(i) * 4093u);
  }
  const Tensor rounded = empty({many.numel()}, {.dtype = kFloat16});
  copy(many, rounded);
  const auto* got = static_cast<const Half*>(rounded.raw_data());
  for (int64_t i = 0; i < many.numel(); ++i) {
    const Half wanted(number[i]);
    wrong += std::isnan(number[i]) ? !std::isnan(static_cast<float>(got[i]))
                                   : got[i].bits != wanted.bits;
  }
  CHECK(wrong == 0);
}
