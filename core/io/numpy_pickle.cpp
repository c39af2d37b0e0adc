// An array is _reconstruct(ndarray, (0,), b'b') with the state (version, shape, dtype,
// fortran_order, bytes) or, in protocol 5, _frombuffer(bytes, dtype, shape, order). A dtype is
// dtype('u1', ...) with a state whose second item is the byte order.
#include "core/io/numpy_pickle.h"

#include <cstring>

#include "core/io/npy_header.h"
#include "core/io/pickle_text.h"
#include "core/io/tensor_bytes.h"
#include "core/views.h"

namespace iolaus::io {

using Kind = PickleValue::Kind;

namespace {

constexpr auto kObject = PickleGlobal::Call::kObject;
// numpy 2 renamed core to _core.
constexpr PickleGlobal kGlobals[] = {
    {"numpy.core.multiarray", "_reconstruct", kObject, 3, 3},
    {"numpy._core.multiarray", "_reconstruct", kObject, 3, 3},
    {"numpy.core.multiarray", "scalar", kObject, 2, 2},
    {"numpy._core.multiarray", "scalar", kObject, 2, 2},
    {"numpy.core.numeric", "_frombuffer", kObject, 4, 4},
    {"numpy._core.numeric", "_frombuffer", kObject, 4, 4},
    {"numpy", "dtype", kObject, 1, 3},
    {"numpy", "ndarray"},
    {"_codecs", "encode", kObject, 2, 2},
    {"__builtin__", "bytes", kObject, 0, 1},
    {"builtins", "bytes", kObject, 0, 1},
    {"__builtin__", "bytearray", kObject, 0, 2},
    {"builtins", "bytearray", kObject, 0, 2},
};

class ArrayReader {
 public:
  explicit ArrayReader(const std::string& name) : name_(name) {}

  void check(bool condition, const char* expected, const PickleValue& got) const {
    IOLAUS_CHECK_CODE(condition, ErrorCode::kCorrupt, "[numpy] {}: expected {} of an array, got {}",
                      name_, expected, got.describe());
  }

  NpyHeader read_dtype(const PickleValue& value) const {
    check(value.is_object("numpy", "dtype"), "the dtype", value);
    const PickleValue& code = value.node->args.items()[0];
    check(code.is_text(), "the dtype's code", code);
    const auto state = value.node->state.items();
    char order = '|';
    if (state.size() >= 2) {
      check(state[1].is_text() && state[1].text.size() == 1, "the byte order", state[1]);
      order = state[1].text[0];
    }
    const std::optional<DType> dtype = npy_dtype(code.text);
    IOLAUS_CHECK_CODE(dtype.has_value(), ErrorCode::kUnsupported,
                      "[numpy] {}: arrays of dtype {} are not supported", name_,
                      quote_bytes(code.text));
    NpyHeader header;
    header.dtype = *dtype;
    header.big_endian = order == '>';
    return header;
  }

  std::vector<uint64_t> read_shape(const PickleValue& value) const {
    check(value.is(Kind::kTuple) && value.items().size() <= kMaxRank, "the shape", value);
    std::vector<uint64_t> shape;
    for (const PickleValue& size : value.items()) {
      check(size.is(Kind::kInt) && size.integer >= 0, "a size", size);
      shape.push_back(static_cast<uint64_t>(size.integer));
    }
    return shape;
  }

  Tensor make(const PickleValue& data, const PickleValue& dtype, const PickleValue& sizes,
              bool fortran_order) const {
    const NpyHeader header = read_dtype(dtype);
    std::vector<uint64_t> shape = read_shape(sizes);
    std::string decoded;
    const auto bytes = bytes_of_pickle(data, &decoded);
    check(bytes.has_value(), "the bytes", data);
    const auto source = memory_source(*bytes, name_);
    const uint64_t nbytes = checked_nbytes("numpy", *source, shape, 8 * item_size(header.dtype));
    IOLAUS_CHECK_CODE(nbytes == bytes->size(), ErrorCode::kCorrupt,
                      "[numpy] {}: expected {} bytes for an array's shape and dtype, got {}", name_,
                      nbytes, bytes->size());
    if (fortran_order) std::reverse(shape.begin(), shape.end());
    Tensor out = empty(checked_dims("numpy", *source, shape), {.dtype = header.dtype});
    read_elements(*source, 0, out);
    if (header.big_endian) swap_elements(out);
    if (fortran_order) {
      Dims reversed;
      for (int64_t i = out.dim(); i-- > 0;) reversed.push_back(i);
      out = views::permute(out, reversed);
    }
    return out;
  }

 private:
  const std::string& name_;
};

bool is_any_core(const PickleValue& value, const char* module, const char* name) {
  return value.is_object(fmt::format("numpy.core.{}", module), name) ||
         value.is_object(fmt::format("numpy._core.{}", module), name);
}

}  // namespace

std::span<const PickleGlobal> numpy_globals() { return kGlobals; }

std::optional<std::string_view> bytes_of_pickle(const PickleValue& value, std::string* storage) {
  if (value.is(Kind::kBytes)) return value.text;
  if (!value.is(Kind::kObject)) return std::nullopt;
  const auto args = value.node->args.items();
  if (value.is_object("_codecs", "encode")) {
    const bool valid = args[0].is(Kind::kStr) &&
                       (args[1].is_text("latin1") || args[1].is_text("latin-1")) &&
                       encode_latin1(args[0].text, storage);
    if (!valid) return std::nullopt;
    return *storage;
  }
  const bool is_bytes =
      value.node->global->name == "bytes" || value.node->global->name == "bytearray";
  if (!is_bytes) return std::nullopt;
  if (args.empty()) return std::string_view();
  if (args.size() == 2) {  // bytearray(text, 'latin-1'), as Python 2 and 3 write it
    if (args[0].is(Kind::kBytes)) return args[0].text;
    if (!args[0].is(Kind::kStr) || !encode_latin1(args[0].text, storage)) return std::nullopt;
    return *storage;
  }
  return args[0].is(Kind::kBytes) ? std::optional(args[0].text) : std::nullopt;
}

std::optional<Tensor> tensor_of_numpy(const PickleValue& value, const std::string& name) {
  const ArrayReader reader(name);
  if (is_any_core(value, "multiarray", "_reconstruct")) {
    const auto state = value.node->state.items();
    reader.check(state.size() == 5, "a state of 5", value.node->state);
    reader.check(state[3].is(Kind::kBool) || state[3].is(Kind::kInt), "the order", state[3]);
    return reader.make(state[4], state[2], state[1], state[3].integer != 0);
  }
  if (is_any_core(value, "numeric", "_frombuffer")) {
    const auto args = value.node->args.items();
    reader.check(args[3].is_text("C") || args[3].is_text("F"), "the order", args[3]);
    return reader.make(args[0], args[1], args[2], args[3].is_text("F"));
  }
  return std::nullopt;
}

}  // namespace iolaus::io
