// Reading the vectors' files.
#include <fnmatch.h>

#include "core/io/gzip.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "tests/vectors/cases.h"

namespace iolaus::vectors {
namespace {

const std::string kFolder = std::string(IOLAUS_SOURCE_DIR) + "/tests/vectors/";

std::string inflate(const std::string& path) {
  const auto source = io::open_file(path);
  return io::open_stream(*source)->read_rest(uint64_t{256} << 20);
}

}  // namespace

Vectors load_vectors() {
  Vectors vectors;
  auto json = nlohmann::json::parse(inflate(kFolder + "data/cases.json.gz"));
  vectors.cases = std::move(json["cases"]);
  vectors.torch = json["torch"];
  for (const auto& count : json["left_out"]) vectors.left_out += count.get<int64_t>();
  const std::string bytes = inflate(kFolder + "data/tensors.safetensors.gz");
  const io::SafetensorsFile file(io::memory_source(bytes, "tensors.safetensors"));
  vectors.tensors.resize(file.entries().size());
  for (const auto& entry : file.entries()) {
    vectors.tensors.at(std::stoul(entry.name)) = file.load(entry.name);
  }
  return vectors;
}

Listed::Listed() {
  const auto json = io::read_json(kFolder + "listed.json");
  for (const auto& entry : json) {
    entries_.push_back({entry["case"], entry["reason"], entry.value("device", "")});
  }
}

std::string Listed::reason(const nlohmann::json& test, Device device) {
  const std::string name = test["case"], op = "op:" + test["op"].get<std::string>();
  const std::string kind = device.is_cpu() ? "cpu" : "cuda";
  for (Entry& entry : entries_) {
    if (!entry.device.empty() && entry.device != kind) continue;
    const char* text = entry.pattern.starts_with("op:") ? op.c_str() : name.c_str();
    if (fnmatch(entry.pattern.c_str(), text, 0) != 0) continue;
    entry.used = true;
    return entry.reason;
  }
  return "";
}

std::vector<std::string> Listed::unused() const {
  std::vector<std::string> patterns;
  for (const Entry& entry : entries_) {
    if (!entry.used && entry.device != "cuda") patterns.push_back(entry.pattern);
  }
  return patterns;
}

}  // namespace iolaus::vectors
