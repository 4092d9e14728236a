// Building blocks of terminal text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/screen.h"

namespace selftune::cli {

// A table of columns. Cells hold text that is already harmless (OneLine); the
// widest flexible column gives way when the screen is too narrow; where that is not
// enough, the rows stand one below the other, a column a line.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    bool flexible = false;
  };
  struct Cell {
    std::string text;
    Style style = Style::kPlain;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string Draw(const Screen& screen) const;

 private:
  [[nodiscard]] std::string DrawBelow(const Screen& screen) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// "label      value" lines; a value may have several lines.
class Fields {
 public:
  void Add(std::string label, std::string value) {
    rows_.emplace_back(std::move(label), std::move(value));
  }
  // Nothing for an empty or null value.
  void AddText(std::string label, const Json& value);
  void AddCount(std::string label, const Json& value);
  [[nodiscard]] std::string Draw(const Screen& screen) const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

[[nodiscard]] std::string Heading(const Screen& screen, std::string_view text);
// "2 of 3 (67 %, 95 % CI 21-94 %)" of {"k"|"hit"..}; see callers.
[[nodiscard]] std::string RateOf(int64_t k, int64_t n);
[[nodiscard]] std::string JoinTexts(const Json& list, std::string_view separator = ", ");

// Any data: scalars as fields, lists of objects as tables.
[[nodiscard]] std::string RenderFields(const Reply& reply, const Screen& screen);
// Lines for warnings and the next step, below what a command renders.
[[nodiscard]] std::string RenderTail(const Reply& reply, const Screen& screen);

}  // namespace selftune::cli
