// `.env` files: NAME=value lines, comments, `export`, single and double quotes.
#include <cctype>
#include <cstdlib>

#include "config/check.h"
#include "config/paths.h"

namespace iolaus::config {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_name(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    if (c != '_' && !std::isalnum(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// Text between quotes; in double quotes, \n, \t, \" and \\ are escapes.
std::string unquoted(const std::string& text, const std::string& where) {
  const char quote = text[0];
  std::string value;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
    } else {
      value += text[i];
    }
  }
  if (i == text.size()) fail(ErrorCode::kConfig, "{}: expected a closing {}", where, quote);
  const std::string rest = trimmed(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#') {
    fail(ErrorCode::kConfig, "{}: expected nothing after the closing {}, got '{}'", where, quote,
         rest);
  }
  return value;
}

std::string parse_value(const std::string& text, const std::string& where) {
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) return unquoted(text, where);
  const std::size_t comment = text.find(" #");
  return trimmed(text.substr(0, comment));
}

}  // namespace

void load_env_file(const std::string& path) {
  const std::string text = read_text(path);
  std::size_t at = 0;
  for (int number = 1; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const std::string where = path + ":" + std::to_string(number);
    const std::size_t equal = line.find('=');
    const std::string name = trimmed(line.substr(0, equal));
    if (equal == std::string::npos || !is_name(name)) {
      fail(ErrorCode::kConfig, "{}: expected NAME=value, got '{}'", where, line);
    }
    // The environment wins over the file, as with every other tool that reads such files.
    ::setenv(name.c_str(), parse_value(trimmed(line.substr(equal + 1)), where).c_str(), 0);
  }
}

}  // namespace iolaus::config
