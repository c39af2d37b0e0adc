// Headers of 512 bytes, each followed by its member's bytes, rounded up to 512.
#include "core/io/tar.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kMaxName = 65536;

// A number in octal digits or, with the top bit set, in binary (GNU). Nothing where it is neither.
std::optional<uint64_t> parse_number(std::string_view field) {
  uint64_t value = 0;
  if ((field[0] & 0x80) != 0) {
    for (size_t i = 1; i < field.size(); ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | static_cast<uint8_t>(field[i]);
    }
    return value;
  }
  for (const char c : field) {
    if (c == ' ' || c == '\0') continue;
    if (c < '0' || c > '7') return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(c - '0');
  }
  return value;
}

std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

// The sum of all bytes of the header, with blanks for the sum itself.
uint64_t checksum(std::string_view header) {
  uint64_t sum = 8 * ' ';
  for (size_t i = 0; i < header.size(); ++i) {
    if (i < 148 || i >= 156) sum += static_cast<uint8_t>(header[i]);
  }
  return sum;
}

// The value of a key in a pax header's lines, "LENGTH key=value\n".
std::optional<std::string_view> pax_value(std::string_view lines, std::string_view key) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const std::string_view pair = line.substr(blank + 1);
    if (pair.starts_with(key) && pair.substr(key.size()).starts_with('=')) {
      return pair.substr(key.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string TarReader::take(uint64_t nbytes) {
  std::string bytes;
  // In pieces: what is allocated follows what the stream really gives.
  while (bytes.size() < nbytes) {
    const size_t step = static_cast<size_t>(std::min<uint64_t>(nbytes - bytes.size(), 1 << 22));
    bytes.resize(bytes.size() + step);
    stream_.read(bytes.data() + bytes.size() - step, step);
  }
  return bytes;
}

void TarReader::skip(uint64_t nbytes) {
  char block[1 << 14];
  while (nbytes > 0) {
    const auto step = static_cast<size_t>(std::min<uint64_t>(nbytes, sizeof block));
    stream_.read(block, step);
    nbytes -= step;
  }
}

std::optional<TarReader::Member> TarReader::next() {
  std::optional<std::string> long_name;
  while (true) {
    skip(left_);
    skip(padding_);
    left_ = padding_ = 0;
    const uint64_t at = stream_.position();
    const std::string header = take(kBlock);
    const std::string_view bytes(header);
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return std::nullopt;
    const auto sum = parse_number(bytes.substr(148, 8)), size = parse_number(bytes.substr(124, 12));
    IOLAUS_CHECK_CODE(
        sum == checksum(bytes) && size.has_value(), ErrorCode::kCorrupt,
        "[tar] {}: expected a member's header at byte {} of the archive; the checksum "
        "there is wrong",
        name_, at);
    Member member{std::string(text(bytes.substr(0, 100))), *size, false};
    const char type = bytes[156];
    member.is_file = type == '0' || type == '\0';
    left_ = *size;
    padding_ = (kBlock - *size % kBlock) % kBlock;
    if (type == 'L') {
      long_name = std::string(text(read(kMaxName)));
      continue;
    }
    if (type == 'x' || type == 'g') {
      const std::string lines = read(kMaxName);
      const auto path = pax_value(lines, "path");
      if (type == 'x' && path) long_name = std::string(*path);
      IOLAUS_CHECK_CODE(!pax_value(lines, "size"), ErrorCode::kUnsupported,
                        "[tar] {}: members of 8 GiB and more are not supported", name_);
      continue;
    }
    if (bytes.substr(257, 5) == "ustar" && bytes[262] == '\0' && bytes[345] != '\0') {
      member.name = std::string(text(bytes.substr(345, 155))) + "/" + member.name;
    }
    if (long_name) member.name = *long_name;
    return member;
  }
}

std::string TarReader::read(uint64_t limit) {
  IOLAUS_CHECK_CODE(left_ <= limit, ErrorCode::kCorrupt,
                    "[tar] {}: a member of {} bytes is more than the {} allowed here", name_, left_,
                    limit);
  const uint64_t count = left_;
  left_ = 0;
  return take(count);
}

}  // namespace iolaus::io
