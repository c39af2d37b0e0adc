// The one-dimensional transforms of F(m, r) with m + r = 7, for the six points 0, +-a, +-b and
// infinity with a^2 = 1/2, b^2 = 2: F(4, 3) and F(2, 5), and their weight gradients F(3, 4) and
// F(5, 2). V is a vector of channels.
#pragma once

namespace iolaus::winograd {

inline constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;
// 1 / product of the differences to the other points; 1 for 0 and infinity.
inline constexpr float kScaleA = -2.0f / 3, kScaleB = 1.0f / 6;

struct InputTransform {
  static constexpr int kIn = 6, kOut = 6;
  template <class V> static void run(const V* x, V* t) {
    const V even_a = x[4] - 2.0f * x[2], odd_a = x[3] - 2.0f * x[1];
    const V even_b = x[4] - 0.5f * x[2], odd_b = x[3] - 0.5f * x[1];
    t[0] = (x[0] + x[4]) - 2.5f * x[2];
    t[1] = even_a + kA * odd_a, t[2] = even_a - kA * odd_a;
    t[3] = even_b + kB * odd_b, t[4] = even_b - kB * odd_b;
    t[5] = (x[1] + x[5]) - 2.5f * x[3];
  }
};

/// The values at the points of a polynomial of 2 to 5 coefficients: gradients, or, with the points'
/// scales, weights.
template <int kCount, bool kScaled> struct Evaluate {
  static constexpr int kIn = kCount, kOut = 6;
  template <class V> static void run(const V* x, V* t) {
    constexpr float kOfA = kScaled ? kScaleA : 1, kOfB = kScaled ? kScaleB : 1;
    V even_a = kOfA * x[0], odd_a = (kOfA * kA) * x[1];
    V even_b = kOfB * x[0], odd_b = (kOfB * kB) * x[1];
    if constexpr (kCount > 2) even_a += (kOfA / 2) * x[2], even_b += (kOfB * 2) * x[2];
    if constexpr (kCount > 3) odd_a += (kOfA * kA / 2) * x[3], odd_b += (kOfB * kB * 2) * x[3];
    if constexpr (kCount > 4) even_a += (kOfA / 4) * x[4], even_b += (kOfB * 4) * x[4];
    t[0] = x[0];
    t[1] = even_a + odd_a, t[2] = even_a - odd_a;
    t[3] = even_b + odd_b, t[4] = even_b - odd_b;
    t[5] = x[kCount - 1];
  }
};

/// The transposed of Evaluate: outputs, or, with the points' scales, gradients of weights.
template <int kCount, bool kScaled> struct Gather {
  static constexpr int kIn = 6, kOut = kCount;
  template <class V> static void run(const V* m, V* y) {
    constexpr float kOfA = kScaled ? kScaleA : 1, kOfB = kScaled ? kScaleB : 1;
    const V sum_a = kOfA * (m[1] + m[2]), difference_a = (kOfA * kA) * (m[1] - m[2]);
    const V sum_b = kOfB * (m[3] + m[4]), difference_b = (kOfB * kB) * (m[3] - m[4]);
    y[0] = m[0] + sum_a + sum_b;
    y[1] = difference_a + difference_b;
    if constexpr (kCount > 2) y[2] = 0.5f * sum_a + 2.0f * sum_b;
    if constexpr (kCount > 3) y[3] = 0.5f * difference_a + 2.0f * difference_b;
    if constexpr (kCount > 4) y[4] = 0.25f * sum_a + 4.0f * sum_b;
    y[kCount - 1] += m[5];
  }
};

/// A square of kIn * kIn vectors to kOut * kOut: the columns, then the rows.
template <class Transform, class V> inline void transform_square(const V* in, V* out) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  V half[kOut * kIn];
  for (int j = 0; j < kIn; ++j) {
    V column[kIn], result[kOut];
    for (int i = 0; i < kIn; ++i) column[i] = in[i * kIn + j];
    Transform::run(column, result);
    for (int i = 0; i < kOut; ++i) half[i * kIn + j] = result[i];
  }
  for (int i = 0; i < kOut; ++i) Transform::run(half + i * kIn, out + i * kOut);
}

}  // namespace iolaus::winograd
