// Walks the registry: every variant of every kernel that can run here against its fp64 reference,
// in every dtype that it declares. What is new is tested unasked. For tools that are slow:
// IOLAUS_TEST_OP=softmax and IOLAUS_TEST_DEVICE=cuda restrict it to an op's folder and a device,
// IOLAUS_TEST_OURS=1 to handwritten variants, IOLAUS_TEST_SHARED=1 to those ops whose kernels may
// use shared memory (all but the elementwise), IOLAUS_TEST_SHARD=2/4 to the second of four parts.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kernels/check.h"

using namespace iolaus;

namespace {

bool is_wanted(const char* variable, std::string_view name) {
  const char* wanted = std::getenv(variable);
  return wanted == nullptr || name == wanted;
}

bool is_ours(std::string_view variant) {
  return std::getenv("IOLAUS_TEST_OURS") == nullptr ||
         (variant != "cudnn" && variant != "cublaslt" && variant != "onednn");
}

// Whether the variant with this number belongs to the part that is asked for.
bool is_in_shard(int64_t number) {
  const char* text = std::getenv("IOLAUS_TEST_SHARD");
  if (text == nullptr) return true;
  long part = 0, parts = 0;
  REQUIRE(std::sscanf(text, "%ld/%ld", &part, &parts) == 2);
  return number % parts == part - 1;
}

}  // namespace

TEST_CASE("every kernel has a reference, a default for the CPU, and samples") {
  for (KernelSetBase* set : all_kernel_sets()) {
    CAPTURE(set->name());
    bool reference = false, fast = false;
    for (const VariantInfo* v : set->variants()) {
      if (v->device != kCPU) continue;
      (v->name == "reference" ? reference : fast) = true;
    }
    CHECK(reference);
    CHECK(fast);
  }
}

TEST_CASE("every variant agrees with the fp64 reference on every sample") {
  int64_t checked = 0, variants = 0, number = 0;
  for (KernelSetBase* set : all_kernel_sets()) {
    if (!is_wanted("IOLAUS_TEST_OP", set->op())) continue;
    if (std::getenv("IOLAUS_TEST_SHARED") != nullptr && set->op() == "elementwise") continue;
    for (const VariantInfo* v : set->variants()) {
      if (!is_available(v->device)) continue;
      if (!is_wanted("IOLAUS_TEST_DEVICE", v->device == kCPU ? "cpu" : "cuda")) continue;
      if (!is_ours(v->name) || !is_in_shard(number++)) continue;
      int64_t ran = 0;
      for (DType dtype : v->dtypes) {
        for (const CheckResult& r : set->check(*v, dtype, {Device(v->device)})) {
          if (!r.skipped.empty()) continue;
          ++ran;
          INFO(set->name(), " ", v->name, " ", r.args, ": output ", r.output, " max abs error ",
               r.max_abs_error, " bound ", r.bound, " relative L2 ", r.relative_l2);
          CHECK(r.passed);
        }
      }
      INFO(set->name(), " ", v->name, " has no sample that it can run");
      CHECK(ran > 0);
      checked += ran;
      ++variants;
    }
  }
  MESSAGE(all_kernel_sets().size(), " kernels, ", variants, " variants, ", checked, " checks");
}
