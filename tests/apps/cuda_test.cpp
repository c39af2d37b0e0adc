// Training on CUDA, real or simulated, beside the CPU.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "core/device.h"
#include "tests/apps/support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

// The numbers in a column of a run's metrics.csv; rows without one are left out.
std::vector<double> column(const std::string& csv, const std::string& name) {
  std::istringstream lines(csv);
  std::string line, cell;
  std::getline(lines, line);
  if (line.ends_with('\r')) line.pop_back();
  std::istringstream header(line);
  int at = 0;
  while (std::getline(header, cell, ',') && cell != name) ++at;
  std::vector<double> values;
  while (std::getline(lines, line)) {
    if (line.ends_with('\r')) line.pop_back();
    std::istringstream row(line);
    for (int i = 0; i <= at; ++i) std::getline(row, cell, ',');
    if (row && !cell.empty()) values.push_back(std::strtod(cell.c_str(), nullptr));
  }
  return values;
}

}  // namespace

TEST_CASE("the default experiment has the same losses on CUDA as on the CPU, and the same twice") {
  if (!is_available(kCUDA)) return;
  const Folder folder;
  const std::string few =
      "train trainer.max_steps=5 trainer.max_epochs=1 data.batch_size=8 test=false "
      "trainer.log_every_n_steps=1 ";
  for (const char* where : {"device=cpu hydra.run.dir=cpu", "device=cuda hydra.run.dir=cuda",
                            "device=cuda hydra.run.dir=again"}) {
    const Outcome outcome = run(folder, few + where);
    CAPTURE(outcome.output);
    REQUIRE(outcome.status == 0);
  }
  const std::string csv = read(folder / "cuda/metrics.csv");
  const auto cpu = column(read(folder / "cpu/metrics.csv"), "train/loss_step");
  const auto cuda = column(csv, "train/loss_step");
  REQUIRE(cpu.size() == 5);
  REQUIRE(cuda.size() == 5);
  for (size_t i = 0; i < cpu.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(cpu[i] - cuda[i]) <= 1e-4 * cpu[i]);
  }
  CHECK(read(folder / "again/metrics.csv") == csv);
}
