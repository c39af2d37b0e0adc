// Inside of the YAML reader: libyaml's events one by one, with marks as in the text that the user
// wrote and errors in PyYAML's words.
#pragma once

#include <yaml.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/python_text.h"
#include "config/yaml.h"
#include "config/yaml_error.h"

namespace iolaus::config::yaml {

/// Where text was inserted to please libyaml: a line and the column of the insertion.
struct Shift {
  std::uint32_t line, column, size;
  bool directive = false;  // an unknown one was made a comment
};

/// libyaml's parser and its current event.
class Events {
 public:
  Events(std::string_view text, std::uint32_t source, const std::vector<Shift>& shifts)
      : text_(text),
        source_(source),
        shifts_(shifts),
        strict_(yaml::stricter_problem(text, source)) {
    if (yaml_parser_initialize(&parser_) == 0) fail(ErrorCode::kOutOfMemory, "[yaml] no memory");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  ~Events() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }

  /// Moves on to the next event; throws the translated error.
  const yaml_event_t& next() {
    yaml_event_delete(&event_);
    const bool parsed = yaml_parser_parse(&parser_, &event_) != 0;
    if (strict_ && passed(parsed ? event_.end_mark : parser_.problem_mark, strict_->mark)) {
      raise(*strict_);
    }
    if (!parsed) {
      event_.type = YAML_NO_EVENT;
      if (auto repair = yaml::repair_for(parser_, text_)) throw std::move(*repair);
      raise(yaml::translate(parser_, text_, source_));
    }
    return event_;
  }
  const yaml_event_t& current() const { return event_; }
  /// Directives must be followed by an explicit start, also those that were made comments.
  void check_document_start() const {
    const bool directives = std::any_of(shifts_.begin(), shifts_.end(),
                                        [](const Shift& shift) { return shift.directive; });
    const bool starts = event_.type == YAML_DOCUMENT_START_EVENT;
    if (!directives || (starts && event_.data.document_start.implicit == 0)) return;
    // Right behind a directive PyYAML sees no key yet, only its text.
    std::string token = token_at(text_, event_.start_mark, false);
    if (token == "<block mapping start>") token = "<scalar>";
    raise({"",
           {},
           "expected '<document start>', but found " + python_quoted(token),
           to_mark(event_.start_mark, source_)});
  }
  Mark mark() const { return original(to_mark(event_.start_mark, source_)); }

 private:
  /// Where the place is in the text as it was before any repair.
  Mark original(Mark mark) const {
    for (auto shift = shifts_.rbegin(); shift != shifts_.rend(); ++shift) {
      if (mark.line == shift->line && mark.column > shift->column) mark.column -= shift->size;
    }
    return mark;
  }
  [[noreturn]] void raise(Problem problem) const {
    problem.mark = original(problem.mark);
    problem.context_mark = original(problem.context_mark);
    yaml::raise(problem);
  }
  bool passed(const yaml_mark_t& mark, const Mark& limit) const {
    const Mark here = to_mark(mark, source_);
    return here.line > limit.line || (here.line == limit.line && here.column >= limit.column);
  }

  std::string_view text_;
  std::uint32_t source_;
  const std::vector<Shift>& shifts_;
  std::optional<Problem> strict_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

/// Composes the one document of a text. Throws Repair where the text needs help.
Node read_document(std::string_view text, std::uint32_t source, const LoadLimits& limits,
                   const std::vector<Shift>& shifts);

}  // namespace iolaus::config::yaml
