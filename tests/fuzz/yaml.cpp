// libFuzzer target: any bytes as YAML and as JSON. What loads must print, and what was printed must
// load again to the same tree; everything else must be a typed error.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

/// NaN differs from itself, and what is missing or an interpolation prints as it is; so trees are
/// compared by their text.
void check_round_trip(const Node& node) {
  if (!node.is_container()) return;
  const std::string text = to_yaml(node);
  // PyYAML writes the line breaks beyond ASCII as they are, and reads them back as line feeds.
  for (const char* line_break : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.find(line_break) != std::string::npos) return;
  }
  LoadLimits limits;
  limits.bytes = text.size() + 1;
  limits.depth = 80;  // flow collections come back as deeper blocks
  const Node again = load_yaml(text, "printed", limits);
  if (to_yaml(again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Node yaml, json;
  bool loaded = false;
  try {
    yaml = load_yaml(text, "fuzz");
    loaded = true;
  } catch (const Error&) {
  }
  if (loaded) check_round_trip(yaml);
  loaded = false;
  try {
    json = load_json(text, "fuzz");
    loaded = true;
  } catch (const Error&) {
  }
  if (loaded) to_json(json, 2);
  return 0;
}
