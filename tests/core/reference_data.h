// Reading the reference data in tests/data/core: JSON files, and tensors given by their bytes.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/tensor.h"

namespace iolaus::test {

inline std::string data_path(const std::string& name) {
  return std::string(IOLAUS_SOURCE_DIR) + "/tests/data/core/" + name;
}

inline nlohmann::json load_json(const std::string& name) {
  std::ifstream file(data_path(name));
  IOLAUS_CHECK_CODE(file.good(), ErrorCode::kIo, "cannot open {}", data_path(name));
  return nlohmann::json::parse(file);
}

inline Dims to_dims(const nlohmann::json& list) { return list.get<std::vector<int64_t>>(); }

/// A contiguous CPU tensor from its elements' bytes in hexadecimal, little-endian.
inline Tensor tensor_from_hex(const std::string& dtype, const Dims& sizes, const std::string& hex) {
  Tensor t = empty(sizes, {.dtype = parse_dtype(dtype)});
  IOLAUS_CHECK(hex.size() == 2 * t.nbytes(), "{} hex digits for {}", hex.size(), t.describe());
  auto* bytes = static_cast<unsigned char*>(t.raw_data());
  for (size_t i = 0; i < t.nbytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return t;
}

inline std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}
inline std::string to_hex(const Tensor& contiguous) {
  return to_hex(
      std::string_view(static_cast<const char*>(contiguous.raw_data()), contiguous.nbytes()));
}

}  // namespace iolaus::test
