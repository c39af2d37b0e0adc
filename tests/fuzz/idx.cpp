// IDX files of any bytes; those that begin like gzip are inflated.
#include "core/io/idx.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace iolaus;
  const std::string_view text = fuzz::as_text(data, size);
  fuzz::expect_value_or_refusal([&] { io::read_idx(*io::memory_source(text)); });
  return 0;
}
