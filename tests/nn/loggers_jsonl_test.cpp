// JSONLLogger: lines that any JSON parser takes, at once in the file.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/loggers/jsonl_logger.h"
#include "tests/nn/log_folder.h"

using namespace iolaus;
using namespace iolaus::nn;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<nlohmann::json> lines(const std::filesystem::path& path) {
  std::vector<nlohmann::json> all;
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

}  // namespace

TEST_CASE("each call is a JSON object on a line, written at once") {
  const LogFolder folder;
  JSONLLogger logger(LogDirectory(folder.str(), "", ""));
  const auto path = folder.path / "metrics.jsonl";
  const double before = static_cast<double>(std::time(nullptr));
  logger.log_metrics({{"epoch", 2}, {"train/loss", 0.1}, {"a \"b\"\n", 3}}, 50);
  REQUIRE(lines(path).size() == 1);
  const nlohmann::json line = lines(path)[0];
  CHECK(line["step"] == 50);
  CHECK(line["epoch"].dump() == "2");
  CHECK(line["train/loss"] == 0.1);
  CHECK(line["a \"b\"\n"] == 3);
  CHECK(line["time"].get<double>() >= before);
  CHECK(line["time"].get<double>() < before + 60);
  CHECK(read_text(path).starts_with("{\"step\":50,\"epoch\":2,\"time\":"));

  logger.log_metrics({{"nan", std::nan("")}, {"up", kInf}, {"down", -kInf}}, 51);
  REQUIRE(lines(path).size() == 2);
  CHECK(lines(path)[1]["nan"] == "NaN");
  CHECK(lines(path)[1]["up"] == "Infinity");
  CHECK(lines(path)[1]["down"] == "-Infinity");
  CHECK_FALSE(lines(path)[1].contains("epoch"));
}

TEST_CASE("a metrics.jsonl that is there goes on, also after a line that was cut off") {
  const LogFolder folder;
  const auto path = folder.path / "run/version_4/metrics.jsonl";
  write_text(path, "{\"step\":1}\n{\"st");
  JSONLLogger logger(LogDirectory(folder.str(), "run", int64_t{4}), "p");
  logger.log_metrics({{"a", 1}}, 2);
  const std::string text = read_text(path);
  CHECK(text.starts_with("{\"step\":1}\n{\"st\n{\"step\":2,"));
  CHECK(text.ends_with("\"p-a\":1.0}\n"));
}

TEST_CASE("iolaus.nn.JSONLLogger is a target, and writes hparams.yaml") {
  const LogFolder folder;
  config::Node node = config::load_yaml("{_target_: iolaus.nn.JSONLLogger}", "x");
  node.set("save_dir", folder.str());
  const auto logger = config::instantiate<Logger>(node);
  CHECK(logger->name() == "lightning_logs");
  logger->log_hyperparams(config::load_yaml("{a: 1}", "x"));
  CHECK(read_text(folder.path / "lightning_logs/version_0/hparams.yaml") == "a: 1\n");
}
