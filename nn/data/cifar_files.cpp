// Looking for the layouts of CIFAR, in folders first.
#include "nn/data/cifar_files.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/io/tar.h"

namespace iolaus::nn::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFile = uint64_t{512} << 20;  // the largest official one has 155 MB

std::vector<std::string> wanted(const CifarLayout& layout, bool train) {
  std::vector<std::string> files = train ? layout.train : layout.test;
  files.insert(files.end(), layout.names.begin(), layout.names.end());
  return files;
}

std::string join(const std::string& folder, const std::string& name) { return folder + "/" + name; }

bool has_all(const std::string& folder, const std::vector<std::string>& files) {
  return std::all_of(files.begin(), files.end(), [&](const std::string& file) {
    std::error_code ignored;
    return fs::is_regular_file(join(folder, file), ignored);
  });
}

CifarFiles read_archive(const std::string& path, const CifarLayout& layout, bool train) {
  const auto source = io::open_file(path);
  const auto stream = io::open_stream(*source);
  io::TarReader tar(*stream, path);
  const std::vector<std::string> files = wanted(layout, train);
  CifarFiles found{&layout, path, {}};
  while (found.contents.size() < files.size()) {
    const auto member = tar.next();
    if (!member) break;
    const std::string name = member->name.substr(member->name.find_last_of('/') + 1);
    if (!member->is_file || std::find(files.begin(), files.end(), name) == files.end()) continue;
    found.contents[name] = tar.read(kMaxFile);
  }
  for (const std::string& file : files) {
    IOLAUS_CHECK_CODE(found.contents.contains(file), ErrorCode::kNotFound,
                      "[cifar] {}: expected {} in the archive, got none", path, file);
  }
  return found;
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

}  // namespace

CifarFiles read_cifar_files(const std::string& path, const std::vector<CifarLayout>& layouts,
                            bool train) {
  if (is_file(path)) {
    const std::string name = fs::path(path).filename().string();
    for (const CifarLayout& layout : layouts) {
      if (name.starts_with(layout.archive)) return read_archive(path, layout, train);
    }
    fail(ErrorCode::kNotFound, "[cifar] {}: expected {}.tar.gz or {}.tar.gz", path,
         layouts[0].archive, layouts[1].archive);
  }
  for (const CifarLayout& layout : layouts) {
    const std::vector<std::string> files = wanted(layout, train);
    for (const std::string& folder : {path, join(path, layout.folder)}) {
      if (!has_all(folder, files)) continue;
      CifarFiles found{&layout, folder, {}};
      for (const std::string& file : files) {
        found.contents[file] = io::read_file(join(folder, file), kMaxFile);
      }
      return found;
    }
  }
  for (const CifarLayout& layout : layouts) {
    for (const char* ending : {".tar.gz", ".tar"}) {
      const std::string archive = join(path, layout.archive + ending);
      if (is_file(archive)) return read_archive(archive, layout, train);
    }
  }
  fail(ErrorCode::kNotFound,
       "[cifar] there is neither {}/ nor {}/ nor {}.tar.gz nor {}.tar.gz in {}, with {} and so on; "
       "they are offered at https://www.cs.toronto.edu/~kriz/cifar.html",
       layouts[0].folder, layouts[1].folder, layouts[0].archive, layouts[1].archive, path,
       layouts[0].train[0]);
}

}  // namespace iolaus::nn::data
