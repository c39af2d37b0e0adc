// The public face of interpolation: each call runs one Evaluation and names the node in its errors.
#include "config/interpolation.h"

#include <utility>

#include "config/evaluation.h"

namespace iolaus::config {

using detail::Evaluation;
using detail::ResolutionError;

void check_interpolation(std::string_view text) { parse_interpolated(text); }

NodeRef resolve(const Node& node) {
  if (!node.is_interpolation()) return {&node, nullptr};
  Evaluation own;
  try {
    return own.of_node(node).ref;
  } catch (const ResolutionError& error) {
    fail_at(node, error.what());
  }
}

NodeRef select(const Node& from, std::string_view path, SelectOptions options) {
  const Node* root = &from;
  while (path.starts_with('.')) {
    path.remove_prefix(1);
    if (!path.starts_with('.') || options.absolute) continue;
    root = root->parent();
    if (root == nullptr) {
      fail_at(from, "Error resolving key '" + std::string(path) + "'");
    }
  }
  Evaluation own;
  try {
    NodeRef found = own.select(*root, std::string(path), options.throw_on_missing,
                               options.throw_on_resolution_failure)
                        .ref;
    return found && found->is_missing() ? NodeRef{} : found;
  } catch (const ResolverError& error) {
    if (error.type() == "ConfigTypeError") return {};
    fail_at(from, Key(path), error.what());
  } catch (const Error& error) {
    fail_at(from, Key(path), error.what());
  }
}

Node resolve_text(std::string_view text, const Node& parent) {
  Node node(text);
  node.hang_under(parent);
  node.set_mark(parent.mark());
  Evaluation own;
  try {
    return own.resolved_or_plain(own.of_node(node));
  } catch (const ResolutionError& error) {
    fail(ErrorCode::kConfig, "{}", error.what());
  }
}

Node to_resolved(const Node& node) {
  Evaluation own;
  try {
    return own.resolved_copy(node);
  } catch (const ResolutionError& error) {
    fail_at(node, error.what());
  }
}

void resolve_in_place(Node& node) { node = to_resolved(node); }

std::vector<std::string> missing_keys(const Node& node) {
  std::vector<std::string> out;
  if (node.is_missing()) out.push_back(node.full_key());
  for (const Node& item : node) {
    for (std::string& key : missing_keys(item)) out.push_back(std::move(key));
  }
  return out;
}

}  // namespace iolaus::config
