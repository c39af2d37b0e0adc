// Repository: looks through the sources in order and takes defaults lists out of configs.
#include "config/repository.h"

#include <algorithm>

namespace iolaus::config {
namespace {

// Takes `defaults` out of a config and reads its items.
std::vector<DefaultItem> extract_defaults(const std::string& path, Node& config) {
  if (!config.is_dict()) return {};
  const Node* list = config.find(Key("defaults"));
  if (!list) return {};
  if (!list->is_list()) {
    fail(ErrorCode::kConfig, "Invalid defaults list in '{}', defaults must be a list (got {}){}",
         path, list->is_dict() ? "mapping" : list->type_name(),
         list->mark().known() ? "\n" + list->mark().text() : "");
  }
  std::vector<DefaultItem> items;
  for (const Node& item : *list) items.push_back(parse_default_item(path, item));
  config.erase(Key("defaults"));
  return items;
}

}  // namespace

Repository::Repository(const std::vector<SearchPathElement>& search_path) {
  for (const SearchPathElement& element : search_path) {
    sources_.push_back(make_source(element.provider, element.path));
  }
}

Repository Repository::with_search_path(const std::vector<SearchPathElement>& search_path) const {
  Repository other(search_path);
  other.cache_ = cache_;
  return other;
}

std::shared_ptr<const LoadedConfig> Repository::load(const std::string& path) {
  const auto cached = cache_.find(path);
  if (cached != cache_.end()) return cached->second;
  std::shared_ptr<LoadedConfig> loaded;
  for (const auto& source : sources_) {
    if (!source->is_config(path)) continue;
    LoadedText text = source->load(path);
    loaded = std::make_shared<LoadedConfig>();
    loaded->config = std::move(text.config);
    loaded->header = std::move(text.header);
    loaded->origin = std::move(text.origin);
    loaded->defaults = extract_defaults(path, loaded->config);
    loaded->typed = source->info().scheme == "structured";
    break;
  }
  cache_[path] = loaded;
  return loaded;
}

std::shared_ptr<const Node> Repository::schema(const std::string& path) {
  const auto cached = schemas_.find(path);
  if (cached != schemas_.end()) return cached->second;
  std::shared_ptr<const Node> found;
  for (const auto& source : sources_) {
    if (std::optional<Node> schema = source->schema(path)) {
      found = std::make_shared<const Node>(*std::move(schema));
      break;
    }
  }
  schemas_[path] = found;
  return found;
}

bool Repository::config_exists(const std::string& path) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const auto& source) { return source->is_config(path); });
}

bool Repository::group_exists(const std::string& path) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const auto& source) { return source->is_group(path); });
}

std::vector<std::string> Repository::options(const std::string& group, ObjectKind kind) const {
  std::vector<std::string> all;
  for (const auto& source : sources_) {
    if (!source->is_group(group)) continue;
    for (std::string& name : source->list(group, kind)) all.push_back(std::move(name));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::string Repository::search_path_text() const {
  std::string text;
  for (const auto& source : sources_) {
    text += (text.empty() ? "\t" : "\n\t") + source->info().text();
  }
  return text;
}

}  // namespace iolaus::config
