// db, backup, export, query: the store itself.
#include <algorithm>
#include <cstdint>
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderStats(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Fields fields;
  fields.Add("store", OneLine(data["path"].Text()));
  fields.Add("size", Bytes(data["size_bytes"].Int()) + " and " + Bytes(data["wal_bytes"].Int()) +
                         " of log");
  fields.Add("schema",
             data["schema_version"].Dump() + ", SQLite " + OneLine(data["sqlite"].Text()));
  const Json& backups = data["backups"];
  fields.Add("backups",
             Count(backups["n"].Int()) + ", newest " + Ago(backups["newest"].Text(), reply.now()));
  Table table({{"table"}, {"rows", Table::Align::kRight}});
  for (const auto& [name, rows] : data["counts"].members()) {
    if (rows.Int() > 0) table.Add({{OneLine(name)}, {Count(rows.Int())}});
  }
  return fields.Draw(screen) + (table.empty() ? "" : "\n" + table.Draw(screen));
}

std::string YesNo(const Screen& screen, bool good) {
  return good ? screen.Paint(Style::kGood, "ok") : screen.Paint(Style::kBad, "bad");
}

std::string RenderCheck(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = "pages         " + YesNo(screen, data["quick_check"].Bool()) + "\n";
  out += "foreign keys  " + YesNo(screen, data["foreign_keys"].Bool()) + "\n";
  out += "hash chain    " + YesNo(screen, data["hash_chain"].Bool()) + "\n";
  const Json& rollups = data["rollups"];
  out += "rollups       " + YesNo(screen, rollups["bad"].Int() == 0) + " (" +
         Count(rollups["checked"].Int()) + " checked)\n";
  for (const Json& problem : data["problems"].items()) {
    out += screen.Paint(Style::kBad, OneLine(problem["check"].Text())) + ": " +
           OneLine(problem["message"].Text()) + "\n";
  }
  return out;
}

std::string RenderVacuum(const Reply& reply, const Screen&) {
  return Bytes(reply.data()["before_bytes"].Int()) + " → " +
         Bytes(reply.data()["after_bytes"].Int()) + "\n";
}

std::string RenderMigrate(const Reply& reply, const Screen&) {
  const Json& data = reply.data();
  if (data["from"].Int() == data["to"].Int()) return "The schema is up to date.\n";
  std::string out = "schema " + data["from"].Dump() + " → " + data["to"].Dump() + "\n";
  if (!data["backup_path"].is_null()) out += "backup " + OneLine(data["backup_path"].Text()) + "\n";
  return out;
}

std::string RenderBackups(const Reply& reply, const Screen& screen) {
  Table table(
      {{"id"}, {"made"}, {"size", Table::Align::kRight}, {"state", Table::Align::kLeft, true}});
  for (const Json& backup : reply.data()["backups"].items()) {
    const bool checked = backup.Has("ok");
    const std::string state = !checked              ? ""
                              : backup["ok"].Bool() ? "ok"
                                                    : OneLine(backup["problem"].Text());
    table.Add({{OneLine(backup["id"].Text())},
               {Ago(backup["at"].Text(), reply.now())},
               {Bytes(backup["bytes"].Int())},
               {state, state == "ok" ? Style::kGood : Style::kBad}});
  }
  return table.empty() ? "No backups.\n" : table.Draw(screen);
}

std::string RenderQuery(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::vector<Table::Column> columns;
  for (const Json& column : data["columns"].items()) {
    columns.push_back({OneLine(column.Text()), Table::Align::kLeft, /*flexible=*/true});
  }
  Table table(std::move(columns));
  for (const Json& row : data["rows"].items()) {
    std::vector<Table::Cell> cells;
    for (const Json& cell : row.items()) {
      cells.push_back({cell.is_null()     ? "-"
                       : cell.is_string() ? OneLine(cell.Text())
                                          : cell.Dump()});
    }
    table.Add(std::move(cells));
  }
  std::string out = table.Draw(screen);
  if (data["truncated"].Bool()) out += screen.Paint(Style::kDim, "more rows: --limit") + "\n";
  return out;
}

std::string RenderImport(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Table table({{"table"},
               {"rows", Table::Align::kRight},
               {"new", Table::Align::kRight},
               {"present", Table::Align::kRight}});
  for (const Json& row : data["tables"].items()) {
    if (row["rows"].Int() == 0) continue;
    table.Add({{OneLine(row["name"].Text())},
               {Count(row["rows"].Int())},
               {Count(row["imported"].Int())},
               {Count(row["present"].Int())}});
  }
  std::string out = table.empty() ? "The archive is empty.\n" : table.Draw(screen);
  const Json& receipt = data["receipt"];
  if (!receipt["undo"].is_null())
    out += "undo: " + OneLine(receipt["undo"]["command"].Text()) + "\n";
  return out;
}

std::string RenderRecover(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Table table({{"table"},
               {"saved", Table::Align::kRight},
               {"lost", Table::Align::kRight},
               {"lost pages", Table::Align::kRight},
               {"read again", Table::Align::kRight}});
  for (const Json& row : data["tables"].items()) {
    const int64_t lost =
        std::max(row["rejected"].Int() + row["unreadable"].Int(), row["missing"].Int());
    if (row["rows"].Int() + lost + row["lost_pages"].Int() == 0) continue;
    table.Add({{OneLine(row["name"].Text())},
               {Count(row["rows"].Int())},
               {Count(lost), lost > 0 ? Style::kBad : Style::kPlain},
               {Count(row["lost_pages"].Int())},
               {row["read_again"].is_null() ? "-" : Count(row["read_again"].Int())}});
  }
  std::string out = data["damaged"].Bool() ? "" : "Nothing was wrong with the file.\n";
  out += table.Draw(screen);
  if (!data["moved_aside"].is_null()) {
    out += "the old file: " + OneLine(data["moved_aside"].Text()) + "\n";
  }
  for (const Json& problem : data["problems"].items()) {
    out += screen.Paint(Style::kBad, "problem") + ": " + OneLine(problem.Text()) + "\n";
  }
  return out;
}

std::string RenderForget(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = "words of " + Count(data["prompts"].Int()) + " prompts in " +
                    Count(data["sessions"].Int()) + " sessions, " + Count(data["arguments"].Int()) +
                    " arguments of skills\n";
  if (data["eval_entries"].Int() > 0) {
    out += Count(data["eval_entries"].Int()) + " entries of eval sets\n";
  }
  for (const Json& file : data["still_in"].items()) {
    out += screen.Paint(Style::kWarn, "may still be in") + " " + OneLine(file.Text()) + "\n";
  }
  return out + "Transcripts are the hosts' and stay as they are.\n";
}

constexpr Flag kDeepFlags[] = {
    {"deep", "every page, every rollup, every counter", FlagType::kSwitch}};
constexpr Example kCheckExamples[] = {
    {"selftune db check --deep", "takes a moment on a large store"}};
constexpr Positional kBackupId[] = {{"id", "as in selftune backup list"}};
constexpr Positional kBackupIdOptional[] = {{"id", "only this one", /*required=*/false}};
constexpr Example kRestoreExamples[] = {
    {"selftune backup restore 20260131T080000000Z --dry-run", "can it be restored?"},
    {"selftune backup restore 20260131T080000000Z --yes", "put it in place"},
};

constexpr Positional kSql[] = {{"sql", "one SELECT over the public views"}};
constexpr Flag kQueryFlags[] = {
    {"args", "values of ?1, ?2, ...", FlagType::kList, "a,b"},
    kLimitFlag,
};
constexpr Example kQueryExamples[] = {
    {"selftune query 'SELECT platform, count(*) FROM sessions GROUP BY 1'", "count sessions"}};

constexpr std::string_view kFormats[] = {"jsonl", "sqlite"};
constexpr Positional kExportDir[] = {{"dir", "a new or empty folder"}};
constexpr Flag kExportFlags[] = {
    {"format", "of the files", FlagType::kText, {}, 0, kFormats},
    {"tables", "only these", FlagType::kList, "a,b"},
    kSinceFlag,
    kUntilFlag,
};
constexpr Example kExportExamples[] = {{"selftune export ./evidence", "everything, as JSON lines"}};

constexpr Positional kImportDir[] = {{"dir", "as selftune export wrote it"}};
constexpr Example kImportExamples[] = {
    {"selftune import ./evidence --dry-run", "which rows are new here?"},
    {"selftune import ./evidence", "take them in"},
};

constexpr Flag kForgetFlags[] = {
    {"session", "this session and its subagents", FlagType::kText, "id"},
    {"workspace", "sessions in this folder and below", FlagType::kText, "path"},
    {"skill", "prompts at which this skill was used or missed", FlagType::kText, "name"},
    {"before", "what was said before: 2026-01-31, 90d", FlagType::kText, "time"},
    {"match", "prompts with these words", FlagType::kText, "words"},
};
constexpr Example kForgetExamples[] = {
    {"selftune forget --workspace ./client --dry-run", "how much would go?"},
    {"selftune forget --before 90d --yes", "erase what is older than 90 days"},
};

constexpr Flag kRecoverFlags[] = {
    {"no-read-again", "leave lost rows to the next sync", FlagType::kSwitch, {}, 0, {}, "-"},
};
std::string RecoverParams(const Args& args) {
  return args.Has("no-read-again") ? R"({"read_again":false})" : "{}";
}
constexpr Example kRecoverExamples[] = {
    {"selftune recover --dry-run", "how much of the store can be read?"},
    {"selftune recover --yes", "save it into a new store"},
};

constexpr Example kStatsExamples[] = {
    {"selftune db stats", "how large it is, and how many rows of what"},
};

constexpr Example kMigrateExamples[] = {
    {"selftune db migrate --dry-run", "is it of an older version?"},
    {"selftune db migrate", "with a backup before"},
};

constexpr Example kVacuumExamples[] = {
    {"selftune db vacuum", "after much was erased"},
};

constexpr Example kRebuildExamples[] = {
    {"selftune db rebuild --dry-run", "how much of the store can be read?"},
    {"selftune db rebuild --yes", "the old file is kept"},
};

constexpr Example kCreateExamples[] = {
    {"selftune backup create", "before something risky"},
};

constexpr Example kBackupListExamples[] = {
    {"selftune backup list", "newest first"},
};

constexpr Example kVerifyExamples[] = {
    {"selftune backup verify", "every backup"},
    {"selftune backup verify 20260131T080000000Z", "one of them"},
};

}  // namespace

extern const Command kDbStatsCommand = {
    .path = "db stats",
    .summary = "Show what the store holds",
    .group = "Data",
    .op = "store.info",
    .examples = kStatsExamples,
    .render = RenderStats,
    .rare = true,
};

extern const Command kDbCheckCommand = {
    .path = "db check",
    .summary = "Check the store",
    .group = "Data",
    .op = "store.check",
    .flags = kDeepFlags,
    .examples = kCheckExamples,
    .render = RenderCheck,
    .exit_zero = true,
    .rare = true,
};

extern const Command kDbMigrateCommand = {
    .path = "db migrate",
    .summary = "Bring the store to the schema of this version",
    .group = "Data",
    .op = "store.migrate",
    .examples = kMigrateExamples,
    .render = RenderMigrate,
    .rare = true,
};

extern const Command kDbVacuumCommand = {
    .path = "db vacuum",
    .summary = "Give unused space back to the disk",
    .group = "Data",
    .op = "store.vacuum",
    .examples = kVacuumExamples,
    .render = RenderVacuum,
    .rare = true,
};

extern const Command kBackupCreateCommand = {
    .path = "backup create",
    .summary = "Back the store up",
    .group = "Data",
    .op = "store.backup",
    .examples = kCreateExamples,
};

extern const Command kBackupListCommand = {
    .path = "backup list",
    .summary = "List the backups",
    .group = "Data",
    .op = "store.backup_list",
    .examples = kBackupListExamples,
    .render = RenderBackups,
};

extern const Command kBackupVerifyCommand = {
    .path = "backup verify",
    .summary = "Check the backups",
    .group = "Data",
    .op = "store.backup_verify",
    .positionals = kBackupIdOptional,
    .examples = kVerifyExamples,
    .render = RenderBackups,
    .exit_zero = true,
    .rare = true,
};

extern const Command kBackupRestoreCommand = {
    .path = "backup restore",
    .summary = "Put a backup in the place of the store",
    .group = "Data",
    .op = "store.restore",
    .positionals = kBackupId,
    .examples = kRestoreExamples,
};

extern const Command kQueryCommand = {
    .path = "query",
    .summary = "Run one SELECT over the public views",
    .group = "Evidence",
    .op = "store.query",
    .flags = kQueryFlags,
    .positionals = kSql,
    .examples = kQueryExamples,
    .render = RenderQuery,
    .rare = true,
};

extern const Command kExportCommand = {
    .path = "export",
    .summary = "Write the evidence to files",
    .group = "Data",
    .op = "store.export",
    .flags = kExportFlags,
    .positionals = kExportDir,
    .examples = kExportExamples,
};

extern const Command kImportCommand = {
    .path = "import",
    .summary = "Take back what export wrote",
    .group = "Data",
    .op = "store.import",
    .positionals = kImportDir,
    .examples = kImportExamples,
    .render = RenderImport,
};

extern const Command kForgetCommand = {
    .path = "forget",
    .summary = "Erase what was said, for good",
    .group = "Data",
    .op = "store.forget",
    .flags = kForgetFlags,
    .examples = kForgetExamples,
    .render = RenderForget,
};

extern const Command kRecoverCommand = {
    .path = "recover",
    .summary = "Save what can be read of a damaged store",
    .group = "Data",
    .op = "store.rebuild",
    .flags = kRecoverFlags,
    .examples = kRecoverExamples,
    .params = RecoverParams,
    .render = RenderRecover,
};

extern const Command kDbRebuildCommand = {
    .path = "db rebuild",
    .summary = "Make the store anew from its own rows",
    .group = "Data",
    .op = "store.rebuild",
    .flags = kRecoverFlags,
    .examples = kRebuildExamples,
    .params = RecoverParams,
    .render = RenderRecover,
    .alias_of = "recover",
    .rare = true,
};

}  // namespace selftune::cli
