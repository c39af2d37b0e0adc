// npy files of any bytes, and any header behind a right prefix.
#include "core/io/npy.h"
#include "core/io/npy_header.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace iolaus;
  const std::string_view text = fuzz::as_text(data, size);
  fuzz::expect_value_or_refusal([&] { to_string(io::read_npy(*io::memory_source(text))); });
  fuzz::expect_value_or_refusal([&] { io::parse_npy_header(text, "memory", 10); });
  return 0;
}
