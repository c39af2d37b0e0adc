// Saving and loading checkpoints.
#include "nn/trainer/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"

namespace iolaus::nn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFiles[] = {"model.safetensors", "optimizer.safetensors", "state.json",
                                  "config.yaml"};
constexpr int kFormat = 1;

uint32_t file_crc(const std::string& path) {
  const auto source = io::open_file(path);
  std::vector<char> buffer(1 << 20);
  uLong crc = crc32(0, nullptr, 0);
  for (uint64_t at = 0; at < source->size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), source->size() - at));
    source->read(at, buffer.data(), count);
    crc = crc32(crc, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(count));
    at += count;
  }
  return static_cast<uint32_t>(crc);
}

json state_json(const Checkpoint& c) {
  json state{{"format", kFormat},
             {"epoch", c.epoch},
             {"batch", c.batch},
             {"step", c.step},
             {"scheduler_epoch", c.scheduler_epoch},
             {"generator", {{"seed", c.generator.seed}, {"offset", c.generator.offset}}},
             {"optimizer_options", c.optimizer_options},
             {"metrics", json::object()}};
  for (const auto& [name, value] : c.metrics) {
    if (std::isfinite(value)) state["metrics"][name] = value;
  }
  return state;
}

void read_state(const std::string& path, Checkpoint& c) {
  const json state = io::read_json(path);
  try {
    IOLAUS_CHECK_CODE(state.at("format") == kFormat, ErrorCode::kUnsupported,
                      "{} has format {}, this program reads {}", path, state.at("format").dump(),
                      kFormat);
    state.at("epoch").get_to(c.epoch);
    state.at("batch").get_to(c.batch);
    state.at("step").get_to(c.step);
    state.at("scheduler_epoch").get_to(c.scheduler_epoch);
    state.at("generator").at("seed").get_to(c.generator.seed);
    state.at("generator").at("offset").get_to(c.generator.offset);
    state.at("optimizer_options").get_to(c.optimizer_options);
    state.at("metrics").get_to(c.metrics);
  } catch (const json::exception& e) {
    fail(ErrorCode::kCorrupt, "{} is not the state of a checkpoint: {}", path, e.what());
  }
}

// Empty if the folder verifies against its manifest, else why not.
std::string what_is_wrong(const std::string& folder) {
  try {
    const json manifest = io::read_json(folder + "/manifest.json");
    for (const char* name : kFiles) {
      const std::string path = folder + "/" + name;
      if (!manifest.contains(name)) return path + " is not in the manifest";
      const auto size = manifest.at(name).at("size").get<uint64_t>();
      if (io::open_file(path)->size() != size)
        return path + " does not have the size it was saved with";
      if (file_crc(path) != manifest.at(name).at("crc32").get<uint32_t>()) {
        return path + " does not have the content it was saved with";
      }
    }
  } catch (const Error& e) {
    return e.what();
  } catch (const json::exception& e) {
    return folder + "/manifest.json: " + e.what();
  }
  return "";
}

bool is_checkpoint_name(const std::string& name) {
  return name.starts_with("epoch=") && name.find("-step=") != std::string::npos &&
         !name.ends_with(".tmp");
}

// Newest first: names sort by epoch and step.
std::vector<std::string> checkpoints_in(const fs::path& directory) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.is_directory() && !entry.is_symlink() &&
        is_checkpoint_name(entry.path().filename().string())) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

void point_last_at(const fs::path& directory, const std::string& name) {
  const fs::path temporary = directory / "last.tmp";
  fs::remove(temporary);
  fs::create_directory_symlink(name, temporary);
  fs::rename(temporary, directory / "last");
}

Checkpoint load_verified(const std::string& folder) {
  Checkpoint c;
  c.model = io::load_safetensors(folder + "/model.safetensors");
  c.optimizer = io::load_safetensors(folder + "/optimizer.safetensors");
  read_state(folder + "/state.json", c);
  c.config = io::read_file(folder + "/config.yaml", 1 << 20);
  return c;
}

}  // namespace

std::string save_checkpoint(const std::string& directory, const Checkpoint& c, int64_t keep) {
  const std::string name = fmt::format("epoch={:03}-step={:06}", c.epoch, c.step);
  const fs::path final_path = fs::path(directory) / name, temporary = final_path.string() + ".tmp";
  try {
    fs::create_directories(directory);
    fs::remove_all(temporary);
    fs::create_directory(temporary);
    io::save_safetensors((temporary / kFiles[0]).string(), c.model, {{"format", "pt"}});
    io::save_safetensors((temporary / kFiles[1]).string(), c.optimizer, {{"format", "pt"}});
    io::write_file_atomic((temporary / kFiles[2]).string(), state_json(c).dump(1));
    io::write_file_atomic((temporary / kFiles[3]).string(), c.config);
    json manifest;
    for (const char* file : kFiles) {
      const std::string path = (temporary / file).string();
      manifest[file] = {{"size", fs::file_size(path)}, {"crc32", file_crc(path)}};
    }
    io::write_file_atomic((temporary / "manifest.json").string(), manifest.dump(1));
    fs::remove_all(final_path);
    fs::rename(temporary, final_path);
    io::sync_directory(directory);
    point_last_at(directory, name);
    const auto all = checkpoints_in(directory);
    for (size_t i = static_cast<size_t>(std::max<int64_t>(keep, 1)); i < all.size(); ++i) {
      fs::remove_all(all[i]);
    }
  } catch (const fs::filesystem_error& e) {
    fail(ErrorCode::kIo, "cannot save the checkpoint {}: {}", final_path.string(), e.what());
  }
  return final_path.string();
}

Checkpoint load_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (fs::exists(fs::path(path) / "manifest.json", ignored)) {
    const std::string problem = what_is_wrong(path);
    IOLAUS_CHECK_CODE(problem.empty(), ErrorCode::kCorrupt, "the checkpoint {} is damaged: {}",
                      path, problem);
    return load_verified(path);
  }
  std::string skipped;
  for (const fs::path& directory : {fs::path(path), fs::path(path) / "checkpoints"}) {
    for (const std::string& folder : checkpoints_in(directory)) {
      const std::string problem = what_is_wrong(folder);
      if (problem.empty()) return load_verified(folder);
      skipped += "\n  " + folder + ": " + problem;
    }
  }
  IOLAUS_CHECK_CODE(skipped.empty(), ErrorCode::kCorrupt, "no checkpoint below {} verifies:{}",
                    path, skipped);
  fail(
      ErrorCode::kNotFound,
      "there is no checkpoint at {}; expected a checkpoint's folder (with manifest.json), a folder "
      "of checkpoints or a run's output folder",
      path);
}

}  // namespace iolaus::nn
