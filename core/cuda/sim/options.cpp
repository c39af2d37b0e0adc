// Reads the environment.
#include "core/cuda/sim/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace iolaus::sim {
namespace {

template <class T> bool parse_number(std::string_view text, T& out) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

[[noreturn]] void refuse(const char* name, const char* value, const char* expected) {
  std::fprintf(stderr, "[simulated device] %s: expected %s, got '%s'\n", name, expected, value);
  std::exit(2);
}

}  // namespace

bool parse_order(std::string_view text, Options& out) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (colon != text.npos && (name != "random" || !parse_number(text.substr(colon + 1), out.seed))) {
    return false;
  }
  if (name == "forward")
    out.order = Order::kForward;
  else if (name == "reverse")
    out.order = Order::kReverse;
  else if (name == "lifo")
    out.order = Order::kLifo;
  else if (name == "random")
    out.order = Order::kRandom;
  else
    return false;
  return true;
}

Options& options() {
  static Options all = [] {
    Options o;
    const char* value = std::getenv("IOLAUS_SIM_ORDER");
    if (value != nullptr && !parse_order(value, o)) {
      refuse("IOLAUS_SIM_ORDER", value, "forward, reverse, lifo or random[:SEED]");
    }
    value = std::getenv("IOLAUS_SIM_MEMORY");
    if (value != nullptr && !parse_number(value, o.memory_bytes)) {
      refuse("IOLAUS_SIM_MEMORY", value, "a number of bytes");
    }
    value = std::getenv("IOLAUS_SIM_BLOCKS");
    if (value != nullptr && (!parse_number(value, o.max_blocks) || o.max_blocks < 1)) {
      refuse("IOLAUS_SIM_BLOCKS", value, "a number of blocks, at least 1");
    }
    return o;
  }();
  return all;
}

}  // namespace iolaus::sim
