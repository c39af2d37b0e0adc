// Random ops of the table with random arguments: small tensors of any dtype and layout, numbers at
// their limits, lists, names; then the gradients of what comes out. A call may be refused with a
// typed error that is not an internal one; a crash, a sanitizer's finding or any other exception is
// a finding.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "autograd/engine.h"
#include "autograd/op_forms.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/view.h"
#include "core/error.h"

using namespace iolaus;

namespace {

// Decisions read off the input; zeros when it is used up.
class Input {
 public:
  Input(const unsigned char* data, size_t size) : data_(data), size_(size) {}
  unsigned byte() { return at_ < size_ ? data_[at_++] : 0; }
  int64_t below(int64_t count) {
    const unsigned high = count > 255 ? byte() : 0;
    return static_cast<int64_t>(high << 8 | byte()) % count;
  }
  bool one_in(int64_t count) { return below(count) == count - 1; }
  template <class T> T one_of(std::initializer_list<T> list) {
    return list.begin()[below(static_cast<int64_t>(list.size()))];
  }

 private:
  const unsigned char* data_;
  size_t size_, at_ = 0;
};

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

int64_t any_int(Input& in) {
  if (in.one_in(24)) {  // too large to be a size that memory has
    return in.one_of<int64_t>(
        {kMost, -kMost - 1, int64_t{1} << 62, int64_t{1} << 45, -(int64_t{1} << 45)});
  }
  return in.below(9) - 3;
}
double any_real(Input& in) {
  if (in.one_in(16)) {
    return in.one_of<double>({INFINITY, -INFINITY, NAN, 1e308, -1e-308, 0.0});
  }
  return (static_cast<double>(in.below(65)) - 32) / 16;
}

DType any_dtype(Input& in) {
  if (!in.one_in(4)) return in.one_of({kFloat32, kFloat64, kInt64});
  return in.one_of({kBool, kUInt8, kInt8, kInt16, kInt32, kFloat16, kBFloat16});
}

Tensor any_tensor(Input& in, bool wants_grad) {
  Dims sizes;
  for (int64_t rank = in.below(5); rank > 0; --rank) {
    sizes.push_back(in.one_in(12) ? 0 : in.below(4) + 1);
  }
  const DType dtype = any_dtype(in);
  std::vector<double> values;
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  const bool wild = in.one_in(8);
  uint64_t state = in.byte() + 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values.push_back(is_floating(dtype) && !wild ? static_cast<double>(state >> 58) / 16 - 2
                     : wild && is_floating(dtype)
                         ? any_real(in)
                         : static_cast<double>(state >> 61) - (wild ? 3 : 0));
  }
  Tensor x = to(from_values(values, sizes), dtype);
  if (x.dim() >= 2 && in.one_in(4)) x = transpose(x, 0, -1);
  if (x.dim() >= 1 && in.one_in(6)) x = slice(x, -1, in.below(2), kMost, 2);
  if (in.one_in(8)) {
    Dims wide = x.sizes();
    wide.insert(0, 2);
    x = expand(x, wide);
  }
  x = x.detach();
  if (wants_grad && is_floating(x.dtype())) x.set_requires_grad();
  return x;
}

Index any_index(Input& in) {
  switch (in.below(5)) {
    case 0:
      return NewAxis{};
    case 1:
      return Ellipsis{};
    case 2:
      return any_int(in);
    case 3: {
      Slice slice;
      if (in.one_in(2)) slice.start = any_int(in);
      if (in.one_in(2)) slice.stop = any_int(in);
      if (in.one_in(3)) slice.step = any_int(in);
      return slice;
    }
    default:
      return any_tensor(in, false);
  }
}

OpValue any_value(Input& in, const OpArgument& argument, bool wants_grad) {
  const std::string& kind = argument.kind;
  if (argument.optional && in.one_in(3)) return std::monostate{};
  const auto list_of = [&in](auto one) {
    std::vector<decltype(one())> list;
    for (int64_t count = in.below(5); count > 0; --count) list.push_back(one());
    return list;
  };
  if (kind == "Tensor") return any_tensor(in, wants_grad);
  if (kind == "Tensor[]") {
    return Tensors(list_of([&] { return any_tensor(in, wants_grad); }));
  }
  if (kind == "int") return any_int(in);
  if (kind == "float") return any_real(in);
  if (kind == "bool") return in.one_in(2);
  if (kind == "int[]" && argument.repeat > 0 && !in.one_in(8)) {  // a list of that length
    Ints list;
    for (int64_t i = 0; i < argument.repeat; ++i) list.push_back(any_int(in));
    return list;
  }
  if (kind == "int[]") return Ints(list_of([&] { return any_int(in); }));
  if (kind == "float[]") return Floats(list_of([&] { return any_real(in); }));
  if (kind == "Index[]") return Indices(list_of([&] { return any_index(in); }));
  if (kind == "dtype") return any_dtype(in);
  if (kind == "device") return Device();
  if (kind == "Scalar") {
    if (in.one_in(3)) return any_int(in);
    return in.one_in(4) ? OpValue(in.one_in(2)) : OpValue(any_real(in));
  }
  return std::string(in.one_of<const char*>({"none",       "mean",
                                             "sum",        "constant",
                                             "reflect",    "replicate",
                                             "circular",   "bilinear",
                                             "nearest",    "bicubic",
                                             "linear",     "area",
                                             "trilinear",  "nearest-exact",
                                             "zeros",      "border",
                                             "reflection", "floor",
                                             "trunc",      "tanh",
                                             "max",        "prod",
                                             "amax",       "amin",
                                             "reduced",    "complete",
                                             "r",          "ij",
                                             "xy",         "left",
                                             "right",      "lower",
                                             "same",       "valid",
                                             "ij,jk->ik",  "...i->i",
                                             "ii->i",      ""}));
}

// Says which call it was, for the report of a crash.
std::string call_text(const OpSchema& schema, const std::vector<OpValue>& values) {
  std::string text = schema.text;
  for (const OpValue& value : values) text += "\n  " + describe_value(value);
  return text;
}

void call(Input& in) {
  static const std::vector<std::string> names = op_names();
  const std::string& name =
      names[static_cast<size_t>(in.below(static_cast<int64_t>(names.size())))];
  const std::vector<OpSchema>& overloads = find_op(name);
  const OpSchema& schema =
      overloads[static_cast<size_t>(in.below(static_cast<int64_t>(overloads.size())))];
  const bool wants_grad = in.one_in(2);
  std::vector<OpValue> values, positional;
  NamedValues named;
  for (const OpArgument& argument : schema.arguments) {
    const bool stays = !argument.required && in.one_in(2);
    values.push_back(stays ? argument.default_value : any_value(in, argument, wants_grad));
    if (argument.keyword) {
      named.emplace_back(argument.name, values.back());
    } else {
      positional.push_back(values.back());
    }
  }
  // An input, or a tensor of its own, takes the result; an input stands for another.
  const auto tensor_at = [&](size_t i) {
    return i < values.size() ? std::get_if<Tensor>(&values[i]) : nullptr;
  };
  if (schema.form && schema.form->out && !schema.in_place && in.one_in(4)) {
    const Tensor* first = tensor_at(0);
    named.emplace_back("out", first && in.one_in(2) ? *first : any_tensor(in, false));
  } else if (positional.size() > 1 && tensor_at(0) && tensor_at(1) && in.one_in(8)) {
    positional[1] = positional[0];
  }
  if (std::getenv("IOLAUS_FUZZ_SHOW"))
    std::fprintf(stderr, "%s\n", call_text(schema, values).c_str());
  try {
    const Tensors outs = call_op(name, positional, named);
    for (const Tensor& out : outs) {
      if (!out.defined() || !out.requires_grad()) continue;
      out.backward(ones_like(out.detach()));
      break;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInternal) return;
    std::fprintf(stderr, "internal error: %s\n%s\n", error.what(),
                 call_text(schema, values).c_str());
    std::abort();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "not a typed error: %s\n%s\n", error.what(),
                 call_text(schema, values).c_str());
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  Input in(data, size);
  call(in);
  return 0;
}
