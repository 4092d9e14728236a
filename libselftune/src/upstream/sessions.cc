#include "upstream/sessions.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "upstream/session_import.h"

namespace selftune::upstream {
namespace {

using store::LooseValue;

constexpr std::string_view kIds = "_st_sessions";

bool BelongsToSessions(const SourceTable& table) {
  return std::ranges::find(kSessionTables, table.name) != std::end(kSessionTables) &&
         table.HasPlace();
}

// The ids of all tables, each once.
StatusOr<int64_t> ListSessions(Engine& engine) {
  std::string all;
  for (const auto& [name, table] : engine.tables()) {
    if (!BelongsToSessions(table)) continue;
    all += fmt::format("{}SELECT session_id AS id FROM {}", all.empty() ? "" : " UNION ",
                       store::QuoteName(name));
  }
  store::LooseDb& db = engine.source();
  ST_RETURN_IF_ERROR(db.Execute(
      fmt::format("DROP TABLE IF EXISTS {0}; CREATE TABLE {0}(n INTEGER PRIMARY KEY, id)", kIds)));
  if (all.empty()) return int64_t{0};
  ST_RETURN_IF_ERROR(db.Execute(
      fmt::format("INSERT INTO {}(id) SELECT id FROM ({}) WHERE id IS NOT NULL AND id<>'' AND "
                  "typeof(id)<>'blob'",
                  kIds, all)));
  return db.Int(fmt::format("SELECT count(*) FROM {}", kIds));
}

bool BreaksARule(const Status& status) {
  return !status.ok() && CodeOf(status).name == kStoreConstraint.name;
}

// One after the other, each in a transaction of its own: so the one that the store does
// not take is found, and only that one is refused.
Status Singly(Engine& engine, const std::vector<LooseValue>& ids) {
  engine.Rollback();
  for (const LooseValue& id : ids) {
    const Status done = ImportSession(engine, id);
    if (BreaksARule(done)) {
      engine.Rollback();
      ST_RETURN_IF_ERROR(RejectSession(engine, id, Message(done)));
    } else {
      ST_RETURN_IF_ERROR(done);
    }
    ST_RETURN_IF_ERROR(engine.Commit(true));
  }
  return absl::OkStatus();
}

Status RejectNameless(Engine& engine) {
  for (const auto& [name, table] : engine.tables()) {
    if (!BelongsToSessions(table)) continue;
    ST_RETURN_IF_ERROR(
        engine.ForEach(name, "session_id IS NULL OR session_id='' OR typeof(session_id)='blob'",
                       [&](const SourceRow& row) -> Status {
                         if (row.Unchanged()) return absl::OkStatus();
                         ST_RETURN_IF_ERROR(engine.Begin());
                         ST_RETURN_IF_ERROR(engine.Reject(row, "session_id is missing"));
                         return engine.Commit(false);
                       }));
  }
  return engine.Commit(true);
}

}  // namespace

Status ImportSessions(Engine& engine) {
  ST_ASSIGN_OR_RETURN(const int64_t total, ListSessions(engine));
  ST_ASSIGN_OR_RETURN(store::LooseQuery ids,
                      engine.source().Query(fmt::format("SELECT id FROM {} ORDER BY n", kIds)));
  std::vector<LooseValue> open;  // not committed
  for (int64_t done = 0;; ++done) {
    ST_ASSIGN_OR_RETURN(const bool more, ids.Next());
    if (!more) break;
    ST_RETURN_IF_ERROR(engine.CheckCancel());
    open.push_back(ids.Row().value(0));
    Status written = ImportSession(engine, open.back());
    const int64_t before = engine.written();
    if (written.ok()) written = engine.Commit(false);
    if (BreaksARule(written)) {
      ST_RETURN_IF_ERROR(Singly(engine, open));
      open.clear();
    } else {
      ST_RETURN_IF_ERROR(written);
    }
    if (engine.written() != before) open.clear();
    engine.Progress(done + 1, total);
  }
  const Status last = engine.Commit(true);
  if (BreaksARule(last)) {
    ST_RETURN_IF_ERROR(Singly(engine, open));
  } else {
    ST_RETURN_IF_ERROR(last);
  }
  return RejectNameless(engine);
}

Status KeepOthers(Engine& engine) {
  for (const auto& [name, table] : engine.tables()) {
    if (table.HasPlace()) continue;
    ST_RETURN_IF_ERROR(engine.ForEach(name, "", [&](SourceRow row) -> Status {
      if (row.Unchanged()) return absl::OkStatus();
      ST_RETURN_IF_ERROR(engine.Begin());
      ST_RETURN_IF_ERROR(engine.Keep(std::move(row)));
      return engine.Commit(false);
    }));
  }
  return engine.Commit(true);
}

}  // namespace selftune::upstream
