// iolaus op: one op on tensors from files. Positional inputs and ARGUMENT=VALUE go to the op table
// (autograd/op_table.h); outputs, and the inputs' gradients where output gradients are given, are
// written to a file or printed. So anyone can reproduce a case and hand it on.
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/op_list.h"
#include "autograd/engine.h"
#include "autograd/op_json.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "core/io/json.h"
#include "core/io/npy.h"
#include "core/io/safetensors.h"

namespace iolaus {
namespace {

constexpr const char* kUsage =
    R"(usage: iolaus op NAME [INPUT...] [ARGUMENT=VALUE...] [OPTION...]
       iolaus op --list [NAME...]

Runs one op. INPUTs are its positional arguments in order; ARGUMENTs have PyTorch's names.

  INPUT, VALUE     a tensor: x.npy, file.safetensors:KEY; a list of tensors: [a.npy,b.npy];
                   else JSON: 1, 0.5, true, null, [0,2]; a word is text: reduction=sum
  --device DEVICE  cpu (default), cuda, cuda:1
  --out FILE       writes out.0, out.1, ... and grad.0, grad.1, ... (a .safetensors file; a .npy
                   file takes one output); without it they are printed
  --grad TENSOR    the gradient of the next output (a file as above, or `ones`): gradients of the
                   floating inputs are computed, numbered in the order of the inputs
  --list           every op with its signature, dtypes, devices and kernel variants

  iolaus op softmax x.npy dim=1
  iolaus op add a.npy b.npy alpha=2 --out sum.safetensors --grad ones
)";

struct Request {
  std::string op;
  std::vector<OpValue> positional;
  NamedValues named;
  std::vector<std::string> gradients;
  std::string out;
  Device device;
  Tensors inputs;  // the tensors among the arguments, in order
};

bool is_tensor_file(std::string_view text) {
  return text.ends_with(".npy") || text.find(".safetensors") != text.npos;
}

Tensor load_tensor(const std::string& text) {
  if (text.ends_with(".npy")) return io::read_npy(text);
  const size_t end = text.find(".safetensors") + std::strlen(".safetensors");
  const io::SafetensorsFile file(text.substr(0, end));
  if (end < text.size()) {
    IOLAUS_CHECK(text[end] == ':', "[op] expected FILE.safetensors:KEY, got '{}'", text);
    return file.load(text.substr(end + 1));
  }
  IOLAUS_CHECK(file.entries().size() == 1, "[op] {} holds {} tensors; say which: {}:KEY", text,
               file.entries().size(), text);
  return file.load(file.entries()[0].name);
}

Tensor input(Request& request, const std::string& text) {
  Tensor tensor = to(load_tensor(text), request.device);
  if (!request.gradients.empty() && is_floating(tensor.dtype())) tensor.set_requires_grad();
  request.inputs.push_back(tensor);
  return tensor;
}

OpValue parse_value(Request& request, const std::string& text) {
  if (text.starts_with("[") && text.ends_with("]") &&
      is_tensor_file(text.substr(0, text.size() - 1))) {
    Tensors list;
    for (size_t at = 1; at < text.size();) {
      const size_t end = std::min(text.find(',', at), text.size() - 1);
      list.push_back(input(request, text.substr(at, end - at)));
      at = end + 1;
    }
    return list;
  }
  if (is_tensor_file(text)) return input(request, text);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return text;
  return value_from_json(json, [](const nlohmann::json&) -> Tensor {
    fail(ErrorCode::kInvalidArgument, "[op] tensors are given as files");
  });
}

// NAME=VALUE, where NAME is an identifier.
size_t name_length(const std::string& word) {
  const size_t n = word.find('=');
  if (n == 0 || n == word.npos) return 0;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isalnum(static_cast<unsigned char>(word[i])) && word[i] != '_') return 0;
  }
  return n;
}

Request parse(const std::vector<std::string>& words) {
  Request request;
  std::vector<std::string> values;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool option = word == "--device" || word == "--out" || word == "--grad";
    if (!option) {
      IOLAUS_CHECK(!word.starts_with("--"), "[op] there is no option '{}'", word);
      values.push_back(word);
      continue;
    }
    IOLAUS_CHECK(i + 1 < words.size(), "[op] {} expects a value", word);
    const std::string& value = words[++i];
    if (word == "--device") request.device = parse_device(value);
    if (word == "--out") request.out = value;
    if (word == "--grad") request.gradients.push_back(value);
  }
  IOLAUS_CHECK(!values.empty(), "[op] expected the name of an op; `iolaus op --list` prints them");
  request.op = values[0];
  find_op(request.op);
  for (size_t i = 1; i < values.size(); ++i) {
    if (const size_t n = name_length(values[i])) {
      request.named.emplace_back(values[i].substr(0, n),
                                 parse_value(request, values[i].substr(n + 1)));
    } else {
      IOLAUS_CHECK(request.named.empty(), "[op] positional '{}' comes after a named argument",
                   values[i]);
      request.positional.push_back(parse_value(request, values[i]));
    }
  }
  return request;
}

Tensors gradients_of(const Request& request, const Tensors& outs) {
  IOLAUS_CHECK(request.gradients.size() <= outs.size(), "[op] got {} gradients for {} outputs",
               request.gradients.size(), outs.size());
  Tensors from, gradients, wanted;
  for (size_t i = 0; i < request.gradients.size(); ++i) {
    IOLAUS_CHECK(outs[i].requires_grad(), "[op] output {} of {} has no gradient", i, request.op);
    const std::string& text = request.gradients[i];
    from.push_back(outs[i]);
    gradients.push_back(text == "ones" ? ones_like(outs[i].detach())
                                       : to(load_tensor(text), request.device));
  }
  for (const Tensor& x : request.inputs) {
    if (x.requires_grad()) wanted.push_back(x);
  }
  const Tensors found = grad(from, wanted, gradients, {}, true);
  Tensors all;
  size_t next = 0;
  for (const Tensor& x : request.inputs)
    all.push_back(x.requires_grad() ? found[next++] : Tensor());
  return all;
}

void write(const Request& request, const Tensors& outs, const Tensors& grads) {
  io::TensorMap map;
  for (size_t i = 0; i < outs.size(); ++i) map["out." + std::to_string(i)] = outs[i].detach();
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined()) map["grad." + std::to_string(i)] = grads[i];
  }
  if (request.out.empty()) {
    for (const auto& [name, tensor] : map) {
      std::printf("%s %s\n%s\n", name.c_str(), tensor.describe().c_str(),
                  to_string(tensor).c_str());
    }
  } else if (request.out.ends_with(".npy")) {
    IOLAUS_CHECK(map.size() == 1, "[op] {} results do not fit a .npy file; use .safetensors",
                 map.size());
    io::write_npy(request.out, map.begin()->second);
  } else {
    io::save_safetensors(request.out, map);
  }
}

}  // namespace

int op_main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    std::fputs(kUsage, words.empty() ? stderr : stdout);
    return words.empty() ? 2 : 0;
  }
  try {
    if (words[0] == "--list") {
      print_ops({words.begin() + 1, words.end()});
      return 0;
    }
    const Request request = parse(words);
    const Tensors outs = call_op(request.op, request.positional, request.named);
    write(request, outs, request.gradients.empty() ? Tensors() : gradients_of(request, outs));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "iolaus op: %s\n", error.what());
    return 1;
  }
}

}  // namespace iolaus
