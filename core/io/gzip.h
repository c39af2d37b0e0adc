// Streams: bytes in order, from a source as it is or inflated on the way (gzip, RFC 1952).
#pragma once

#include <memory>

#include "core/io/file.h"

namespace iolaus::io {

class Stream {
 public:
  virtual ~Stream() = default;
  /// Reads exactly count bytes. Errors: kCorrupt where the stream ends before or, inflating, its
  /// data or checksum is wrong; kIo.
  void read(void* to, size_t count);
  /// Whether everything was read; inflating, this checks the checksum at the end.
  bool at_end();
  /// What is left. Errors: as read; kCorrupt where it is more than limit bytes.
  std::string read_rest(uint64_t limit);
  /// Bytes read so far.
  uint64_t position() const { return position_; }
  /// An upper limit of what the whole stream can give.
  virtual uint64_t max_size() const = 0;

 protected:
  /// Up to count bytes; 0 at the end only.
  virtual size_t read_some(void* to, size_t count) = 0;
  explicit Stream(const Source& source) : source_(source) {}
  const Source& source_;

 private:
  uint64_t position_ = 0;
};

/// Whether a source begins like a gzip file.
bool is_gzip(const Source& source);
/// A stream over a source, inflating where it is gzip (one member or several). The source must
/// outlive it.
std::unique_ptr<Stream> open_stream(const Source& source);

}  // namespace iolaus::io
