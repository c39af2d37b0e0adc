// The generator's state behind a mutex, seeds from seeds, and the permutation for shuffling.
#include "core/random.h"

#include <numeric>
#include <utility>

#include "core/call_context.h"
#include "core/error.h"
#include "core/philox_words.h"

namespace iolaus {

GeneratorState Generator::get_state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Generator::set_state(const GeneratorState& state) {
  std::lock_guard lock(mutex_);
  state_ = state;
}

RandomKey Generator::reserve(uint64_t count) {
  std::lock_guard lock(mutex_);
  if (capture_.device_state != nullptr && capture_.thread == std::this_thread::get_id()) {
    const RandomKey key(PhiloxKey{0, capture_.count}, capture_.device_state);
    capture_.count += count;
    return key;
  }
  const PhiloxKey key{state_.seed, state_.offset};
  state_.offset += count;
  return key;
}

void Generator::begin_capture(const uint64_t* device_state) {
  std::lock_guard lock(mutex_);
  IOLAUS_CHECK(capture_.device_state == nullptr,
               "[graph] another graph is being captured with this generator");
  capture_ = {device_state, std::this_thread::get_id(), 0};
}

uint64_t Generator::end_capture() {
  std::lock_guard lock(mutex_);
  return std::exchange(capture_, {}).count;
}

PhiloxKey RandomKey::on_host() const {
  IOLAUS_CHECK_CODE(captured == nullptr, ErrorCode::kUnsupported,
                    "[{}] cannot be captured in a CUDA graph: it draws its random numbers on the "
                    "host, and a replay would repeat them",
                    CallContext::current_name("random"));
  return key;
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

uint64_t derive_seed(uint64_t seed, uint64_t stream) {
  // The last offset: no generator that counts from 0 arrives there.
  return philox_bits64({seed, ~uint64_t{0}}, stream);
}

std::vector<int64_t> random_permutation(PhiloxKey key, int64_t count) {
  IOLAUS_CHECK(count >= 0, "[random_permutation] expected count >= 0, got {}", count);
  std::vector<int64_t> order(static_cast<size_t>(count));
  random_permutation(key, order);
  return order;
}

void random_permutation(PhiloxKey key, std::span<int64_t> order) {
  std::iota(order.begin(), order.end(), int64_t{0});
  // Step i exchanges element i with element philox_below(key, i, i + 1), from the last one down.
  // The draws of a group of steps come first, so that their elements are on the way to the cache.
  constexpr size_t kGroup = 2 * cpu::kPhiloxGroup;
  alignas(64) uint32_t words[2 * kGroup];
  for (size_t end = order.size(); end > 1;) {
    const size_t first = (end - 1) / kGroup * kGroup;
    cpu::philox_words(key, first / 2, words);
    size_t partner[kGroup];
    for (size_t i = first; i < end; ++i) {
      partner[i - first] = cpu::word_below(cpu::philox_word_pair(words, i - first), i + 1);
      __builtin_prefetch(&order[partner[i - first]], 1);
    }
    for (; end > first; --end) std::swap(order[end - 1], order[partner[end - 1 - first]]);
  }
}

}  // namespace iolaus
