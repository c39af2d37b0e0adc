// Directories as sources, and what all sources share: names, headers, parsing.
#include "config/source.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "config/builtin.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

// In this order, so a `.yaml` wins over a `.json` of the same name.
constexpr std::array<std::string_view, 3> kExtensions = {".yaml", ".yml", ".json"};
constexpr std::size_t kMaxFile = 16 << 20;

bool is_regular(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail(ErrorCode::kIo, "[config] cannot open {}: {}", path, std::strerror(errno));
  std::string text;
  std::array<char, 16384> buffer;
  std::size_t got = 0;
  while (text.size() <= kMaxFile && (got = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) {
    text.append(buffer.data(), got);
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) fail(ErrorCode::kIo, "[config] cannot read {}", path);
  return text;
}

class FileSource : public Source {
 public:
  using Source::Source;

  bool available() const override { return is_directory(root()); }

  bool is_group(const std::string& path) const override {
    const std::optional<std::string> normal = normal_path(path);
    return normal && is_directory(join(*normal));
  }

  bool is_config(const std::string& path) const override { return find(path).has_value(); }

  std::vector<std::string> list(const std::string& group, ObjectKind kind) const override {
    std::vector<std::string> names;
    const std::optional<std::string> normal = normal_path(group);
    DIR* directory = normal ? ::opendir(join(*normal).c_str()) : nullptr;
    if (!directory) return names;
    while (const dirent* entry = ::readdir(directory)) add(names, *normal, entry->d_name, kind);
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

  LoadedText load(const std::string& path) const override {
    const std::optional<std::string> file = find(path);
    if (!file) fail(ErrorCode::kNotFound, "Config not found : {}", path);
    const std::string text = read_file(*file);
    LoadedText loaded;
    loaded.header = read_header(std::string_view(text).substr(0, 512));
    loaded.config = parse_config_text(text, *file, file->ends_with(".json"));
    loaded.origin = *file;
    return loaded;
  }

  std::optional<Node> schema(const std::string& path) const override {
    const std::optional<std::string> normal = normal_path(path);
    const std::string file = normal ? join(*normal + ".schema.json") : "";
    if (!normal || !is_regular(file)) return std::nullopt;
    return load_json(read_file(file), file);
  }

 private:
  std::string root() const { return info().path.empty() ? "." : info().path; }
  std::string join(const std::string& path) const {
    return path.empty() ? root() : root() + "/" + path;
  }

  static bool is_schema(const std::string& name) { return name.ends_with(".schema.json"); }

  // The file of a config: its name as it is where it has an extension, else with one added.
  std::optional<std::string> find(const std::string& path) const {
    if (path.empty() || path.back() == '/') return std::nullopt;
    const std::optional<std::string> normal = normal_path(path);
    if (!normal || normal->empty()) return std::nullopt;
    const std::string file = join(*normal);
    if (file.ends_with(".yaml") || file.ends_with(".json") || file.ends_with(".yml")) {
      if (is_regular(file) && !is_schema(file)) return file;
    }
    for (const std::string_view extension : kExtensions) {
      std::string candidate = file + std::string(extension);
      if (is_regular(candidate) && !is_schema(candidate)) return candidate;
    }
    return std::nullopt;
  }

  void add(std::vector<std::string>& names, const std::string& group, const std::string& name,
           ObjectKind kind) const {
    if (name == "." || name == ".." || name == "__pycache__") return;
    const std::string path = group.empty() ? name : group + "/" + name;
    if (kind == ObjectKind::kGroup) {
      if (is_directory(join(path))) names.push_back(name);
      return;
    }
    if (is_schema(name)) return;
    for (const std::string_view extension : kExtensions) {
      if (name.ends_with(extension) && name.size() > extension.size() && is_regular(join(path))) {
        names.push_back(name.substr(0, name.size() - extension.size()));
      }
    }
  }
};

bool is_blank_line(std::string_view line) {
  return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    result.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return result;
}

ListMerge list_merge(const std::string& name) {
  if (name == "extend") return ListMerge::kExtend;
  if (name == "extend_unique") return ListMerge::kExtendUnique;
  if (name != "replace") {
    fail(ErrorCode::kConfig, "Expected '# @lists' to be replace, extend or extend_unique, got '{}'",
         name);
  }
  return ListMerge::kReplace;
}

}  // namespace

std::optional<std::string> normal_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) return std::nullopt;
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string normal;
  for (const std::string_view part : parts) {
    if (!normal.empty()) normal += '/';
    normal += part;
  }
  return normal;
}

ConfigHeader read_header(std::string_view text) {
  ConfigHeader header;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (is_blank_line(line)) continue;
    line.remove_prefix(line.find_first_not_of(" \t"));
    line = line.substr(0, line.find_last_not_of(" \t\r\f\v") + 1);
    if (line[0] != '#') break;
    const std::size_t at = line.find_first_not_of(" \t", 1);
    if (at == std::string_view::npos || line[at] != '@') break;
    const std::string_view body = line.substr(at);
    const std::vector<std::string> parts = words(body);
    if (parts.size() < 2) {
      fail(ErrorCode::kConfig, "Expected header format: KEY VALUE, got '{}'", body);
    }
    if (parts.size() > 2) fail(ErrorCode::kConfig, "Too many components in '{}'", body);
    if (parts[0] == "@package") header.package = parts[1];
    if (parts[0] == "@lists") header.lists = list_merge(parts[1]);
  }
  return header;
}

Node parse_config_text(std::string_view text, std::string_view origin, bool json) {
  Node node = json ? load_json(text, origin) : load_yaml(text, origin);
  // The reference parses a plain string once more; it may be YAML inside quotes.
  if (node.is_string()) {
    Node again = load_yaml(node.as_string(), origin);
    if (!again.is_container()) {
      Node entry = Node::dict();
      entry.set(Key(node.as_string()), Node());
      again = std::move(entry);
    }
    return again;
  }
  if (node.is_null()) {
    const Mark mark = node.mark();
    node = Node::dict();
    node.set_mark(mark);
  }
  if (!node.is_container()) {
    fail(ErrorCode::kConfig, "Invalid loaded object type: {}\n{}: expected a dict or a list",
         node.type_name(), origin);
  }
  return node;
}

std::unique_ptr<Source> make_source(const std::string& provider, const std::string& path) {
  const std::size_t mark = path.find("://");
  const std::string scheme = mark == std::string::npos ? "file" : path.substr(0, mark);
  const std::string rest = mark == std::string::npos ? path : path.substr(mark + 3);
  if (scheme == "file") return std::make_unique<FileSource>(SourceInfo{provider, scheme, rest});
  if (scheme == "pkg") return make_text_source(provider, rest);
  if (scheme == "structured") return make_schema_source(provider, rest);
  fail(ErrorCode::kConfig,
       "No config source registered for schema {}, supported types : [file, pkg, structured]",
       scheme);
}

}  // namespace iolaus::config
