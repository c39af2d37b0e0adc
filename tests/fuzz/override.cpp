// libFuzzer target: any text as an override of the command line. What parses must also print.
#include <cstdint>
#include <string>

#include "config/override.h"

using namespace iolaus;
using namespace iolaus::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    parse_override(text);
  } catch (const Error&) {
  }
  return 0;
}
