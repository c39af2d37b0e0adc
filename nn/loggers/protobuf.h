// Proto: a protocol buffer message being written, by hand: the event files need some twenty small
// messages, whose fields never change. Fields are to be written in the order of their numbers, as
// other writers do it. Encoding: protobuf.dev/programming-guides/encoding.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace iolaus::nn {

class Proto {
 public:
  // --- plain fields; the default value (0, "") is left out, as proto3 does
  Proto& integer(int field, int64_t value);
  Proto& real(int field, double value);
  Proto& text(int field, std::string_view value);
  // --- members of a oneof, elements of repeated fields and messages: written whatever they hold
  Proto& one_integer(int field, int64_t value);
  Proto& one_single(int field, float value);
  Proto& one_real(int field, double value);
  Proto& one_text(int field, std::string_view value);
  Proto& message(int field, const Proto& value) { return one_text(field, value.bytes_); }
  /// A packed repeated field.
  Proto& reals(int field, std::span<const double> values);

  const std::string& bytes() const { return bytes_; }

 private:
  enum Wire { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };
  void varint(uint64_t value);
  void key(int field, Wire wire) { varint(static_cast<uint64_t>(field) << 3 | wire); }
  template <class T> void fixed(T bits) {
    for (size_t i = 0; i < sizeof bits; ++i) bytes_ += static_cast<char>(bits >> 8 * i & 0xFF);
  }

  std::string bytes_;
};

inline void Proto::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}
inline Proto& Proto::one_integer(int field, int64_t value) {
  key(field, kVarint);
  return varint(static_cast<uint64_t>(value)), *this;
}
inline Proto& Proto::one_single(int field, float value) {
  key(field, kFixed32);
  return fixed(std::bit_cast<uint32_t>(value)), *this;
}
inline Proto& Proto::one_real(int field, double value) {
  key(field, kFixed64);
  return fixed(std::bit_cast<uint64_t>(value)), *this;
}
inline Proto& Proto::one_text(int field, std::string_view value) {
  key(field, kLength);
  varint(value.size());
  return bytes_ += value, *this;
}
inline Proto& Proto::integer(int field, int64_t value) {
  return value == 0 ? *this : one_integer(field, value);
}
inline Proto& Proto::real(int field, double value) {
  return std::bit_cast<uint64_t>(value) == 0 ? *this : one_real(field, value);
}
inline Proto& Proto::text(int field, std::string_view value) {
  return value.empty() ? *this : one_text(field, value);
}
inline Proto& Proto::reals(int field, std::span<const double> values) {
  if (values.empty()) return *this;
  key(field, kLength);
  varint(values.size() * sizeof(double));
  for (const double value : values) fixed(std::bit_cast<uint64_t>(value));
  return *this;
}

}  // namespace iolaus::nn
