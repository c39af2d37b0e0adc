// From the end: the record of the directory's place, the directory, and entries when asked for.
#include "core/io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {
namespace {

constexpr uint64_t kMaxEntries = uint64_t{1} << 17;
constexpr uint64_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56;
constexpr uint64_t kDirectoryEntrySize = 46, kLocalSize = 30;
constexpr uint32_t kEndMagic = 0x06054b50, kLocatorMagic = 0x07064b50, kEnd64Magic = 0x06064b50;
constexpr uint32_t kDirectoryMagic = 0x02014b50, kLocalMagic = 0x04034b50;

// Little-endian numbers inside of a record.
class Record {
 public:
  explicit Record(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number(size_t offset, size_t count) const {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) {
      value = value << 8 | static_cast<uint8_t>(bytes_[offset + i]);
    }
    return value;
  }
  uint64_t u16(size_t offset) const { return number(offset, 2); }
  uint64_t u32(size_t offset) const { return number(offset, 4); }
  uint64_t u64(size_t offset) const { return number(offset, 8); }

 private:
  std::string_view bytes_;
};

std::string read_bytes(const Source& source, uint64_t offset, uint64_t count) {
  std::string bytes(count, '\0');
  source.read(offset, bytes.data(), count);
  return bytes;
}

[[noreturn]] void corrupt(const Source& source, const std::string& message) {
  fail(ErrorCode::kCorrupt, "[zip] {}: {}", source.name(), message);
}

struct Directory {
  uint64_t offset, nbytes, count;
};

// The 64-bit record, where the short one says that its fields are too small.
Directory find_directory64(const Source& source, uint64_t end) {
  if (end < kLocatorSize) corrupt(source, "the 64-bit directory record is missing");
  const std::string locator = read_bytes(source, end - kLocatorSize, kLocatorSize);
  if (Record(locator).u32(0) != kLocatorMagic) {
    corrupt(source, fmt::format("expected the locator of a 64-bit directory at byte {}",
                                end - kLocatorSize));
  }
  const uint64_t offset = Record(locator).u64(8);
  const std::string text = read_bytes(source, offset, kEnd64Size);
  const Record record(text);
  if (record.u32(0) != kEnd64Magic) {
    corrupt(source, fmt::format("expected a 64-bit directory record at byte {}", offset));
  }
  return {record.u64(48), record.u64(40), record.u64(32)};
}

Directory find_directory(const Source& source) {
  if (source.size() < kEndSize) corrupt(source, "too short for a zip archive");
  // The record is last but for a comment of at most 65,535 bytes.
  const uint64_t length = std::min<uint64_t>(source.size(), kEndSize + 65535);
  const uint64_t from = source.size() - length;
  const std::string tail = read_bytes(source, from, length);
  for (uint64_t i = length - kEndSize + 1; i-- > 0;) {
    const Record record(std::string_view(tail).substr(i));
    if (record.u32(0) != kEndMagic || record.u16(20) != length - i - kEndSize) continue;
    IOLAUS_CHECK_CODE(record.u16(4) == 0 || record.u16(4) == 0xffff, ErrorCode::kUnsupported,
                      "[zip] {}: archives in several parts are not supported", source.name());
    const Directory directory{record.u32(16), record.u32(12), record.u16(10)};
    if (directory.count == 0xffff || directory.nbytes == UINT32_MAX ||
        directory.offset == UINT32_MAX) {
      return find_directory64(source, from + i);
    }
    return directory;
  }
  corrupt(source, "no directory at the end: the file is cut off or no zip archive");
}

// 64-bit values in an entry's extra field, in this order, for those that the entry marks.
void read_extra64(const Source& source, std::string_view extra, ZipFile::Entry* entry,
                  uint64_t* compressed) {
  while (extra.size() >= 4) {
    const uint64_t id = Record(extra).u16(0), length = Record(extra).u16(2);
    if (length > extra.size() - 4) break;
    std::string_view body = extra.substr(4, length);
    extra.remove_prefix(4 + length);
    if (id != 1) continue;
    for (uint64_t* field : {&entry->nbytes, compressed, &entry->header}) {
      if (*field != UINT32_MAX) continue;
      if (body.size() < 8) corrupt(source, "an entry lacks its 64-bit sizes");
      *field = Record(body).u64(0);
      body.remove_prefix(8);
    }
    return;
  }
}

}  // namespace

ZipFile::ZipFile(std::unique_ptr<Source> source) : source_(std::move(source)) {
  const auto [offset, nbytes, count] = find_directory(*source_);
  IOLAUS_CHECK_CODE(count <= kMaxEntries, ErrorCode::kUnsupported,
                    "[zip] {}: expected at most {} entries, got {}", source_->name(), kMaxEntries,
                    count);
  read_directory(offset, nbytes, count);
  check_places(offset);
}

void ZipFile::read_directory(uint64_t offset, uint64_t nbytes, uint64_t count) {
  if (offset > source_->size() || nbytes > source_->size() - offset) {
    corrupt(*source_, fmt::format("a directory of {} bytes at byte {} of a file of {}", nbytes,
                                  offset, source_->size()));
  }
  if (nbytes / kDirectoryEntrySize < count) {
    corrupt(*source_,
            fmt::format("{} entries do not fit into a directory of {} bytes", count, nbytes));
  }
  const std::string text = read_bytes(*source_, offset, nbytes);
  std::string_view rest = text;
  for (uint64_t i = 0; i < count; ++i) {
    const Record record(rest);
    if (rest.size() < kDirectoryEntrySize || record.u32(0) != kDirectoryMagic) {
      corrupt(*source_, fmt::format("expected an entry at byte {} of the directory",
                                    text.size() - rest.size()));
    }
    const uint64_t name = record.u16(28), extra = record.u16(30), comment = record.u16(32);
    if (name + extra + comment > rest.size() - kDirectoryEntrySize) {
      corrupt(*source_, "an entry reaches behind the directory");
    }
    Entry entry{.header = record.u32(42),
                .nbytes = record.u32(24),
                .crc = static_cast<uint32_t>(record.u32(16))};
    uint64_t compressed = record.u32(20);
    const std::string key(rest.substr(kDirectoryEntrySize, name));
    read_extra64(*source_, rest.substr(kDirectoryEntrySize + name, extra), &entry, &compressed);
    entry.stored = record.u16(10) == 0 && (record.u16(8) & 1) == 0 && compressed == entry.nbytes;
    entry.nbytes = compressed;
    if (!entries_.emplace(key, entry).second) {
      corrupt(*source_, fmt::format("entry {} is there twice", quote_bytes(key)));
    }
    rest.remove_prefix(kDirectoryEntrySize + name + extra + comment);
  }
}

// Entries lie one behind the other before the directory.
void ZipFile::check_places(uint64_t directory) {
  std::vector<std::pair<const std::string, Entry>*> order;
  for (auto& item : entries_) order.push_back(&item);
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->second.header < b->second.header; });
  for (size_t i = 0; i < order.size(); ++i) {
    Entry& entry = order[i]->second;
    entry.end = i + 1 < order.size() ? order[i + 1]->second.header : directory;
    const uint64_t least = kLocalSize + order[i]->first.size();
    if (entry.end < entry.header || entry.end - entry.header < least ||
        entry.end - entry.header - least < entry.nbytes) {
      corrupt(*source_,
              fmt::format("entry {}: {} bytes at byte {} reach behind byte {}",
                          quote_bytes(order[i]->first), entry.nbytes, entry.header, entry.end));
    }
  }
}

const ZipFile::Entry* ZipFile::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void ZipFile::read(std::string_view name, const Entry& entry, void* to) const {
  IOLAUS_CHECK_CODE(entry.stored, ErrorCode::kUnsupported,
                    "[zip] {}: entry {}: expected stored bytes, got compressed or encrypted ones",
                    source_->name(), quote_bytes(name));
  const std::string local = read_bytes(*source_, entry.header, kLocalSize + name.size());
  const Record record(local);
  const uint64_t skipped = kLocalSize + name.size() + record.u16(28);
  if (record.u32(0) != kLocalMagic || record.u16(26) != name.size() ||
      std::string_view(local).substr(kLocalSize) != name) {
    corrupt(*source_,
            fmt::format("entry {}: another one lies at byte {}", quote_bytes(name), entry.header));
  }
  if (skipped + entry.nbytes > entry.end - entry.header) {
    corrupt(*source_, fmt::format("entry {}: its bytes reach into the next", quote_bytes(name)));
  }
  source_->read(entry.header + skipped, to, entry.nbytes);
  const auto crc = static_cast<uint32_t>(crc32_z(0, static_cast<const Bytef*>(to), entry.nbytes));
  if (crc != entry.crc) {
    corrupt(*source_, fmt::format("entry {}: expected the CRC {:08x}, got {:08x}",
                                  quote_bytes(name), entry.crc, crc));
  }
}

std::string ZipFile::read(std::string_view name, uint64_t limit) const {
  const Entry* entry = find(name);
  IOLAUS_CHECK_CODE(entry != nullptr, ErrorCode::kNotFound, "[zip] {}: there is no entry {}",
                    source_->name(), quote_bytes(name));
  if (entry->nbytes > limit) {
    corrupt(*source_, fmt::format("entry {}: {} bytes are more than the {} allowed here",
                                  quote_bytes(name), entry->nbytes, limit));
  }
  std::string bytes(entry->nbytes, '\0');
  read(name, *entry, bytes.data());
  return bytes;
}

bool is_zip(const Source& source) {
  char magic[4] = {};
  if (source.size() >= 4) source.read(0, magic, 4);
  return std::string_view(magic, 4) == std::string_view("PK\3\4", 4);
}

}  // namespace iolaus::io
