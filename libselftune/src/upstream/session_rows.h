// The rows of one session, and what several of them say together.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/import_rows.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// First and last time that any row says.
struct TimeSpan {
  std::optional<UtcMillis> first, last;
};

// Where the rows are: a session may have more of them than there is memory.
struct SessionRows {
  std::string id;
  std::vector<RowAt> sessions, prompts, uses, usage, facts, telemetry, queries, signals, commits;
  std::string platform = "unknown";  // the host that the rows name
  TimeSpan span;
  std::string cwd;  // of its first row of telemetry

  [[nodiscard]] std::vector<std::vector<RowAt>*> All();
  [[nodiscard]] bool Unchanged() const;
};
[[nodiscard]] StatusOr<SessionRows> ReadSessionRows(Engine& engine, const store::LooseValue& id);

// Figures of one row of execution_facts or session_telemetry; a reason when it cannot be
// one.
struct FiguresOf {
  store::ImportedFigures figures;
  std::vector<std::string_view> spoiled;  // columns that are held changed, or not at all
  std::string problem;
};
[[nodiscard]] FiguresOf ReadFigures(const store::LooseRow& row);

}  // namespace selftune::upstream
