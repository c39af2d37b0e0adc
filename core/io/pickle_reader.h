// Pickle: Python's pickle format (protocols 0 to 5) read as inert values. Nothing is imported or
// called: a class or function is a name that must be on the caller's list, and what a pickle makes
// with it is a record of its arguments, for the caller to interpret (numpy_pickle.h, torch_file.h).
// Objects that a pickle shares stay shared; text and bytes are views of the pickle itself.
// Source of the format: Lib/pickletools.py of CPython.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iolaus::io {

/// A class or function that a pickle may name, and what calling it gives.
struct PickleGlobal {
  enum class Call : uint8_t {
    kNever,   // it can only be named
    kObject,  // an object that keeps its arguments, and its state if it gets one
    kDict,    // a dict; a list of pairs as the only argument fills it
  };
  std::string_view module, name;
  Call call = Call::kNever;
  int min_args = 0, max_args = 0;
  bool is(std::string_view wanted_module, std::string_view wanted_name) const {
    return module == wanted_module && name == wanted_name;
  }
};

struct PickleNode;

/// A value: small ones are in it, the others refer to the Pickle that it came from.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kStr,     // UTF-8, from Python 3
    kBytes,   // also Python 2's str
    kGlobal,  // a name on the list
    kList,
    kTuple,
    kDict,
    kSet,
    kObject,      // node->global with node->args, and node->state after a BUILD
    kPersistent,  // node->args names something outside of the pickle
  };
  Kind kind = Kind::kNone;
  union {
    int64_t integer;  // kInt, kBool
    double real;
    std::string_view text;  // kStr, kBytes
    const PickleGlobal* global;
    PickleNode* node;  // the others
  };
  PickleValue() : integer(0) {}

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_text() const { return kind == Kind::kStr || kind == Kind::kBytes; }
  bool is_text(std::string_view wanted) const { return is_text() && text == wanted; }
  bool is_global(std::string_view module, std::string_view name) const {
    return kind == Kind::kGlobal && global->is(module, name);
  }
  /// An object of this class or function.
  bool is_object(std::string_view module, std::string_view name) const;
  /// The values of a list, tuple or set; keys and values in turns of a dict; none of others.
  std::span<const PickleValue> items() const;
  /// The value of a text key; null where this is no dict or lacks it.
  const PickleValue* find(std::string_view key) const;
  /// "a list of 3", "the int 7", "a torch.Size": what it is, for messages.
  std::string describe() const;
};

/// What is too large for a PickleValue.
struct PickleNode {
  const PickleGlobal* global = nullptr;
  std::vector<PickleValue> items;
  PickleValue args, state;
  uint64_t offset = 0;  // of the opcode that made it
};

class Pickle {
 public:
  /// Reads a whole pickle; name stands for it in messages, globals outlives it. Errors, with the
  /// byte and what is there:
  /// kCorrupt for what is no pickle; kUnsupported for a global that is not on the list, integers
  /// of more than 64 bits, opcodes that plain data does not need, and values that would take much
  /// more memory than the bytes that they are made from.
  Pickle(std::string bytes, std::string name, std::span<const PickleGlobal> globals);
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleValue& root() const { return root_; }
  const std::string& name() const { return name_; }

 private:
  friend class PickleMachine;
  std::string bytes_, name_;
  std::deque<PickleNode> nodes_;
  std::deque<std::string> decoded_;  // texts with escapes, of protocol 0
  PickleValue root_;
};

}  // namespace iolaus::io
