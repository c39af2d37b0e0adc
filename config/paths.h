// Paths and files of runs: absolute paths, directories that only one run uses, whole-file writes.
#pragma once

#include <optional>
#include <string>

namespace iolaus::config {

/// Absolute and without `.`, `..` and double slashes, as Python's os.path.abspath.
std::string absolute_path(const std::string& path);
std::string join_path(const std::string& directory, const std::string& name);
std::string current_path();
bool is_directory(const std::string& path);
bool is_file(const std::string& path);
/// Like mkdir -p. kIo where it fails. Returns true where the last folder is new.
bool make_directories(const std::string& path);
/// Marks the directory as used by this process until it ends. kIo where another process does so.
void claim_directory(const std::string& path);
/// The path itself, or with _1, _2, ... where a directory of that name is there already; made.
std::string make_new_directory(const std::string& path);
/// Writes a text file whole: a temporary file, then rename. kIo where it fails.
void write_text(const std::string& path, const std::string& text);
std::string read_text(const std::string& path);

}  // namespace iolaus::config
