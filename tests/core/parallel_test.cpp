// parallel_for: every element once, whoever calls it and whoever is busy.
#include "core/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/error.h"
#include "tests/core/threads.h"

namespace iolaus {
namespace {

bool each_once(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
  });
  return std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; });
}

TEST_CASE("parallel_for visits every element once") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads guard(threads);
    for (const int64_t count : {0, 1, 2, 5, 64, 1000}) {
      for (const int64_t grain : {1, 3, 100}) {
        CAPTURE(threads);
        CAPTURE(count);
        CAPTURE(grain);
        CHECK(each_once(count, grain));
      }
    }
  }
}

TEST_CASE("parallel_for runs on other threads too") {
  const Threads guard(3);
  std::atomic<int> inside{0};
  // Nobody leaves before all three are inside.
  parallel_for(3, 1, [&](int64_t begin, int64_t end) {
    REQUIRE(end - begin == 1);
    ++inside;
    while (inside < 3) std::this_thread::yield();
  });
  CHECK(inside == 3);
}

TEST_CASE("a caller does not wait for workers that are busy elsewhere") {
  const Threads guard(2);
  std::atomic<bool> begun{false}, release{false};
  std::thread other([&] {
    parallel_for(2, 1, [&](int64_t, int64_t) {
      begun = true;
      while (!release) std::this_thread::yield();
    });
  });
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) CHECK(each_once(50, 1));
  release = true;
  other.join();
}

TEST_CASE("loops of many threads at once do not mix") {
  const Threads guard(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 12; ++t) {
    callers.emplace_back([&wrong, t] {
      for (int round = 0; round < 300; ++round) {
        std::vector<int64_t> out(static_cast<size_t>(20 + t));
        parallel_for(static_cast<int64_t>(out.size()), 1, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) out[static_cast<size_t>(i)] = i + t + round;
        });
        for (size_t i = 0; i < out.size(); ++i) {
          if (out[i] != static_cast<int64_t>(i) + t + round) ++wrong;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("a loop within a loop runs on the thread of its part") {
  const Threads guard(4);
  std::atomic<int> sum{0}, strangers{0};
  parallel_for(4, 1, [&](int64_t begin, int64_t end) {
    const auto me = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(10, 1, [&](int64_t first, int64_t last) {
        if (std::this_thread::get_id() != me) ++strangers;
        sum += static_cast<int>(last - first);
      });
    }
  });
  CHECK(sum == 40);
  CHECK(strangers == 0);
}

TEST_CASE("what a part throws reaches the caller, and the pool goes on") {
  const Threads guard(3);
  for (int bad = 0; bad < 3; ++bad) {
    CHECK_THROWS_WITH_AS(parallel_for(3, 1,
                                      [&](int64_t begin, int64_t end) {
                                        if (begin <= bad && bad < end) {
                                          throw std::runtime_error("part failed");
                                        }
                                      }),
                         "part failed", std::runtime_error);
    CHECK(each_once(100, 1));
  }
}

TEST_CASE("set_num_threads refuses what no machine has") {
  CHECK_THROWS_AS(set_num_threads(0), Error);
  CHECK_THROWS_AS(set_num_threads(1025), Error);
}

}  // namespace
}  // namespace iolaus
