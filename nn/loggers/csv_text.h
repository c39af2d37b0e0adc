// CSV as Python's csv module writes and reads it: RFC 4180, rows end with CR LF, quotes only where
// a field needs them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace iolaus::nn {

using CsvRow = std::vector<std::string>;

/// One row with its line end.
std::string csv_row(const CsvRow& fields);
/// All rows; LF and CR LF end a row, empty lines are left out. A quote that is never closed ends
/// with the text.
std::vector<CsvRow> parse_csv(std::string_view text);

}  // namespace iolaus::nn
