// Loading YAML texts and files: checks of size and characters first, then the reader, again with a
// repaired text where libyaml refuses what PyYAML reads.
#include <fstream>

#include "config/python_text.h"
#include "config/yaml.h"
#include "config/yaml_events.h"

namespace iolaus::config {
namespace {

yaml::Shift shift_of(std::string_view text, const yaml::Repair& repair) {
  yaml::Shift out{1, 1, static_cast<std::uint32_t>(repair.text.size()), repair.text == "#"};
  for (std::size_t i = 0; i < repair.at;) {
    const char32_t c = next_character(text, i);
    ++out.column;
    if (c == '\n') ++out.line, out.column = 1;
  }
  return out;
}

std::string read_text(const std::string& path, const LoadLimits& limits) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(ErrorCode::kIo, "[config] cannot open {}", path);
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (size < 0) fail(ErrorCode::kIo, "[config] cannot read {}", path);
  IOLAUS_CHECK_CODE(static_cast<std::size_t>(size) <= limits.bytes, ErrorCode::kConfig,
                    "[config] expected at most {} bytes in {}, got {}", limits.bytes, path, size);
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) fail(ErrorCode::kIo, "[config] cannot read {}", path);
  return text;
}

}  // namespace

Node load_yaml(std::string_view text, std::string_view source, const LoadLimits& limits) {
  IOLAUS_CHECK_CODE(text.size() <= limits.bytes, ErrorCode::kConfig,
                    "[yaml] expected at most {} bytes in {}, got {}", limits.bytes, source,
                    text.size());
  const std::uint32_t id = intern_source(source);
  yaml::check_characters(text, id);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  constexpr int kMostRepairs = 64;
  std::string repaired;
  std::vector<yaml::Shift> shifts;
  for (int i = 0;; ++i) {
    try {
      return yaml::read_document(text, id, limits, shifts);
    } catch (const yaml::Repair& repair) {
      IOLAUS_CHECK_CODE(i < kMostRepairs, ErrorCode::kConfig,
                        "[yaml] expected blanks behind colons in flow collections, in {}", source);
      shifts.push_back(shift_of(text, repair));
      repaired = std::string(text.substr(0, repair.at)) + repair.text +
                 std::string(text.substr(repair.at));
      text = repaired;
    }
  }
}

Node load_file(const std::string& path, const LoadLimits& limits) {
  const std::string text = read_text(path, limits);
  if (path.ends_with(".json")) return load_json(text, path, limits);
  return load_yaml(text, path, limits);
}

}  // namespace iolaus::config
