// Names and numbers of log folders.
#include "nn/loggers/log_directory.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/error.h"
#include "core/io/atomic_file.h"

namespace iolaus::nn {
namespace {

namespace fs = std::filesystem;

std::string with_home(const std::string& path) {
  if (!path.starts_with("~") || (path.size() > 1 && path[1] != '/')) return path;
  const char* home = std::getenv("HOME");
  return home == nullptr ? path : home + path.substr(1);
}

// N of "version_N", also of "version_N_more", as Lightning reads it.
std::optional<int64_t> version_number(std::string_view folder) {
  constexpr std::string_view kStart = "version_";
  if (!folder.starts_with(kStart)) return {};
  const std::string_view digits =
      folder.substr(kStart.size(), folder.find('_', kStart.size()) - kStart.size());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = end == digits.data() + digits.size();
  return error == std::errc() && whole && number >= 0 ? std::optional(number) : std::nullopt;
}

int64_t next_version(const fs::path& folder) {
  int64_t next = 0;
  std::error_code ignored;  // a folder that is not there has no versions
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    std::error_code gone;
    const auto number = version_number(it->path().filename().string());
    if (number && it->is_directory(gone)) next = std::max(next, *number + 1);
  }
  return next;
}

}  // namespace

LogDirectory::LogDirectory(const std::string& save_dir, std::string name, LogVersion version,
                           std::string sub_dir)
    : save_dir_(with_home(save_dir)),
      name_(std::move(name)),
      sub_dir_(std::move(sub_dir)),
      version_(std::move(version)) {}

LogDirectory LogDirectory::from(const config::Args& args) {
  std::string name;
  if (const config::Node& node = args.node("name"); node.is_string()) {
    name = node.as_string();
  } else if (!node.is_null()) {
    args.fail_about("name", "expected a folder's name or null, got " + node.repr());
  }
  LogVersion version;
  if (const config::Node& node = args.node("version"); node.is_int()) {
    version = node.as_int();
  } else if (node.is_string()) {
    version = node.as_string();
  } else if (!node.is_null()) {
    args.fail_about("version", "expected a number, a folder's name or null, got " + node.repr());
  }
  return {args.get<std::string>("save_dir"), std::move(name), std::move(version),
          text_or_empty(args, "sub_dir")};
}

std::vector<config::Param> LogDirectory::params() {
  using P = config::ParamType;
  return {{"save_dir", P::kString, "folder of all experiments"},
          {"name", P::kAny, "experiment, a folder below; null or '': none", "lightning_logs"},
          {"version", P::kAny, "number N of version_N, or a folder's name; null: the next number",
           nullptr}};
}

std::string LogDirectory::version() const {
  if (std::holds_alternative<std::monostate>(version_)) {
    version_ = next_version(fs::path(save_dir_) / name_);
  }
  if (const auto* number = std::get_if<int64_t>(&version_)) return std::to_string(*number);
  return std::get<std::string>(version_);
}

std::string LogDirectory::path() const {
  std::string folder = version();
  if (std::holds_alternative<int64_t>(version_)) folder = "version_" + folder;
  fs::path path = save_dir_;
  for (const std::string& part : {name_, folder, sub_dir_}) {
    if (!part.empty()) path /= part;
  }
  return path.empty() ? "." : path.string();
}

void LogDirectory::create() const {
  std::error_code error;
  fs::create_directories(path(), error);
  IOLAUS_CHECK_CODE(!error, ErrorCode::kIo, "[logger] cannot make the folder {}: {}", path(),
                    error.message());
}

void write_hparams(const std::string& path, const config::Node& hparams) {
  io::write_file_atomic(path + "/hparams.yaml", config::to_yaml(hparams));
}

std::string text_or_empty(const config::Args& args, const char* key) {
  return args.has(key) ? args.get<std::string>(key) : "";
}

std::string prefixed(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "-" + name;
}

}  // namespace iolaus::nn
