// Reading and writing safetensors files. A header is believed only after every byte of the file
// belongs to exactly one tensor of the right size.
#include "core/io/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/safetensors_header.h"
#include "core/io/tensor_bytes.h"

namespace iolaus::io {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the reference's limit

// Checks that the entries, which this sorts by place, tile the data part of the file exactly, and
// moves them to their places in the file.
void check_places(const Source& source, uint64_t data_offset,
                  std::vector<SafetensorsFile::Entry>* entries) {
  std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.nbytes, a.name) < std::tie(b.begin, b.nbytes, b.name);
  });
  uint64_t end = 0;
  for (auto& entry : *entries) {
    const auto& dtype = *find_safetensors_dtype(entry.dtype);
    const uint64_t nbytes =
        checked_nbytes("safetensors", source, entry.shape, static_cast<size_t>(dtype.bits));
    IOLAUS_CHECK_CODE(nbytes == entry.nbytes, ErrorCode::kCorrupt,
                      "[safetensors] {}: tensor '{}': its shape and dtype need {} bytes, its "
                      "data_offsets give {}",
                      source.name(), entry.name, nbytes, entry.nbytes);
    IOLAUS_CHECK_CODE(entry.begin == end, ErrorCode::kCorrupt,
                      "[safetensors] {}: tensor '{}' begins at byte {} of the data, but the one "
                      "before it ends at {}; tensors must neither overlap nor leave holes",
                      source.name(), entry.name, entry.begin, end);
    const bool fits = !__builtin_add_overflow(end, nbytes, &end);
    IOLAUS_CHECK_CODE(fits && end <= source.size() - data_offset, ErrorCode::kCorrupt,
                      "[safetensors] {}: tensor '{}' ends behind the file's last byte ({})",
                      source.name(), entry.name, source.size());
    entry.begin += data_offset;
  }
  IOLAUS_CHECK_CODE(data_offset + end == source.size(), ErrorCode::kCorrupt,
                    "[safetensors] {}: the last tensor ends at byte {}, the file at {}",
                    source.name(), data_offset + end, source.size());
}

std::string read_header(const Source& source) {
  unsigned char bytes[8];
  source.read(0, bytes, sizeof bytes);
  uint64_t size = 0;
  for (int i = 7; i >= 0; --i) size = size << 8 | bytes[i];
  IOLAUS_CHECK_CODE(size <= kMaxHeader, ErrorCode::kCorrupt,
                    "[safetensors] {}: expected a header of at most {} bytes at byte 0, got {}",
                    source.name(), kMaxHeader, size);
  IOLAUS_CHECK_CODE(size <= source.size() - 8, ErrorCode::kCorrupt,
                    "[safetensors] {}: truncated: a header of {} bytes in a file of {}",
                    source.name(), size, source.size());
  std::string text(size, '\0');
  source.read(8, text.data(), text.size());
  IOLAUS_CHECK_CODE(!text.empty() && text[0] == '{', ErrorCode::kCorrupt,
                    "[safetensors] {}: expected '{{' at byte 8, where the header begins",
                    source.name());
  return text;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : SafetensorsFile(open_file(path)) {}

SafetensorsFile::SafetensorsFile(std::unique_ptr<Source> source) : source_(std::move(source)) {
  const std::string text = read_header(*source_);
  SafetensorsHeader header = parse_safetensors_header(text, source_->name());
  check_places(*source_, 8 + text.size(), &header.entries);
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
  for (size_t i = 0; i < entries_.size(); ++i) {
    IOLAUS_CHECK_CODE(index_.emplace(entries_[i].name, i).second, ErrorCode::kCorrupt,
                      "[safetensors] {}: tensor '{}' is there twice", source_->name(),
                      entries_[i].name);
  }
}

bool SafetensorsFile::contains(const std::string& name) const { return index_.count(name) > 0; }

Tensor SafetensorsFile::load(const std::string& name) const {
  const auto found = index_.find(name);
  IOLAUS_CHECK_CODE(found != index_.end(), ErrorCode::kNotFound,
                    "[safetensors] {}: there is no tensor '{}' among its {}", source_->name(), name,
                    entries_.size());
  return load_entry(entries_[found->second]);
}

TensorMap SafetensorsFile::load_all() const {
  TensorMap tensors;
  for (const Entry& entry : entries_) tensors.emplace(entry.name, load_entry(entry));
  return tensors;
}

Tensor SafetensorsFile::load_entry(const Entry& entry) const {
  const std::optional<DType> dtype = find_safetensors_dtype(entry.dtype)->dtype;
  IOLAUS_CHECK_CODE(dtype.has_value(), ErrorCode::kUnsupported,
                    "[safetensors] {}: tensor '{}' has dtype {}, which tensors here do not have",
                    source_->name(), entry.name, entry.dtype);
  Tensor out = empty(checked_dims("safetensors", *source_, entry.shape), {.dtype = *dtype});
  read_elements(*source_, entry.begin, out);
  return out;
}

TensorMap load_safetensors(const std::string& path) { return SafetensorsFile(path).load_all(); }

void save_safetensors(const std::string& path, const TensorMap& tensors, const Metadata& metadata) {
  using Item = std::pair<const SafetensorsDType*, const TensorMap::value_type*>;
  std::vector<Item> order;
  for (const auto& item : tensors) {
    IOLAUS_CHECK(item.second.defined() && item.first != "__metadata__",
                 "[safetensors] cannot write '{}' to {}: {}", item.first, path,
                 item.second.defined() ? "the name is reserved" : "the tensor is undefined");
    order.emplace_back(find_safetensors_dtype(item.second.dtype()), &item);
  }
  // The map is sorted by name already.
  std::stable_sort(order.begin(), order.end(), [](const Item& a, const Item& b) {
    return safetensors_rank(*a.first) > safetensors_rank(*b.first);
  });
  SafetensorsHeader header{{}, metadata};
  uint64_t end = 0;
  for (const auto& [dtype, item] : order) {
    const Dims& sizes = item->second.sizes();
    header.entries.push_back({item->first, dtype->name,
                              std::vector<uint64_t>(sizes.begin(), sizes.end()), end,
                              item->second.nbytes()});
    end += item->second.nbytes();
  }
  std::string text;
  try {
    text = safetensors_header_text(header);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kInvalidArgument, "[safetensors] cannot write {}: a name is not UTF-8: {}",
         path, error.what());
  }
  AtomicFile file(path);
  const uint64_t size = text.size();
  file.write(&size, sizeof size);
  file.write(text);
  for (const auto& [dtype, item] : order) {
    const HostElements elements = host_elements(item->second);
    file.write(elements.data, elements.nbytes);
  }
  file.commit();
}

}  // namespace iolaus::io
