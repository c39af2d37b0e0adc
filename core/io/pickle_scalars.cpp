// Numbers and text: the opcodes that push a value of their own.
#include <bit>
#include <charconv>

#include "core/io/pickle_machine.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {
namespace {

using Kind = PickleValue::Kind;

PickleValue make_int(int64_t value, Kind kind = Kind::kInt) {
  PickleValue v;
  v.kind = kind;
  v.integer = value;
  return v;
}

PickleValue make_text(std::string_view text, Kind kind) {
  PickleValue v;
  v.kind = kind;
  v.text = text;
  return v;
}

}  // namespace

bool PickleMachine::push_scalar(char opcode) {
  switch (opcode) {
    case 'N':
      push({});
      return true;
    case '\x88':
    case '\x89':
      push(make_int(opcode == '\x88', Kind::kBool));
      return true;
    case 'K':
      push(make_int(static_cast<int64_t>(take_number(1))));
      return true;
    case 'M':
      push(make_int(static_cast<int64_t>(take_number(2))));
      return true;
    case 'J':
      push(make_int(static_cast<int32_t>(take_number(4))));
      return true;
    case '\x8a':
      push_long(take_number(1));
      return true;
    case '\x8b':
      push_long(take_number(4));
      return true;
    case 'I':
      push_int_line(take_line(), false);
      return true;
    case 'L':
      push_int_line(take_line(), true);
      return true;
    case 'G':
    case 'F': {
      PickleValue value;
      value.kind = Kind::kFloat;
      if (opcode == 'G') {
        value.real = std::bit_cast<double>(__builtin_bswap64(take_number(8)));
      } else {
        const std::string_view line = take_line();
        const bool valid = parse_python_float(line, &value.real);
        check(valid, "a float", quote_bytes(line));
      }
      push(value);
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::push_int_line(std::string_view line, bool is_long) {
  const std::string_view all = line;
  if (is_long && line.ends_with('L')) line.remove_suffix(1);
  if (!is_long && (line == "00" || line == "01")) {  // bools, as protocols 0 and 1 write them
    return push(make_int(line == "01", Kind::kBool));
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error == std::errc::result_out_of_range) {
    fail_here(ErrorCode::kUnsupported,
              "integers of more than 64 bits are not supported, got " + quote_bytes(all));
  }
  check(error == std::errc() && end == line.data() + line.size(), "an integer", quote_bytes(all));
  push(make_int(value));
}

void PickleMachine::push_long(uint64_t bytes) {
  if (bytes > 8) {
    fail_here(
        ErrorCode::kUnsupported,
        fmt::format("integers of more than 64 bits are not supported, got one of {} bytes", bytes));
  }
  const int count = static_cast<int>(bytes);
  uint64_t value = take_number(count);
  if (count > 0 && count < 8 && (value >> (8 * count - 1)) != 0) value |= ~uint64_t{0} << 8 * count;
  push(make_int(static_cast<int64_t>(value)));
}

void PickleMachine::push_decoded(std::string text, Kind kind) {
  pay(text.size() + 2 * sizeof(std::string));
  push(make_text(pickle_.decoded_.emplace_back(std::move(text)), kind));
}

bool PickleMachine::push_text(char opcode) {
  const auto sized = [&](int length_bytes, Kind kind) {
    const uint64_t length = take_number(length_bytes);
    push(make_text(take(length), kind));
    return true;
  };
  switch (opcode) {
    case 'U':
    case 'C':
      return sized(1, Kind::kBytes);
    case 'T':
    case 'B':
      return sized(4, Kind::kBytes);
    case '\x8e':
    case '\x96':
      return sized(8, Kind::kBytes);
    case '\x8c':
      return sized(1, Kind::kStr);
    case 'X':
      return sized(4, Kind::kStr);
    case '\x8d':
      return sized(8, Kind::kStr);
    case 'S':
    case 'V': {
      const std::string_view line = take_line();
      std::string text;
      const bool valid = opcode == 'S' ? decode_python_string(line, &text)
                                       : decode_raw_unicode_escape(line, &text);
      check(valid, "a string in Python's notation", quote_bytes(line));
      push_decoded(std::move(text), opcode == 'S' ? Kind::kBytes : Kind::kStr);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace iolaus::io
