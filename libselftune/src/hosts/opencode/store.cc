#include "hosts/opencode/store.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "hosts/common/foreign_store.h"
#include "hosts/opencode/record.h"
#include "hosts/opencode/session.h"

namespace selftune::hosts::opencode {
namespace {

// Accounts, credentials and shares lie in other tables, which are never read.
constexpr std::array<std::string_view, 4> kTables = {"session", "message", "part", "migration"};
constexpr std::string_view kInternalTitle = "selftune: ";

class Store final : public ForeignStore {
 public:
  explicit Store(const ingest::StoreOptions& options) : ForeignStore(options) {}

 private:
  std::span<const std::string_view> Tables() const override { return kTables; }

  StoreSchema Schema(ForeignDb& db) override {
    StoreSchema schema;
    for (const auto& missing :
         {db.Missing("session", {"id", "project_id", "parent_id", "directory", "title", "version",
                                 "time_created", "time_updated"}),
          db.Missing("message", {"id", "session_id", "time_created", "data"}),
          db.Missing("part", {"id", "message_id", "session_id", "data"})}) {
      if (missing.empty()) continue;
      if (!schema.missing.empty()) schema.missing.append(", ");
      schema.missing.append(missing);
    }
    if (db.Has("migration", {"id"})) {
      auto row = db.Query("SELECT max(id) FROM migration");
      if (row.ok() && row->Next().value_or(false)) schema.version = row->String(0);
    }
    return schema;
  }

  // The session's own row changes at its end; its messages and parts come and
  // change before.
  std::span<const StoreTable> Growing() const override {
    static constexpr std::array<StoreTable, 2> kGrowing = {{
        {.name = "message", .key = "id", .session = "session_id", .changed = "time_updated"},
        {.name = "part", .key = "id", .session = "session_id", .changed = "time_updated"},
    }};
    return kGrowing;
  }
  StoreTable Sessions() const override {
    return {.name = "session", .key = "id", .session = "id", .changed = "time_updated"};
  }
  std::string_view SessionOrder() const override { return "time_created"; }

  Status ReadSession(ForeignDb& db, const std::string& id) override;
  StatusOr<bool> IsInternal(ForeignDb& db, const SessionRow& row);
  StatusOr<std::vector<Part>> ReadParts(ForeignDb& db, ForeignQuery& rows,
                                        const MessageRow& message);
  void AddPart(const std::string& id, int64_t rowid, std::string_view data,
               const MessageRow& message, std::vector<Part>& parts);
  Status ReadLongParts(ForeignDb& db, const MessageRow& message, const std::string& after,
                       std::vector<Part>& parts);
};

StatusOr<std::optional<SessionRow>> ReadRow(ForeignDb& db, const std::string& id) {
  const bool permission = db.Has("session", {"permission"});
  const bool revert = db.Has("session", {"revert"});
  const bool archived = db.Has("session", {"time_archived"});
  const bool agent = db.Has("session", {"agent"});
  std::string sql = "SELECT project_id,parent_id,directory,title,version,time_created,";
  sql.append(permission ? "permission," : "NULL,").append(revert ? "revert," : "NULL,");
  sql.append(archived ? "time_archived," : "NULL,").append(agent ? "agent" : "NULL");
  sql.append(" FROM session WHERE id=?1");
  ST_ASSIGN_OR_RETURN(ForeignQuery rows, db.Query(sql));
  rows.Bind(1, id);
  ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
  if (!found) return std::optional<SessionRow>();
  SessionRow row;
  row.id = id;
  row.project = rows.String(0);
  row.parent = rows.String(1);
  row.directory = rows.String(2);
  row.title = rows.String(3);
  row.version = rows.String(4);
  row.created = rows.Time(5);
  row.from_run = MadeByRun(rows.Text(6));
  row.may_be_run = !permission;
  row.archived = !rows.IsNull(8);
  row.agent = rows.String(9);
  const std::string_view hidden = rows.Text(7);
  constexpr std::string_view kFrom = "\"messageID\":\"";
  if (const size_t at = hidden.find(kFrom); at != std::string_view::npos) {
    const std::string_view rest = hidden.substr(at + kFrom.size());
    row.revert = rest.substr(0, rest.find('"'));
  }
  return std::optional<SessionRow>(std::move(row));
}

// Our own calls carry a title; what their agents start is ours as well.
StatusOr<bool> Store::IsInternal(ForeignDb& db, const SessionRow& row) {
  if (row.title.starts_with(kInternalTitle)) return true;
  std::string above = row.parent;
  ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                      db.Query("SELECT title,parent_id FROM session WHERE id=?1"));
  for (int depth = 0; depth < 16 && !above.empty(); ++depth) {
    rows.Reset();
    rows.Bind(1, above);
    ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
    if (!found) break;
    if (rows.Text(0).starts_with(kInternalTitle)) return true;
    above = rows.String(1);
  }
  return false;
}

StatusOr<std::vector<Part>> Store::ReadParts(ForeignDb& db, ForeignQuery& rows,
                                             const MessageRow& message) {
  std::vector<Part> parts;
  std::string last;
  const LongestValue limit(db, kMaxShortValue);
  rows.Reset();
  rows.Bind(1, message.id);
  for (;;) {
    const StatusOr<bool> more = rows.Next();
    if (!more.ok() && CodeOf(more.status()).name == kFileTooLarge.name) {
      ST_RETURN_IF_ERROR(ReadLongParts(db, message, last, parts));
      return parts;
    }
    ST_RETURN_IF_ERROR(more.status());
    if (!*more) return parts;
    last = rows.String(0);
    AddPart(last, rows.Int(1), rows.Text(2), message, parts);
  }
}

void Store::AddPart(const std::string& id, int64_t rowid, std::string_view data,
                    const MessageRow& message, std::vector<Part>& parts) {
  Part part;
  part.id = id;
  const bool is_new = IsNew(1, rowid);
  const Status parsed =
      ParsePart(Padded(data), {.text = message.role == Role::kUser}, parser(), part);
  part.id = id;
  if (!parsed.ok()) {
    AddBadRow("part/" + part.id, data);
    return;
  }
  CountRow(part.type != PartType::kUnknown, is_new);
  parts.push_back(std::move(part));
}

// The rest of a message that has a part of megabytes: one by one.
Status Store::ReadLongParts(ForeignDb& db, const MessageRow& message, const std::string& after,
                            std::vector<Part>& parts) {
  ST_ASSIGN_OR_RETURN(
      ForeignQuery rows,
      db.Query("SELECT id,rowid FROM part WHERE message_id=?1 AND id>?2 ORDER BY id"));
  rows.Bind(1, message.id);
  rows.Bind(2, after);
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const std::string data, db.LongText("part", "data", rows.Int(1)));
    AddPart(rows.String(0), rows.Int(1), data, message, parts);
  }
}

Status Store::ReadSession(ForeignDb& db, const std::string& id) {
  ST_ASSIGN_OR_RETURN(std::optional<SessionRow> row, ReadRow(db, id));
  if (!row.has_value()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const bool internal, IsInternal(db, *row));
  Session session(*std::move(row), internal, options().copied);
  ST_ASSIGN_OR_RETURN(ForeignQuery messages,
                      db.Query("SELECT id,rowid,time_created,data FROM message WHERE session_id=?1 "
                               "ORDER BY time_created,id"));
  ST_ASSIGN_OR_RETURN(ForeignQuery parts,
                      db.Query("SELECT id,rowid,data FROM part WHERE message_id=?1 ORDER BY id"));
  messages.Bind(1, id);
  bool any = false;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, messages.Next());
    if (!more) break;
    MessageRow message;
    const bool is_new = IsNew(0, messages.Int(1));
    const Status parsed = ParseMessage(Padded(messages.Text(3)), parser(), message);
    message.id = messages.String(0);
    if (!message.created.has_value()) message.created = messages.Time(2);
    if (!parsed.ok()) {
      AddBadRow("message/" + message.id, messages.Text(3));
      continue;
    }
    CountRow(message.role != Role::kUnknown, is_new);
    ST_ASSIGN_OR_RETURN(const std::vector<Part> own, ReadParts(db, parts, message));
    session.Add(message, own, batch());
    any = true;
    ST_RETURN_IF_ERROR(FlushIfFull());
  }
  if (any) session.Finish(batch());
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<ingest::StoreReader> MakeStoreReader(const ingest::StoreOptions& options) {
  return std::make_unique<Store>(options);
}

}  // namespace selftune::hosts::opencode
