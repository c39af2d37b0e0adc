// Whole applications, as a user starts them: flags, runs, sweeps, what they leave behind.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "config/callbacks.h"
#include "config/interpolation.h"
#include "config/sweep_record.h"
#include "config/yaml.h"
#include "tests/config/support_app.h"

using namespace iolaus;
using namespace iolaus::config;
using config::testing::AppResult;
using config::testing::compose_app;
using config::testing::run_app;
using config::testing::TempTree;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::map<std::string, std::string> kTree = {{"config.yaml", "x: 1\nfail: false\nref: ${x}\n"},
                                                  {"secret.yaml", "key: ${oc.env:SECRET_KEY}\n"}};

// Returns x as the metric; fails on request.
TaskResult metric_task(const Node& cfg, const JobContext& job) {
  const double x = select(cfg, "x")->as_float();
  if (select(cfg, "fail")->as_bool() && job.num.value_or(0) == 1) throw std::runtime_error("boom");
  return (x - 3) * (x - 3);
}

AppResult metric_app(const TempTree& tree, const std::vector<std::string>& arguments,
                     const Task& task = metric_task) {
  std::vector<std::string> all = {"-cn", "config"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_app(tree.path(), {.name = "app", .config_dir = tree.path()}, all, task);
}

}  // namespace

TEST_CASE("a run leaves its configs unresolved, its log and nothing else") {
  const TempTree tree(kTree);
  ::setenv("SECRET_KEY", "do-not-store", 1);
  const AppResult result = compose_app(tree, {"-cn", "secret", "hydra.run.dir=out"});
  CHECK(result.status == 0);
  CHECK(tree.read("out/.hydra/config.yaml") == "key: ${oc.env:SECRET_KEY}\n");
  CHECK(tree.read("out/.hydra/overrides.yaml") == "[]\n");
  CHECK(contains(tree.read("out/.hydra/hydra.yaml"), "hydra:\n  run:\n    dir: out\n"));
  CHECK(!contains(tree.read("out/.hydra/hydra.yaml"), "do-not-store"));
  CHECK(tree.has("out/compose.log"));
}

TEST_CASE("a task that throws fails the run with its message") {
  const TempTree tree(kTree);
  const AppResult result =
      metric_app(tree, {"hydra.run.dir=o"}, [](const Node&, const JobContext&) -> TaskResult {
        throw std::runtime_error("the reactor is too hot");
      });
  CHECK(result.status == 1);
  CHECK(contains(result.err, "Error executing job with overrides: []"));
  CHECK(contains(result.err, "the reactor is too hot"));
}

TEST_CASE("wrong flags exit with 2 and a suggestion") {
  const TempTree tree(kTree);
  const AppResult result = compose_app(tree, {"--multrun"});
  CHECK(result.status == 2);
  CHECK(contains(result.err, "Did you mean '--multirun'?"));
  CHECK(compose_app(tree, {"-c", "jobs"}).status == 2);
}

TEST_CASE("overrides may stand before, between and after flags") {
  const TempTree tree(kTree);
  const AppResult result =
      compose_app(tree, {"x=2", "-cn", "config", "+a=1", "--cfg", "job", "+b=2"});
  CHECK(result.status == 0);
  CHECK(result.out == "x: 2\nfail: false\nref: ${x}\na: 1\nb: 2\n");
}

TEST_CASE("two runs that start in the same second get two directories") {
  const TempTree tree(kTree);
  const std::string same = "hydra.run.dir=o/${now:%Y}";
  CHECK(compose_app(tree, {"-cn", "config", same}).status == 0);
  CHECK(compose_app(tree, {"-cn", "config", same}).status == 0);
  int configs = 0;
  for (const std::string& file : tree.files()) configs += file.ends_with(".hydra/config.yaml");
  CHECK(configs == 2);
}

TEST_CASE("two processes cannot run in one directory at the same time") {
  const TempTree tree(kTree);
  // A program of its own asks for the lock while the run holds it.
  const AppResult outer =
      metric_app(tree, {"hydra.run.dir=o"}, [&](const Node&, const JobContext&) -> TaskResult {
        const std::string command = "flock -n '" + tree.path() + "/o' true";
        if (std::system(command.c_str()) == 0) throw std::runtime_error("the lock was free");
        return {};
      });
  CHECK(outer.status == 0);
}

TEST_CASE("a sweep numbers its jobs in the order of the product") {
  const TempTree tree(kTree);
  const AppResult result = metric_app(tree, {"-m", "x=1,2", "+y=a,b", "hydra.sweep.dir=s"});
  CHECK(result.status == 0);
  CHECK(tree.read("s/1/.hydra/overrides.yaml") == "- x=1\n- +y=b\n");
  CHECK(tree.read("s/2/.hydra/overrides.yaml") == "- x=2\n- +y=a\n");
  CHECK(tree.has("s/multirun.yaml"));
  CHECK(!tree.has("s/jobs.jsonl"));
  CHECK(contains(result.err, "#3   completed"));
}

TEST_CASE("the zip sweeper advances all sweeps together") {
  const TempTree tree(kTree);
  CHECK(
      metric_app(tree, {"-m", "x=1,2", "+y=a,b", "+z=0", "hydra/sweeper=zip", "hydra.sweep.dir=s"})
          .status == 0);
  CHECK(tree.read("s/0/.hydra/overrides.yaml") == "- x=1\n- +y=a\n- +z=0\n");
  CHECK(tree.read("s/1/.hydra/overrides.yaml") == "- x=2\n- +y=b\n- +z=0\n");
  CHECK(!tree.has("s/2"));
  CHECK(metric_app(tree, {"-m", "x=1,2", "+y=a,b,c", "hydra/sweeper=zip"}).status == 1);
}

TEST_CASE("a failed job does not stop the sweep, and --continue runs only what is left") {
  const TempTree tree(kTree);
  const std::vector<std::string> sweep = {"-m", "x=1,2,3", "hydra.sweep.dir=s", "+fail_now=true"};
  const std::string counter = tree / "ran";
  const auto task = [&](const Node& cfg, const JobContext& job) -> TaskResult {
    if (std::FILE* file = std::fopen(counter.c_str(), "a")) {
      std::fprintf(file, "%d ", *job.num);
      std::fclose(file);
    }
    if (job.num == 1 && ::access((tree / "fixed").c_str(), F_OK) != 0) {
      throw std::runtime_error("boom");
    }
    return select(cfg, "x")->as_float();
  };
  const AppResult first = metric_app(tree, sweep, task);
  CHECK(first.status == 1);
  CHECK(contains(first.err, "boom"));
  CHECK(contains(first.err, "#1   failed"));
  CHECK(tree.read("ran") == "0 1 2 ");
  tree.write("fixed", "");
  std::vector<std::string> again = sweep;
  again.push_back("--continue");
  const AppResult second = metric_app(tree, again, task);
  CHECK(second.status == 0);
  CHECK(tree.read("ran") == "0 1 2 1 ");
  CHECK(contains(second.err, "#2   completed"));
}

TEST_CASE("the local launcher survives a job that is killed, and runs it again") {
  const TempTree tree(kTree);
  const auto task = [&](const Node& cfg, const JobContext& job) -> TaskResult {
    if (job.num == 1 && ::access((tree / "fixed").c_str(), F_OK) != 0) ::raise(SIGKILL);
    return select(cfg, "x")->as_float();
  };
  const std::vector<std::string> sweep = {"-m", "x=1,2,3", "hydra.sweep.dir=s",
                                          "hydra/launcher=local", "hydra.launcher.n_jobs=2"};
  const AppResult first = metric_app(tree, sweep, task);
  CHECK(first.status == 1);
  CHECK(contains(first.err, "killed by signal 9"));
  CHECK(tree.has("s/2/.hydra/config.yaml"));
  tree.write("fixed", "");
  std::vector<std::string> again = sweep;
  again.push_back("--continue");
  const AppResult second = metric_app(tree, again, task);
  CHECK(second.status == 0);
  CHECK(contains(second.out, "Launching 1 jobs"));
  CHECK(contains(second.err, "#2   completed"));
}

TEST_CASE("on_failure=stop starts no more jobs") {
  const TempTree tree(kTree);
  const AppResult result = metric_app(
      tree, {"-m", "x=range(20)", "fail=true", "hydra.sweep.dir=s", "hydra/launcher=local",
             "hydra.launcher.n_jobs=1", "hydra.launcher.on_failure=stop"});
  CHECK(result.status == 1);
  CHECK(tree.has("s/1"));
  CHECK(!tree.has("s/3"));
  CHECK(contains(result.err, "#19  not run"));
}

TEST_CASE("jobs get the GPUs of the launcher in turn") {
  const TempTree tree(kTree);
  const auto task = [](const Node&, const JobContext&) -> TaskResult {
    const char* gpu = std::getenv("CUDA_VISIBLE_DEVICES");
    return gpu ? std::atof(gpu) : -1;
  };
  const AppResult result = metric_app(
      tree,
      {"-m", "x=1,2,3,4", "hydra.sweep.dir=s", "hydra/launcher=local", "hydra.launcher.gpus=[3,5]"},
      task);
  CHECK(result.status == 0);
  const SweepRecord record(tree / "s", true);
  int threes = 0, fives = 0;
  for (const auto& [overrides, entry] : record.entries()) {
    threes += entry.metric == 3;
    fives += entry.metric == 5;
  }
  CHECK(threes + fives == 4);
  CHECK(threes > 0);
  CHECK(fives > 0);
}

TEST_CASE("TPE finds the minimum better than it began, and writes it down") {
  const TempTree tree(kTree);
  const AppResult result =
      metric_app(tree, {"-m", "x=interval(-10,10)", "+c=choice(a,b)", "hydra/sweeper=tpe",
                        "hydra.sweeper.n_trials=40", "hydra.sweeper.seed=1", "hydra.sweep.dir=s"});
  CHECK(result.status == 0);
  const Node best = load_file(tree / "s/optimization_results.yaml");
  CHECK(best.at(Key("best_value")).as_float() < 0.05);
  CHECK(std::abs(best.at(Key("best_params")).at(Key("x")).as_float() - 3) < 0.25);
}

TEST_CASE("a search with a seed draws the same points again") {
  const TempTree tree(kTree);
  const auto search = [&](const std::string& dir) {
    CHECK(metric_app(tree,
                     {"-m", "x=tag(log,interval(0.001,10))", "hydra/sweeper=random",
                      "hydra.sweeper.n_trials=5", "hydra.sweeper.seed=7", "hydra.sweep.dir=" + dir})
              .status == 0);
    return tree.read(dir + "/4/.hydra/overrides.yaml");
  };
  CHECK(search("a") == search("b"));
}

TEST_CASE("a run can be repeated from its saved files") {
  const TempTree tree(kTree);
  CHECK(compose_app(tree, {"-cn", "config", "x=5", "hydra.run.dir=o"}).status == 0);
  const AppResult again = compose_app(tree, {"--experimental-rerun", "o"});
  CHECK(again.status == 0);
  CHECK(contains(again.out, "x: 5\n"));
  CHECK(compose_app(tree, {"--experimental-rerun", "nowhere"}).status == 1);
}

TEST_CASE("environment files set what the environment lacks") {
  const std::map<std::string, std::string> files = {
      {"config.yaml", "a: ${oc.env:IOLAUS_A}\nb: ${oc.env:IOLAUS_B}\n"},
      {"vars.env", "# comment\nexport IOLAUS_A='one two'\nIOLAUS_B=x # note\n"}};
  const TempTree tree(files);
  ::setenv("IOLAUS_B", "kept", 1);
  const AppResult result =
      compose_app(tree, {"-cn", "config", "--cfg", "job", "--resolve", "--env-file", "vars.env"});
  ::unsetenv("IOLAUS_B");
  CHECK(result.out == "a: one two\nb: kept\n");
  tree.write("bad.env", "A=1\nnot a variable\n");
  const AppResult bad = compose_app(tree, {"-cn", "config", "--env-file", "bad.env"});
  CHECK(bad.status == 1);
  CHECK(contains(bad.err, "bad.env:2: expected NAME=value"));
}

TEST_CASE("--check reports all problems at once with their places") {
  const TempTree tree;
  tree.write("config.yaml", "a: ???\nb: ${nope}\nc: 1\nd:\n  e: ???\n");
  const AppResult result = compose_app(tree, {"-cn", "config", "--check"});
  CHECK(result.status == 1);
  CHECK(contains(result.err, "config.yaml:1:4: Missing mandatory value: a"));
  CHECK(contains(result.err, "config.yaml:2:4: b: Interpolation key 'nope' not found"));
  CHECK(contains(result.err, "Missing mandatory value: d.e"));
  CHECK(contains(result.err, "3 problems"));
}

TEST_CASE("--diff compares with a run's folder and with overrides") {
  const TempTree tree(kTree);
  CHECK(compose_app(tree, {"-cn", "config", "x=5", "+new=1", "hydra.run.dir=o"}).status == 0);
  const AppResult run = compose_app(tree, {"-cn", "config", "--diff", "o"});
  CHECK(run.status == 1);
  CHECK(run.out == "~ x: 5 -> 1\n- new: 1\n");
  CHECK(compose_app(tree, {"-cn", "config", "--diff", "x=1"}).status == 0);
}

namespace {

class Recorder : public Callback {
 public:
  explicit Recorder(const Node& params) : path_(params.at(Key("path")).as_string()) {}
  void on_run_start(const Node&) override { note("run_start"); }
  void on_run_end(const Node&, const JobReturn&) override { note("run_end"); }
  void on_job_start(const Node&) override { note("job_start"); }
  void on_job_end(const Node&, const JobReturn& job) override {
    note(job.status == JobReturn::Status::kCompleted ? "job_end" : "job_failed");
    throw std::runtime_error("callbacks cannot fail a run");
  }

 private:
  void note(const char* what) {
    std::FILE* file = std::fopen(path_.c_str(), "a");
    std::fprintf(file, "%s ", what);
    std::fclose(file);
  }
  std::string path_;
};

const bool kRegistered = register_callback(
    {"test.Recorder"}, [](const Node& params) { return std::make_unique<Recorder>(params); });

}  // namespace

TEST_CASE("callbacks of the config are told about runs and jobs") {
  REQUIRE(kRegistered);
  const TempTree tree(kTree);
  const AppResult result = metric_app(
      tree, {"hydra.run.dir=o", "+hydra.callbacks.r={_target_: test.Recorder, path: notes}"});
  CHECK(result.status == 0);
  CHECK(tree.read("notes") == "run_start job_start job_end run_end ");
  CHECK(contains(result.err, "callbacks cannot fail a run"));
  const AppResult unknown = metric_app(
      tree, {"hydra.run.dir=o", "+hydra.callbacks.r={_target_: test.Recoder, path: notes}"});
  CHECK(unknown.status == 1);
  CHECK(contains(unknown.err, "Did you mean 'test.Recorder'?"));
}

TEST_CASE("Hydra's own callbacks have their names here") {
  const TempTree tree(kTree);
  const AppResult result =
      metric_app(tree, {"x=5", "hydra.run.dir=o",
                        "+hydra.callbacks.log={_target_: "
                        "hydra.experimental.callbacks.LogJobReturnCallback}",
                        "+hydra.callbacks.info={_target_: "
                        "hydra.experimental.callbacks.PickleJobInfoCallback}"});
  CHECK(result.status == 0);
  CHECK(contains(tree.read("o/app.log"), "Succeeded with return value: 4.0"));
  CHECK(compose_app(tree, {"--experimental-rerun", "o/.hydra/config.pickle"}).status == 0);
}
