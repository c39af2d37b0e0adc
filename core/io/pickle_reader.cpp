// The pickle machine: a stack, marks on it, and a memo. It never recurses, and everything that it
// keeps is paid from a budget, so that a short hostile pickle cannot take much memory.
#include "core/io/pickle_reader.h"

#include <bit>
#include <charconv>
#include <unordered_map>

#include "core/error.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {

using Kind = PickleValue::Kind;

namespace {

// Bytes that a pickle's values may take beyond one for each of its own, and what each costs: twice
// its size for containers that grow by doubling, and their heap blocks.
constexpr uint64_t kFreeBudget = uint64_t{40} << 20;
constexpr uint64_t kValueCost = 3 * sizeof(PickleValue);
constexpr uint64_t kNodeCost = sizeof(PickleNode) + 32;
constexpr uint64_t kMemoCost = sizeof(PickleValue) + 48;
constexpr uint64_t kMarkCost = 3 * sizeof(size_t);

PickleValue make_int(int64_t value, Kind kind = Kind::kInt) {
  PickleValue v;
  v.kind = kind;
  v.integer = value;
  return v;
}

PickleValue make_text(std::string_view text, Kind kind) {
  PickleValue v;
  v.kind = kind;
  v.text = text;
  return v;
}

}  // namespace

class PickleMachine {
 public:
  PickleMachine(Pickle& pickle, std::span<const PickleGlobal> globals)
      : pickle_(pickle),
        bytes_(pickle.bytes_),
        globals_(globals),
        budget_(kFreeBudget + bytes_.size()) {}

  void run() {
    while (true) {
      offset_ = position_;
      const char opcode = take(1)[0];
      if (opcode == '.') break;
      if (!push_scalar(opcode) && !push_text(opcode) && !make_container(opcode) &&
          !change_container(opcode) && !use_memo(opcode) && !use_global(opcode)) {
        refuse_opcode(opcode);
      }
    }
    check(stack_.size() == 1 && marks_.empty(), "one value at the end",
          fmt::format("{} and {} marks", stack_.size(), marks_.size()));
    check(position_ == bytes_.size(), "the end of the data behind the pickle",
          fmt::format("{} more bytes", bytes_.size() - position_));
    pickle_.root_ = stack_[0];
  }

 private:
  [[noreturn]] void fail_here(ErrorCode code, const std::string& message) const {
    fail(code, "[pickle] {}: byte {}: {}", pickle_.name_, offset_, message);
  }
  void check(bool condition, const char* expected, const std::string& got) const {
    if (condition) return;
    fail_here(ErrorCode::kCorrupt, fmt::format("expected {}, got {}", expected, got));
  }
  void pay(uint64_t cost) {
    if (cost > budget_) {
      fail_here(ErrorCode::kUnsupported,
                fmt::format("the values so far need more memory than the {} bytes that a pickle of "
                            "{} bytes may take",
                            kFreeBudget + bytes_.size(), bytes_.size()));
    }
    budget_ -= cost;
  }

  // Bytes of the pickle.
  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - position_) {
      fail_here(ErrorCode::kCorrupt, fmt::format("expected {} more bytes, got the end of the data",
                                                 count - (bytes_.size() - position_)));
    }
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }
  uint64_t take_number(int bytes) {
    uint64_t value = 0;
    const std::string_view taken = take(static_cast<uint64_t>(bytes));
    for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(taken[i]);
    return value;
  }
  std::string_view take_line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) {
      fail_here(ErrorCode::kCorrupt, "expected a line, got the end of the data");
    }
    const std::string_view line = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return line;
  }

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
  std::vector<PickleValue> pop_to_mark() {
    check(!marks_.empty(), "a mark on the stack", "none");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return values;
  }
  std::vector<PickleValue> pop_values(size_t count) {
    need(count);
    std::vector<PickleValue> values(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                    stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }
  PickleNode* push_node(Kind kind, std::vector<PickleValue> items = {}) {
    pay(kNodeCost + kValueCost * items.size());
    PickleNode& node = pickle_.nodes_.emplace_back();
    node.items = std::move(items);
    node.offset = offset_;
    PickleValue value;
    value.kind = kind;
    value.node = &node;
    push(value);
    return &node;
  }

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
  uint64_t take_index() {
    const std::string_view line = take_line();
    uint64_t index = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    check(error == std::errc() && end == line.data() + line.size(), "a memo index",
          quote_bytes(line));
    return index;
  }
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

bool PickleMachine::push_scalar(char opcode) {
  switch (opcode) {
    case 'N':
      push({});
      return true;
    case '\x88':
    case '\x89':
      push(make_int(opcode == '\x88', Kind::kBool));
      return true;
    case 'K':
      push(make_int(static_cast<int64_t>(take_number(1))));
      return true;
    case 'M':
      push(make_int(static_cast<int64_t>(take_number(2))));
      return true;
    case 'J':
      push(make_int(static_cast<int32_t>(take_number(4))));
      return true;
    case '\x8a':
      push_long(take_number(1));
      return true;
    case '\x8b':
      push_long(take_number(4));
      return true;
    case 'I':
      push_int_line(take_line(), false);
      return true;
    case 'L':
      push_int_line(take_line(), true);
      return true;
    case 'G':
    case 'F': {
      PickleValue value;
      value.kind = Kind::kFloat;
      if (opcode == 'G') {
        value.real = std::bit_cast<double>(__builtin_bswap64(take_number(8)));
      } else {
        const std::string_view line = take_line();
        const bool valid = parse_python_float(line, &value.real);
        check(valid, "a float", quote_bytes(line));
      }
      push(value);
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::push_int_line(std::string_view line, bool is_long) {
  const std::string_view all = line;
  if (is_long && line.ends_with('L')) line.remove_suffix(1);
  if (!is_long && (line == "00" || line == "01")) {  // bools, as protocols 0 and 1 write them
    return push(make_int(line == "01", Kind::kBool));
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error == std::errc::result_out_of_range) {
    fail_here(ErrorCode::kUnsupported,
              "integers of more than 64 bits are not supported, got " + quote_bytes(all));
  }
  check(error == std::errc() && end == line.data() + line.size(), "an integer", quote_bytes(all));
  push(make_int(value));
}

void PickleMachine::push_long(uint64_t bytes) {
  if (bytes > 8) {
    fail_here(
        ErrorCode::kUnsupported,
        fmt::format("integers of more than 64 bits are not supported, got one of {} bytes", bytes));
  }
  const int count = static_cast<int>(bytes);
  uint64_t value = take_number(count);
  if (count > 0 && count < 8 && (value >> (8 * count - 1)) != 0) value |= ~uint64_t{0} << 8 * count;
  push(make_int(static_cast<int64_t>(value)));
}

void PickleMachine::push_decoded(std::string text, Kind kind) {
  pay(text.size() + 2 * sizeof(std::string));
  push(make_text(pickle_.decoded_.emplace_back(std::move(text)), kind));
}

bool PickleMachine::push_text(char opcode) {
  const auto sized = [&](int length_bytes, Kind kind) {
    const uint64_t length = take_number(length_bytes);
    push(make_text(take(length), kind));
    return true;
  };
  switch (opcode) {
    case 'U':
    case 'C':
      return sized(1, Kind::kBytes);
    case 'T':
    case 'B':
      return sized(4, Kind::kBytes);
    case '\x8e':
    case '\x96':
      return sized(8, Kind::kBytes);
    case '\x8c':
      return sized(1, Kind::kStr);
    case 'X':
      return sized(4, Kind::kStr);
    case '\x8d':
      return sized(8, Kind::kStr);
    case 'S':
    case 'V': {
      const std::string_view line = take_line();
      std::string text;
      const bool valid = opcode == 'S' ? decode_python_string(line, &text)
                                       : decode_raw_unicode_escape(line, &text);
      check(valid, "a string in Python's notation", quote_bytes(line));
      push_decoded(std::move(text), opcode == 'S' ? Kind::kBytes : Kind::kStr);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::make_container(char opcode) {
  switch (opcode) {
    case '(':
      if (marks_.size() == highest_marks_) {
        ++highest_marks_;
        pay(kMarkCost);
      }
      marks_.push_back(stack_.size());
      return true;
    case ']':
      push_node(Kind::kList);
      return true;
    case ')':
      push_node(Kind::kTuple);
      return true;
    case '}':
      push_node(Kind::kDict);
      return true;
    case '\x8f':
      push_node(Kind::kSet);
      return true;
    case 'l':
      push_node(Kind::kList, pop_to_mark());
      return true;
    case 't':
      push_node(Kind::kTuple, pop_to_mark());
      return true;
    case '\x91':
      push_node(Kind::kSet, pop_to_mark());
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push_node(Kind::kTuple, pop_values(static_cast<size_t>(opcode - '\x84')));
      return true;
    case 'd': {
      const std::vector<PickleValue> pairs = pop_to_mark();
      push_node(Kind::kDict);
      add_pairs(top(), pairs);
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::add_pairs(PickleValue& dict, std::span<const PickleValue> pairs) {
  check(dict.is(Kind::kDict), "a dict below the items", dict.describe());
  check(pairs.size() % 2 == 0, "a value for each key",
        fmt::format("{} keys and values", pairs.size()));
  for (size_t i = 0; i < pairs.size(); i += 2) {
    const bool hashable =
        !pairs[i].is(Kind::kList) && !pairs[i].is(Kind::kDict) && !pairs[i].is(Kind::kSet);
    check(hashable, "a key that can be hashed", pairs[i].describe());
  }
  pay(kValueCost * pairs.size());
  dict.node->items.insert(dict.node->items.end(), pairs.begin(), pairs.end());
}

void PickleMachine::append(PickleValue& list, Kind kind, std::span<const PickleValue> values) {
  check(list.is(kind), kind == Kind::kList ? "a list below the items" : "a set below the items",
        list.describe());
  pay(kValueCost * values.size());
  list.node->items.insert(list.node->items.end(), values.begin(), values.end());
}

bool PickleMachine::change_container(char opcode) {
  switch (opcode) {
    case 'a': {
      const PickleValue value = pop();
      append(top(), Kind::kList, {&value, 1});
      return true;
    }
    case 'e':
    case '\x90': {
      const std::vector<PickleValue> values = pop_to_mark();
      append(top(), opcode == 'e' ? Kind::kList : Kind::kSet, values);
      return true;
    }
    case 's': {
      const std::vector<PickleValue> pair = pop_values(2);
      add_pairs(top(), pair);
      return true;
    }
    case 'u': {
      const std::vector<PickleValue> pairs = pop_to_mark();
      add_pairs(top(), pairs);
      return true;
    }
    case '0':
      if (stack_.size() == base() && !marks_.empty()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':
      check(!marks_.empty(), "a mark on the stack", "none");
      stack_.resize(marks_.back());
      marks_.pop_back();
      return true;
    case '2':
      push(top());
      return true;
    default:
      return false;
  }
}

void PickleMachine::put(uint64_t index) {
  need(1);
  const auto [place, is_new] = memo_.try_emplace(index);
  if (is_new) pay(kMemoCost);
  place->second = stack_.back();
}

void PickleMachine::get(uint64_t index) {
  const auto found = memo_.find(index);
  check(found != memo_.end(), "a memo index that was stored", std::to_string(index));
  push(found->second);
}

bool PickleMachine::use_memo(char opcode) {
  switch (opcode) {
    case 'p':
      put(take_index());
      return true;
    case 'q':
      put(take_number(1));
      return true;
    case 'r':
      put(take_number(4));
      return true;
    case '\x94':
      put(memo_.size());
      return true;
    case 'g':
      get(take_index());
      return true;
    case 'h':
      get(take_number(1));
      return true;
    case 'j':
      get(take_number(4));
      return true;
    case '\x80': {
      const uint64_t protocol = take_number(1);
      if (protocol > 5) {
        fail_here(ErrorCode::kUnsupported,
                  fmt::format("expected a protocol of at most 5, got {}", protocol));
      }
      return true;
    }
    case '\x95': {
      const uint64_t length = take_number(8);
      check(length <= bytes_.size() - position_, "a frame inside of the data",
            fmt::format("one of {} bytes", length));
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  for (const PickleGlobal& global : globals_) {
    if (!global.is(module, name)) continue;
    PickleValue value;
    value.kind = Kind::kGlobal;
    value.global = &global;
    return push(value);
  }
  fail_here(ErrorCode::kUnsupported,
            fmt::format("the class or function {}.{} is not one that files may name here; only "
                        "tensors, arrays and plain data (dict, list, tuple, text, numbers) are "
                        "read, and nothing is ever run",
                        quote_bytes(module), quote_bytes(name)));
}

// A call: function or class, and a tuple of arguments.
void PickleMachine::call(bool is_new) {
  const PickleValue args = pop(), callee = pop();
  check(callee.is(Kind::kGlobal), "a class or function to call", callee.describe());
  check(args.is(Kind::kTuple), "a tuple of arguments", args.describe());
  const PickleGlobal& global = *callee.global;
  const auto count = static_cast<int>(std::min<size_t>(args.items().size(), 1000));
  if (global.call == PickleGlobal::Call::kNever) {
    fail_here(ErrorCode::kUnsupported,
              fmt::format("{}.{} cannot be called here", global.module, global.name));
  }
  // NEWOBJ of a dict class has no arguments; the items follow.
  check(count >= (is_new ? 0 : global.min_args) && count <= global.max_args,
        fmt::format("{} to {} arguments of {}.{}", global.min_args, global.max_args, global.module,
                    global.name)
            .c_str(),
        std::to_string(args.items().size()));
  if (global.call == PickleGlobal::Call::kObject) {
    PickleNode* node = push_node(Kind::kObject);
    node->global = &global;
    node->args = args;
    return;
  }
  PickleNode* node = push_node(Kind::kDict);
  node->global = &global;
  if (count != 1 || !args.items()[0].is(Kind::kList)) return;
  for (const PickleValue& pair : args.items()[0].items()) {
    check(pair.items().size() == 2, "a key and its value", pair.describe());
    add_pairs(top(), pair.items());
  }
}

bool PickleMachine::use_global(char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case '\x93': {
      const PickleValue name = pop(), module = pop();
      check(module.is(Kind::kStr) && name.is(Kind::kStr), "two strings that name a global",
            module.describe() + " and " + name.describe());
      push_global(module.text, name.text);
      return true;
    }
    case 'R':
    case '\x81':
      call(opcode == '\x81');
      return true;
    case 'b': {
      const PickleValue state = pop();
      PickleValue& object = top();
      check(object.is(Kind::kObject) || (object.is(Kind::kDict) && object.node->global != nullptr),
            "an object below its state", object.describe());
      object.node->state = state;
      return true;
    }
    case 'Q': {
      const PickleValue id = pop();
      push_node(Kind::kPersistent)->args = id;
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::refuse_opcode(char opcode) const {
  // Those that are valid, and made for running code or for data elsewhere.
  constexpr std::pair<char, const char*> kKnown[] = {{'i', "INST"},
                                                     {'o', "OBJ"},
                                                     {'P', "PERSID"},
                                                     {'\x82', "EXT1"},
                                                     {'\x83', "EXT2"},
                                                     {'\x84', "EXT4"},
                                                     {'\x92', "NEWOBJ_EX"},
                                                     {'\x97', "NEXT_BUFFER"},
                                                     {'\x98', "READONLY_BUFFER"}};
  for (const auto& [code, name] : kKnown) {
    if (code == opcode) {
      fail_here(ErrorCode::kUnsupported, fmt::format("the opcode {} is not supported", name));
    }
  }
  fail_here(ErrorCode::kCorrupt, fmt::format("expected an opcode of pickle, got 0x{:02x}",
                                             static_cast<uint8_t>(opcode)));
}

Pickle::Pickle(std::string bytes, std::string name, std::span<const PickleGlobal> globals)
    : bytes_(std::move(bytes)), name_(std::move(name)) {
  PickleMachine(*this, globals).run();
}

}  // namespace iolaus::io
