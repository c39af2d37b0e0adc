// YAML tags and their constructors.
#include "config/yaml_tags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/base64.h"
#include "config/python_text.h"

namespace iolaus::config::yaml {
namespace {

constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
constexpr std::pair<std::string_view, Tag> kTags[] = {
    {"str", Tag::kString},
    {"null", Tag::kNull},
    {"bool", Tag::kBool},
    {"int", Tag::kInt},
    {"float", Tag::kFloat},
    {"binary", Tag::kBinary},
    {"timestamp", Tag::kTimestamp},
    {"seq", Tag::kSequence},
    {"map", Tag::kMapping},
    {"set", Tag::kSet},
    {"omap", Tag::kOrderedMap},
    {"pairs", Tag::kPairs},
    {"merge", Tag::kMerge},
    {"value", Tag::kValue},
    {"python/object/apply:pathlib.Path", Tag::kPath},
    {"python/object/apply:pathlib.PosixPath", Tag::kPath},
};

std::string no_constructor_for(std::string_view name) {
  return "could not determine a constructor for the tag " + python_quoted(name);
}

std::string expected(std::string_view what, std::string_view kind) {
  return "expected a " + std::string(what) + " node, but found " + std::string(kind);
}

Node binary(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
    fail(ErrorCode::kConfig, "failed to convert base64 data into ascii");
  }
  auto data = base64_decode(text);
  if (!data) fail(ErrorCode::kConfig, "failed to decode base64 data: Incorrect padding");
  return Node::bytes(std::move(*data));
}

}  // namespace

Tag tag_of(ScalarTag tag) {
  switch (tag) {
    case ScalarTag::kNull:
      return Tag::kNull;
    case ScalarTag::kBool:
      return Tag::kBool;
    case ScalarTag::kInt:
      return Tag::kInt;
    case ScalarTag::kFloat:
      return Tag::kFloat;
    case ScalarTag::kMerge:
      return Tag::kMerge;
    case ScalarTag::kValue:
      return Tag::kValue;
    case ScalarTag::kTimestamp:
      return Tag::kTimestamp;
    case ScalarTag::kString:
      return Tag::kString;
    case ScalarTag::kOther:
      break;
  }
  // A plain `!`, `&` or `*` never comes out of a parser as text.
  return Tag::kString;
}

Tag tag_named(std::string_view name) {
  if (!name.starts_with(kPrefix)) return Tag::kUnknown;
  name.remove_prefix(kPrefix.size());
  const auto* found = std::find_if(std::begin(kTags), std::end(kTags),
                                   [&](const auto& entry) { return entry.first == name; });
  return found != std::end(kTags) ? found->second : Tag::kUnknown;
}

Node construct_scalar(Tag tag, std::string_view name, std::string_view text) {
  switch (tag) {
    case Tag::kString:
      return Node(text);
    case Tag::kNull:
      return Node();
    case Tag::kBool:
      return scalar_value(ScalarTag::kBool, text);
    case Tag::kInt:
      return scalar_value(ScalarTag::kInt, text);
    case Tag::kFloat:
      return scalar_value(ScalarTag::kFloat, text);
    case Tag::kBinary:
      return binary(text);
    case Tag::kTimestamp:
      return Node(text);
    case Tag::kSequence:
    case Tag::kPath:
      fail(ErrorCode::kConfig, "{}", expected("sequence", "scalar"));
    case Tag::kMapping:
    case Tag::kSet:
      fail(ErrorCode::kConfig, "{}", expected("mapping", "scalar"));
    case Tag::kOrderedMap:
      fail(ErrorCode::kConfig,
           "while constructing an ordered map\nexpected a sequence, but found scalar");
    case Tag::kPairs:
      fail(ErrorCode::kConfig, "while constructing pairs\nexpected a sequence, but found scalar");
    case Tag::kMerge:  // legal as keys; the caller refuses them as values
    case Tag::kValue:
      return Node(text);
    case Tag::kUnknown:
      break;
  }
  fail(ErrorCode::kConfig, "{}", no_constructor_for(name));
}

std::string no_constructor(Tag tag) {
  return no_constructor_for(std::string(kPrefix) + (tag == Tag::kMerge ? "merge" : "value"));
}

std::string wrong_kind(Tag tag, std::string_view name, std::string_view kind) {
  const bool sequence = kind == "sequence";
  switch (tag) {
    case Tag::kSequence:
    case Tag::kPath:
      return sequence ? "" : expected("sequence", kind);
    case Tag::kMapping:
    case Tag::kSet:
      return sequence ? expected("mapping", kind) : "";
    case Tag::kOrderedMap:
      return sequence ? ""
                      : "while constructing an ordered map\nexpected a sequence, but found mapping";
    case Tag::kPairs:
      return sequence ? "" : "while constructing pairs\nexpected a sequence, but found mapping";
    case Tag::kMerge:
    case Tag::kValue:
    case Tag::kUnknown:
      return no_constructor_for(name);
    default:
      return expected("scalar", kind);
  }
}

Node join_path(const Node& parts) {
  std::string out;
  for (const Node& part : parts) {
    const std::string text = part.str();
    if (text.starts_with('/')) out.clear();
    if (!out.empty() && !out.ends_with('/')) out += '/';
    out += text;
  }
  return Node(out.empty() ? "." : out);
}

}  // namespace iolaus::config::yaml
