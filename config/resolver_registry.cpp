// The registry of resolvers: names, the cache of those that want one, and the hydra config.
#include <map>
#include <mutex>
#include <utility>

#include "config/resolvers.h"

namespace iolaus::config {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, detail::ResolverEntry, std::less<>> entries;
  std::map<std::pair<std::string, std::vector<std::string>>, Node> cache;
  std::shared_ptr<const Node> hydra;

  Registry() {
    for (auto& [name, entry] : detail::builtin_resolvers()) entries.emplace(name, entry);
    for (auto& [name, entry] : detail::arithmetic_resolvers()) {
      entry.replaceable = true;
      entries.emplace(name, entry);
    }
  }
};

Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

}  // namespace

namespace detail {

ResolverEntry resolver_entry(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  return found != all.entries.end() ? found->second : ResolverEntry{};
}

std::optional<Node> cached_result(const std::string& name, const std::vector<std::string>& texts) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.cache.find({name, texts});
  return found != all.cache.end() ? std::optional<Node>(found->second) : std::nullopt;
}

void cache_result(const std::string& name, const std::vector<std::string>& texts,
                  const Node& result) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.cache.emplace(std::pair(name, texts), result);
}

std::shared_ptr<const Node> hydra_config() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return all.hydra;
}

}  // namespace detail

void register_resolver(const std::string& name, Resolver resolver, bool replace, bool use_cache) {
  IOLAUS_CHECK_CODE(!name.empty(), ErrorCode::kConfig, "cannot use an empty resolver name");
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  const bool taken = found != all.entries.end() && !found->second.replaceable;
  IOLAUS_CHECK_CODE(replace || !taken, ErrorCode::kConfig, "resolver '{}' is already registered",
                    name);
  all.entries[name] = {nullptr, std::move(resolver), use_cache, false};
}

bool has_resolver(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return all.entries.contains(name);
}

std::vector<std::string> resolver_names() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::vector<std::string> names;
  for (const auto& [name, entry] : all.entries) names.push_back(name);
  return names;
}

void clear_resolver_cache() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.cache.clear();
}

void set_hydra_config(std::shared_ptr<const Node> hydra) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.hydra = std::move(hydra);
}

}  // namespace iolaus::config
