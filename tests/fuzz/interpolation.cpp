// libFuzzer target: any text as an interpolated value, in a small tree with something to refer to,
// and as one element for oc.decode.
#include <cstdint>
#include <string>
#include <string_view>

#include "config/interpolation.h"
#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Node root = Node::dict();
  root.set("a", 1);
  root.set("s", "text");
  Node& list = root.set("l", Node::list());
  list.append(1.5);
  list.append("${a}");
  Node& dict = root.set("m", Node::dict());
  dict.set("x", "${f}");
  dict.set("y", Node::missing());
  root.set("f", text);
  dict.set("d", Node("${oc.decode:${s}}"));
  root.set("s", text);
  try {
    check_interpolation(text);
  } catch (const Error&) {
  }
  for (const char* key : {"f", "m", "l"}) {
    try {
      to_resolved(root.at(key));
    } catch (const Error&) {
    }
  }
  try {
    select(root, text);
  } catch (const Error&) {
  }
  return 0;
}
