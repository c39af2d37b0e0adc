// Files of torch.save of any bytes, and any data.pkl inside of a right archive with two storages.
#include "core/io/torch_file.h"

#include <zlib.h>

#include "tests/fuzz/fuzz.h"

namespace {

void load_all(std::string_view bytes) {
  using namespace iolaus;
  fuzz::expect_value_or_refusal([&] {
    io::TorchFile file(io::memory_source(bytes));
    for (const auto& [name, tensor] : file.load_all()) to_string(tensor);
  });
}

void append_number(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

std::string archive(std::string_view pickle) {
  const std::pair<std::string_view, std::string> entries[] = {{"a/data.pkl", std::string(pickle)},
                                                              {"a/data/0", std::string(64, '\1')},
                                                              {"a/data/1", std::string(8, '\0')}};
  std::string out, directory;
  for (const auto& [name, data] : entries) {
    std::string sizes;
    append_number(sizes, crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()), 4);
    append_number(sizes, data.size(), 4);
    append_number(sizes, data.size(), 4);
    append_number(sizes, name.size(), 4);  // and no extra field
    directory.append("PK\1\2").append(12, '\0').append(sizes).append(10, '\0');
    append_number(directory, out.size(), 4);
    directory.append(name);
    out.append("PK\3\4").append(10, '\0').append(sizes).append(name).append(data);
  }
  const size_t begin = out.size();
  out.append(directory).append("PK\5\6").append(4, '\0');
  append_number(out, std::size(entries), 2);
  append_number(out, std::size(entries), 2);
  append_number(out, directory.size(), 4);
  append_number(out, begin, 4);
  return out.append(2, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string_view text = iolaus::fuzz::as_text(data, size);
  load_all(text);
  load_all(archive(text));
  return 0;
}
