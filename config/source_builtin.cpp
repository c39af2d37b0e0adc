// Sources inside the program: the YAML texts of `pkg://hydra.conf` and the typed configs of
// `structured://`.
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>

#include "config/builtin.h"

namespace iolaus::config {
namespace {

// "a/b.yaml" -> "a/b".
std::string without_extension(const std::string& path) {
  const std::string normal = normal_path(path).value_or("");
  return normal.ends_with(".yaml") ? normal.substr(0, normal.size() - 5) : normal;
}

// Children of `group` among full names: configs, or groups that hold some.
std::vector<std::string> children(const std::vector<std::string>& names, const std::string& group,
                                  ObjectKind kind) {
  std::vector<std::string> found;
  const std::string prefix = group.empty() ? "" : group + "/";
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    const std::size_t slash = rest.find('/');
    if ((slash == std::string::npos) != (kind == ObjectKind::kConfig)) continue;
    found.push_back(rest.substr(0, slash));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

bool has_group(const std::vector<std::string>& names, const std::string& group) {
  if (group.empty()) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.starts_with(group + "/"); });
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class TextSource : public Source {
 public:
  TextSource(SourceInfo info, bool exists) : Source(std::move(info)), exists_(exists) {
    if (!exists) return;
    for (const BuiltinText& text : builtin_texts()) names_.emplace_back(text.path);
  }

  bool available() const override { return exists_; }
  bool is_group(const std::string& path) const override {
    return exists_ && has_group(names_, normal_path(path).value_or("?"));
  }
  bool is_config(const std::string& path) const override {
    return contains(names_, without_extension(path));
  }
  std::vector<std::string> list(const std::string& group, ObjectKind kind) const override {
    return children(names_, group, kind);
  }
  LoadedText load(const std::string& path) const override {
    const std::string name = without_extension(path);
    for (const BuiltinText& text : builtin_texts()) {
      if (text.path != name) continue;
      const std::string origin = "pkg://" + info().path + "/" + name + ".yaml";
      return {parse_config_text(text.text, origin, false), read_header(text.text), origin};
    }
    fail(ErrorCode::kNotFound, "Config not found : {}", path);
  }

 private:
  bool exists_;
  std::vector<std::string> names_;
};

struct Schemas {
  std::mutex mutex;
  std::map<std::string, std::function<Node()>> makers;
};

// Typed configs are made when they are asked for: most runs need three of them.
Schemas& schemas() {
  static Schemas* all = [] {
    auto* made = new Schemas;
    for (const std::string& path : builtin_schema_names()) {
      made->makers[path] = [path] { return builtin_schema(path); };
    }
    return made;
  }();
  return *all;
}

class SchemaSource : public Source {
 public:
  using Source::Source;
  bool available() const override { return true; }
  bool is_group(const std::string& path) const override {
    return has_group(names(), normal_path(path).value_or("?"));
  }
  bool is_config(const std::string& path) const override {
    return contains(names(), without_extension(path));
  }
  std::vector<std::string> list(const std::string& group, ObjectKind kind) const override {
    std::vector<std::string> found = children(names(), group, kind);
    // The stand-in for "no primary config" is nobody's business.
    std::erase(found, "_dummy_empty_config_");
    return found;
  }
  LoadedText load(const std::string& path) const override {
    const std::string name = without_extension(path);
    const std::lock_guard lock(schemas().mutex);
    const auto found = schemas().makers.find(name);
    if (found == schemas().makers.end()) {
      fail(ErrorCode::kNotFound, "Config not found : {}", path);
    }
    return {found->second(), {}, "structured://" + name};
  }

 private:
  static std::vector<std::string> names() {
    const std::lock_guard lock(schemas().mutex);
    std::vector<std::string> all;
    for (const auto& [name, maker] : schemas().makers) all.push_back(name);
    return all;
  }
};

}  // namespace

std::unique_ptr<Source> make_text_source(const std::string& provider, const std::string& path) {
  // A package is written with dots or slashes; only Hydra's own exists here.
  std::string package = path;
  std::replace(package.begin(), package.end(), '/', '.');
  while (!package.empty() && package.back() == '.') package.pop_back();
  return std::make_unique<TextSource>(SourceInfo{provider, "pkg", package},
                                      package == "hydra.conf");
}

std::unique_ptr<Source> make_schema_source(const std::string& provider, const std::string& path) {
  return std::make_unique<SchemaSource>(SourceInfo{provider, "structured", path});
}

void register_schema(const std::string& path, Node config) {
  const std::lock_guard lock(schemas().mutex);
  schemas().makers[path] = [config = std::move(config)] { return config; };
}

}  // namespace iolaus::config
