// Every vector of PyTorch runs through the op table, on the CPU and on CUDA where there is a
// device. What cannot pass is in listed.json with its reason; the counts are printed by dtype.
// IOLAUS_VECTORS_REPORT=FILE writes every failing or listed case there.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/devices.h"
#include "tests/vectors/cases.h"

using namespace iolaus;
using namespace iolaus::vectors;

namespace {

struct Count {
  int passed = 0, listed = 0, failed = 0;
};

const Vectors& vectors() {
  static const Vectors all = load_vectors();
  return all;
}

void run_all(Device device) {
  Listed list;
  std::map<std::string, Count> counts;
  const char* path = std::getenv("IOLAUS_VECTORS_REPORT");
  std::ofstream report(path ? path : "/dev/null");
  int shown = 0;
  for (const auto& test : vectors().cases) {
    Count& count = counts[test["dtype"]];
    const std::string problem = run_case(vectors(), test, device);
    if (problem.empty()) {
      ++count.passed;
      continue;
    }
    const std::string reason = list.reason(test, device);
    ++(reason.empty() ? count.failed : count.listed);
    report << test["case"].get<std::string>() << (reason.empty() ? " FAILED " : " listed ")
           << problem << "\n  " << test.dump() << "\n";
    if (!reason.empty() || ++shown > 40) continue;
    const std::string name = test["case"];
    CAPTURE(name);
    CHECK_MESSAGE(problem.empty(), problem);
  }
  Count all;
  std::printf("vectors of PyTorch %s on %s\n%12s %8s %8s %8s\n", vectors().torch.c_str(),
              device.str().c_str(), "", "passed", "listed", "failed");
  const auto line = [](const char* name, const Count& count) {
    std::printf("%12s %8d %8d %8d\n", name, count.passed, count.listed, count.failed);
  };
  for (const auto& [dtype, count] : counts) {
    line(dtype.c_str(), count);
    all.passed += count.passed;
    all.listed += count.listed;
    all.failed += count.failed;
  }
  line("all", all);
  CHECK(all.failed == 0);
  if (device.is_cpu()) {
    for (const std::string& pattern : list.unused()) {
      CHECK_MESSAGE(false, "listed, but nothing fails: ", pattern);
    }
  }
}

void run_all_in_place(Device device) {
  Listed list;
  std::map<std::string, int> counts;
  int all = 0, shown = 0;
  for (const auto& test : vectors().cases) {
    if (!fits_in_place(vectors(), test)) continue;
    ++counts[find_op(test["op"]).at(0).name];
    ++all;
    const std::string problem = run_case_in_place(vectors(), test, device);
    if (problem.empty() || !list.reason(test, device).empty() || ++shown > 40) continue;
    const std::string name = test["case"];
    CAPTURE(name);
    CHECK_MESSAGE(problem.empty(), problem);
  }
  std::printf("in place on %s: %d cases of %zu ops\n", device.str().c_str(), all, counts.size());
  CHECK(all > 1000);
}

}  // namespace

TEST_CASE("ops give PyTorch's results and gradients on the CPU") { run_all(Device()); }

TEST_CASE("ops give PyTorch's results and gradients on CUDA") {
  if (!is_available(kCUDA)) {
    MESSAGE("skipped: no CUDA device");
    return;
  }
  run_all(Device(kCUDA));
}

TEST_CASE("in-place forms give PyTorch's results and gradients of their ops") {
  for (const Device device : test::all_devices()) run_all_in_place(device);
}

TEST_CASE("signatures of ops and their schemas say the same") {
  for (const std::string& name : op_names()) {
    for (const OpSchema& schema : find_op(name)) {
      INFO(schema.text);
      REQUIRE(schema.arguments.size() == schema.signature.size());
      for (size_t i = 0; i < schema.arguments.size(); ++i) {
        CHECK(schema.arguments[i].kind == schema.signature[i]);
      }
    }
  }
}
