// Blame: prints one line for each scalar or empty container, aligned with its mark.
#include "config/blame.h"

#include <algorithm>
#include <vector>

#include "config/interpolation.h"
#include "config/update.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

struct Line {
  std::string text;
  std::string mark;
};

std::string own_line(const Node& value) {
  Node list = Node::list();
  list.append(value);
  std::string text = to_yaml(list);
  text = text.substr(2);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // What folds into several lines is shown as one.
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

std::string key_text(const Node& child) {
  Node dict = Node::dict();
  dict.set(child.key(), Node(0));
  const std::string text = to_yaml(dict);
  return text.substr(0, text.rfind(": 0"));
}

std::string mark_of(const Node& node) {
  const Mark& mark = node.mark().known() ? node.mark() : node.key_mark();
  return mark.known() ? mark.text() : "";
}

void add_lines(const Node& node, const std::string& indent, const std::string& lead,
               std::vector<Line>& lines) {
  if (!node.is_container() || node.empty()) {
    lines.push_back({indent + lead + own_line(node), mark_of(node)});
    return;
  }
  std::string here = indent + lead;
  if (!lead.empty() && lead != "- ") {
    while (!here.empty() && here.back() == ' ') here.pop_back();
    lines.push_back({here, ""});
  }
  // Inside a list item, the first entry stands beside the dash.
  const bool item = lead == "- ";
  std::string below = lead.empty() ? indent : indent + "  ";
  if (node.is_list() && !item && !lead.empty()) below = indent;
  bool first = true;
  for (const Node& child : node) {
    const std::string name = node.is_dict() ? key_text(child) + ": " : "- ";
    if (first && item) {
      std::vector<Line> head;
      add_lines(child, "", name, head);
      for (std::size_t i = 0; i < head.size(); ++i) {
        lines.push_back({(i == 0 ? indent + "- " : below) + head[i].text, head[i].mark});
      }
    } else {
      add_lines(child, below, name, lines);
    }
    first = false;
  }
}

}  // namespace

std::string blame_text(const Node& node, bool resolve_values) {
  std::vector<Line> lines;
  Node resolved;
  if (resolve_values) resolved = to_resolved(node);
  add_lines(resolve_values ? resolved : node, "", "", lines);
  std::size_t width = 0;
  for (const Line& line : lines) {
    if (line.text.size() <= 60) width = std::max(width, line.text.size());
  }
  std::string text;
  for (const Line& line : lines) {
    text += line.text;
    if (!line.mark.empty()) {
      const std::size_t fill = width > line.text.size() ? width - line.text.size() : 0;
      text += std::string(fill, ' ') + "  # " + line.mark;
    }
    text += '\n';
  }
  return text;
}

std::string near_keys(const Node& config, const std::string& path) {
  const Node* at = &config;
  for (const std::string& part : split_path(path)) {
    const Node* next = at->find(Key(part));
    if (next) {
      at = next;
      continue;
    }
    if (!at->is_dict()) return "";
    std::vector<std::string> names;
    for (const Node& child : *at) names.push_back(child.key().text());
    const std::string near = did_you_mean(part, names);
    return near.empty() ? "" : near.substr(1) + "\n";
  }
  return "";
}

}  // namespace iolaus::config
