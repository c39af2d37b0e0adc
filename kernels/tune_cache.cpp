// Files of the tune cache.
#include "kernels/tune_cache.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "core/device_info.h"
#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/warning.h"
#include "kernels/fp32_precision.h"
#include "kernels/kernel_set.h"

namespace iolaus {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;
constexpr const char* kModeNames[] = {"off", "read", "tune", "frozen"};
std::atomic<int> g_mode{-1};

const char* device_name(DeviceType type) { return type == kCPU ? "cpu" : "cuda"; }

// FNV-1a, 64 bits (Fowler, Noll, Vo): the same in every program, unlike std::hash.
std::string hash_text(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("{:016x}", hash);
}

// Where all environments' folders are; "" where the system names no home.
fs::path cache_root() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  if (const fs::path own = variable("IOLAUS_CACHE_DIR"); !own.empty()) return own / "kernels";
  // The standard (XDG base directories) says that a relative path is to be ignored.
  if (const fs::path xdg = variable("XDG_CACHE_HOME"); xdg.is_absolute()) {
    return xdg / "iolaus/kernels";
  }
  const fs::path home = variable("HOME");
  return home.empty() ? fs::path() : home / ".cache/iolaus/kernels";
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(':'), line.size()));
  }
  return "unknown";
}

json environment(DeviceType device) {
  json out{{"format", kFormat}, {"iolaus", IOLAUS_VERSION}, {"device", device_name(device)}};
  if (device == kCPU) {
    static const std::string model = cpu_model();
    out["cpu"] = model;
    out["simd"] = simd::level_name(simd::level());
    out["threads"] = num_threads();
    return out;
  }
  if (fp32_precision() == Fp32Precision::kTf32) out["fp32_precision"] = "tf32";
  static const CudaInfo info = cuda_info();
  out["driver"] = info.driver_version;
  out["runtime"] = info.runtime_version;
  for (const CudaDeviceInfo& d : info.devices) {
    out["devices"].push_back(d.name + " sm " + d.capability);
  }
  for (const LibraryInfo& library : info.libraries) out[library.name] = library.version;
  return out;
}

json sizes_json(const TuneKey& key) {
  json sizes = json::array();  // an object would lose the order
  for (size_t i = 0; i < key.sizes.size(); ++i) sizes.push_back({key.names[i], key.sizes[i]});
  return sizes;
}

fs::path entry_path(const TuneKey& key) {
  const std::string text = sizes_json(key).dump() + key.layout;
  return fs::path(tune_folder(key.device)) / key.kernel /
         fmt::format("{}-{}.json", dtype_name(key.dtype), hash_text(text));
}

// The entry of a file. Throws where it does not fit.
TuneEntry read_entry(const fs::path& path, const TuneKey& like,
                     const std::vector<std::string>& candidates) {
  const json file = io::read_json(path.string());
  const auto expect = [&](bool fits, const char* what) {
    IOLAUS_CHECK_CODE(fits, ErrorCode::kCorrupt, "[tune] {}: {}", path.string(), what);
  };
  TuneEntry entry{like, {}};
  try {
    expect(file.at("format") == kFormat, "another format");
    expect(file.at("kernel") == like.kernel && file.at("dtype") == dtype_name(like.dtype),
           "another kernel or dtype");
    const json& sizes = file.at("sizes");
    expect(sizes.size() == like.names.size(), "another set of sizes");
    for (size_t i = 0; i < sizes.size(); ++i) {
      expect(sizes[i].at(0) == like.names[i], "another set of sizes");
      entry.key.sizes.push_back(sizes[i].at(1).get<int64_t>());
    }
    entry.key.layout = file.at("layout").get<std::string>();
    expect(entry_path(entry.key) == path, "the name does not fit the key inside");
    entry.result.microseconds = file.at("microseconds").get<std::map<std::string, double>>();
    entry.result.rejected = file.at("rejected").get<std::map<std::string, std::string>>();
    entry.result.variant = file.at("variant").get<std::string>();
  } catch (const json::exception& e) {
    fail(ErrorCode::kCorrupt, "[tune] {}: {}", path.string(), e.what());
  }
  std::set<std::string> measured;
  for (const auto& [name, us] : entry.result.microseconds) measured.insert(name);
  expect(measured.contains(entry.result.variant), "its variant was not measured");
  for (const auto& [name, reason] : entry.result.rejected) measured.insert(name);
  expect(measured == std::set<std::string>(candidates.begin(), candidates.end()),
         "it was measured with another set of variants");
  return entry;
}

void reset_all_choices() {
  for (KernelSetBase* set : all_kernel_sets()) set->resolve_anew();
}

}  // namespace

TuneMode parse_tune_mode(const std::string& text) {
  for (int i = 0; i < 4; ++i) {
    if (text == kModeNames[i]) return static_cast<TuneMode>(i);
  }
  fail(ErrorCode::kConfig, "[tune] expected off, read, tune or frozen, got '{}'", text);
}

TuneMode tune_mode() {
  const int mode = g_mode.load();
  if (mode >= 0) return static_cast<TuneMode>(mode);
  const char* text = std::getenv("IOLAUS_TUNE");
  return text == nullptr || *text == '\0' ? TuneMode::kRead : parse_tune_mode(text);
}

void set_tune_mode(TuneMode mode) {
  g_mode = static_cast<int>(mode);
  reset_all_choices();
}

void reset_tune_mode() {
  g_mode = -1;
  reset_all_choices();
}

std::string TuneKey::str() const {
  std::string text;
  for (size_t i = 0; i < sizes.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", names[i], sizes[i]);
  }
  return fmt::format("{} {} ({}){}{} on {}", kernel, dtype_name(dtype), text,
                     layout.empty() ? "" : " ", layout, device_name(device));
}

std::string tune_folder(DeviceType device) {
  const fs::path root = cache_root();
  return root.empty() ? "" : (root / hash_text(environment(device).dump())).string();
}

std::vector<TuneEntry> load_tune_entries(const std::string& kernel, DeviceType device, DType dtype,
                                         std::span<const char* const> names,
                                         const std::vector<std::string>& candidates) {
  std::vector<TuneEntry> entries;
  std::error_code error;
  // Asked first: where nothing was ever tuned, the environment need not be found out.
  const fs::path root = cache_root();
  if (root.empty() || !fs::is_directory(root, error)) return entries;
  const fs::path folder = fs::path(tune_folder(device)) / kernel;
  const TuneKey like{kernel, device, dtype, names, {}, ""};
  const std::string start = std::string(dtype_name(dtype)) + "-";
  std::string problem;
  int problems = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(start) || !name.ends_with(".json")) continue;
    try {
      entries.push_back(read_entry(at->path(), like, candidates));
    } catch (const Error& e) {
      if (++problems == 1) problem = e.what();
    }
  }
  if (problems > 0) {
    warn("[tune] {} of the entries of {} {} are left out; the first: {}", problems, kernel,
         dtype_name(dtype), problem);
  }
  return entries;
}

void save_tune_entry(const TuneEntry& entry) {
  const TuneKey& key = entry.key;
  const fs::path path = entry_path(key);
  IOLAUS_CHECK_CODE(path.is_absolute() || path.has_parent_path(), ErrorCode::kNotFound,
                    "[tune] there is no cache folder: set IOLAUS_CACHE_DIR or HOME");
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path about = path.parent_path().parent_path() / "environment.json";
  if (!fs::exists(about, error)) {
    io::write_file_atomic(about.string(), environment(key.device).dump(2) + "\n");
  }
  const json file{{"format", kFormat},
                  {"kernel", key.kernel},
                  {"dtype", dtype_name(key.dtype)},
                  {"sizes", sizes_json(key)},
                  {"layout", key.layout},
                  {"variant", entry.result.variant},
                  {"microseconds", entry.result.microseconds},
                  {"rejected", entry.result.rejected}};
  io::write_file_atomic(path.string(), file.dump(2) + "\n");
}

}  // namespace iolaus
