// Generator: where random tensors get their keys from. It holds a seed and an offset; each random
// tensor reserves one offset and draws all its elements under it (core/philox.h), so a generator's
// whole state is two numbers, and streams of different tensors never overlap.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "core/philox.h"

namespace iolaus {

/// All of a generator's state; two numbers, to be saved with a checkpoint.
struct GeneratorState {
  uint64_t seed = 0;
  uint64_t offset = 0;
  bool operator==(const GeneratorState&) const = default;
};

/// Safe to use from several threads; which thread gets which offset is then theirs to order.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0) : state_{seed, 0} {}
  /// Starts the sequence of this seed.
  void manual_seed(uint64_t seed) { set_state({seed, 0}); }
  GeneratorState get_state() const;
  void set_state(const GeneratorState& state);
  uint64_t seed() const { return get_state().seed; }
  /// The key of one random tensor; with count > 1 the keys offset, ..., offset + count - 1 are the
  /// caller's, for ops that draw several tensors. Any number of elements fits under one offset.
  RandomKey reserve(uint64_t count = 1);

  /// For graphs: until end_capture() the keys that this thread reserves count from the state that
  /// device memory will hold, {seed, offset}. Other threads go on as before.
  void begin_capture(const uint64_t* device_state);
  /// The number of keys that the capture reserved: what each replay reserves in its turn.
  uint64_t end_capture();

 private:
  struct Capture {
    const uint64_t* device_state = nullptr;
    std::thread::id thread;
    uint64_t count = 0;
  };
  mutable std::mutex mutex_;
  GeneratorState state_;
  Capture capture_;
};

/// The generator that ops use where none is given.
Generator& default_generator();
/// default_generator().manual_seed(seed).
void manual_seed(uint64_t seed);

/// A seed of its own for another purpose or part (a data loader's shuffle, a worker, a rank), that
/// is not related to seed's own numbers or to those of other streams.
uint64_t derive_seed(uint64_t seed, uint64_t stream);

/// 0, ..., count - 1 in random order (Fisher-Yates), a function of key and count alone.
/// Errors: kInvalidArgument for count < 0.
std::vector<int64_t> random_permutation(PhiloxKey key, int64_t count);
/// The same, into memory of the caller.
void random_permutation(PhiloxKey key, std::span<int64_t> order);

}  // namespace iolaus
