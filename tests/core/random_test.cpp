// Philox against the published known answers, the conversions against double precision math, and
// the generator's promises: state, reservations, threads.
#include "core/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <thread>

#include "core/call_context.h"
#include "core/error.h"

using namespace iolaus;

TEST_CASE("philox4x32-10 gives Random123's known answers") {
  struct Known {
    PhiloxBlock counter;
    uint32_t key[2];
    uint32_t answer[4];
  };
  // kat_vectors of Random123 1.09, philox4x32 10.
  const Known known[] = {
      {{{0, 0, 0, 0}}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{{~0u, ~0u, ~0u, ~0u}}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Known& k : known) {
    const PhiloxBlock block = philox4x32_10(k.counter, k.key[0], k.key[1]);
    for (int i = 0; i < 4; ++i) CHECK(block.word[i] == k.answer[i]);
  }
}

TEST_CASE("element i of a random tensor is word i % 4 of counter (i / 4, offset)") {
  const PhiloxKey key{0x299f31d0a4093822, 0x0370734413198a2e};
  CHECK(philox_block(key, 0x85a308d3243f6a88).word[0] == 0xd16cfe09);  // the third known answer
  const uint64_t block = 0x05a308d3243f6a88;  // smaller, so that 4 * block does not overflow
  const PhiloxBlock expected =
      philox4x32_10({{0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0);
  for (uint64_t i = 0; i < 4; ++i) CHECK(philox_bits(key, 4 * block + i) == expected.word[i]);
  CHECK(philox_bits64(key, 2 * block) == (uint64_t{expected.word[1]} << 32 | expected.word[0]));
  CHECK(philox_bits64(key, 2 * block + 1) == (uint64_t{expected.word[3]} << 32 | expected.word[2]));
}

TEST_CASE("uniform numbers lie in [0, 1) and use all their bits") {
  CHECK(uniform_float(0) == 0.0f);
  CHECK(uniform_float(~0u) == 1.0f - 0x1p-24f);
  CHECK(uniform_float(1u << 8) == 0x1p-24f);
  CHECK(uniform_double(0) == 0.0);
  CHECK(uniform_double(~uint64_t{0}) == 1.0 - 0x1p-53);
  CHECK(uniform_double(uint64_t{1} << 11) == 0x1p-53);
}

TEST_CASE("uniform numbers fill 64 bins evenly") {
  const PhiloxKey key{42, 3};
  constexpr int kCount = 640000;
  int bins[64] = {};
  for (int i = 0; i < kCount; ++i) ++bins[static_cast<int>(philox_uniform(key, i) * 64)];
  double chi2 = 0;
  for (int bin : bins) chi2 += (bin - 10000.0) * (bin - 10000.0) / 10000.0;
  CHECK(chi2 > 32.0);  // the 0.1 % quantiles of chi squared with 63 degrees of freedom
  CHECK(chi2 < 104.0);
}

TEST_CASE("our logarithm and sine agree with the library's") {
  for (int i = 1; i < 200000; ++i) {
    const double u = 1.0 - philox_uniform_double({7, 0}, i);
    REQUIRE(std::abs(detail::exact_log(u) - std::log(u)) <= 5e-16 * std::abs(std::log(u)));
    double s, c;
    detail::exact_sincos(u, &s, &c);
    const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(u);
    REQUIRE(std::abs(s - static_cast<double>(std::sin(angle))) < 4e-16);
    REQUIRE(std::abs(c - static_cast<double>(std::cos(angle))) < 4e-16);
  }
  CHECK(detail::exact_log(1.0) == 0.0);
  CHECK(detail::exact_log(0x1p-24) == doctest::Approx(-24 * std::numbers::ln2).epsilon(1e-15));
  CHECK(detail::exact_log(0x1p-53) == doctest::Approx(-53 * std::numbers::ln2).epsilon(1e-15));
}

TEST_CASE("normals follow Box-Muller on their words and have the moments of a normal") {
  const PhiloxKey key{123, 9};
  constexpr int kCount = 400000;
  double sum = 0, sum2 = 0, sum4 = 0, lag = 0;
  float previous = 0;
  for (int i = 0; i < kCount; ++i) {
    const float x = philox_normal(key, i);
    const PhiloxBlock block = philox_block(key, i / 4);
    const double u1 = 1.0 - (block.word[i % 4 & ~1] >> 8) * 0x1p-24;
    const double angle = 2 * std::numbers::pi * ((block.word[i % 4 | 1] >> 8) * 0x1p-24);
    const double expected =
        std::sqrt(-2 * std::log(u1)) * (i % 2 ? std::sin(angle) : std::cos(angle));
    REQUIRE(std::abs(x - expected) <= 1e-7 * std::abs(expected) + 1e-14);
    sum += x;
    sum2 += double{x} * x;
    sum4 += double{x} * x * x * x;
    lag += double{x} * previous;
    previous = x;
  }
  const double n = kCount;
  CHECK(std::abs(sum / n) < 4 / std::sqrt(n));  // four standard errors each
  CHECK(std::abs(sum2 / n - 1) < 4 * std::sqrt(2 / n));
  CHECK(std::abs(sum4 / n - 3) < 4 * std::sqrt(96 / n));
  CHECK(std::abs(lag / n) < 4 / std::sqrt(n));
}

TEST_CASE("double normals have finite extremes and the right variance") {
  const double largest = box_muller(0x1p-53, 0).value[0];
  CHECK(largest == doctest::Approx(std::sqrt(106 * std::numbers::ln2)));
  CHECK(box_muller(1.0, 0.3).value[0] == 0.0);
  double sum2 = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = philox_normal_double({1, 1}, i);
    sum2 += x * x;
  }
  CHECK(std::abs(sum2 / 100000 - 1) < 4 * std::sqrt(2 / 100000.0));
}

TEST_CASE("bounded integers stay below the bound and reach every value") {
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(philox_below({5, 0}, i, 7));
  CHECK(seen == std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(philox_below({5, 0}, 3, 1) == 0);
  // bound 2^63: the upper 63 bits.
  CHECK(philox_below({5, 0}, 3, uint64_t{1} << 63) == philox_bits64({5, 0}, 3) >> 1);
}

TEST_CASE("a generator hands out each offset once and restarts from a saved state") {
  Generator generator(17);
  const PhiloxKey first = generator.reserve();
  CHECK(first.seed == 17);
  CHECK(first.offset == 0);
  CHECK(generator.reserve(5).key.offset == 1);
  const GeneratorState saved = generator.get_state();
  CHECK(saved == GeneratorState{17, 6});
  CHECK(generator.reserve().key.offset == 6);
  generator.set_state(saved);
  CHECK(generator.reserve().key.offset == 6);
  generator.manual_seed(17);
  CHECK(generator.get_state() == GeneratorState{17, 0});
  manual_seed(99);
  CHECK(default_generator().seed() == 99);
  manual_seed(0);
}

TEST_CASE("while a graph is captured keys count from what a replay will leave on the device") {
  Generator generator(17);
  generator.reserve(3);
  uint64_t device_state[2] = {0, 0};
  generator.begin_capture(device_state);
  CHECK_THROWS_AS(generator.begin_capture(device_state), Error);
  const RandomKey first = generator.reserve(), second = generator.reserve(4),
                  third = generator.reserve();
  RandomKey elsewhere;
  std::thread([&] { elsewhere = generator.reserve(); }).join();
  CHECK(generator.end_capture() == 6);
  CHECK(elsewhere.captured == nullptr);
  CHECK(elsewhere.key.offset == 3);
  CHECK(generator.get_state() == GeneratorState{17, 4});
  // As a replay does it: the keys that an eager run would get now.
  const PhiloxKey base = generator.reserve(6);
  device_state[0] = base.seed;
  device_state[1] = base.offset;
  CHECK(first.on_device().seed == 17);
  CHECK(first.on_device().offset == 4);
  CHECK(second.on_device().offset == 5);
  CHECK(third.on_device().offset == 9);
  CHECK(generator.reserve().key.offset == 10);
  const OpScope scope("randperm");
  CHECK_THROWS_WITH_AS(
      static_cast<void>(random_permutation(first, 3)),
      "[randperm] cannot be captured in a CUDA graph: it draws its random numbers on the host, and "
      "a replay would repeat them",
      Error);
}

TEST_CASE("threads that share a generator never get the same offset") {
  Generator generator(1);
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<std::vector<uint64_t>> offsets(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) offsets[t].push_back(generator.reserve().key.offset);
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& list : offsets) all.insert(list.begin(), list.end());
  CHECK(all.size() == kThreads * kEach);
  CHECK(*all.rbegin() == kThreads * kEach - 1);
}

TEST_CASE("derived seeds differ from each other and from their parent") {
  std::set<uint64_t> seeds{0, 1};
  for (uint64_t seed : {0, 1}) {
    for (uint64_t stream = 0; stream < 100; ++stream) seeds.insert(derive_seed(seed, stream));
  }
  CHECK(seeds.size() == 202);
  CHECK(derive_seed(3, 4) == derive_seed(3, 4));
}

TEST_CASE("a permutation holds each index once, depends on its key, and is fair") {
  const auto order = random_permutation({3, 1}, 1000);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(sorted[i] == i);
  CHECK(order == random_permutation({3, 1}, 1000));
  CHECK(order != random_permutation({3, 2}, 1000));
  CHECK(order != random_permutation({4, 1}, 1000));
  CHECK(random_permutation({3, 1}, 0).empty());
  CHECK(random_permutation({3, 1}, 1) == std::vector<int64_t>{0});
  CHECK_THROWS_AS(random_permutation({3, 1}, -1), Error);
  // All 24 orders of 4 items are equally likely: chi squared with 23 degrees of freedom.
  int counts[256] = {};
  for (uint64_t offset = 0; offset < 24000; ++offset) {
    int code = 0;
    for (int64_t x : random_permutation({11, offset}, 4)) code = code * 4 + static_cast<int>(x);
    ++counts[code];
  }
  double chi2 = 0;
  int orders = 0;
  for (int count : counts) {
    if (count == 0) continue;
    ++orders;
    chi2 += (count - 1000.0) * (count - 1000.0) / 1000.0;
  }
  CHECK(orders == 24);
  CHECK(chi2 < 49.7);  // 0.1 % quantile
}
