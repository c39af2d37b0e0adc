// Options of the simulated device, from the environment at start and changeable by tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace iolaus::sim {

/// The order in which ready threads of a block, and the blocks of a grid, run.
enum class Order {
  kForward,  // as numbered
  kReverse,  // last thread and block first
  kLifo,     // the thread that became ready last runs next
  kRandom,   // by the seed
};

struct Options {
  Order order = Order::kForward;
  uint64_t seed = 1;                      // of kRandom, and of the order of streams
  size_t memory_bytes = size_t{8} << 30;  // of the device
  int64_t max_blocks = 65535;             // of a grid-stride loop's grid, in each dimension
  int device_count = 1;                   // 0: as on a machine without a GPU
};

/// IOLAUS_SIM_ORDER=forward|reverse|lifo|random[:SEED], IOLAUS_SIM_MEMORY=BYTES,
/// IOLAUS_SIM_BLOCKS=N. A bad value ends the process with a message.
Options& options();
/// Sets order and seed from a text as in IOLAUS_SIM_ORDER; false where it is none.
bool parse_order(std::string_view text, Options& out);

}  // namespace iolaus::sim
