// Addresses from the unwinder; names from the ELF symbol table of the file that dladdr says an
// address belongs to, else from dladdr itself, which knows exported symbols only.
// Source of the format: System V ABI, chapter 4, "Object files" (Elf64_Ehdr, _Shdr, _Sym).
#include "core/backtrace.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

namespace iolaus {
namespace {

struct Symbol {
  uint64_t begin, end;
  std::string name;
};

// The functions of an ELF file, by address; empty for a file that is none.
class SymbolTable {
 public:
  explicit SymbolTable(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    Elf64_Ehdr header;
    if (!read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64) {
      return;
    }
    is_relative_ = header.e_type == ET_DYN;
    for (uint64_t i = 0; i < header.e_shnum; ++i) {
      Elf64_Shdr section, strings;
      if (read(header.e_shoff + i * header.e_shentsize, section) && section.sh_type == SHT_SYMTAB &&
          read(header.e_shoff + section.sh_link * uint64_t{header.e_shentsize}, strings)) {
        add(section, strings);
      }
    }
    std::sort(symbols_.begin(), symbols_.end(),
              [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; });
    bytes_ = {};
  }

  const Symbol* find(uint64_t address, uint64_t base) const {
    const uint64_t at = is_relative_ ? address - base : address;
    auto after = std::upper_bound(symbols_.begin(), symbols_.end(), at,
                                  [](uint64_t x, const Symbol& s) { return x < s.begin; });
    if (after == symbols_.begin()) return nullptr;
    const Symbol& symbol = *std::prev(after);
    return at < symbol.end ? &symbol : nullptr;
  }

 private:
  template <class T> bool read(uint64_t offset, T& out) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return false;
    std::memcpy(&out, bytes_.data() + offset, sizeof(T));
    return true;
  }
  void add(const Elf64_Shdr& section, const Elf64_Shdr& strings) {
    Elf64_Sym symbol;
    for (uint64_t at = 0; at + sizeof symbol <= section.sh_size; at += sizeof symbol) {
      if (!read(section.sh_offset + at, symbol)) return;
      const uint64_t name = strings.sh_offset + symbol.st_name;
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || name >= bytes_.size()) continue;
      const char* text = bytes_.data() + name;
      symbols_.push_back({symbol.st_value,
                          symbol.st_value + symbol.st_size,
                          {text, strnlen(text, bytes_.size() - name)}});
    }
  }

  std::vector<char> bytes_;
  std::vector<Symbol> symbols_;
  bool is_relative_ = true;
};

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace

std::vector<void*> capture_backtrace(int skip, int limit) {
  std::vector<void*> addresses(static_cast<size_t>(skip + 1 + limit));
  const int count = backtrace(addresses.data(), skip + 1 + limit);
  addresses.resize(static_cast<size_t>(count));
  addresses.erase(addresses.begin(), addresses.begin() + std::min(count, skip + 1));
  return addresses;
}

std::vector<StackFrame> symbolise(const std::vector<void*>& addresses) {
  std::map<std::string, SymbolTable> tables;
  std::vector<StackFrame> frames;
  for (void* address : addresses) {
    // A return address may lie behind the function that called; the call itself does not.
    const uint64_t at = reinterpret_cast<uintptr_t>(address) - 1;
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(at), &info) == 0 || info.dli_fname == nullptr) {
      frames.push_back({"?", fmt::format("{:#x}", at)});
      continue;
    }
    const auto base = reinterpret_cast<uintptr_t>(info.dli_fbase);
    // The program's own name may be relative to a directory that it has left.
    const bool is_program = std::strcmp(info.dli_fname, program_invocation_name) == 0;
    const std::string path = is_program ? "/proc/self/exe" : info.dli_fname;
    const SymbolTable& table = tables.try_emplace(path, path).first->second;
    if (const Symbol* symbol = table.find(at, base)) {
      frames.push_back({info.dli_fname, demangle(symbol->name.c_str())});
    } else if (info.dli_sname != nullptr) {
      frames.push_back({info.dli_fname, demangle(info.dli_sname)});
    } else {
      frames.push_back({info.dli_fname, fmt::format("{:#x}", at - base)});
    }
  }
  return frames;
}

}  // namespace iolaus
