// The rows of a query as a stream of Arrow batches.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "selftune/arrow_c_data.h"
#include "store/relations.h"
#include "store/user_query.h"

namespace selftune::store {

inline constexpr int64_t kArrowBatchRows = 65'536;
// A batch ends early with this much text in one column, so that its 32 bit
// offsets suffice whatever the texts.
inline constexpr size_t kArrowBatchTextBytes = 64 << 20;

struct ArrowQuery {
  std::string sql;  // as UserQuery takes it
  std::vector<SqlCell> args;
  // Kinds of result columns, instead of what their view or their values say.
  std::vector<std::pair<std::string, ColumnKind>> types;
  // All rows are read at once, and decide the kinds of columns that have none.
  // Otherwise the first batch does, and a later value that does not fit is an
  // error.
  bool whole = false;
};

// Runs the query and fills `out`. The first batch is read here, the others on
// demand; all are of one snapshot, which the stream holds until its end. It
// keeps what it needs: connection and statement are its own. `interrupt` ends
// every read, so its cancel must outlive the stream. Errors as of UserQuery;
// `out` is untouched then.
[[nodiscard]] Status ExportArrow(const std::string& store_path, const ArrowQuery& query,
                                 const Interrupt& interrupt, ArrowArrayStream* out);

}  // namespace selftune::store
