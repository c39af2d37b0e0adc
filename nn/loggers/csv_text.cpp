// Fields and rows.
#include "nn/loggers/csv_text.h"

namespace iolaus::nn {

std::string csv_row(const CsvRow& fields) {
  std::string text;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) text += ',';
    // A row of one empty field would be an empty line.
    const bool lonely = fields.size() == 1 && field.empty();
    if (!lonely && field.find_first_of(",\"\r\n") == std::string::npos) {
      text += field;
      continue;
    }
    text += '"';
    for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
    text += '"';
  }
  return text + "\r\n";
}

std::vector<CsvRow> parse_csv(std::string_view text) {
  std::vector<CsvRow> rows;
  CsvRow row;
  std::string field;
  bool quoted = false, any = false;  // any: the row has something, if only a comma or quotes
  const auto end_row = [&] {
    if (any) {
      row.push_back(std::move(field));
      rows.push_back(std::move(row));
    }
    row.clear();
    field.clear();
    any = false;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '\n' || c == '\r') {
      end_row();
    } else {
      any = true;
      if (c == ',') {
        row.push_back(std::move(field));
        field.clear();
      } else if (c == '"' && field.empty()) {
        quoted = true;
      } else {
        field += c;
      }
    }
  }
  end_row();
  return rows;
}

}  // namespace iolaus::nn
