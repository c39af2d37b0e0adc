// The header is parsed event by event instead of into a tree, so that each event is checked against
// the one structure that the format allows, and a hostile header of 100 MB is refused at its first
// wrong event rather than held in memory twenty times over.
#include "core/io/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace iolaus::io {
namespace {

// In the order of the reference's enumeration, which its writer sorts by.
constexpr SafetensorsDType kDTypes[] = {{"BOOL", 8, kBool},
                                        {"F4", 4, std::nullopt},
                                        {"F6_E2M3", 6, std::nullopt},
                                        {"F6_E3M2", 6, std::nullopt},
                                        {"U8", 8, kUInt8},
                                        {"I8", 8, kInt8},
                                        {"F8_E5M2", 8, std::nullopt},
                                        {"F8_E4M3", 8, std::nullopt},
                                        {"F8_E8M0", 8, std::nullopt},
                                        {"F8_E4M3FNUZ", 8, std::nullopt},
                                        {"F8_E5M2FNUZ", 8, std::nullopt},
                                        {"I16", 16, kInt16},
                                        {"U16", 16, std::nullopt},
                                        {"F16", 16, kFloat16},
                                        {"BF16", 16, kBFloat16},
                                        {"I32", 32, kInt32},
                                        {"U32", 32, std::nullopt},
                                        {"F32", 32, kFloat32},
                                        {"C64", 64, std::nullopt},
                                        {"F64", 64, kFloat64},
                                        {"I64", 64, kInt64},
                                        {"U64", 64, std::nullopt}};

// Far more than models have; what a hostile header can make us hold stays within 64 MiB.
constexpr size_t kMaxCount = size_t{1} << 18;

using Json = nlohmann::json;

// {"__metadata__": {key: string}, name: {"dtype": string, "shape": [...], "data_offsets": [b, e]}}
class HeaderHandler final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(const std::string& name) : name_(name) {}
  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t) override {
    switch (state_) {
      case State::kStart:
        return go(State::kTop);
      case State::kMetadataStart:
        return go(State::kMetadata);
      case State::kTensorStart:
        seen_ = 0;
        offsets_.clear();
        return go(State::kTensor);
      default:
        unexpected("an object");
    }
  }

  bool key(std::string& text) override {
    switch (state_) {
      case State::kTop:
        return top_key(text);
      case State::kMetadata:
        metadata_key_ = text;
        return go(State::kMetadataValue);
      case State::kTensor:
        return tensor_key(text);
      default:
        unexpected("a key");
    }
  }

  bool end_object() override {
    switch (state_) {
      case State::kTop:
        return go(State::kEnd);
      case State::kMetadata:
        return go(State::kTop);
      case State::kTensor:
        finish_tensor();
        return go(State::kTop);
      default:
        unexpected("the end of an object");
    }
  }

  bool string(std::string& text) override {
    if (state_ == State::kMetadataValue) {
      require(header_.metadata.size() < kMaxCount, "at most 262144 keys", "more");
      require(header_.metadata.emplace(metadata_key_, text).second, "a key once",
              metadata_key_ + " twice");
      return go(State::kMetadata);
    }
    if (state_ != State::kDType) unexpected("a string");
    require(find_safetensors_dtype(text) != nullptr, "a dtype of the format", text);
    header_.entries.back().dtype = text;
    return go(State::kTensor);
  }

  bool start_array(size_t) override {
    if (state_ == State::kShapeStart) return go(State::kShape);
    if (state_ == State::kOffsetsStart) return go(State::kOffsets);
    unexpected("an array");
  }

  bool end_array() override {
    if (state_ == State::kOffsets) {
      require(offsets_.size() == 2, "two data_offsets", std::to_string(offsets_.size()));
    } else if (state_ != State::kShape) {
      unexpected("the end of an array");
    }
    return go(State::kTensor);
  }

  bool number_unsigned(uint64_t value) override {
    if (state_ == State::kShape) {
      auto& shape = header_.entries.back().shape;
      require(shape.size() < 64, "at most 64 dimensions", "more");
      shape.push_back(value);
    } else if (state_ == State::kOffsets && offsets_.size() < 2) {
      offsets_.push_back(value);
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a bool"); }
  bool number_integer(int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { unexpected("a fraction"); }
  bool binary(Json::binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    // Positions count from 1; the header's text begins at byte 8.
    fail(ErrorCode::kCorrupt, "[safetensors] {}: the header is no valid JSON at byte {}", name_,
         8 + position - 1);
  }

 private:
  enum class State {
    kStart,
    kTop,
    kMetadataStart,
    kMetadata,
    kMetadataValue,
    kTensorStart,
    kTensor,
    kDType,
    kShapeStart,
    kShape,
    kOffsetsStart,
    kOffsets,
    kEnd,
  };
  static constexpr const char* kFields[] = {"dtype", "shape", "data_offsets"};

  bool go(State state) {
    state_ = state;
    return true;
  }
  void require(bool condition, const char* expected, std::string got) const {
    if (condition) return;
    got.resize(std::min<size_t>(got.size(), 64));
    fail(ErrorCode::kCorrupt, "[safetensors] {}: {}: expected {}, got {}", name_, where(), expected,
         got);
  }
  [[noreturn]] void unexpected(const char* what) const {
    fail(ErrorCode::kCorrupt,
         "[safetensors] {}: {}: {} is not expected here; a header maps names to "
         "{{dtype, shape, data_offsets}} and __metadata__ to strings",
         name_, where(), what);
  }
  std::string where() const {
    if (state_ == State::kMetadata || state_ == State::kMetadataValue) return "in __metadata__";
    if (state_ <= State::kTop || state_ == State::kEnd || header_.entries.empty()) {
      return "in the header";
    }
    return "tensor '" + header_.entries.back().name.substr(0, 64) + "'";
  }

  bool top_key(const std::string& text) {
    if (text == "__metadata__") {
      require(!seen_metadata_, "__metadata__ once", "twice");
      seen_metadata_ = true;
      return go(State::kMetadataStart);
    }
    require(header_.entries.size() < kMaxCount, "at most 262144 tensors", "more");
    header_.entries.emplace_back().name = text;
    return go(State::kTensorStart);
  }

  bool tensor_key(const std::string& text) {
    const auto* field = std::find(std::begin(kFields), std::end(kFields), text);
    require(field != std::end(kFields), "dtype, shape or data_offsets", text);
    const auto number = static_cast<unsigned>(field - kFields);
    require((seen_ >> number & 1u) == 0, "a key once", text + " twice");
    seen_ |= 1u << number;
    constexpr State kNext[] = {State::kDType, State::kShapeStart, State::kOffsetsStart};
    return go(kNext[number]);
  }

  void finish_tensor() {
    require(seen_ == 7, "dtype, shape and data_offsets", "not all of them");
    require(offsets_[0] <= offsets_[1], "data_offsets that ascend",
            fmt::format("{}, {}", offsets_[0], offsets_[1]));
    header_.entries.back().begin = offsets_[0];
    header_.entries.back().nbytes = offsets_[1] - offsets_[0];
  }

  const std::string& name_;
  State state_ = State::kStart;
  bool seen_metadata_ = false;
  unsigned seen_ = 0;  // a bit for each of kFields
  std::vector<uint64_t> offsets_;
  std::string metadata_key_;
  SafetensorsHeader header_;
};

}  // namespace

const SafetensorsDType* find_safetensors_dtype(std::string_view name) {
  const auto* found = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const SafetensorsDType& d) { return name == d.name; });
  return found == std::end(kDTypes) ? nullptr : found;
}

const SafetensorsDType* find_safetensors_dtype(DType dtype) {
  const auto* found = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const SafetensorsDType& d) { return d.dtype == dtype; });
  return found == std::end(kDTypes) ? nullptr : found;
}

int safetensors_rank(const SafetensorsDType& dtype) { return static_cast<int>(&dtype - kDTypes); }

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& name) {
  HeaderHandler handler(name);
  Json::sax_parse(text.begin(), text.end(), &handler);
  return handler.take();
}

std::string safetensors_header_text(const SafetensorsHeader& header) {
  const auto quote = [](const std::string& text) { return Json(text).dump(); };
  std::string out = "{";
  const auto separate = [&] {
    if (out.size() > 1) out += ',';
  };
  if (!header.metadata.empty()) out += "\"__metadata__\":" + Json(header.metadata).dump();
  for (const auto& entry : header.entries) {
    separate();
    out +=
        fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", quote(entry.name),
                    entry.dtype, Json(entry.shape).dump(), entry.begin, entry.begin + entry.nbytes);
  }
  out += '}';
  out.append((8 - out.size() % 8) % 8, ' ');
  return out;
}

}  // namespace iolaus::io
