// libFuzzer target: any bytes as an override. What parses must print as an override that parses to
// the same value; everything else must be a typed error.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/override.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

// A sweep prints in parts, and a glob and an extension don't print; plain values must come back.
void check_round_trip(const Override& override) {
  if (override.is_sweep() || !override.has_value()) return;
  Node value;
  std::string text;
  try {
    value = override.value.to_node();
    text = override.value.as_override();
  } catch (const Error&) {
    return;  // a sweep inside a value
  }
  // Unquoted text that looks like a number or a call comes back as one: only quoted text and
  // containers of scalars must be equal.
  if (override.value.kind != OverrideValue::Kind::kQuoted) return;
  const Override again = parse_override("k=" + text);
  if (!(again.value.to_node() == value)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string line(reinterpret_cast<const char*>(data) + 1, size - 1);
  const OverrideGrammar grammar{.hydra_1_4 = (data[0] & 1) != 0};
  try {
    const Override override = parse_override(line, grammar);
    check_round_trip(override);
    if (override.is_discrete_sweep() && size < 64) sweep_values(override, {"a", "b"});
  } catch (const Error&) {
  }
  return 0;
}
