#include "store/sql_query.h"

#include <memory>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

SqlCell ToCell(const CellView& cell) {
  switch (cell.type) {
    case CellType::kInt:
      return cell.integer;
    case CellType::kReal:
      return cell.real;
    case CellType::kText:
      return std::string(cell.bytes);
    case CellType::kBlob:
      return base::Hex(cell.bytes);
    case CellType::kNull:
      break;
  }
  return std::monostate();
}

}  // namespace

StatusOr<SqlResult> RunUserSql(const std::string& store_path, std::string_view sql,
                               std::span<const SqlCell> args, const SqlOptions& options) {
  ST_ASSIGN_OR_RETURN(
      const std::unique_ptr<UserQuery> query,
      UserQuery::Open(store_path, sql, args,
                      {.cancel = options.cancel,
                       .deadline = std::chrono::steady_clock::now() + options.time_limit}));
  SqlResult result;
  for (int i = 0; i < query->columns(); ++i) result.columns.emplace_back(query->Name(i));
  int64_t bytes = 0;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, query->Next());
    if (!more) return result;
    if (static_cast<int64_t>(result.rows.size()) >= options.max_rows || bytes > options.max_bytes) {
      result.truncated = true;
      return result;
    }
    auto& row = result.rows.emplace_back();
    for (int i = 0; i < query->columns(); ++i) {
      row.push_back(ToCell(query->Cell(i)));
      if (const auto* text = std::get_if<std::string>(&row.back())) {
        bytes += static_cast<int64_t>(text->size());
      }
    }
  }
}

}  // namespace selftune::store
