// Indices out of range that kernels find on the device: the op, the index, its place and the bound
// are named at the next wait, and the bound itself is out of range. Skipped visibly without a
// device.
#include <doctest/doctest.h>

#include "autograd/ops/loss.h"
#include "kernels/check.h"
#include "kernels/embedding/embedding.h"
#include "kernels/indexing/indexing.h"
#include "tests/kernels/cuda_support.h"

using namespace iolaus;
using iolaus::test::has_device;
using iolaus::test::on_device;

namespace {

void wait() { backend(kCUDA).synchronize(Device(kCUDA)); }

}  // namespace

TEST_CASE("an index out of range on the device is an error by the next wait, once") {
  if (!has_device()) return;
  const Tensor table = on_device(sample_tensor({5, 3}, kFloat32, 1));
  const Tensor out = empty({2, 3}, {.device = Device(kCUDA)});
  for (int64_t bad : {5, 7, -1}) {
    const Tensor index = on_device(from_values<int64_t>({4, bad}, {2}));
    const auto run_and_wait = [&] {
      embedding_kernels()(make_embedding(out, table, index, false));
      wait();
    };
    const std::string text =
        fmt::format("[embedding] expected indices in [0, 5), got {} at position 1", bad);
    CHECK_THROWS_WITH_AS(run_and_wait(), text.c_str(), Error);
    CHECK_NOTHROW(wait());
  }
}

TEST_CASE("an index out of range names the op that used it, its place and the bound") {
  if (!has_device()) return;
  const Tensor x = on_device(sample_tensor({2, 4, 1}, kFloat32, 5));
  for (int64_t bad : {-2, 4}) {
    const Tensor index = on_device(from_values<int64_t>({0, 1, 3, bad, 0, 0}, {2, 3, 1}));
    const Tensor picked = empty({2, 3, 1}, {.device = Device(kCUDA)});
    const auto gather_and_wait = [&] {
      gather_kernels()({x, index, picked, "take_along_dim"});
      wait();
    };
    const auto text = [&](const char* op) {
      return fmt::format("[{}] expected indices in [0, 4), got {} at position 3", op, bad);
    };
    CHECK_THROWS_WITH_AS(gather_and_wait(), text("take_along_dim").c_str(), Error);
    const auto scatter_and_wait = [&] {
      scatter_kernels()({index, picked, x, ScatterReduce::kSum, true, "scatter_add"});
      wait();
    };
    CHECK_THROWS_WITH_AS(scatter_and_wait(), text("scatter_add").c_str(), Error);
  }
}

TEST_CASE("a class that is none is an error of cross_entropy on the device") {
  if (!has_device()) return;
  const Tensor x = on_device(sample_tensor({2, 3}, kFloat32, 6));
  for (int64_t bad : {3, -1}) {
    const Tensor target = on_device(from_values<int64_t>({0, bad}, {2}));
    const auto run_and_wait = [&] {
      cross_entropy(x, target);
      wait();
    };
    CHECK_THROWS_AS(run_and_wait(), Error);
    CHECK_NOTHROW(wait());
  }
}
