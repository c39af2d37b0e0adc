// zlib's inflate over a source, in pieces; it checks each member's CRC and length itself.
#include "core/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace iolaus::io {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(const Source& source) : Stream(source) {}
  uint64_t max_size() const override { return source_.size(); }

 protected:
  size_t read_some(void* to, size_t count) override {
    count = static_cast<size_t>(std::min<uint64_t>(count, source_.size() - position()));
    source_.read(position(), to, count);
    return count;
  }
};

class GzipStream final : public Stream {
 public:
  explicit GzipStream(const Source& source) : Stream(source), input_(size_t{256} << 10) {
    constexpr int kGzipOnly = 16;
    const int result = inflateInit2(&zlib_, MAX_WBITS + kGzipOnly);
    IOLAUS_CHECK_CODE(result == Z_OK, ErrorCode::kOutOfMemory, "[gzip] cannot start zlib ({})",
                      result);
  }
  ~GzipStream() override { inflateEnd(&zlib_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  /// Deflate's best is 258 bytes from 2 bits.
  uint64_t max_size() const override {
    return source_.size() > UINT64_MAX / 1032 ? UINT64_MAX : source_.size() * 1032;
  }

 protected:
  size_t read_some(void* to, size_t count) override {
    zlib_.next_out = static_cast<Bytef*>(to);
    zlib_.avail_out = static_cast<uInt>(std::min(count, size_t{1} << 30));
    const uInt wanted = zlib_.avail_out;
    while (zlib_.avail_out == wanted) {
      if (zlib_.avail_in == 0) refill();
      if (zlib_.avail_in == 0 && member_done_) return 0;
      IOLAUS_CHECK_CODE(zlib_.avail_in > 0, ErrorCode::kCorrupt,
                        "[gzip] {}: the compressed data end early, at byte {}", source_.name(),
                        consumed_);
      if (member_done_) inflateReset(&zlib_);
      const int result = inflate(&zlib_, Z_NO_FLUSH);
      member_done_ = result == Z_STREAM_END;
      IOLAUS_CHECK_CODE(member_done_ || result == Z_OK, ErrorCode::kCorrupt,
                        "[gzip] {}: invalid compressed data before byte {}: {}", source_.name(),
                        consumed_ - zlib_.avail_in, zlib_.msg ? zlib_.msg : zError(result));
    }
    return wanted - zlib_.avail_out;
  }

 private:
  void refill() {
    const uint64_t left = source_.size() - consumed_;
    const auto count = static_cast<size_t>(std::min<uint64_t>(left, input_.size()));
    source_.read(consumed_, input_.data(), count);
    consumed_ += count;
    zlib_.next_in = input_.data();
    zlib_.avail_in = static_cast<uInt>(count);
  }

  std::vector<Bytef> input_;
  uint64_t consumed_ = 0;  // bytes of the source that went into input_
  bool member_done_ = false;
  z_stream zlib_{};
};

}  // namespace

void Stream::read(void* to, size_t count) {
  auto* bytes = static_cast<char*>(to);
  while (count > 0) {
    const size_t got = read_some(bytes, count);
    IOLAUS_CHECK_CODE(got > 0, ErrorCode::kCorrupt,
                      "[file] {}: truncated: expected {} more bytes after byte {} of its content",
                      source_.name(), count, position_);
    bytes += got;
    position_ += got;
    count -= got;
  }
}

std::string Stream::read_rest(uint64_t limit) {
  std::string bytes, block(size_t{1} << 20, '\0');
  while (const size_t got = read_some(block.data(), block.size())) {
    IOLAUS_CHECK_CODE(got <= limit - bytes.size(), ErrorCode::kCorrupt,
                      "[file] {}: more than {} bytes are left after byte {} of its content",
                      source_.name(), limit, position_);
    bytes.append(block, 0, got);
  }
  position_ += bytes.size();
  return bytes;
}

bool Stream::at_end() {
  char byte;
  return read_some(&byte, 1) == 0;
}

bool is_gzip(const Source& source) {
  unsigned char magic[2] = {0, 0};
  if (source.size() >= 2) source.read(0, magic, 2);
  return magic[0] == 0x1f && magic[1] == 0x8b;
}

std::unique_ptr<Stream> open_stream(const Source& source) {
  if (is_gzip(source)) return std::make_unique<GzipStream>(source);
  return std::make_unique<PlainStream>(source);
}

}  // namespace iolaus::io
