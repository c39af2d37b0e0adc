// Element access for reference kernels.
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

template <class To> To load(const void* data, DType dtype, int64_t at) {
  To value{};
  visit_dtype(AllTypes{}, "reference", dtype, [&]<class T>() {
    value = static_cast<To>(static_cast<MathType<T>>(static_cast<const T*>(data)[at]));
  });
  return value;
}

template <class From> void store(void* data, DType dtype, int64_t at, From value) {
  visit_dtype(AllTypes{}, "reference", dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>) {
      static_cast<T*>(data)[at] = value != From(0);
    } else {
      static_cast<T*>(data)[at] = static_cast<T>(static_cast<MathType<T>>(value));
    }
  });
}

}  // namespace

double load_real(const void* data, DType dtype, int64_t at) {
  return load<double>(data, dtype, at);
}
void store_real(void* data, DType dtype, int64_t at, double value) {
  store(data, dtype, at, value);
}
int64_t load_integer(const void* data, DType dtype, int64_t at) {
  return load<int64_t>(data, dtype, at);
}
void store_integer(void* data, DType dtype, int64_t at, int64_t value) {
  store(data, dtype, at, value);
}

}  // namespace iolaus
