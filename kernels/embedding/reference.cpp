// The truth for embedding, in double.
#include "kernels/elementwise/domain.h"
#include "kernels/embedding/embedding.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

void forward(const Embedding& e) {
  for (int64_t i = 0; i < e.count; ++i) {
    if (e.index[i] < 0 || e.index[i] >= e.rows) fail_bad_index(e.index[i], i, e.rows);
    for (int64_t d = 0; d < e.width; ++d) {
      store_real(e.out, e.element, i * e.width + d,
                 load_real(e.in, e.element, e.index[i] * e.width + d));
    }
  }
}

void backward(const Embedding& e) {
  for (int64_t v = 0; v < e.rows; ++v) {
    for (int64_t d = 0; d < e.width; ++d) {
      double sum = 0;
      for (int64_t i = 0; i < e.count; ++i) {
        if (e.index[i] == v && v != e.padding) sum += load_real(e.in, e.element, i * e.width + d);
      }
      store_real(e.out, e.element, v * e.width + d, sum);
    }
  }
}

const bool kForward =
    embedding_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    embedding_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
