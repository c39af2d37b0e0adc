// Sweeps that are killed from outside, the launcher with them, and what a continued sweep makes of
// what they left.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "config/interpolation.h"
#include "config/sweep_record.h"
#include "tests/config/support_app.h"

using namespace iolaus;
using namespace iolaus::config;
using config::testing::AppResult;
using config::testing::run_app;
using config::testing::TempTree;

namespace {

const std::vector<std::string> kSweep = {"-cn",
                                         "config",
                                         "-m",
                                         "x=1,2,3",
                                         "hydra.sweep.dir=s",
                                         "hydra/launcher=local",
                                         "hydra.launcher.n_jobs=2"};

std::vector<std::string> and_continue() {
  std::vector<std::string> again = kSweep;
  again.push_back("--continue");
  return again;
}

template <class Condition> bool within_seconds(int seconds, Condition condition) {
  for (int i = 0; i < seconds * 50; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

}  // namespace

TEST_CASE("jobs die with a launcher that is killed, and the sweep goes on where it was") {
  const TempTree tree;
  tree.write("config.yaml", "x: 1\n");
  const std::string pids = tree / "pids";
  // Job 0 ends at once; the others write their process down and wait for the end of the world.
  const auto task = [&](const Node& cfg, const JobContext& job) -> TaskResult {
    if (job.num != 0 && !tree.has("fixed")) {
      std::ofstream(pids, std::ios::app) << ::getpid() << std::endl;
      std::this_thread::sleep_for(std::chrono::minutes(10));
    }
    return select(cfg, "x")->as_float();
  };
  const auto processes = [&] {
    std::vector<pid_t> found;
    std::ifstream file(pids);
    for (pid_t process = 0; file >> process;) found.push_back(process);
    return found;
  };
  const pid_t launcher = ::fork();
  if (launcher == 0) {
    run_app(tree.path(), {.name = "app", .config_dir = tree.path()}, kSweep, task);
    ::_exit(0);
  }
  REQUIRE(within_seconds(30, [&] { return processes().size() == 2; }));
  // run_app forks once more: the launcher is the parent of the jobs.
  std::ifstream status("/proc/" + std::to_string(processes()[0]) + "/stat");
  std::string word;
  pid_t parent = 0;
  status >> word >> word >> word >> parent;
  REQUIRE(parent > 1);
  CHECK(::kill(parent, SIGKILL) == 0);
  CHECK(within_seconds(10, [&] {
    for (const pid_t process : processes()) {
      if (::kill(process, 0) == 0) return false;
    }
    return true;
  }));
  ::kill(launcher, SIGKILL);
  ::waitpid(launcher, nullptr, 0);

  tree.write("fixed", "");
  const AppResult second =
      run_app(tree.path(), {.name = "app", .config_dir = tree.path()}, and_continue(), task);
  CHECK(second.status == 0);
  CHECK(second.out.find("Launching 2 jobs") != std::string::npos);
  CHECK(second.err.find("#2   completed") != std::string::npos);
}

TEST_CASE("a record that was torn by a kill is shortened, and can be continued twice") {
  const TempTree tree;
  tree.write("s/jobs.jsonl",
             "{\"num\":0,\"overrides\":[\"x=1\"],\"state\":\"completed\"}\n{\"num\":1,\"ov");
  {
    SweepRecord record(tree / "s", true);
    CHECK(record.entries().size() == 1);
    record.started(1, {"x=2"});
  }
  const SweepRecord again(tree / "s", true);
  REQUIRE(again.find({"x=2"}) != nullptr);
  CHECK(again.find({"x=2"})->state == "running");
  CHECK(again.find({"x=1"})->state == "completed");
}

TEST_CASE("a finished sweep that is continued with more values runs the new ones") {
  const TempTree tree;
  tree.write("config.yaml", "x: 1\n");
  const std::vector<std::string> sweep = {"-cn", "config", "-m", "hydra.sweep.dir=s",
                                          "hydra.sweep.subdir=x/${x}"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), sweep.begin(), sweep.end());
    const AppResult result =
        run_app(tree.path(), {.name = "app", .config_dir = tree.path()}, more,
                [](const Node&, const JobContext&) -> TaskResult { return {}; });
    CHECK(result.status == 0);
    return result.out;
  };
  CHECK(run({"x=1,2"}).find("Launching 2 jobs") != std::string::npos);
  CHECK(!tree.has("s/jobs.jsonl"));
  const std::string more = run({"x=1,2,3", "--continue"});
  CHECK(more.find("Launching 1 jobs") != std::string::npos);
  CHECK(more.find("#2 : x=3") != std::string::npos);
  CHECK(tree.has("s/x/3/.hydra/config.yaml"));
  CHECK(run({"x=1,2,3", "--continue"}).find("Launching 0 jobs") != std::string::npos);
}
