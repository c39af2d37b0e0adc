// The list, and dtypes by name.
#include "core/io/torch_globals.h"

#include <vector>

#include "core/io/numpy_pickle.h"

namespace iolaus::io {
namespace {

constexpr auto kObject = PickleGlobal::Call::kObject;
constexpr auto kDict = PickleGlobal::Call::kDict;

constexpr PickleGlobal kGlobals[] = {
    // Tensors (torch/_utils.py).
    {"torch._utils", "_rebuild_tensor", kObject, 4, 4},
    {"torch._utils", "_rebuild_tensor_v2", kObject, 6, 7},
    {"torch._utils", "_rebuild_tensor_v3", kObject, 7, 8},
    {"torch._utils", "_rebuild_parameter", kObject, 3, 3},
    {"torch._utils", "_rebuild_parameter_with_state", kObject, 4, 4},
    {"torch.storage", "UntypedStorage"},
    {"torch", "Size", kObject, 1, 1},
    {"torch", "device", kObject, 1, 2},
    // Containers.
    {"collections", "OrderedDict", kDict, 0, 1},
    {"collections", "defaultdict", kDict, 0, 1},
    {"collections", "Counter", kObject, 0, 1},
    {"collections", "deque", kObject, 0, 2},
    {"__builtin__", "set", kObject, 0, 1},
    {"builtins", "set", kObject, 0, 1},
    {"__builtin__", "frozenset", kObject, 0, 1},
    {"builtins", "frozenset", kObject, 0, 1},
    {"__builtin__", "complex", kObject, 0, 2},
    {"builtins", "complex", kObject, 0, 2},
    // The factories of defaultdict.
    {"__builtin__", "dict"},
    {"builtins", "dict"},
    {"__builtin__", "list"},
    {"builtins", "list"},
    {"__builtin__", "int"},
    {"builtins", "int"},
    {"__builtin__", "float"},
    {"builtins", "float"},
    {"__builtin__", "str"},
    {"builtins", "str"},
    // Options and hyperparameters.
    {"argparse", "Namespace", kObject, 0, 0},
    {"pathlib", "PosixPath", kObject, 0, 64},
    {"pathlib", "PurePosixPath", kObject, 0, 64},
    {"lightning.fabric.utilities.data", "AttributeDict", kDict, 0, 0},
    {"lightning_fabric.utilities.data", "AttributeDict", kDict, 0, 0},
    {"lightning.pytorch.utilities.parsing", "AttributeDict", kDict, 0, 0},
    {"pytorch_lightning.utilities.parsing", "AttributeDict", kDict, 0, 0},
    // Keys of Lightning's dict of callback states before 1.6.
    {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"},
    {"pytorch_lightning.callbacks.early_stopping", "EarlyStopping"},
};

// A storage's class, a dtype, and ours.
struct Name {
  std::string_view storage, dtype;
  std::optional<DType> ours;
};
constexpr Name kNames[] = {
    {"FloatStorage", "float32", kFloat32},
    {"DoubleStorage", "float64", kFloat64},
    {"HalfStorage", "float16", kFloat16},
    {"BFloat16Storage", "bfloat16", kBFloat16},
    {"LongStorage", "int64", kInt64},
    {"IntStorage", "int32", kInt32},
    {"ShortStorage", "int16", kInt16},
    {"CharStorage", "int8", kInt8},
    {"ByteStorage", "uint8", kUInt8},
    {"BoolStorage", "bool", kBool},
    {"ComplexFloatStorage", "complex64", {}},
    {"ComplexDoubleStorage", "complex128", {}},
    {"QInt8Storage", "qint8", {}},
    {"QUInt8Storage", "quint8", {}},
    {"QInt32Storage", "qint32", {}},
    {"", "uint16", {}},
    {"", "uint32", {}},
    {"", "uint64", {}},
    {"", "complex32", {}},
    {"", "float8_e4m3fn", {}},
    {"", "float8_e4m3fnuz", {}},
    {"", "float8_e5m2", {}},
    {"", "float8_e5m2fnuz", {}},
    {"", "float8_e8m0fnu", {}},
};

}  // namespace

std::span<const PickleGlobal> torch_globals() {
  static const std::vector<PickleGlobal> all = [] {
    std::vector<PickleGlobal> list(std::begin(kGlobals), std::end(kGlobals));
    for (const Name& name : kNames) {
      if (!name.storage.empty()) list.push_back({"torch", name.storage});
      list.push_back({"torch", name.dtype});
    }
    const auto numpy = numpy_globals();
    list.insert(list.end(), numpy.begin(), numpy.end());
    return list;
  }();
  return all;
}

std::optional<DType> torch_dtype(const PickleGlobal& global) {
  for (const Name& name : kNames) {
    if (global.is("torch", name.storage) || global.is("torch", name.dtype)) return name.ours;
  }
  return std::nullopt;
}

}  // namespace iolaus::io
