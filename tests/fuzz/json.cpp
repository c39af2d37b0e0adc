// JSON texts of any bytes.
#include <nlohmann/json.hpp>

#include "core/io/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace iolaus;
  const std::string_view text = fuzz::as_text(data, size);
  fuzz::expect_value_or_refusal([&] { io::parse_json(text, "memory"); });
  return 0;
}
