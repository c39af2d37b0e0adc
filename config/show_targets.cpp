// --info targets: what `_target_` may name, with parameters, types, defaults and docs.
#include <algorithm>

#include "config/registry.h"
#include "config/show.h"

namespace iolaus::config {
namespace {

std::string parameter_text(const Param& param, std::size_t width) {
  std::string head = param.name + ": " + param_type_name(param.type);
  if (param.default_value) head += " = " + param.default_value->repr();
  std::string text = "    " + head;
  if (!param.doc.empty()) {
    text += std::string(width > head.size() ? width - head.size() : 0, ' ') + "  " + param.doc;
  }
  return text + "\n";
}

std::string target_text(const Target& target) {
  std::string text = target.name() + "\n";
  if (!target.doc.empty()) text += "  " + target.doc + "\n";
  std::string others;
  for (std::size_t i = 1; i < target.names.size(); ++i) {
    others += (i > 1 ? ", " : "  also: ") + target.names[i];
  }
  if (!others.empty()) text += others + "\n";
  std::size_t width = 0;
  for (const Param& param : target.params) {
    const std::size_t value = param.default_value ? 3 + param.default_value->repr().size() : 0;
    width = std::max(
        width, param.name.size() + 2 + std::string(param_type_name(param.type)).size() + value);
  }
  for (const Param& param : target.params) {
    text += parameter_text(param, std::min<std::size_t>(width, 48));
  }
  return text;
}

}  // namespace

std::string targets_text() {
  std::string text;
  for (const Target* target : targets()) text += (text.empty() ? "" : "\n") + target_text(*target);
  return text.empty() ? "This program registers no targets.\n" : text;
}

}  // namespace iolaus::config
