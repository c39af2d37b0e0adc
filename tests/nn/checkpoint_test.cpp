// Checkpoints: whole or not there, found and refused by what they hold.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/warning.h"
#include "nn/trainer/checkpoint.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

const OptimizerOptions kSgd{{"lr", 0.1}, {"momentum", 0.9}};

struct TemporaryFolder {
  std::string path =
      (fs::temp_directory_path() / ("iolaus_checkpoint_" + std::to_string(getpid()))).string();
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

Checkpoint some_checkpoint(int64_t epoch) {
  Checkpoint c;
  c.model = {{"fc.weight", from_values<float>({1, 2, 3}, {3})}};
  c.optimizer = {{"0.step", from_values<int64_t>({7}, {})}};
  c.trainer = {{"grad.fc.weight", from_values<float>({4, 5, 6}, {3})}};
  c.optimizer_options = {{kSgd}};
  c.schedulers = {R"({"last_epoch":3})"};
  c.callbacks = {{"EarlyStopping", R"({"wait_count":2})"}};
  c.epoch = epoch;
  c.batch = 5;
  c.global_step = 10 * epoch;
  c.generator = {5, 9};
  c.metrics = {{"val/acc", 0.5}, {"val/loss", std::nan("")}};
  c.config = "seed: 1\n";
  return c;
}

void change_byte(const std::string& path, std::streamoff at, char by) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char old = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(old ^ by));
}

int folders_in(const std::string& path) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(path)) {
    count += entry.is_directory() && !entry.is_symlink();
  }
  return count;
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was saved; the link follows, and older ones go") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "a.ckpt", some_checkpoint(1), {.link = folder / "last.ckpt"});
  save_checkpoint(folder / "b.ckpt", some_checkpoint(3),
                  {.link = folder / "last.ckpt", .remove = {folder / "a.ckpt"}});
  CHECK(fs::read_symlink(folder / "last.ckpt") == "b.ckpt");
  CHECK(folders_in(folder.path) == 1);
  for (const std::string& path : {folder.path, folder / "b.ckpt", folder / "last.ckpt"}) {
    const Checkpoint loaded = load_checkpoint(path);
    CHECK(loaded.epoch == 3);
    CHECK(loaded.batch == 5);
    CHECK(loaded.global_step == 30);
    CHECK(loaded.generator == GeneratorState{5, 9});
    CHECK(loaded.optimizer_options == std::vector<std::vector<OptimizerOptions>>{{kSgd}});
    CHECK(loaded.schedulers == std::vector<std::string>{R"({"last_epoch":3})"});
    CHECK(loaded.callbacks.at("EarlyStopping") == R"({"wait_count":2})");
    CHECK(loaded.optimizer.at("0.step").item<int64_t>() == 7);
    CHECK(loaded.trainer.at("grad.fc.weight").to_vector<float>() == std::vector<float>{4, 5, 6});
    CHECK(loaded.metrics == std::map<std::string, double>{{"val/acc", 0.5}});
    CHECK(loaded.config == "seed: 1\n");
    CHECK(loaded.model.at("fc.weight").to_vector<float>() == std::vector<float>{1, 2, 3});
  }
}

TEST_CASE("a checkpoint takes the place of one with its name, and of a link") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "a.ckpt", some_checkpoint(1), {.link = folder / "last.ckpt"});
  save_checkpoint(folder / "a.ckpt", some_checkpoint(2));
  CHECK(load_checkpoint(folder / "last.ckpt").epoch == 2);
  save_checkpoint(folder / "last.ckpt", some_checkpoint(4));
  CHECK_FALSE(fs::is_symlink(folder / "last.ckpt"));
  CHECK(load_checkpoint(folder / "last.ckpt").epoch == 4);
  CHECK(load_checkpoint(folder / "a.ckpt").epoch == 2);
  save_checkpoint(folder / "b.ckpt", some_checkpoint(5), {.link = folder / "last.ckpt"});
  CHECK(fs::read_symlink(folder / "last.ckpt") == "b.ckpt");
  CHECK(folders_in(folder.path) == 2);
}

TEST_CASE("each damage is refused by name, and an older checkpoint that verifies is taken") {
  set_warning_handler([](const std::string&) {});  // one for each damage
  const TemporaryFolder folder;
  save_checkpoint(folder / "old.ckpt", some_checkpoint(1));
  const std::string newest = folder / "new.ckpt";
  int refused = 0;
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "trainer.safetensors",
                           "state.json", "config.yaml", "manifest.json"}) {
    save_checkpoint(newest, some_checkpoint(2));
    const std::string path = newest + "/" + name;
    const auto size = static_cast<std::streamoff>(fs::file_size(path));
    for (std::streamoff at = 0; at < size; at += 7) {
      change_byte(path, at, 1);
      if (std::string(name) != "manifest.json") {
        CAPTURE(path);
        CHECK_THROWS_WITH(load_checkpoint(newest), Contains(name));
        CHECK(load_checkpoint(folder.path).epoch == 1);
        ++refused;
      } else {
        try {
          CHECK(load_checkpoint(folder.path).epoch >= 1);  // its step may have changed, no more
        } catch (const Error&) {
          ++refused;
        }
      }
      change_byte(path, at, 1);
    }
    for (std::streamoff length = 0; length < size; length += 31) {
      save_checkpoint(newest, some_checkpoint(2));
      fs::resize_file(path, static_cast<std::uintmax_t>(length));
      CHECK_THROWS_AS(load_checkpoint(newest), Error);
      CHECK(load_checkpoint(folder.path).epoch == 1);
    }
    fs::remove(path);
    CHECK_THROWS_AS(load_checkpoint(newest), Error);
    CHECK(load_checkpoint(folder.path).epoch == 1);
  }
  CHECK(refused > 100);
  set_warning_handler(nullptr);
  CHECK_THROWS_WITH(load_checkpoint(folder / "none"), Contains("there is no checkpoint at"));
}

TEST_CASE("a folder that was being written is no checkpoint") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "a.ckpt", some_checkpoint(2));
  fs::rename(folder / "a.ckpt", folder / "a.ckpt.tmp");
  CHECK_THROWS_WITH(load_checkpoint(folder.path), Contains("there is no checkpoint at"));
  save_checkpoint(folder / "a.ckpt", some_checkpoint(3));
  CHECK(load_checkpoint(folder.path).epoch == 3);
  CHECK(folders_in(folder.path) == 1);
}

TEST_CASE("a full disk is an error that names the checkpoint") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "not a folder";
  CHECK_THROWS_WITH(save_checkpoint(folder / "file/a.ckpt", some_checkpoint(1)),
                    Contains("file/a.ckpt"));
}

TEST_CASE("a background save is on disk after wait, and its error comes out there") {
  const TemporaryFolder folder;
  CheckpointWriter writer;
  for (int i = 1; i < 5; ++i) {
    writer.save(folder / "a.ckpt", some_checkpoint(i).snapshot(), {});
  }
  writer.wait();
  CHECK(load_checkpoint(folder.path).epoch == 4);
  std::ofstream(folder / "file") << "not a folder";
  writer.save(folder / "file/a.ckpt", some_checkpoint(1).snapshot(), {});
  CHECK_THROWS_WITH(writer.wait(), Contains("file/a.ckpt"));
}
