// PickleWriter: Python's pickle format, as far as plain data needs it: dict, list, str, int, bool
// and None. It writes the bytes that `pickle.dumps(value, protocol=2)` writes, so that every reader
// of pickles loads them, also those that know few opcodes (PyTorch's memory_viz page).
// Source of the format: Lib/pickletools.py of CPython.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace iolaus::io {

/// Values are written in order; containers are told their size first:
///   PickleWriter p;
///   p.dict(2);  p.str("a"); p.integer(1);  p.str("b"); p.list(0);
///   std::string bytes = p.finish();
class PickleWriter {
 public:
  PickleWriter();
  /// count pairs follow, key and value in turns.
  uint32_t dict(size_t count) { return container('}', 2 * count); }
  /// count values follow.
  uint32_t list(size_t count) { return container(']', count); }
  /// UTF-8. Equal strings are written once, as Python does with interned ones.
  void str(std::string_view text);
  void integer(int64_t value);
  void boolean(bool value) { atom(value ? '\x88' : '\x89'); }
  void none() { atom('N'); }
  /// The container that dict() or list() gave this number, once more; it must be complete.
  void again(uint32_t number);
  /// The pickle. Errors: kInternal where a container lacks values.
  std::string finish();

 private:
  struct Open {
    bool is_dict;
    size_t left;      // values still to come
    size_t in_batch;  // values written since the last mark
    bool single;      // one item: written without a mark
  };
  uint32_t container(char opcode, size_t values);
  void memoize(uint32_t number);
  void get(uint32_t number);
  void atom(char opcode);
  void begin_value();  // before each value: a mark where a batch of items begins
  void end_value();    // after each value: closes batches and full containers
  void number(uint64_t value, int bytes);

  std::string out_;
  std::vector<Open> open_;
  std::map<std::string, uint32_t, std::less<>> strings_;
  uint32_t memo_ = 0;
};

}  // namespace iolaus::io
