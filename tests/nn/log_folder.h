// A folder for a test's files, and reading them.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/core/io_helpers.h"

struct LogFolder {
  iolaus::test::TempDir dir;
  std::filesystem::path path = dir.path();
  const std::string& str() const { return dir.path(); }
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
