// Texts of diagnoses, and names of functions and lines through binutils' addr2line.
#include "core/cuda/sim/diagnosis.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdio>
#include <utility>

#include "core/cuda/sim/block.h"

namespace iolaus::sim {
namespace {

std::string& diagnosis() {
  static auto* text = new std::string;
  return *text;
}

struct Symbol {
  std::string function = "kernel", line = "?";  // the function as compiled; "file:line" innermost
};

Symbol symbol_of(const void* address) {
  Symbol symbol;
  Dl_info object;
  link_map* map = nullptr;
  if (dladdr1(address, &object, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) {
    return symbol;
  }
  const auto offset = reinterpret_cast<uintptr_t>(address) - map->l_addr;
  const char* file = map->l_name[0] == '\0' ? "/proc/self/exe" : object.dli_fname;
  char resolved[4096];
  if (realpath(file, resolved) == nullptr) return symbol;
  const std::string command =
      fmt::format("addr2line -Cife '{}' {:#x} 2>/dev/null", resolved, offset);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return symbol;
  char text[4096];
  // Pairs of lines, function and place: first what was inlined, last the function itself.
  bool is_first = true;
  while (fgets(text, sizeof text, pipe) != nullptr) {
    std::string function = text;
    if (fgets(text, sizeof text, pipe) == nullptr) break;
    std::string line = text;
    for (std::string* s : {&function, &line}) {
      while (!s->empty() && s->back() == '\n') s->pop_back();
    }
    if (function[0] != '?') symbol.function = function;
    if (std::exchange(is_first, false) && line[0] != '?') symbol.line = line;
  }
  pclose(pipe);
  symbol.line = short_path(symbol.line.substr(0, symbol.line.find(" (discriminator")));
  return symbol;
}

}  // namespace

void record_diagnosis(const std::string& text) {
  if (diagnosis().empty()) diagnosis() = text;
}

void fail_thread(const std::string& text) {
  record_diagnosis(describe_current_thread() + ": " + text);
  throw KernelFault{};
}

const std::string& last_diagnosis() { return diagnosis(); }
void clear_diagnosis() { diagnosis().clear(); }

std::string short_path(std::string file) {
  const std::string root = IOLAUS_SOURCE_DIR "/";
  if (file.starts_with(root)) file.erase(0, root.size());
  // A compiler cache may have made it relative to the build folder.
  const size_t up = file.rfind("../");
  return up == file.npos ? file : file.substr(up + 3);
}

std::string at(const char* what, Place place) {
  return fmt::format("{} at {}:{}", what, short_path(place.file), place.line);
}

std::string function_name(const void* address) {
  std::string name = symbol_of(address).function;
  // Without its parameters: "void iolaus::gpu::softmax_kernel<float>".
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0 && !name.substr(i).starts_with("(anonymous namespace)")) {
      return name.substr(0, i);
    }
  }
  return name;
}

std::string source_line(const void* instruction) {
  return symbol_of(static_cast<const char*>(instruction) - 1).line;
}

}  // namespace iolaus::sim
