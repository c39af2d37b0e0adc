// The program end to end, as a user starts it, on a small part of the real data.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/device.h"
#include "core/io/safetensors.h"
#include "tests/apps/support.h"

using namespace iolaus;
using doctest::Contains;
using namespace iolaus::test;
namespace fs = std::filesystem;

namespace {

// A short run of the multilayer perceptron: 30 batches of real images.
const std::string kShort =
    "train experiment=mlp trainer.max_epochs=1 trainer.limit_train_batches=30 "
    "trainer.limit_test_batches=10 ";

bool same_weights(const fs::path& a, const fs::path& b) {
  const auto x = io::load_safetensors((a / "checkpoints/last.ckpt/model.safetensors").string());
  const auto y = io::load_safetensors((b / "checkpoints/last.ckpt/model.safetensors").string());
  if (x.size() != y.size()) return false;
  for (const auto& [name, tensor] : x) {
    if (tensor.to_vector<double>() != y.at(name).to_vector<double>()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("train leaves its config, log, metrics and checkpoint; eval gives the same accuracy") {
  const Folder folder;
  const Outcome trained = run(folder, kShort + "hydra.run.dir=a");
  CAPTURE(trained.output);
  REQUIRE(trained.status == 0);
  const std::string accuracy = line_with(trained.output, "test/acc: ");
  CHECK(accuracy.size() == std::string("test/acc: 0.1234").size());
  for (const char* file :
       {".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml", "train.log",
        "metrics.csv", "checkpoints/last.ckpt/manifest.json", "kernels.json"}) {
    CAPTURE(file);
    CHECK(fs::exists(folder / "a" / file));
  }
  CHECK(read(folder / "a/metrics.csv").starts_with("epoch,"));
  CHECK(read(folder / "a/metrics.csv").find("test/acc") != std::string::npos);
  const Outcome evaluated = run(folder, "eval ckpt_path=a");
  CAPTURE(evaluated.output);
  CHECK(evaluated.status == 0);
  CHECK(line_with(evaluated.output, "test/acc: ") == accuracy);
}

TEST_CASE("the same seed gives bitwise the same weights, another seed others") {
  const Folder folder;
  CHECK(run(folder, kShort + "hydra.run.dir=a").status == 0);
  CHECK(run(folder, kShort + "hydra.run.dir=b").status == 0);
  CHECK(run(folder, kShort + "hydra.run.dir=c threads=1").status == 0);
  CHECK(run(folder, kShort + "hydra.run.dir=d seed=43").status == 0);
  CHECK(same_weights(folder / "a", folder / "b"));
  CHECK(same_weights(folder / "a", folder / "c"));
  CHECK_FALSE(same_weights(folder / "a", folder / "d"));
}

TEST_CASE("a run that stops in the middle of an epoch resumes to the same weights, bit for bit") {
  const Folder folder;
  const std::string two_epochs =
      "train model=cnn optimizer=adamw trainer.max_epochs=2 trainer.limit_train_batches=6 "
      "trainer.limit_test_batches=2 ";
  CHECK(run(folder, two_epochs + "hydra.run.dir=whole").status == 0);
  CHECK(run(folder, two_epochs + "hydra.run.dir=part trainer.max_steps=9").status == 0);
  const Outcome resumed = run(folder, two_epochs + "hydra.run.dir=rest ckpt_path=part");
  CAPTURE(resumed.output);
  CHECK(resumed.status == 0);
  CHECK(same_weights(folder / "whole", folder / "rest"));
}

TEST_CASE("a run may begin with the weights of a file, and only test") {
  const Folder folder;
  const Outcome trained = run(folder, kShort + "hydra.run.dir=a");
  const Outcome tested = run(folder, kShort +
                                         "seed=7 train=false hydra.run.dir=b "
                                         "weights=a/checkpoints/last.ckpt/model.safetensors");
  CAPTURE(tested.output);
  CHECK(tested.status == 0);
  CHECK(line_with(tested.output, "test/acc: ") == line_with(trained.output, "test/acc: "));
  const Outcome wrong = run(folder, kShort +
                                        "model=cnn hydra.run.dir=c "
                                        "weights=a/checkpoints/last.ckpt/model.safetensors");
  CHECK(wrong.status == 1);
  CHECK(wrong.output.find("missing: conv1.weight") != std::string::npos);
}

TEST_CASE("kernels are chosen by name, and an impossible choice is an error") {
  const Folder folder;
  // The variants named here are the CPU's.
  const std::string cpu = kShort + "device=cpu ";
  const Outcome chosen = run(folder, cpu + "kernels.cross_entropy=reference hydra.verbose=true");
  CAPTURE(chosen.output);
  CHECK(chosen.status == 0);
  CHECK(chosen.output.find("cross_entropy: reference x40") != std::string::npos);
  const Outcome by_shape = run(
      folder, cpu +
                  "hydra.run.dir=rules 'kernels.matmul={default: cpu, rules: [{when: \"m * n >= "
                  "6400\", use: reference}]}'");
  CAPTURE(by_shape.output);
  CHECK(by_shape.status == 0);
  const std::string record = read(folder / "rules/kernels.json");
  CHECK(record.find("\"chosen\": \"reference where m * n >= 6400, else cpu\"") !=
        std::string::npos);
  const Outcome bad_rule =
      run(folder, kShort + "'kernels.matmul={rules: [{when: \"rows > 4\", use: reference}]}'");
  CHECK(bad_rule.status == 1);
  CHECK(bad_rule.output.find("the sizes of this kernel are batch, m, n, k") != std::string::npos);
  const Outcome frozen =
      run(folder, "train model=cnn trainer.limit_train_batches=1 kernels.tune=frozen");
  CHECK(frozen.status == 1);
  CHECK(frozen.output.find("the tune cache is frozen and has no entry for ") != std::string::npos);
  const Outcome unknown = run(folder, kShort + "kernels.relu=fastest");
  CHECK(unknown.status == 1);
  CHECK(unknown.output.find("there is no variant 'fastest'") != std::string::npos);
  CHECK(unknown.output.find("reference (cpu)") != std::string::npos);
  CHECK(run(folder, kShort + "+kernels.nothing=cpu").status == 1);
  const Outcome precision = run(folder, kShort + "kernels.fp32_precision=half");
  CHECK(precision.status == 1);
  CHECK(precision.output.find("fp32_precision must be ieee or tf32, not 'half'") !=
        std::string::npos);
  const Outcome linalg = run(folder, kShort + "kernels.linalg=magma");
  CHECK(linalg.status == 1);
  CHECK(linalg.output.find("it has cusolver and lapack") != std::string::npos);
}

TEST_CASE("a run that tunes its kernels lets later runs insist on what was measured") {
  const Folder folder;
  setenv("IOLAUS_CACHE_DIR", folder.str().c_str(), 1);
  const auto trains = [&](const std::string& arguments) {
    const std::string command =
        "train trainer.max_epochs=1 trainer.limit_train_batches=1 "
        "trainer.limit_val_batches=1 trainer.limit_test_batches=1 ";
    const Outcome outcome = run(folder, command + arguments);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
  };
  trains("model=cnn device=cpu kernels.tune=tune");
  trains("model=cnn device=cpu kernels.tune=frozen");
  if (is_available(kCUDA)) {
    trains("experiment=mlp data.batch_size=2 device=cuda kernels.tune=tune");
    trains("experiment=mlp data.batch_size=2 device=cuda kernels.tune=frozen");
  }
  unsetenv("IOLAUS_CACHE_DIR");
}

TEST_CASE("bad input is one clear message and a status that is not zero") {
  const Folder folder;
  const auto fails = [&](const std::string& arguments, const std::string& message) {
    const Outcome outcome = run(folder, arguments);
    INFO(arguments, "\n", outcome.output);
    CHECK(outcome.status != 0);
    CHECK(outcome.output.find(message) != std::string::npos);
    CHECK_FALSE(fs::exists(folder / "bad/checkpoints"));
  };
  const std::string train = kShort + "hydra.run.dir=bad ";
  fails(train + "trainer.max_epoch=1", "max_epochs");
  fails(train + "+trainer.epochs=1", "unknown parameter 'epochs' of target 'iolaus.nn.Trainer'");
  fails(train + "trainer.max_epochs=many",
        "parameter 'max_epochs' of target 'iolaus.nn.Trainer': expected int");
  fails(train + "model=resnat", "resnet");
  fails(train + "data.data_dir=/nowhere", "/nowhere");
  fails(train + "device=cuda:7", "device=cpu");
  fails(train + "device=tpu", "unknown device 'tpu'");
  fails(train + "optimizer.lr=fast", "lr");
  fails(train + "optimizer._target_=torch.optim.SDG", "torch.optim.SGD");
  fails(train + "model.layers.fc1.in_features=100", "784");
  fails(train + "ckpt_path=/nowhere", "there is no checkpoint at /nowhere");
  fails("eval", "ckpt_path");
  fails("trian", "there is no command 'trian'");
}

TEST_CASE("a truncated data file is named with what is wrong") {
  const Folder folder;
  for (const auto& entry : fs::directory_iterator("/usr/share/datasets/fashion-mnist")) {
    fs::copy_file(entry.path(), folder / entry.path().filename().string());
  }
  fs::resize_file(folder / "train-labels-idx1-ubyte.gz", 1000);
  const Outcome outcome = run(folder, kShort + "data.data_dir=" + folder.str());
  CAPTURE(outcome.output);
  CHECK(outcome.status == 1);
  CHECK(outcome.output.find("train-labels-idx1-ubyte.gz") != std::string::npos);
}
