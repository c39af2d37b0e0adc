// Finding the parts of the archive, and making tensors of what the pickle says about them.
#include "core/io/torch_file.h"

#include "core/error.h"
#include "core/io/pickle_text.h"
#include "core/io/tensor_bytes.h"
#include "core/io/torch_globals.h"
#include "core/views.h"

namespace iolaus::io {

using Kind = PickleValue::Kind;

namespace {

constexpr uint64_t kMaxPickle = uint64_t{256} << 20;
constexpr int kMaxDepth = 64;
constexpr int64_t kMaxVisits = int64_t{1} << 22;
constexpr size_t kMaxTensors = size_t{1} << 17;
constexpr size_t kMaxNameBytes = size_t{16} << 20;

// What an old file begins with: a pickle of a magic number, 0x1950a86a20f9469cfc6c.
constexpr std::string_view kLegacyMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);

bool is_legacy(const Source& source) {
  char begin[14] = {};
  if (source.size() >= sizeof begin) source.read(0, begin, sizeof begin);
  return begin[0] == '\x80' && std::string_view(begin + 2, 12) == kLegacyMagic;
}

[[noreturn]] void corrupt(const std::string& name, const std::string& message) {
  fail(ErrorCode::kCorrupt, "[torch] {}: {}", name, message);
}

void check(const std::string& name, bool condition, const char* expected, const PickleValue& got) {
  if (!condition) corrupt(name, fmt::format("expected {}, got {}", expected, got.describe()));
}

std::string find_prefix(const ZipFile& zip) {
  constexpr std::string_view kPickle = "/data.pkl";
  const std::string* found = nullptr;
  for (const auto& [name, entry] : zip.entries()) {
    // The root's, should a folder inside have one too.
    if (name.ends_with(kPickle) && (found == nullptr || name.size() < found->size())) found = &name;
  }
  const std::string& file = zip.source().name();
  if (found == nullptr) corrupt(file, "a zip archive without data.pkl is no file of torch.save");
  const std::string prefix = found->substr(0, found->size() - kPickle.size() + 1);
  IOLAUS_CHECK_CODE(zip.find(prefix + "constants.pkl") == nullptr, ErrorCode::kUnsupported,
                    "[torch] {}: this is a TorchScript archive; save the weights alone, in Python: "
                    "torch.save(torch.jit.load(path).state_dict(), path)",
                    file);
  return prefix;
}

Dims read_dims(const std::string& name, const PickleValue& value) {
  const bool is_size = value.is_object("torch", "Size");
  const PickleValue& tuple = is_size ? value.node->args.items()[0] : value;
  check(name, (tuple.is(Kind::kTuple) || tuple.is(Kind::kList)) && tuple.items().size() <= kMaxRank,
        "a tuple of sizes or strides", tuple);
  Dims dims;
  for (const PickleValue& item : tuple.items()) {
    check(name, item.is(Kind::kInt) && item.integer >= 0, "a size or stride >= 0", item);
    dims.push_back(item.integer);
  }
  return dims;
}

std::string key_text(const PickleValue& key) {
  if (key.is_text()) return std::string(key.text.substr(0, kMaxNameBytes));
  if (key.is(Kind::kInt)) return std::to_string(key.integer);
  return key.describe();
}

// Elements from the storage's start to behind the last that the geometry reaches; nothing where
// that overflows.
std::optional<int64_t> reach(const Dims& sizes, const Dims& strides, int64_t offset) {
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    int64_t step = 0;
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return std::nullopt;
    }
  }
  if (last == INT64_MAX) return std::nullopt;
  return last + 1;
}

}  // namespace

TorchFile::TorchFile(const std::string& path) : TorchFile(open_file(path)) {}

TorchFile::TorchFile(std::unique_ptr<Source> source) {
  const std::string name = source->name();
  IOLAUS_CHECK_CODE(!is_legacy(*source), ErrorCode::kUnsupported,
                    "[torch] {}: this is the format from before PyTorch 1.6; save it again with a "
                    "newer one, in Python: torch.save(torch.load(path, map_location='cpu'), path)",
                    name);
  IOLAUS_CHECK_CODE(is_zip(*source), ErrorCode::kCorrupt,
                    "[torch] {}: expected a zip archive, as torch.save writes it; it begins with "
                    "other bytes",
                    name);
  zip_ = std::make_unique<ZipFile>(std::move(source));
  prefix_ = find_prefix(*zip_);
  if (zip_->find(prefix_ + "byteorder") != nullptr) {
    const std::string order = zip_->read(prefix_ + "byteorder", 16);
    big_endian_ = order == "big";
    if (!big_endian_ && order != "little") {
      corrupt(name, "expected the byte order little or big, got " + quote_bytes(order));
    }
  }
  pickle_ = std::make_unique<Pickle>(zip_->read(prefix_ + "data.pkl", kMaxPickle),
                                     name + ": " + "data.pkl", torch_globals());
}

bool TorchFile::is_tensor(const PickleValue& value) {
  return value.is(Kind::kObject) && value.node->global->module == "torch._utils";
}

Tensor TorchFile::tensor(const PickleValue& given) {
  const std::string& name = pickle_->name();
  const PickleValue* value = &given;
  // A parameter is made from a tensor. This ends: a call's arguments are older than the call.
  while (value->is_object("torch._utils", "_rebuild_parameter") ||
         value->is_object("torch._utils", "_rebuild_parameter_with_state")) {
    value = &value->node->args.items()[0];
  }
  check(name, is_tensor(*value), "a tensor", *value);
  const auto args = value->node->args.items();
  const bool has_dtype = value->is_object("torch._utils", "_rebuild_tensor_v3");
  const Tensor flat = storage(args[0], has_dtype ? &args[6] : nullptr);
  const PickleValue& offset = args[1];
  check(name, offset.is(Kind::kInt) && offset.integer >= 0, "an offset >= 0", offset);
  const Dims sizes = read_dims(name, args[2]), strides = read_dims(name, args[3]);
  check(name, sizes.size() == strides.size(), "as many strides as sizes", args[3]);
  const auto end = reach(sizes, strides, offset.integer);
  if (!end || *end > flat.numel()) {
    corrupt(name, fmt::format("a tensor of sizes {}, strides {} and offset {} reaches outside of "
                              "its storage of {} elements",
                              sizes.str(), strides.str(), offset.integer, flat.numel()));
  }
  // An expanded tensor is small here, and as large as it says in the first op that copies it.
  const std::vector<uint64_t> shape(sizes.begin(), sizes.end());
  const uint64_t nbytes =
      checked_nbytes("torch", zip_->source(), shape, 8 * item_size(flat.dtype()));
  IOLAUS_CHECK_CODE(nbytes <= zip_->source().size() + (uint64_t{64} << 20), ErrorCode::kUnsupported,
                    "[torch] {}: an expanded tensor of sizes {} is much larger than the file", name,
                    sizes.str());
  return make_view(flat, sizes, strides, *end == 0 ? 0 : offset.integer);
}

// A persistent id is ('storage', class, key, location, number of elements); elements are bytes for
// the class that has no dtype.
Tensor TorchFile::storage(const PickleValue& id, const PickleValue* dtype_value) {
  const std::string& name = pickle_->name();
  check(name, id.is(Kind::kPersistent), "a storage", id);
  const PickleValue& tuple = id.node->args;
  const auto parts = tuple.items();
  check(name, parts.size() == 5 && parts[0].is_text("storage"), "a storage of 5 parts", tuple);
  const PickleValue &type = parts[1], &key = parts[2], &count = parts[4];
  check(name, type.is(Kind::kGlobal), "a storage's class", type);
  check(name, key.is_text(), "a storage's key", key);
  check(name, count.is(Kind::kInt) && count.integer >= 0, "a number of elements", count);
  const bool untyped = type.is_global("torch.storage", "UntypedStorage");
  const PickleValue& named = untyped && dtype_value != nullptr ? *dtype_value : type;
  check(name, named.is(Kind::kGlobal), "a dtype", named);
  const std::optional<DType> dtype =
      untyped && dtype_value == nullptr ? std::optional(kUInt8) : torch_dtype(*named.global);
  IOLAUS_CHECK_CODE(dtype.has_value(), ErrorCode::kUnsupported,
                    "[torch] {}: tensors of {}.{} are not supported", name, named.global->module,
                    named.global->name);
  const std::string text(key.text);
  const auto found = storages_.find(text);
  if (found != storages_.end()) {
    check(name, found->second.dtype() == *dtype, "one dtype for a storage", type);
    return found->second;
  }
  uint64_t nbytes = 0;
  const uint64_t size = untyped ? 1 : item_size(*dtype);
  check(name, !__builtin_mul_overflow(static_cast<uint64_t>(count.integer), size, &nbytes),
        "a number of elements", count);
  return storages_.emplace(text, read_storage(text, nbytes, *dtype)).first->second;
}

Tensor TorchFile::read_storage(const std::string& key, uint64_t nbytes, DType dtype) const {
  const std::string entry_name = prefix_ + "data/" + key;
  const ZipFile::Entry* entry = zip_->find(entry_name);
  const std::string& file = zip_->source().name();
  if (entry == nullptr) corrupt(file, "the storage " + quote_bytes(key) + " is missing");
  if (entry->nbytes != nbytes || nbytes % item_size(dtype) != 0) {
    corrupt(file, fmt::format("expected {} bytes of {} in storage {}, got {}", nbytes,
                              dtype_name(dtype), quote_bytes(key), entry->nbytes));
  }
  const Tensor flat = empty({static_cast<int64_t>(nbytes / item_size(dtype))}, {.dtype = dtype});
  zip_->read(entry_name, *entry, flat.raw_data());
  if (big_endian_) swap_elements(flat);
  check_elements(zip_->source(), entry->header, flat);
  return flat;
}

struct TorchFile::Walk {
  TensorMap tensors;
  int64_t visits = 0;
  int depth = 0;
  size_t name_bytes = 0;
};

TensorMap TorchFile::load_all(const PickleValue& below) {
  Walk walk;
  collect(below, "", walk);
  return std::move(walk.tensors);
}

// Values that are shared, or that hold themselves, are there once for each way to them: what is
// visited is bounded, not only what the file holds.
void TorchFile::collect(const PickleValue& value, const std::string& name, Walk& walk) {
  walk.name_bytes += name.size();
  IOLAUS_CHECK_CODE(walk.visits <= kMaxVisits && walk.tensors.size() <= kMaxTensors &&
                        walk.depth <= kMaxDepth && walk.name_bytes <= kMaxNameBytes,
                    ErrorCode::kUnsupported,
                    "[torch] {}: expected at most {} tensors among {} values in {} levels, got "
                    "more at {}",
                    pickle_->name(), kMaxTensors, kMaxVisits, kMaxDepth, quote_bytes(name));
  if (is_tensor(value)) {
    IOLAUS_CHECK_CODE(walk.tensors.emplace(name, tensor(value)).second, ErrorCode::kUnsupported,
                      "[torch] {}: two tensors have the name {}", pickle_->name(),
                      quote_bytes(name));
    return;
  }
  const auto items = value.items();
  const bool is_dict = value.is(Kind::kDict);
  const size_t step = is_dict ? 2 : 1;
  walk.visits += static_cast<int64_t>(items.size());
  ++walk.depth;
  for (size_t i = 0; i + step <= items.size(); i += step) {
    const PickleValue& item = items[i + step - 1];
    if (!is_tensor(item) && item.items().empty()) continue;
    const std::string key = is_dict ? key_text(items[i]) : std::to_string(i);
    collect(item, name.empty() ? key : name + "." + key, walk);
  }
  --walk.depth;
}

TensorMap load_torch(const std::string& path) { return TorchFile(path).load_all(); }

bool is_torch_file(const Source& source) { return is_zip(source) || is_legacy(source); }

}  // namespace iolaus::io
