// Saving, finding and loading checkpoints.
#include "nn/trainer/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "core/warning.h"
#include "nn/trainer/checkpoint_state.h"

namespace iolaus::nn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFiles[] = {"model.safetensors", "optimizer.safetensors",
                                  "trainer.safetensors", "state.json", "config.yaml"};
constexpr const char* kManifest = "manifest.json";

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

// Empty if the folder verifies against its manifest, else why not.
std::string what_is_wrong(const std::string& folder) {
  try {
    const json manifest = io::read_json(folder + "/" + kManifest).at("files");
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
    return folder + "/" + kManifest + ": " + e.what();
  }
  return "";
}

// Newest first: by steps, then by time.
std::vector<std::string> checkpoints_in(const fs::path& directory) {
  struct Found {
    int64_t step;
    fs::file_time_type time;
    std::string path;
  };
  std::vector<Found> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const fs::path& path = entry.path();
    if (!entry.is_directory(ignored) || entry.is_symlink() || path.extension() != ".ckpt") continue;
    found.push_back(
        {checkpoint_step(path.string()), fs::last_write_time(path, ignored), path.string()});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.step != b.step ? a.step > b.step : a.time > b.time;
  });
  std::vector<std::string> paths;
  for (const Found& f : found) paths.push_back(f.path);
  return paths;
}

// Puts `from` in the place of `to` in one moment, whatever stands there; that goes away.
void replace(const fs::path& from, const fs::path& to) {
  if (!fs::exists(fs::symlink_status(to))) return fs::rename(from, to);
  if (fs::is_symlink(to) && fs::is_symlink(from)) return fs::rename(from, to);
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) != 0) {
    fail(ErrorCode::kIo, "cannot put {} in the place of {}: {}", from.string(), to.string(),
         std::strerror(errno));
  }
  fs::remove_all(from);
}

void point_at(const fs::path& link, const fs::path& target) {
  const fs::path temporary = link.string() + ".tmp";
  fs::remove_all(temporary);
  fs::create_directory_symlink(fs::relative(target, link.parent_path()), temporary);
  replace(temporary, link);
}

void write_files(const fs::path& folder, const Checkpoint& c) {
  io::save_safetensors((folder / kFiles[0]).string(), c.model, {{"format", "pt"}});
  io::save_safetensors((folder / kFiles[1]).string(), c.optimizer, {{"format", "pt"}});
  io::save_safetensors((folder / kFiles[2]).string(), c.trainer, {{"format", "pt"}});
  io::write_file_atomic((folder / kFiles[3]).string(), detail::state_text(c));
  io::write_file_atomic((folder / kFiles[4]).string(), c.config);
  json files;
  for (const char* file : kFiles) {
    const std::string path = (folder / file).string();
    files[file] = {{"size", fs::file_size(path)}, {"crc32", file_crc(path)}};
  }
  const json manifest{{"step", c.global_step}, {"files", files}};
  io::write_file_atomic((folder / kManifest).string(), manifest.dump(1));
}

}  // namespace

Checkpoint Checkpoint::snapshot() const {
  const NoGrad no_grad;
  Checkpoint copy = *this;
  for (auto* tensors : {&copy.model, &copy.optimizer, &copy.trainer}) {
    for (auto& [name, tensor] : *tensors) {
      tensor = tensor.device().is_cpu() ? clone(tensor) : to(tensor, Device());
    }
  }
  return copy;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                     const SaveOptions& options) {
  const fs::path final_path = fs::absolute(path).lexically_normal();
  const fs::path temporary = final_path.string() + ".tmp";
  try {
    fs::create_directories(final_path.parent_path());
    fs::remove_all(temporary);
    fs::create_directory(temporary);
    write_files(temporary, checkpoint);
    replace(temporary, final_path);
    io::sync_directory(final_path.parent_path().string());
    if (!options.link.empty()) {
      point_at(fs::absolute(options.link), final_path);
      io::sync_directory(fs::absolute(options.link).parent_path().string());
    }
    for (const std::string& older : options.remove) remove_checkpoint(older);
  } catch (const fs::filesystem_error& e) {
    fail(ErrorCode::kIo, "cannot save the checkpoint {}: {}", final_path.string(), e.what());
  }
}

void remove_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_symlink(path)) fs::remove(fs::path(path) / kManifest, ignored);
  fs::remove_all(path, ignored);
}

std::string find_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (fs::exists(fs::path(path) / kManifest, ignored)) {
    const std::string problem = what_is_wrong(path);
    IOLAUS_CHECK_CODE(problem.empty(), ErrorCode::kCorrupt, "the checkpoint {} is damaged: {}",
                      path, problem);
    return path;
  }
  std::string skipped;
  for (const fs::path& directory : {fs::path(path), fs::path(path) / "checkpoints"}) {
    for (const std::string& folder : checkpoints_in(directory)) {
      const std::string problem = what_is_wrong(folder);
      if (problem.empty()) {
        if (!skipped.empty()) warn("newer checkpoints are damaged and left out:{}", skipped);
        return folder;
      }
      skipped += "\n  " + folder + ": " + problem;
    }
  }
  IOLAUS_CHECK_CODE(skipped.empty(), ErrorCode::kCorrupt, "no checkpoint below {} verifies:{}",
                    path, skipped);
  fail(
      ErrorCode::kNotFound,
      "there is no checkpoint at {}; expected a checkpoint's folder (with manifest.json), a folder "
      "of checkpoints (*.ckpt) or a run's output folder",
      path);
}

int64_t checkpoint_step(const std::string& path) {
  try {
    return io::read_json(path + "/" + kManifest).at("step").get<int64_t>();
  } catch (const std::exception&) {
    return -1;  // it would not verify either
  }
}

Checkpoint load_checkpoint(const std::string& path) {
  const std::string folder = find_checkpoint(path);
  Checkpoint c;
  c.model = io::load_safetensors(folder + "/model.safetensors");
  c.optimizer = io::load_safetensors(folder + "/optimizer.safetensors");
  c.trainer = io::load_safetensors(folder + "/trainer.safetensors");
  detail::read_state(folder + "/state.json", c);
  c.config = io::read_file(folder + "/config.yaml", 1 << 20);
  return c;
}

CheckpointWriter::~CheckpointWriter() {
  if (running_.valid()) running_.wait();
}

void CheckpointWriter::save(std::string path, Checkpoint snapshot, SaveOptions options) {
  wait();
  running_ = std::async(std::launch::async,
                        [path = std::move(path), c = std::move(snapshot),
                         options = std::move(options)] { save_checkpoint(path, c, options); });
}

void CheckpointWriter::wait() {
  if (running_.valid()) running_.get();
}

}  // namespace iolaus::nn
