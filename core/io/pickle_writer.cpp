// Opcodes of protocol 2. As CPython's pickler: items go in batches of 1,000 between a mark and
// SETITEMS or APPENDS, a lone item goes without a mark, and every container and string is memoized.
#include "core/io/pickle_writer.h"

#include "core/error.h"

namespace iolaus::io {
namespace {
constexpr size_t kBatch = 1000;
}

PickleWriter::PickleWriter() : out_("\x80\x02") {}

void PickleWriter::number(uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xff);
}

void PickleWriter::memoize(uint32_t index) {
  out_ += index < 256 ? 'q' : 'r';
  number(index, index < 256 ? 1 : 4);
}

void PickleWriter::get(uint32_t index) {
  out_ += index < 256 ? 'h' : 'j';
  number(index, index < 256 ? 1 : 4);
}

void PickleWriter::begin_value() {
  if (open_.empty()) return;
  Open& top = open_.back();
  if (!top.single && top.in_batch == 0) out_ += '(';
}

void PickleWriter::end_value() {
  while (!open_.empty()) {
    Open& top = open_.back();
    --top.left;
    ++top.in_batch;
    const size_t full = kBatch * (top.is_dict ? 2 : 1);
    if (top.left > 0 && top.in_batch < full) return;
    if (top.single) {
      out_ += top.is_dict ? 's' : 'a';
    } else {
      out_ += top.is_dict ? 'u' : 'e';
    }
    top.in_batch = 0;
    if (top.left > 0) return;
    open_.pop_back();  // the container itself is a value of the one around it
  }
}

void PickleWriter::atom(char opcode) {
  begin_value();
  out_ += opcode;
  end_value();
}

uint32_t PickleWriter::container(char opcode, size_t values) {
  begin_value();
  out_ += opcode;
  const uint32_t index = memo_++;
  memoize(index);
  const bool is_dict = opcode == '}';
  if (values == 0) {
    end_value();
  } else {
    open_.push_back({is_dict, values, 0, values == (is_dict ? 2u : 1u)});
  }
  return index;
}

void PickleWriter::str(std::string_view text) {
  begin_value();
  const auto found = strings_.find(text);
  if (found != strings_.end()) {
    get(found->second);
  } else {
    out_ += 'X';
    number(text.size(), 4);
    out_ += text;
    strings_.emplace(text, memo_);
    memoize(memo_++);
  }
  end_value();
}

void PickleWriter::integer(int64_t value) {
  begin_value();
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0 && value <= 0xff) {
    out_ += 'K';
    number(bits, 1);
  } else if (value >= 0 && value <= 0xffff) {
    out_ += 'M';
    number(bits, 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    out_ += 'J';
    number(bits, 4);
  } else {
    int bytes = 5;  // as few as keep the sign
    while (bytes < 8 && value >> (8 * bytes - 1) != (value < 0 ? -1 : 0)) ++bytes;
    out_ += '\x8a';
    number(static_cast<uint64_t>(bytes), 1);
    number(bits, bytes);
  }
  end_value();
}

void PickleWriter::again(uint32_t index) {
  begin_value();
  get(index);
  end_value();
}

std::string PickleWriter::finish() {
  IOLAUS_CHECK_CODE(open_.empty(), ErrorCode::kInternal, "[pickle] a container lacks {} values",
                    open_.empty() ? 0 : open_.back().left);
  return std::move(out_) + '.';
}

}  // namespace iolaus::io
