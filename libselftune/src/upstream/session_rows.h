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

struct SessionRows {
  std::string id;
  std::vector<SourceRow> sessions, prompts, uses, usage, facts, telemetry, queries, signals;

  [[nodiscard]] std::vector<std::vector<SourceRow>*> All();
  [[nodiscard]] bool Unchanged() const;
};
[[nodiscard]] StatusOr<SessionRows> ReadSessionRows(Engine& engine, const store::LooseValue& id);

// The host that the rows name; "unknown" when none does.
[[nodiscard]] std::string PlatformOf(const SessionRows& rows);

// First and last time that any row says.
struct TimeSpan {
  std::optional<UtcMillis> first, last;
};
[[nodiscard]] TimeSpan SpanOf(const SessionRows& rows);

// Figures of one row of execution_facts or session_telemetry; a reason when it cannot be
// one.
struct FiguresOf {
  store::ImportedFigures figures;
  std::vector<std::string_view> spoiled;  // columns that are held changed, or not at all
  std::string problem;
};
[[nodiscard]] FiguresOf ReadFigures(const store::LooseRow& row);

}  // namespace selftune::upstream
