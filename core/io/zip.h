// Zip archives of stored (not compressed) entries, as torch.save writes them. Names are only
// compared, never used as paths. Format: PKWARE's APPNOTE.TXT 6.3, with the 64-bit records.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/io/file.h"

namespace iolaus::io {

class ZipFile {
 public:
  struct Entry {
    uint64_t header = 0;  // place of its local header
    uint64_t end = 0;     // where the next entry, or the directory, begins
    uint64_t nbytes = 0;  // in the archive
    uint32_t crc = 0;
    bool stored = true;  // neither compressed nor encrypted
  };

  /// Reads the directory. Errors: kIo; kCorrupt where it contradicts itself or the file, names are
  /// there twice or entries overlap; kUnsupported for archives in several parts and more than
  /// 131,072 entries.
  explicit ZipFile(std::unique_ptr<Source> source);

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  /// Null where there is none of this name.
  const Entry* find(std::string_view name) const;
  /// All bytes of an entry. Errors: kCorrupt where they lack or their CRC is wrong; kUnsupported
  /// for one that is compressed or encrypted.
  void read(std::string_view name, const Entry& entry, void* to) const;
  /// The same as a string of at most limit bytes. Errors: also kNotFound; kCorrupt beyond limit.
  std::string read(std::string_view name, uint64_t limit) const;
  const Source& source() const { return *source_; }

 private:
  void read_directory(uint64_t offset, uint64_t nbytes, uint64_t count);
  void check_places(uint64_t directory);

  std::unique_ptr<Source> source_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Whether a source begins like a zip archive.
bool is_zip(const Source& source);

}  // namespace iolaus::io
