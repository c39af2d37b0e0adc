// safetensors files of any bytes, and any header behind a right length, with and without data.
#include "core/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace {

void read_all(std::string_view bytes) {
  using namespace iolaus;
  fuzz::expect_value_or_refusal([&] {
    const io::SafetensorsFile file(io::memory_source(bytes));
    for (const auto& [name, tensor] : file.load_all()) to_string(tensor);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string_view text = iolaus::fuzz::as_text(data, size);
  read_all(text);
  std::string framed;
  for (int i = 0; i < 8; ++i) framed += static_cast<char>(size >> (8 * i) & 255);
  framed += text;
  read_all(framed);
  read_all(framed.append(8, '\1'));
  return 0;
}
