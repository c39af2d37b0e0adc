// PickleMachine: what reads a pickle: a stack, marks on it, and a memo. It never recurses, and
// everything that it keeps is paid from a budget, so that a short hostile pickle cannot take much
// memory. Its opcodes are in pickle_scalars.cpp, pickle_containers.cpp and pickle_globals.cpp.
#pragma once

#include <unordered_map>

#include "core/error.h"
#include "core/io/pickle_reader.h"

namespace iolaus::io {

// Bytes that a pickle's values may take beyond one for each of its own, and what each costs: twice
// its size for containers that grow by doubling, and their heap blocks.
inline constexpr uint64_t kFreeBudget = uint64_t{40} << 20;
inline constexpr uint64_t kValueCost = 3 * sizeof(PickleValue);
inline constexpr uint64_t kNodeCost = sizeof(PickleNode) + 32;
inline constexpr uint64_t kMemoCost = sizeof(PickleValue) + 48;
inline constexpr uint64_t kMarkCost = 3 * sizeof(size_t);

class PickleMachine {
 public:
  using Kind = PickleValue::Kind;
  PickleMachine(Pickle& pickle, std::span<const PickleGlobal> globals)
      : pickle_(pickle),
        bytes_(pickle.bytes_),
        globals_(globals),
        budget_(kFreeBudget + bytes_.size()) {}

  /// Reads all of it into the Pickle.
  void run();

 private:
  [[noreturn]] void fail_here(ErrorCode code, const std::string& message) const;
  void check(bool condition, const char* expected, const std::string& got) const {
    if (!condition) refuse(expected, got);
  }
  [[noreturn]] void refuse(const char* expected, const std::string& got) const;
  void pay(uint64_t cost);

  // Bytes of the pickle.
  std::string_view take(uint64_t count);
  uint64_t take_number(int bytes);
  std::string_view take_line();

  // The stack.
  size_t base() const { return marks_.empty() ? 0 : marks_.back(); }
  void need(size_t count) const {
    check(stack_.size() >= base() + count, "a value on the stack", "none");
  }
  void push(const PickleValue& value) {
    if (stack_.size() == highest_) {
      ++highest_;
      pay(kValueCost);
    }
    stack_.push_back(value);
  }
  PickleValue pop() {
    need(1);
    const PickleValue value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PickleValue& top() {
    need(1);
    return stack_.back();
  }
  // The values above the last mark, which goes.
  std::vector<PickleValue> pop_to_mark();
  std::vector<PickleValue> pop_values(size_t count);
  PickleNode* push_node(Kind kind, std::vector<PickleValue> items = {});

  // Opcode groups; each returns whether the opcode is one of its own.
  bool push_scalar(char opcode);
  bool push_text(char opcode);
  bool make_container(char opcode);
  bool change_container(char opcode);
  bool use_memo(char opcode);
  bool use_global(char opcode);
  [[noreturn]] void refuse_opcode(char opcode) const;

  void push_int_line(std::string_view line, bool is_long);
  void push_long(uint64_t bytes);
  void push_decoded(std::string text, Kind kind);
  void put(uint64_t index);
  void get(uint64_t index);
  uint64_t take_index();
  void push_global(std::string_view module, std::string_view name);
  void call(bool is_new);
  void add_pairs(PickleValue& dict, std::span<const PickleValue> pairs);
  void append(PickleValue& list, Kind kind, std::span<const PickleValue> values);

  Pickle& pickle_;
  std::string_view bytes_;
  std::span<const PickleGlobal> globals_;
  uint64_t budget_;
  uint64_t position_ = 0;
  uint64_t offset_ = 0;  // of the opcode that runs
  size_t highest_ = 0, highest_marks_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue> memo_;
};

}  // namespace iolaus::io
