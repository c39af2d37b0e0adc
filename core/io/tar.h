// Tar archives (ustar, with GNU's long names and pax headers) read in order through a stream, so
// that a .tar.gz is inflated on the way. Names are only compared, never used as paths.
// Format: POSIX.1-2001, pax; GNU tar's manual, "Basic Tar Format".
#pragma once

#include <optional>
#include <string>

#include "core/io/gzip.h"

namespace iolaus::io {

class TarReader {
 public:
  struct Member {
    std::string name;
    uint64_t nbytes = 0;
    bool is_file = false;  // and no folder, link or device
  };

  /// The stream outlives the reader; name is for messages.
  TarReader(Stream& stream, std::string name) : stream_(stream), name_(std::move(name)) {}
  /// The next member, behind what is left of the one before; nothing after the last.
  /// Errors: kIo; kCorrupt for headers whose checksum is wrong, or an archive that ends early.
  std::optional<Member> next();
  /// The bytes of the member that next() gave. Errors: as next; kCorrupt beyond limit bytes.
  std::string read(uint64_t limit);

 private:
  std::string take(uint64_t nbytes);
  void skip(uint64_t nbytes);

  Stream& stream_;
  std::string name_;
  uint64_t left_ = 0, padding_ = 0;  // of the member, and up to the next block
};

}  // namespace iolaus::io
