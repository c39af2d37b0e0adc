// TensorBoardLogger: events against those of torch.utils.tensorboard, byte for byte
// (tests/data/nn/loggers/make_events.py); pictures; the folder. With IOLAUS_EVENT_FOLDER set, the
// last case leaves its files there for tests/data/nn/loggers/check_events.py, which reads them with
// TensorBoard itself.
#include <doctest/doctest.h>
#include <zlib.h>

#include <cstring>
#include <limits>

#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/loggers/event_file.h"
#include "nn/loggers/graph.h"
#include "nn/loggers/png.h"
#include "nn/loggers/summaries.h"
#include "nn/loggers/tensorboard_logger.h"
#include "tests/nn/log_folder.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

constexpr const char* kModel = R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 2, kernel_size: 3}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.Flatten}
- {_target_: torch.nn.Linear, in_features: 32, out_features: 10}
)";
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The records of an event file, with their framing.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> all;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    REQUIRE(bytes.size() - at >= 16);
    std::memcpy(&length, bytes.data() + at, 8);
    REQUIRE(length <= bytes.size() - at - 16);
    all.push_back(bytes.substr(at, length + 16));
    at += length + 16;
  }
  return all;
}

// The same record at time 0, so that two writers can be compared: an event begins with its time.
std::string timeless(const std::string& record) {
  std::string event = record.substr(12, record.size() - 16);
  REQUIRE(event[0] == '\x09');
  return event.replace(1, 8, 8, '\0');
}

std::vector<double> eighths() {
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(((i * 37) % 101 - 50) / 8.0);
  return values;
}

fs::path event_file(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      found.push_back(entry.path());
    }
  }
  REQUIRE(found.size() == 1);
  return found[0];
}

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

TEST_CASE("checksums of RFC 3720's examples") {
  const auto masked = [](uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8u; };
  CHECK(masked_crc32c(std::string(32, '\0')) == masked(0x8A9136AAu));
  CHECK(masked_crc32c(std::string(32, '\xFF')) == masked(0x62A8AB43u));
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  CHECK(masked_crc32c(rising) == masked(0x46DD794Eu));
}

TEST_CASE("events are PyTorch's, byte for byte") {
  const auto theirs =
      records(read_text(IOLAUS_SOURCE_DIR "/tests/data/nn/loggers/events.tfevents"));
  const HParams hparams =
      flatten_hparams(config::load_yaml("{model: {width: 64}, lr: 0.5, name: lenet, "
                                        "nesterov: true}",
                                        "x"));
  const auto event = [](double time, std::optional<int64_t> step, const Proto& summary) {
    return tf_record(summary_event(time, step, summary).bytes());
  };
  std::vector<std::string> ours{
      event(1764119208.25, 0, scalar_summary("train/loss", 0.6931471805599453)),
      event(1764119209.5, 50, scalar_summary("train/loss", kNan)),
      event(1764119210, 123456789012, scalar_summary("lr-SGD", 0)),
      event(1764119211, 7, histogram_summary("weights", eighths())),
      event(1764119212, 7, histogram_summary("one", {-3.5})),
      event(1764119212.5, 8, histogram_summary("ends", {0, 1e-13, -1e-13, 2e20})),
      event(1764119213, 3, text_summary("note", "# Iolaus\nπ")),
      event(1764119214, {}, hparams_experiment(hparams, {"hp_metric"}))};
  for (const auto& one : hparams) {
    ours.push_back(event(1764119215, {}, hparams_start({one}, 0)));
  }
  ours.push_back(event(1764119216, {}, hparams_end(true, 0)));
  const Proto graph = graph_def({{"input/x", "Input", {}, {2, 3}},
                                 {"Net/relu", "relu", {"input/x"}, {2, 3}},
                                 {"Net/scalar", "sum", {"Net/relu", "input/x"}, {}}});
  ours.push_back(tf_record(graph_event(1764119217, graph).bytes()));
  ours.push_back(tf_record(graph_metadata_event(1764119217).bytes()));
  REQUIRE(theirs.size() == ours.size() + 1);
  for (size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK((theirs[i + 1] == ours[i]));
  }
  // The first event says who wrote the file.
  std::string first = timeless(theirs[0]);
  const std::string writer = "tensorboard.summary.writer.event_file_writer";
  first.replace(first.find(writer), writer.size(), "iolaus");
  first[first.find("iolaus") - 1] = 6;
  first[first.find("iolaus") - 3] = 8;
  CHECK((first == timeless(tf_record(version_event(7).bytes()))));
}

TEST_CASE("configs become one level of hyperparameters, as in Lightning") {
  const HParams flat = flatten_hparams(config::load_yaml(
      "{a: {b: [{c: 1, d: x}, {e: null}]}, l: [1, two, null], f: false, none: {}, no: []}", "x"));
  const HParams expected{{"a/b/0/c", 1.0},
                         {"a/b/0/d", "x"},
                         {"a/b/1/e", "None"},
                         {"l", "[1, 'two', None]"},
                         {"f", 0.0}};
  CHECK((flat == expected));
}

TEST_CASE("a histogram without a finite value is an error") {
  for (const std::vector<double>& values : {std::vector<double>{}, {kNan}, {1e30, -1e30}}) {
    CHECK_THROWS_WITH_AS(histogram_summary("w", values), Contains("'w': none of its"), Error);
  }
}

TEST_CASE("a PNG holds the pixels, and chunks with right checksums") {
  const std::vector<uint8_t> pixels{1, 2, 3, 4, 5, 6, 255, 0, 255, 0, 255, 0};  // 2 x 2, RGB
  const std::string png = encode_png(pixels, 2, 2, 3);
  REQUIRE(png.starts_with("\x89PNG\r\n\x1a\n"));
  std::vector<std::string> types, data;
  for (size_t at = 8; at < png.size();) {
    const size_t length = big_endian(png, at);
    const std::string typed = png.substr(at + 4, length + 4);
    CHECK(big_endian(png, at + 8 + length) ==
          crc32(0, reinterpret_cast<const Bytef*>(typed.data()), static_cast<uInt>(typed.size())));
    types.push_back(typed.substr(0, 4));
    data.push_back(typed.substr(4));
    at += length + 12;
  }
  CHECK(types == std::vector<std::string>{"IHDR", "IDAT", "IEND"});
  CHECK((data[0] == std::string("\0\0\0\2\0\0\0\2\x08\x02\0\0\0", 13)));
  std::vector<uint8_t> lines(14);
  uLongf size = lines.size();
  REQUIRE(uncompress(lines.data(), &size, reinterpret_cast<const Bytef*>(data[1].data()),
                     data[1].size()) == Z_OK);
  // Filter 1: differences to the pixel on the left.
  CHECK(lines == std::vector<uint8_t>{1, 1, 2, 3, 3, 3, 3, 1, 255, 0, 255, 1, 255, 1});
}

TEST_CASE("images are checked") {
  CHECK_THROWS_WITH_AS(image_summary("i", zeros({2, 2})), Contains("expected (C, H, W)"), Error);
  CHECK_THROWS_WITH_AS(image_summary("i", zeros({2, 2, 2})), Contains("1, 3 or 4 channels"), Error);
  CHECK_THROWS_WITH_AS(image_summary("i", zeros({3, 2, 2}, {.dtype = kInt64})),
                       Contains("of int64"), Error);
  // Floats are truncated and clipped as PyTorch does.
  const Tensor floats = from_values(std::vector<float>{-1, 0.5F, 0.999F, 2}, {1, 2, 2});
  const Tensor bytes = from_values(std::vector<uint8_t>{0, 127, 254, 255}, {1, 2, 2});
  CHECK((image_summary("i", floats).bytes() == image_summary("i", bytes).bytes()));
}

TEST_CASE("a run's events lie in Lightning's folder") {
  const LogFolder temporary;
  const char* kept = std::getenv("IOLAUS_EVENT_FOLDER");
  const fs::path root = kept != nullptr ? fs::path(kept) : temporary.path;
  config::Node node = config::load_yaml(
      "{_target_: pytorch_lightning.loggers.tensorboard.TensorBoardLogger, name: tensorboard/, "
      "log_graph: true, default_hp_metric: true, prefix: '', version: null}",
      "x");
  node.set("save_dir", root.string());
  const auto logger = config::instantiate<Logger>(node);
  const config::Node config =
      config::load_yaml("{model: {width: 64, name: lenet}, lr: 0.5, layers: [1, 2]}", "x");
  logger->log_hyperparams(config);
  for (int64_t step : {0, 50, 100}) {
    const auto t = static_cast<double>(step);
    logger->log_metrics({{"train/loss", 1 / (1 + t)}, {"epoch", 0}, {"hp_metric", 0.9}}, step);
  }
  logger->log_histogram("weights", from_values(eighths(), {10, 20}), 100);
  const Tensor picture =
      from_values(std::vector<uint8_t>{255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255}, {3, 2, 2});
  logger->log_image("picture", picture, 100);
  logger->log_text("note", "# Iolaus", 100);
  const auto model = config::instantiate<Module>(config::load_yaml(kModel, "x"));
  logger->log_graph(*model, {4, 1, 6, 6});
  logger->finalize("success");

  const fs::path folder = root / "tensorboard/version_0";
  CHECK(logger->log_dir() == folder.string());
  CHECK(read_text(folder / "hparams.yaml") ==
        "model:\n  width: 64\n  name: lenet\nlr: 0.5\nlayers:\n- 1\n- 2\n");
  const std::string name = event_file(folder).filename().string();
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  CHECK(name.find("." + std::string(host) + "." + std::to_string(getpid()) + ".") == 30);

  const auto found = records(read_text(event_file(folder)));
  REQUIRE(found.size() == 1 + 3 + 9 + 3 + 2 + 1);
  const auto zero = [](std::optional<int64_t> step, const Proto& summary) {
    return timeless(tf_record(summary_event(1, step, summary).bytes()));
  };
  CHECK((timeless(found[1]) == zero({}, scalar_summary("hp_metric", -1))));
  CHECK((timeless(found[4]) == zero(0, scalar_summary("epoch", 0))));
  CHECK((timeless(found[9]) == zero(50, scalar_summary("train/loss", 1 / 51.0))));
  CHECK((timeless(found[13]) == zero(100, histogram_summary("weights", eighths()))));
  CHECK((timeless(found[14]) == zero(100, image_summary("picture", picture))));
}

TEST_CASE("TensorBoardLogger: arguments, hparams.yaml of the first run, errors") {
  const LogFolder folder;
  LogDirectory place(folder.str(), "", "v", "train");
  TensorBoardLogger logger(place,
                           {.default_hp_metric = false, .prefix = "p", .filename_suffix = ".x"});
  CHECK(logger.log_dir() == (folder.path / "v/train").string());
  logger.log_hyperparams(config::load_yaml("{a: 1}", "x"));
  logger.log_hyperparams(config::load_yaml("{a: 2}", "x"));
  CHECK(read_text(folder.path / "v/train/hparams.yaml") == "a: 1\n");
  logger.log_metrics({{"m", 2}}, 1);
  logger.finalize("failed");
  const auto found = records(read_text(event_file(folder.path / "v/train")));
  REQUIRE(found.size() == 2);
  CHECK(found[1].find("p-m") != std::string::npos);

  write_text(folder.path / "file", "");
  TensorBoardLogger bad(LogDirectory((folder.path / "file").string(), "run", {}));
  CHECK_THROWS_WITH_AS(bad.log_metrics({{"m", 2}}, 1),
                       Contains((folder.path / "file/run/version_0").c_str()), Error);
}
