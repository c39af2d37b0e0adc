// Mark: the table of source names. Names stay in a deque, so that references to them are stable.
#include "config/mark.h"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace iolaus::config {
namespace {

struct Sources {
  std::mutex mutex;
  std::deque<std::string> names{std::string()};
  std::unordered_map<std::string_view, std::uint32_t> numbers{{std::string_view(), 0}};
};

Sources& sources() {
  static Sources* instance = new Sources;  // never destroyed: marks are used until the very end
  return *instance;
}

}  // namespace

std::uint32_t intern_source(std::string_view name) {
  Sources& table = sources();
  const std::lock_guard lock(table.mutex);
  if (const auto found = table.numbers.find(name); found != table.numbers.end()) {
    return found->second;
  }
  const auto number = static_cast<std::uint32_t>(table.names.size());
  table.names.emplace_back(name);
  table.numbers.emplace(table.names.back(), number);
  return number;
}

const std::string& source_name(std::uint32_t source) {
  Sources& table = sources();
  const std::lock_guard lock(table.mutex);
  return table.names[source < table.names.size() ? source : 0];
}

const std::string& Mark::source_name() const { return config::source_name(source); }

std::string Mark::text() const {
  std::string out = source_name();
  if (known() && line > 0) out += ":" + std::to_string(line);
  if (known() && column > 0) out += (line > 0 ? ":" : " column ") + std::to_string(column);
  return out;
}

}  // namespace iolaus::config
