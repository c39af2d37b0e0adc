// The machine's bytes, its stack, and its run over a pickle.
#include "core/io/pickle_reader.h"

#include "core/io/pickle_machine.h"

namespace iolaus::io {

void PickleMachine::fail_here(ErrorCode code, const std::string& message) const {
  fail(code, "[pickle] {}: byte {}: {}", pickle_.name_, offset_, message);
}

void PickleMachine::refuse(const char* expected, const std::string& got) const {
  fail_here(ErrorCode::kCorrupt, fmt::format("expected {}, got {}", expected, got));
}

void PickleMachine::pay(uint64_t cost) {
  if (cost > budget_) {
    fail_here(ErrorCode::kUnsupported,
              fmt::format("the values so far need more memory than the {} bytes that a pickle of "
                          "{} bytes may take",
                          kFreeBudget + bytes_.size(), bytes_.size()));
  }
  budget_ -= cost;
}

std::string_view PickleMachine::take(uint64_t count) {
  if (count > bytes_.size() - position_) {
    fail_here(ErrorCode::kCorrupt, fmt::format("expected {} more bytes, got the end of the data",
                                               count - (bytes_.size() - position_)));
  }
  const std::string_view taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

uint64_t PickleMachine::take_number(int bytes) {
  uint64_t value = 0;
  const std::string_view taken = take(static_cast<uint64_t>(bytes));
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(taken[i]);
  return value;
}

std::string_view PickleMachine::take_line() {
  const size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) {
    fail_here(ErrorCode::kCorrupt, "expected a line, got the end of the data");
  }
  const std::string_view line = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

std::vector<PickleValue> PickleMachine::pop_to_mark() {
  check(!marks_.empty(), "a mark on the stack", "none");
  const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue> values(from, stack_.end());
  stack_.erase(from, stack_.end());
  marks_.pop_back();
  return values;
}

std::vector<PickleValue> PickleMachine::pop_values(size_t count) {
  need(count);
  std::vector<PickleValue> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return values;
}

PickleNode* PickleMachine::push_node(Kind kind, std::vector<PickleValue> items) {
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

void PickleMachine::run() {
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
