#include "store/stored_text.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "base/utf8.h"
#include "store/any_statement.h"
#include "store/table_shape.h"

namespace selftune::store {
namespace {

constexpr char kDoing[] = "looking at the texts of";

// Names of files are bytes. Those of Latin-1 or Shift-JIS have no control
// characters, and no byte beyond ASCII four times in a row, as pages that were
// written over do.
bool MayBePath(std::string_view text) {
  if (!text.starts_with('/')) return false;
  char before = 0;
  int alike = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
    alike = c == before ? alike + 1 : 1;
    before = c;
    if (byte >= 0x80 && alike == 4) return false;
  }
  return true;
}

Status AddColumns(Db& db, const TableShape& table, std::vector<std::string>& out) {
  std::vector<const ColumnShape*> texts;
  std::string list;
  for (const ColumnShape& column : table.columns) {
    if (column.type != ColumnShape::Type::kText) continue;
    texts.push_back(&column);
    list += (list.empty() ? "" : ",") + internal::Quoted(column.name);
  }
  if (texts.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(
      const internal::AnyStatement rows,
      internal::PrepareAny(db, "SELECT " + list + " FROM " + internal::Quoted(table.name), kDoing));
  std::vector<bool> broken(texts.size(), false);
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, internal::StepAny(db, rows.get(), kDoing));
    if (!more) break;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (broken[i] || !IsBrokenText(internal::BytesAt(rows.get(), static_cast<int>(i)))) continue;
      broken[i] = true;
      out.push_back(table.name + "." + texts[i]->name);
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsBrokenText(std::string_view text) { return !base::IsValidUtf8(text) && !MayBePath(text); }

StatusOr<std::vector<std::string>> ColumnsOfBrokenText(Db& db) {
  std::vector<std::string> out;
  ST_ASSIGN_OR_RETURN(const std::vector<TableShape> tables, SchemaShapes());
  for (const TableShape& table : tables) ST_RETURN_IF_ERROR(AddColumns(db, table, out));
  return out;
}

}  // namespace selftune::store
