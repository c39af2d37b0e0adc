// The library's parser with a callback that watches depth and keys while it builds the value.
#include "core/io/json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/io/file.h"

namespace iolaus::io {
namespace {

// The library quotes the last token, which may be the whole file.
std::string shorten(std::string message) {
  constexpr size_t kLimit = 200;
  if (message.size() > kLimit) message.replace(kLimit, std::string::npos, "...");
  return message;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name, JsonLimits limits) {
  using Event = nlohmann::json::parse_event_t;
  IOLAUS_CHECK_CODE(text.size() <= limits.nbytes, ErrorCode::kCorrupt,
                    "[json] {}: {} bytes are more than the {} allowed here", name, text.size(),
                    limits.nbytes);
  std::vector<std::set<std::string>> keys;  // of the open objects, outermost first
  const auto watch = [&](int depth, Event event, nlohmann::json& value) {
    if (event == Event::object_start || event == Event::array_start) {
      IOLAUS_CHECK_CODE(depth < limits.depth, ErrorCode::kCorrupt,
                        "[json] {}: nested deeper than {} levels", name, limits.depth);
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      IOLAUS_CHECK_CODE(keys.back().insert(key).second, ErrorCode::kCorrupt,
                        "[json] {}: the key '{}' is there twice", name, key);
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorCode::kCorrupt, "[json] {}: invalid JSON at byte {}: {}", name, error.byte,
         shorten(error.what()));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kCorrupt, "[json] {}: {}", name, shorten(error.what()));
  }
}

nlohmann::json read_json(const std::string& path, JsonLimits limits) {
  return parse_json(read_file(path, limits.nbytes), path, limits);
}

}  // namespace iolaus::io
