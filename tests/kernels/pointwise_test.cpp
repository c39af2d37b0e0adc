// Indexing of elementwise kernels: division by a multiplication, and geometries cut in halves.
#include <doctest/doctest.h>

#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/random.h"
#include "autograd/ops/view.h"
#include "kernels/divider.h"
#include "kernels/elementwise/pointwise.h"

using namespace iolaus;

TEST_CASE("Divider: the quotients of integer division, up to its limits") {
  constexpr uint32_t kLast = (1u << 31) - 1;
  for (uint32_t by : {1u, 2u, 3u, 5u, 7u, 10u, 641u, 1000u, 4095u, 4096u, 4097u, 65537u, 1000003u,
                      (1u << 30) - 1, 1u << 30, (1u << 30) + 1, kLast - 1, kLast}) {
    const Divider divider(by);
    CHECK(divider.by() == by);
    for (uint64_t multiple = 0; multiple <= kLast; multiple += by * (kLast / by / 1000 + 1ull)) {
      for (int64_t n = static_cast<int64_t>(multiple) - 1; n <= static_cast<int64_t>(multiple) + 1;
           ++n) {
        if (n < 0 || n > kLast) continue;
        REQUIRE(divider.divide(static_cast<uint32_t>(n)) == n / by);
      }
    }
    REQUIRE(divider.divide(kLast) == kLast / by);
  }
}

TEST_CASE("halves_of: each element of the output belongs to one half, with its operands") {
  const Tensor out = zeros({5, 7}), row = arange(7, kFloat32), x = t(rand({7, 5}));
  const Operand operands[] = {{&out}, {&x}, {&row}, {nullptr, 2.0, kFloat32}};
  Pointwise p;
  make_pointwise(p, "test", operands, kFloat32);
  std::vector<Pointwise> parts = {p};
  for (int turn = 0; turn < 3; ++turn) {  // 35 elements to at most 6
    std::vector<Pointwise> halves;
    for (const Pointwise& part : parts) {
      for (const Pointwise& half : halves_of(part)) halves.push_back(half);
    }
    parts = halves;
  }
  int64_t total = 0;
  for (const Pointwise& part : parts) {
    total += part.numel;
    REQUIRE(part.rank == 2);
    for (int64_t i = 0; i < part.sizes[0]; ++i) {
      for (int64_t j = 0; j < part.sizes[1]; ++j) {
        const auto at = [&](int k) {
          return static_cast<float*>(part.data[k]) + i * part.strides[k][0] +
                 j * part.strides[k][1];
        };
        CHECK(part.data[3] == nullptr);
        *at(0) += *at(1) * 100 + *at(2);
      }
    }
  }
  CHECK(total == 35);
  const auto got = out.to_vector<float>(), from = contiguous(x).to_vector<float>();
  for (size_t i = 0; i < 35; ++i) CHECK(got[i] == from[i] * 100 + static_cast<float>(i % 7));
}
