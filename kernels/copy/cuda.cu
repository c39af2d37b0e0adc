// copy, cast and fill on CUDA, of any strides (swapped dimensions have a variant of their own,
// transpose.cu). Between equal dtypes only bits move, so one kernel for each element size serves
// all of them. Bandwidth-bound: each element is read and written once.
#include "kernels/copy/cast.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

struct Same {
  template <class T> __device__ T operator()(T x) const { return x; }
};
using BitTypes = TypeList<uint8_t, int16_t, int32_t, int64_t>;

void run_same(const Pointwise& p) {
  constexpr DType kBits[] = {kUInt8, kInt16, kInt32, kInt64};
  visit_dtype(BitTypes{}, "copy", kBits[__builtin_ctzll(item_size(p.dtypes[0]))],
              [&]<class T>() { gpu::pointwise_as<true>(p, Same{}, gpu::Types<T, T>{}); });
}

void run(const Pointwise& p) {
  if (p.numel == 0) return;
  if (p.dtypes[0] == p.dtypes[1]) return run_same(p);
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() {
      if constexpr (!std::is_same_v<Out, In>) {
        gpu::pointwise(p, Cast<Out, In>{}, gpu::Types<Out, In>{});
      }
    });
  });
}

const bool kRegistered = copy_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
