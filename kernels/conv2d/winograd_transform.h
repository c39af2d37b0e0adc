// The one-dimensional transforms of F(4, 3) and of F(3, 4), its weight gradient, for the points
// 0, +-a, +-b and infinity with a^2 = 1/2, b^2 = 2. V is a vector of channels.
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

// The scales are left to WeightGradientTransform.
struct GradientTransform {
  static constexpr int kIn = 4, kOut = 6;
  template <class V> static void run(const V* g, V* t) {
    const V even_a = g[0] + 0.5f * g[2], odd_a = g[1] + 0.5f * g[3];
    const V even_b = g[0] + 2.0f * g[2], odd_b = g[1] + 2.0f * g[3];
    t[0] = g[0];
    t[1] = even_a + kA * odd_a, t[2] = even_a - kA * odd_a;
    t[3] = even_b + kB * odd_b, t[4] = even_b - kB * odd_b;
    t[5] = g[3];
  }
};

struct WeightTransform {
  static constexpr int kIn = 3, kOut = 6;
  template <class V> static void run(const V* w, V* t) {
    const V even_a = kScaleA * w[0] + (0.5f * kScaleA) * w[2], odd_a = (kScaleA * kA) * w[1];
    const V even_b = kScaleB * w[0] + (2.0f * kScaleB) * w[2], odd_b = (kScaleB * kB) * w[1];
    t[0] = w[0];
    t[1] = even_a + odd_a, t[2] = even_a - odd_a;
    t[3] = even_b + odd_b, t[4] = even_b - odd_b;
    t[5] = w[2];
  }
};

struct OutputTransform {
  static constexpr int kIn = 6, kOut = 4;
  template <class V> static void run(const V* m, V* y) {
    const V sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    const V sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = kA * difference_a + kB * difference_b;
    y[2] = 0.5f * sum_a + 2.0f * sum_b;
    y[3] = (0.5f * kA) * difference_a + (2.0f * kB) * difference_b + m[5];
  }
};

struct WeightGradientTransform {
  static constexpr int kIn = 6, kOut = 3;
  template <class V> static void run(const V* m, V* d) {
    const V sum_a = kScaleA * (m[1] + m[2]), difference_a = (kScaleA * kA) * (m[1] - m[2]);
    const V sum_b = kScaleB * (m[3] + m[4]), difference_b = (kScaleB * kB) * (m[3] - m[4]);
    d[0] = m[0] + sum_a + sum_b;
    d[1] = difference_a + difference_b;
    d[2] = 0.5f * sum_a + 2.0f * sum_b + m[5];
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
