// The worked example of a project of one's own: a tree of a Python course on Lightning and Hydra
// runs as it is, on real images and on CIFAR-10 in its own format.
#include <doctest/doctest.h>

#include "tests/apps/support.h"

using namespace iolaus::test;
namespace fs = std::filesystem;

namespace {

const std::string kShort =
    "experiment=fashion_mnist trainer.max_epochs=2 +trainer.limit_train_batches=20 "
    "+trainer.limit_val_batches=5 +trainer.limit_test_batches=5 "
    "hydra.run.dir=run hydra.sweep.dir=sweep ";

Outcome course(const Folder& folder, const std::string& arguments) {
  return run(folder, arguments, IOLAUS_COURSE);
}

// CIFAR-10's binary form: each image a label and 3 x 1024 bytes.
void write_cifar(const fs::path& folder, int images) {
  fs::create_directories(folder / "cifar-10-batches-bin");
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    std::ofstream file(folder / "cifar-10-batches-bin" / (std::string(name) + ".bin"));
    for (int i = 0; i < images; ++i) {
      const int label = i % 10;
      file.put(static_cast<char>(label));
      for (int byte = 0; byte < 3072; ++byte) {
        file.put(static_cast<char>((label * 25 + byte * 7 % 31 + i) % 256));
      }
    }
  }
  std::ofstream names(folder / "cifar-10-batches-bin/batches.meta.txt");
  for (const char* name :
       {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}) {
    names << name << "\n";
  }
}

}  // namespace

TEST_CASE("the course's tree trains with its callbacks and many loggers, and resumes") {
  const Folder folder;
  const Outcome trained = course(folder, kShort + "logger=many_loggers");
  CAPTURE(trained.output);
  REQUIRE(trained.status == 0);
  CHECK(line_with(trained.output, "test/acc: ") != "");
  for (const char* file :
       {"run/.hydra/config.yaml", "run/csv/version_0/metrics.csv", "run/csv/version_0/hparams.yaml",
        "run/tensorboard/default/version_0/hparams.yaml",
        "run/checkpoints/last.ckpt/model.safetensors"}) {
    CAPTURE(file);
    CHECK(fs::exists(folder / file));
  }
  bool named = false;
  for (const auto& entry : fs::directory_iterator(folder / "run/checkpoints")) {
    named |= entry.path().filename().string().starts_with("epoch_00");
  }
  CHECK(named);
  const Outcome resumed = course(folder, kShort +
                                             "trainer.max_epochs=3 hydra.run.dir=rest "
                                             "trainer.resume_from_checkpoint=" +
                                             folder.str() + "/run");
  CAPTURE(resumed.output);
  CHECK(resumed.status == 0);
  CHECK(resumed.output.find("Epoch 3/3") != std::string::npos);
  CHECK(resumed.output.find("Epoch 2/3") == std::string::npos);
}

TEST_CASE("the course's tree sweeps, and searches for the best metric") {
  const Folder folder;
  const Outcome swept = course(folder, "-m " + kShort + "model.optimizer.lr=0.1,0.001");
  CAPTURE(swept.output);
  CHECK(swept.status == 0);
  CHECK(fs::exists(folder / "sweep/0/checkpoints/last.ckpt"));
  CHECK(fs::exists(folder / "sweep/1/checkpoints/last.ckpt"));
  const Outcome searched =
      course(folder, "-m " + kShort + "hparams_search=tpe hydra.sweeper.n_trials=3");
  CAPTURE(searched.output);
  CHECK(searched.status == 0);
  CHECK(fs::exists(folder / "sweep/optimization_results.yaml"));
}

TEST_CASE("the course's CIFAR-10 module reads the official binary files") {
  const Folder folder;
  write_cifar(folder / "data", 40);
  const Outcome trained =
      course(folder,
             "trainer.max_epochs=1 datamodule.train_val_split=[160,40] hydra.run.dir=run "
             "logger=csv");
  CAPTURE(trained.output);
  CHECK(trained.status == 0);
  CHECK(line_with(trained.output, "test/acc: ") != "");
  const Outcome too_many =
      course(folder, "trainer.max_epochs=1 datamodule.train_val_split=[190,40] hydra.run.dir=bad");
  CHECK(too_many.status == 1);
  CHECK(too_many.output.find("train_val_split asks for 230 samples, there are 200") !=
        std::string::npos);
}

TEST_CASE("the second tree's models and dataloaders train") {
  const Folder folder;
  write_cifar(folder / "data", 40);
  const std::string tree =
      "--config-path " IOLAUS_SOURCE_DIR "/apps/examples/course/conf_models --config-name config ";
  for (const std::string model : {"model=ffnn model.num_layers=1", "model=cnn"}) {
    const Outcome trained = course(folder, tree + model +
                                               " +trainer.limit_train_batches=5 "
                                               "+trainer.limit_test_batches=2");
    CAPTURE(trained.output);
    CHECK(trained.status == 0);
  }
  const Outcome cifar = course(folder, tree +
                                           "model=cnn +model.in_channels=3 dataloader=cifar "
                                           "dataloader.file_path=data");
  CAPTURE(cifar.output);
  CHECK(cifar.status == 0);
}

TEST_CASE("a wrong name in the course's tree is found before anything is read") {
  const Folder folder;
  const Outcome wrong = course(folder, kShort + "model._target_=ptlighthydra.src.models.cnn.Net");
  CHECK(wrong.status == 1);
  CHECK(wrong.output.find("ptlighthydra.src.models.cnn.LightningNet") != std::string::npos);
}
