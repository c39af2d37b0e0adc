// The transforms' names and parameters in configs: torchvision's, so that a list of its transforms
// is read as it stands.
#include "config/instantiate.h"
#include "nn/data/transforms.h"

namespace iolaus::nn::data {
namespace {

using config::Args;
using Node = config::Node;
using P = config::ParamType;
using Made = std::shared_ptr<Transform>;

std::vector<std::string> names(const std::string& name) {
  return {"iolaus.nn.data.transforms." + name, "torchvision.transforms." + name,
          "torchvision.transforms.v2." + name};
}

void add(const std::string& name, const char* doc, std::vector<config::Param> params,
         TransformPtr (*make)(const Args&)) {
  config::Register<Transform>(names(name), doc, std::move(params), [make](const Args& a) {
    return std::const_pointer_cast<Transform>(make(a));
  });
}

struct Size {
  int64_t height, width;
};

// One number for a square, or height and width.
Size size_of(const Args& a) {
  const auto size = a.get<std::vector<int64_t>>("size");
  if (size.empty() || size.size() > 2) a.fail_about("size", "expected one number or two");
  return {size[0], size.back()};
}

// Nothing, one number, left/right and top/bottom, or left, top, right and bottom.
Padding padding_of(const Args& a) {
  if (!a.has("padding")) return {};
  const auto p = a.get<std::vector<int64_t>>("padding");
  if (p.size() == 1) return {p[0], p[0], p[0], p[0]};
  if (p.size() == 2) return {p[0], p[1], p[0], p[1]};
  if (p.size() == 4) return {p[0], p[1], p[2], p[3]};
  a.fail_about("padding", "expected one number, two or four");
}

PadMode mode_of(const Args& a) {
  const auto name = a.get<std::string>("padding_mode");
  if (name == "constant") return PadMode::kConstant;
  if (name == "edge") return PadMode::kEdge;
  if (name == "reflect") return PadMode::kReflect;
  if (name == "symmetric") return PadMode::kSymmetric;
  a.fail_about("padding_mode", "expected constant, edge, reflect or symmetric, got " + name);
}

std::vector<float> floats(const Args& a, const char* name) {
  const auto values = a.get<std::vector<double>>(name);
  return {values.begin(), values.end()};
}

config::Param fill_param() { return {"fill", P::kFloat, "value outside of the image", 0}; }
config::Param mode_param() {
  return {"padding_mode", P::kString, "constant, edge, reflect or symmetric", "constant"};
}
config::Param p_param(double p) { return {"p", P::kFloat, "probability", p}; }

TransformPtr make_compose(const Args& a) {
  std::vector<TransformPtr> all;
  for (const auto& transform : a.objects<Transform>("transforms")) all.push_back(transform);
  return compose(std::move(all));
}

TransformPtr make_random_crop(const Args& a) {
  const auto [height, width] = size_of(a);
  return random_crop({.height = height,
                      .width = width,
                      .padding = padding_of(a),
                      .pad_if_needed = a.get<bool>("pad_if_needed"),
                      .fill = a.get<double>("fill"),
                      .mode = mode_of(a)});
}

TransformPtr make_resize(const Args& a) {
  const auto size = a.get<std::vector<int64_t>>("size");
  if (size.empty() || size.size() > 2) a.fail_about("size", "expected one number or two");
  if (a.get<std::string>("interpolation") != "bilinear") {
    a.fail_about("interpolation", "only bilinear is supported");
  }
  return resize(size[0], size.size() == 2 ? size[1] : 0, a.get<bool>("antialias"));
}

TransformPtr make_random_erasing(const Args& a) {
  const auto scale = a.get<std::vector<double>>("scale");
  const auto ratio = a.get<std::vector<double>>("ratio");
  if (scale.size() != 2) a.fail_about("scale", "expected two numbers");
  if (ratio.size() != 2) a.fail_about("ratio", "expected two numbers");
  return random_erasing({.p = a.get<double>("p"),
                         .min_scale = scale[0],
                         .max_scale = scale[1],
                         .min_ratio = ratio[0],
                         .max_ratio = ratio[1],
                         .value = a.get<double>("value")});
}

// One number d for (-d, d), or both.
TransformPtr make_random_rotation(const Args& a) {
  RotationOptions o;
  const auto degrees = a.get<std::vector<double>>("degrees");
  if (degrees.empty() || degrees.size() > 2) a.fail_about("degrees", "expected one number or two");
  if (degrees.size() == 1 && degrees[0] < 0) {
    a.fail_about("degrees", "expected a single number not to be negative");
  }
  o.min_degrees = degrees.size() == 1 ? -degrees[0] : degrees[0];
  o.max_degrees = degrees.back();
  const auto how = a.get<std::string>("interpolation");
  if (how != "nearest" && how != "bilinear") {
    a.fail_about("interpolation", "expected nearest or bilinear, got " + how);
  }
  o.bilinear = how == "bilinear";
  o.expand = a.get<bool>("expand");
  if (a.has("center")) {
    const auto center = a.get<std::vector<double>>("center");
    if (center.size() != 2) a.fail_about("center", "expected two numbers, x and y");
    o.center = {center[0], center[1]};
  }
  o.fill = a.get<std::vector<double>>("fill");
  return random_rotation(std::move(o));
}

// One number v for (center - v, center + v), from 0 on where values below make no sense; or both.
std::optional<JitterRange> jitter_range(const Args& a, const char* name, double center,
                                        bool from_zero) {
  if (!a.has(name)) return {};
  const auto v = a.get<std::vector<double>>(name);
  if (v.empty() || v.size() > 2) a.fail_about(name, "expected one number or two");
  if (v.size() == 1 && v[0] < 0) a.fail_about(name, "expected a single number not to be negative");
  JitterRange range =
      v.size() == 2 ? JitterRange{v[0], v[1]} : JitterRange{center - v[0], center + v[0]};
  if (v.size() == 1 && from_zero) range.min = std::max(range.min, 0.0);
  if (range.min == center && range.max == center) return {};
  return range;
}

TransformPtr make_color_jitter(const Args& a) {
  return color_jitter({.brightness = jitter_range(a, "brightness", 1, true),
                       .contrast = jitter_range(a, "contrast", 1, true),
                       .saturation = jitter_range(a, "saturation", 1, true),
                       .hue = jitter_range(a, "hue", 0, false)});
}

Node list(std::initializer_list<double> values) {
  Node node = Node::list();
  for (const double value : values) node.append(value);
  return node;
}

const bool kRegistered = [] {
  add("Compose", "Transforms one after the other",
      {{"transforms", P::kObjects, "the transforms, in order"}}, make_compose);
  add("ToTensor", "uint8 images to float32 in [0, 1]", {}, [](const Args&) { return to_tensor(); });
  add("Normalize", "(x - mean) / std for each channel",
      {{"mean", P::kFloats, "of each channel"}, {"std", P::kFloats, "of each channel"}},
      [](const Args& a) {
        return normalize({floats(a, "mean"), floats(a, "std")});
      });
  add("Pad", "Borders around the image",
      {{"padding", P::kInts, "all sides; left/right and top/bottom; or left, top, right, bottom"},
       fill_param(),
       mode_param()},
      [](const Args& a) { return pad(padding_of(a), a.get<double>("fill"), mode_of(a)); });
  add("RandomCrop", "A part at a random place of the padded image",
      {{"size", P::kInts, "height and width, or one number for both"},
       {"padding", P::kInts, "borders that are added before, as for Pad", Node()},
       {"pad_if_needed", P::kBool, "pads images that are too small", false},
       fill_param(),
       mode_param()},
      make_random_crop);
  add("CenterCrop", "The middle of the image",
      {{"size", P::kInts, "height and width, or one number for both"}}, [](const Args& a) {
        const auto [height, width] = size_of(a);
        return center_crop(height, width);
      });
  add("RandomHorizontalFlip", "Mirrored left to right, with probability p", {p_param(0.5)},
      [](const Args& a) { return random_horizontal_flip(a.get<double>("p")); });
  add("RandomVerticalFlip", "Mirrored upside down, with probability p", {p_param(0.5)},
      [](const Args& a) { return random_vertical_flip(a.get<double>("p")); });
  add("Resize", "Another size, bilinear",
      {{"size", P::kInts, "height and width, or the length of the shorter edge"},
       {"interpolation", P::kString, "bilinear", "bilinear"},
       {"antialias", P::kBool, "averages where it shrinks", true}},
      make_resize);
  add("RandomErasing", "A random rectangle becomes value (Zhong et al. 2017)",
      {p_param(0.5),
       {"scale", P::kFloats, "smallest and largest part of the area", list({0.02, 0.33})},
       {"ratio", P::kFloats, "smallest and largest ratio of height to width", list({0.3, 3.3})},
       {"value", P::kFloat, "what it becomes", 0}},
      make_random_erasing);
  add("RandomRotation", "Rotated anticlockwise by a random angle",
      {{"degrees", P::kFloats, "smallest and largest angle, or one number d for (-d, d)"},
       {"interpolation", P::kString, "nearest or bilinear", "nearest"},
       {"expand", P::kBool, "as large as the rotated image; CenterCrop or Resize goes behind",
        false},
       {"center", P::kFloats, "x and y in pixels; null: the middle", Node()},
       {"fill", P::kFloats, "value outside of the image, or one for each channel", 0.0}},
      make_random_rotation);
  add("ColorJitter", "Random brightness, contrast, saturation and hue, in random order",
      {{"brightness", P::kFloats, "factors from and to, or v for (1 - v, 1 + v)", Node()},
       {"contrast", P::kFloats, "likewise", Node()},
       {"saturation", P::kFloats, "likewise", Node()},
       {"hue", P::kFloats, "shifts in [-0.5, 0.5], or v for (-v, v)", Node()}},
      make_color_jitter);
  add("Cutout", "A square around a random pixel becomes value (DeVries and Taylor 2017)",
      {{"size", P::kInt, "length of its edges"}, {"value", P::kFloat, "what it becomes", 0}},
      [](const Args& a) { return cutout(a.get<int64_t>("size"), a.get<double>("value")); });
  return true;
}();

}  // namespace
}  // namespace iolaus::nn::data
