// The generator's state behind a mutex, seeds from seeds, and the permutation for shuffling.
#include "core/random.h"

#include <numeric>
#include <utility>

#include "core/call_context.h"
#include "core/error.h"

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
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[philox_below(key, i - 1, i)]);
  }
  return order;
}

}  // namespace iolaus
