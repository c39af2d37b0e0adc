// --cfg: prints the composed config or a part of it.
#include <cstdio>

#include "config/blame.h"
#include "config/interpolation.h"
#include "config/job.h"
#include "config/show.h"
#include "config/update.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

// A container as YAML, a scalar as Python prints it.
void print_node(const Node& node, const std::string& package, bool whole) {
  if (!node.is_container()) {
    std::printf("%s\n", node.str().c_str());
    return;
  }
  if (!whole) std::printf("# @package %s\n", package.c_str());
  std::fputs(to_yaml(node).c_str(), stdout);
}

}  // namespace

Node sanitized(const Node& config, const std::string& what) {
  if (what == "all") return config;
  if (what == "job") {
    Node job = config;
    job.erase(Key("hydra"));
    return job;
  }
  Node only = Node::dict();
  only.set_flag(Flag::kStruct, config.own_flag(Flag::kStruct));
  Node& hydra = only.set(Key("hydra"), config.at(Key("hydra")));
  hydra.erase(Key("hydra_help"));
  hydra.erase(Key("help"));
  return only;
}

int show_config(Session& session) {
  const Arguments& arguments = session.arguments;
  Composition composition =
      session.composer.compose(session.config_name, arguments.overrides, {.mode = RunMode::kRun});
  warn_once(composition.warnings);
  set_current_config(&composition.config);
  Node shown = sanitized(composition.config, *arguments.cfg);
  const bool whole = !arguments.package || *arguments.package == "_global_";
  const std::string package = whole ? "" : *arguments.package;
  const Node* node = &shown;
  NodeRef selected;
  if (!whole) {
    selected = select(shown, package);
    if (!selected || selected->is_null()) {
      std::fprintf(stderr, "package '%s' not found in config\n%s", package.c_str(),
                   near_keys(shown, package).c_str());
      return 1;
    }
    node = selected.node;
  }
  if (arguments.blame) {
    std::fputs(blame_text(*node, arguments.resolve).c_str(), stdout);
    return 0;
  }
  if (arguments.resolve && node->is_container()) {
    const Node resolved = to_resolved(*node);
    print_node(resolved, package, whole);
    return 0;
  }
  print_node(*node, package, whole);
  return 0;
}

}  // namespace iolaus::config
