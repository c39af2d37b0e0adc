// Paths into the tree and near names for messages.
#include <algorithm>
#include <utility>

#include "config/python_text.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

/// A text key of a dict, or the int, float or bool key that it may spell.
const Node* find_typed(const Node& dict, const std::string& key) {
  if (const Node* found = dict.find(Key(key))) return found;
  if (const auto number = python_int(key)) {
    if (const Node* found = dict.find(Key(*number))) return found;
  }
  if (const auto number = python_float_value(key)) {
    if (const Node* found = dict.find(Key(*number))) return found;
  }
  if (key == "true" || key == "True") return dict.find(Key(true));
  if (key == "false" || key == "False") return dict.find(Key(false));
  return nullptr;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Edits (insert, delete, replace, swap of neighbours) between two short texts, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> keys;
  std::size_t i = 0;
  // The head: dots and a first key without brackets.
  while (i < path.size() && path[i] == '.') {
    keys.emplace_back();
    ++i;
  }
  std::size_t end = std::min(path.find_first_of(".[", i), path.size());
  const bool bracket_first = end == i && end < path.size() && path[end] == '[';
  if (!bracket_first) keys.emplace_back(path.substr(i, end - i));
  for (i = end; i < path.size();) {
    const bool dot = path[i] == '.';
    if (!dot && path[i] != '[') {  // text right behind a bracket: the reference skips it
      ++i;
      continue;
    }
    end = dot ? std::min(path.find_first_of(".[", i + 1), path.size()) : path.find(']', i + 1);
    if (end == std::string_view::npos) break;  // an unclosed bracket names nothing
    keys.emplace_back(path.substr(i + 1, end - i - 1));
    i = dot ? end : end + 1;
  }
  return keys;
}

const Node* find_path(const Node& from, std::string_view path, bool typed_keys) {
  if (path.empty()) return &from;
  const std::vector<std::string> keys = split_path(path);
  if (keys.empty()) return nullptr;  // only an unclosed bracket
  const Node* at = &from;
  for (const std::string& key : keys) {
    if (at->is_list()) {
      const auto index = python_int(key);
      at = index && *index >= 0 ? at->find(Key(*index)) : nullptr;
    } else {
      at = typed_keys && at->is_dict() ? find_typed(*at, key) : at->find(Key(key));
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

Node* find_path(Node& from, std::string_view path, bool typed_keys) {
  return const_cast<Node*>(find_path(std::as_const(from), path, typed_keys));
}

std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 3, kLongest = 100;
  std::vector<std::pair<std::size_t, std::string>> found;
  if (name.size() > kLongest) return {};
  for (const std::string& candidate : names) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const std::size_t allowed =
        std::max<std::size_t>(1, std::min(name.size(), candidate.size()) / 3);
    const std::size_t distance = edit_distance(name, candidate);
    const bool part = name.size() >= 3 && candidate.find(name) != std::string::npos;
    // Names that only share their last component are near too: "SGD" for "torch.optim.SGD".
    const auto tail = [](std::string_view text) { return text.substr(text.rfind('.') + 1); };
    const bool same_tail =
        name.find('.') != std::string_view::npos && tail(name) == tail(candidate);
    if (distance <= allowed || part || same_tail) found.emplace_back(distance, candidate);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> out;
  for (auto& [distance, candidate] : found) {
    if (out.size() < kMostNames) out.push_back(std::move(candidate));
  }
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::vector<std::string> near = near_names(name, names);
  if (near.empty()) return {};
  std::string out = " Did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i > 0) out += i + 1 == near.size() ? " or " : ", ";
    out += "'" + near[i] + "'";
  }
  return out + "?";
}

}  // namespace iolaus::config
