// CSVLogger against Lightning's files (tests/data/nn/loggers/make_csv.py), folders and versions,
// resuming, and disks that are full.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/loggers/csv_logger.h"
#include "tests/nn/log_folder.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
namespace fs = std::filesystem;

TEST_CASE("metrics.csv is Lightning's, byte for byte, after every call") {
  const auto data =
      nlohmann::json::parse(read_text(IOLAUS_SOURCE_DIR "/tests/data/nn/loggers/csv.json"));
  for (const char* run : {"plain", "prefixed"}) {
    CAPTURE(run);
    const LogFolder folder;
    CSVLogger logger(LogDirectory(folder.str(), "run", {}), run == std::string("plain") ? "" : "my",
                     50);
    const fs::path path = folder.path / "run/version_0/metrics.csv";
    size_t i = 0;
    const auto check = [&] {
      CAPTURE(i);
      const auto& expected = data[run][i++];
      REQUIRE(fs::exists(path) == !expected.is_null());
      if (!expected.is_null()) CHECK(read_text(path) == expected.get<std::string>());
    };
    for (const auto& call : data["calls"]) {
      Metrics metrics;
      for (const auto& [name, value] : call["metrics"].items()) {
        metrics[name] = std::strtod(value.get<std::string>().c_str(), nullptr);
      }
      logger.log_metrics(metrics, call["step"].get<int64_t>());
      check();
    }
    logger.finalize("success");
    check();
    CHECK(i == data[run].size());
  }
}

TEST_CASE("rows are written once a multiple of flush_logs_every_n_steps was passed") {
  const LogFolder folder;
  CSVLogger logger(LogDirectory(folder.str(), "", ""), "", 10);
  const fs::path path = folder.path / "metrics.csv";
  logger.log_metrics({{"a", 1}}, 5);
  CHECK_FALSE(fs::exists(path));
  logger.log_metrics({{"a", 2}}, 12);
  CHECK(read_text(path) == "a,step\r\n1.0,5\r\n2.0,12\r\n");
  logger.log_metrics({{"a", 3}}, 15);
  CHECK(read_text(path) == "a,step\r\n1.0,5\r\n2.0,12\r\n");
  logger.save();
  CHECK(read_text(path) == "a,step\r\n1.0,5\r\n2.0,12\r\n3.0,15\r\n");
}

TEST_CASE("what was not written yet is written when the logger goes") {
  const LogFolder folder;
  { CSVLogger(LogDirectory(folder.str(), "", "")).log_metrics({{"a", 1}}, 0); }
  CHECK(read_text(folder.path / "metrics.csv") == "a,step\r\n1.0,0\r\n");
}

TEST_CASE("a version is the next free number, a given number or a name") {
  const LogFolder folder;
  const fs::path& root = folder.path;
  CHECK(LogDirectory(root, "x", {}).version() == "0");
  fs::create_directories(root / "x/version_3");
  fs::create_directories(root / "x/version_11_old");
  fs::create_directories(root / "x/version_x");
  write_text(root / "x/version_20", "a file");
  const LogDirectory next(root, "x", {});
  CHECK(next.version() == "12");
  CHECK(next.path() == (root / "x/version_12").string());
  fs::create_directories(root / "x/version_12");
  CHECK(next.version() == "12");  // once chosen, it stays
  CHECK(LogDirectory(root, "x", int64_t{3}).path() == (root / "x/version_3").string());
  CHECK(LogDirectory(root, "x", "mine", "train").path() == (root / "x/mine/train").string());
  CHECK(LogDirectory(root, "", "").path() == root.string());
  CHECK(LogDirectory("", "", "").path() == ".");
  CHECK(LogDirectory("~/logs", "", "").path() == std::string(std::getenv("HOME")) + "/logs");
}

TEST_CASE("an older file of the same version keeps its rows, whatever its columns") {
  const LogFolder folder;
  const fs::path path = folder.path / "metrics.csv";
  const auto log = [&](const Metrics& metrics, int64_t step) {
    CSVLogger(LogDirectory(folder.str(), "", "")).log_metrics(metrics, step);
  };
  SUBCASE("the same columns: rows are appended") {
    log({{"a", 1}, {"b", 2}}, 0);
    log({{"b", 3}}, 1);
    CHECK(read_text(path) == "a,b,step\r\n1.0,2.0,0\r\n,3.0,1\r\n");
  }
  SUBCASE("a new column") {
    log({{"b", 1}}, 0);
    log({{"a", 3}}, 1);
    CHECK(read_text(path) == "a,b,step\r\n,1.0,0\r\n3.0,,1\r\n");
  }
  SUBCASE("another order of columns, fields with line ends, a row without its end") {
    write_text(path, "step,\"b\nb\"\n7,\"x \"\"y\"\",\"\n\n8");
    log({{"a", 0.5}}, 9);
    CHECK(read_text(path) == "a,\"b\nb\",step\r\n,\"x \"\"y\"\",\",7\r\n,,8\r\n0.5,,9\r\n");
  }
  SUBCASE("an empty file") {
    write_text(path, "");
    log({{"a", 0.5}}, 9);
    CHECK(read_text(path) == "a,step\r\n0.5,9\r\n");
  }
}

TEST_CASE("hparams.yaml holds the config") {
  const LogFolder folder;
  CSVLogger logger(LogDirectory(folder.str(), "run", int64_t{2}));
  logger.log_hyperparams(config::load_yaml("{lr: 0.1, model: {width: 3, layers: [1, 2]}}", "x"));
  CHECK(read_text(folder.path / "run/version_2/hparams.yaml") ==
        "lr: 0.1\nmodel:\n  width: 3\n  layers:\n  - 1\n  - 2\n");
}

TEST_CASE("Lightning's targets and arguments make the logger") {
  const LogFolder folder;
  for (const char* target :
       {"pytorch_lightning.loggers.csv_logs.CSVLogger", "pytorch_lightning.loggers.CSVLogger",
        "lightning.pytorch.loggers.CSVLogger", "iolaus.nn.CSVLogger"}) {
    CAPTURE(target);
    config::Node node = config::load_yaml("{name: csv/, version: null, prefix: p}", "x");
    node.set("_target_", target);
    node.set("save_dir", folder.str());
    const auto logger = config::instantiate<Logger>(node);
    CHECK(logger->log_dir() == (folder.path / "csv/version_0").string());
    node.set("name", nullptr);
    node.set("prefix", nullptr);
    node.set("version", "seed7");
    CHECK(config::instantiate<Logger>(node)->log_dir() == (folder.path / "seed7").string());
    CHECK(config::instantiate<Logger>(node)->version() == "seed7");
    node.set("version", 1.5);
    CHECK_THROWS_WITH_AS(config::instantiate<Logger>(node),
                         Contains("expected a number, a folder's name or null, got 1.5"), Error);
  }
  const config::Node wrong =
      config::load_yaml("{_target_: pytorch_lightning.loggers.CSVLoger, save_dir: x}", "x");
  CHECK_THROWS_WITH_AS(config::instantiate<Logger>(wrong),
                       Contains("pytorch_lightning.loggers.CSVLogger"), Error);
  // Loggers of services are not offered; the message names those that are.
  const config::Node service =
      config::load_yaml("{_target_: lightning.pytorch.loggers.wandb.WandbLogger, project: x}", "x");
  CHECK_THROWS_WITH_AS(config::instantiate<Logger>(service),
                       Contains("lightning.pytorch.loggers.CSVLogger"), Error);
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const LogFolder folder;
  write_text(folder.path / "file", "");
  CSVLogger logger(LogDirectory((folder.path / "file").string(), "run", {}));
  logger.log_metrics({{"a", 1}}, 0);
  test::check_error(ErrorCode::kIo, (folder.path / "file/run/version_0").string(),
                    [&] { logger.save(); });
  fs::remove(folder.path / "file");
  logger.save();  // nothing was lost
  CHECK(read_text(folder.path / "file/run/version_0/metrics.csv") == "a,step\r\n1.0,0\r\n");
}

TEST_CASE("a full disk is an error that names the file; rows wait for space") {
  const LogFolder folder;
  const fs::path path = folder.path / "metrics.csv";
  fs::create_symlink("/dev/full", path);
  AppendFile full;
  full.open(path.string());
  test::check_error(ErrorCode::kIo,
                    "[logger] cannot write to " + path.string() + ": No space left on device",
                    [&] { full.append("row"); });

  CSVLogger logger(LogDirectory(folder.str(), "", ""), "", 1);
  fs::remove(path);
  logger.log_metrics({{"a", 1}}, 0);
  // From here on the file may not grow: all or nothing of a row.
  const auto size = fs::file_size(path);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit limit = {size + 3, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  test::check_error(ErrorCode::kIo, path.string(), [&] { logger.log_metrics({{"a", 2}}, 1); });
  CHECK(fs::file_size(path) == size);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  logger.log_metrics({{"a", 3}}, 2);
  CHECK(read_text(path) == "a,step\r\n1.0,0\r\n2.0,1\r\n3.0,2\r\n");
}
