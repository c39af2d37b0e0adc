// A parser for the few words of Python that an npy header may consist of.
#include "core/io/npy_header.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace iolaus::io {
namespace {

// numpy's codes after the byte order; V2 is how ml_dtypes' bfloat16 is saved.
constexpr std::pair<const char*, DType> kCodes[] = {
    {"b1", kBool},  {"u1", kUInt8},   {"i1", kInt8},     {"i2", kInt16},   {"i4", kInt32},
    {"i8", kInt64}, {"f2", kFloat16}, {"V2", kBFloat16}, {"f4", kFloat32}, {"f8", kFloat64}};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name, uint64_t offset)
      : text_(text), name_(name), offset_(offset) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (accept('}')) break;
      expect(',');
    }
    skip_blanks();
    if (position_ != text_.size()) fail_here("the end of the header");
    if (!(seen_descr_ && seen_order_ && seen_shape_)) {
      fail_here("the keys descr, fortran_order and shape");
    }
    return header_;
  }

 private:
  [[noreturn]] void fail_here(const char* expected) const {
    const std::string_view rest = text_.substr(std::min(position_, text_.size()), 16);
    fail(ErrorCode::kCorrupt, "[npy] {}: expected {} at byte {}, got '{}'", name_, expected,
         offset_ + position_, rest);
  }

  void skip_blanks() {
    while (position_ < text_.size() &&
           (text_[position_] == ' ' || text_[position_] == '\n' || text_[position_] == '\t')) {
      ++position_;
    }
  }
  bool accept(char c) {
    skip_blanks();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    const char expected[] = {'\'', c, '\'', 0};
    if (!accept(c)) fail_here(expected);
  }

  void parse_entry() {
    const std::string_view key = parse_string("a key");
    expect(':');
    if (key == "descr") {
      mark(&seen_descr_, key);
      parse_descr();
    } else if (key == "fortran_order") {
      mark(&seen_order_, key);
      header_.fortran_order = parse_bool();
    } else if (key == "shape") {
      mark(&seen_shape_, key);
      parse_shape();
    } else {
      fail(ErrorCode::kCorrupt, "[npy] {}: unknown key '{}' before byte {}", name_,
           key.substr(0, 32), offset_ + position_);
    }
  }
  void mark(bool* seen, std::string_view key) {
    IOLAUS_CHECK_CODE(!*seen, ErrorCode::kCorrupt, "[npy] {}: the key '{}' is there twice", name_,
                      key);
    *seen = true;
  }

  std::string_view parse_string(const char* what) {
    skip_blanks();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') fail_here(what);
    const size_t end = text_.find(quote, position_ + 1);
    const std::string_view word = text_.substr(position_ + 1, end - position_ - 1);
    // No name or code has an escape, so a backslash need not be understood.
    if (end == std::string_view::npos || word.find('\\') != std::string_view::npos) fail_here(what);
    position_ = end + 1;
    return word;
  }

  bool parse_bool() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) != word) continue;
      position_ += word.size();
      return value;
    }
    fail_here("True or False");
  }

  void parse_shape() {
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail_here("',' or ')'");
      header_.shape.push_back(parse_size());
      comma = accept(',');
    }
    // (3) is a number in parentheses; only (3,) is a tuple.
    if (header_.shape.size() == 1 && !comma) fail_here("a tuple for shape");
  }
  uint64_t parse_size() {
    skip_blanks();
    uint64_t value = 0;
    const size_t start = position_;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      const auto digit = static_cast<uint64_t>(text_[position_] - '0');
      if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
          __builtin_add_overflow(value, digit, &value)) {
        fail_here("a size that fits into 64 bits");
      }
      ++position_;
    }
    if (position_ == start) fail_here("a size");
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;  // Python 2's long
    return value;
  }

  void parse_descr() {
    skip_blanks();
    IOLAUS_CHECK_CODE(position_ >= text_.size() || text_[position_] != '[', ErrorCode::kUnsupported,
                      "[npy] {}: structured dtypes are not supported; save each field as an array "
                      "of its own",
                      name_);
    const std::string_view descr = parse_string("a dtype");
    const char order = descr.empty() ? '\0' : descr[0];
    if (descr.size() >= 3 && (order == '<' || order == '>' || order == '|' || order == '=')) {
      const std::optional<DType> dtype = npy_dtype(descr.substr(1));
      // '|V2' is two bytes of unknown meaning, '<V2' is bfloat16.
      if (dtype && (order != '|' || item_size(*dtype) == 1)) {
        header_.dtype = *dtype;
        header_.big_endian = order == '>';
        return;
      }
    }
    fail(ErrorCode::kUnsupported,
         "[npy] {}: dtype '{}' is not supported; expected bool, uint8, int8 to int64, float16 to "
         "float64 or bfloat16 ('<V2')",
         name_, descr.substr(0, 32));
  }

  std::string_view text_;
  const std::string& name_;
  uint64_t offset_;
  size_t position_ = 0;
  bool seen_descr_ = false, seen_order_ = false, seen_shape_ = false;
  NpyHeader header_;
};

}  // namespace

std::optional<DType> npy_dtype(std::string_view code) {
  for (const auto& [known, dtype] : kCodes) {
    if (code == known) return dtype;
  }
  return std::nullopt;
}

NpyHeader parse_npy_header(std::string_view text, const std::string& name, uint64_t offset) {
  return HeaderParser(text, name, offset).parse();
}

std::string npy_header_text(DType dtype, const Dims& sizes) {
  const char* code = "";
  for (const auto& [known, known_dtype] : kCodes) {
    if (known_dtype == dtype) code = known;
  }
  std::string shape;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) shape += ", ";
    shape += std::to_string(sizes[i]);
  }
  if (sizes.size() == 1) shape += ",";
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 item_size(dtype) == 1 ? '|' : '<', code, shape);
  constexpr size_t kGrowth = 21;  // digits that numpy keeps for the first size
  if (!sizes.empty()) text.append(kGrowth - std::to_string(sizes[0]).size(), ' ');
  return text;
}

}  // namespace iolaus::io
