#include "upstream/logs.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "ingest/byte_stream.h"
#include "ingest/line_pump.h"
#include "ingest/source.h"
#include "store/source_ledger.h"
#include "upstream/row_text.h"

namespace selftune::upstream {
namespace {

using base::JsonValue;
using store::LooseValue;

constexpr std::string_view kParser = "reference/jsonl";
constexpr int64_t kParserVersion = 1;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kWholeLine = size_t{16} << 20;
constexpr std::string_view kMore = "more";  // members that the table has no column for

struct LogKind {
  std::string_view file, table;  // table "" = by record_kind
};
// Repaired rows first: they are better than what they repair.
constexpr std::array<LogKind, 11> kLogs = {{
    {"canonical_telemetry_log.jsonl", ""},
    {"session_telemetry_log.jsonl", "session_telemetry"},
    {"skill_usage_repaired.jsonl", "skill_usage"},
    {"skill_usage_log.jsonl", "skill_usage"},
    {"all_queries_log.jsonl", "queries"},
    {"evolution_audit_log.jsonl", "evolution_audit"},
    {"evolution_evidence_log.jsonl", "evolution_evidence"},
    {"orchestrate_runs.jsonl", "orchestrate_runs"},
    {"orchestrate_run_log.jsonl", "orchestrate_runs"},
    {"improvement_signals.jsonl", "improvement_signals"},
    {"signal_log.jsonl", "improvement_signals"},
}};

struct Shape {
  std::string_view table, columns;  // separated by blanks
};
constexpr std::array<Shape, 11> kShapes = {{
    {"sessions",
     "session_id started_at ended_at platform model completion_status source_session_kind "
     "agent_cli workspace_path repo_remote branch schema_version normalized_at normalizer_version "
     "capture_mode raw_source_ref"},
    {"prompts",
     "prompt_id session_id occurred_at prompt_kind is_actionable prompt_index prompt_text "
     "schema_version platform normalized_at normalizer_version capture_mode raw_source_ref"},
    {"skill_invocations",
     "skill_invocation_id session_id occurred_at skill_name invocation_mode triggered confidence "
     "tool_name matched_prompt_id agent_type query skill_path skill_scope source schema_version "
     "platform normalized_at normalizer_version capture_mode raw_source_ref"},
    {"execution_facts",
     "execution_fact_id session_id occurred_at prompt_id tool_calls_json total_tool_calls "
     "assistant_turns errors_encountered input_tokens output_tokens duration_ms completion_status "
     "schema_version platform normalized_at normalizer_version capture_mode raw_source_ref "
     "files_changed lines_added lines_removed lines_modified cached_input_tokens "
     "reasoning_output_tokens cost_usd artifact_count session_type"},
    {"session_telemetry",
     "session_id timestamp cwd transcript_path tool_calls_json total_tool_calls "
     "bash_commands_json skills_triggered_json skills_invoked_json assistant_turns "
     "errors_encountered transcript_chars last_user_query source input_tokens output_tokens "
     "files_changed lines_added lines_removed lines_modified cached_input_tokens "
     "reasoning_output_tokens cost_usd artifact_count session_type agent_summary"},
    {"skill_usage",
     "timestamp session_id skill_name skill_path skill_scope query triggered source"},
    {"queries", "timestamp session_id query source"},
    {"improvement_signals",
     "timestamp session_id query signal_type mentioned_skill consumed consumed_at "
     "consumed_by_run"},
    {"evolution_audit",
     "timestamp proposal_id skill_name action details eval_snapshot_json iterations_used "
     "validation_mode validation_agent validation_fixture_id validation_evidence_ref"},
    {"evolution_evidence",
     "timestamp proposal_id skill_name skill_path target stage rationale confidence details "
     "original_text proposed_text eval_set_json validation_json"},
    {"orchestrate_runs",
     "run_id timestamp elapsed_ms dry_run approval_mode total_skills evaluated evolved deployed "
     "watched skipped skill_actions_json"},
}};
constexpr std::string_view kOthers = "canonical_records";  // kinds without a table

struct Rename {
  std::string_view member, column;
};
constexpr std::array<Rename, 8> kRenames = {{{"tool_calls", "tool_calls_json"},
                                             {"bash_commands", "bash_commands_json"},
                                             {"skills_triggered", "skills_triggered_json"},
                                             {"skills_invoked", "skills_invoked_json"},
                                             {"eval_snapshot", "eval_snapshot_json"},
                                             {"eval_set", "eval_set_json"},
                                             {"validation", "validation_json"},
                                             {"skill_actions", "skill_actions_json"}}};

std::string_view TableOfRecord(std::string_view kind) {
  if (kind == "session") return "sessions";
  if (kind == "prompt") return "prompts";
  if (kind == "skill_invocation") return "skill_invocations";
  return kind == "execution_fact" ? std::string_view("execution_facts") : kOthers;
}

LooseValue ValueOf(const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kNull:
      return {};
    case JsonValue::Type::kBool:
      return LooseValue::Int(value.AsBool() ? 1 : 0);
    case JsonValue::Type::kInt:
      return LooseValue::Int(value.AsInt());
    case JsonValue::Type::kDouble:
      return LooseValue::Real(value.AsDouble());
    case JsonValue::Type::kString:
      return LooseValue::Text(value.AsString());
    default:
      return LooseValue::Text(value.ToJson());
  }
}

// Tables to which records are added, with their statements.
class Scratch {
 public:
  explicit Scratch(store::LooseDb& db) : db_(db) {}

  Status Make() {
    ST_RETURN_IF_ERROR(db_.Execute("BEGIN"));
    for (const Shape& shape : kShapes) ST_RETURN_IF_ERROR(MakeTable(shape.table, shape.columns));
    return MakeTable(kOthers, "record_kind");
  }
  Status Done() {
    inserts_.clear();
    return db_.Execute("COMMIT");
  }

  // `id`: of the line.
  Status Add(std::string_view table, std::string_view log, std::string id,
             const JsonValue& record) {
    const std::vector<std::string>& columns = columns_.find(table)->second;
    std::vector<LooseValue> values(columns.size() + 3);
    values[0] = LooseValue::Text(std::move(id));
    values[1] = LooseValue::Text(std::string(log));
    std::vector<JsonValue::Member> more;
    for (const auto& [member, value] : record.members()) {
      const size_t at = ColumnOf(columns, member);
      if (at == columns.size()) {
        more.emplace_back(member, value);
      } else {
        values[at + 2] = ValueOf(value);
      }
    }
    if (!more.empty()) {
      values.back() = LooseValue::Text(JsonValue::Object(std::move(more)).ToJson());
    }
    return inserts_.find(table)->second.Run(values);
  }

 private:
  Status MakeTable(std::string_view table, std::string_view columns) {
    std::vector<std::string>& names = columns_[std::string(table)];
    std::string defined = "_st_id, _st_log", marks = "?,?";
    for (const std::string_view column : base::SplitSpace(columns)) {
      names.emplace_back(column);
      defined += fmt::format(", {}", store::QuoteName(column));
      marks += ",?";
    }
    ST_RETURN_IF_ERROR(db_.Execute(fmt::format("CREATE TABLE {}({}, {})", table, defined, kMore)));
    ST_ASSIGN_OR_RETURN(store::LooseQuery insert,
                        db_.Query(fmt::format("INSERT INTO {} VALUES({},?)", table, marks)));
    inserts_.emplace(table, std::move(insert));
    return absl::OkStatus();
  }

  static size_t ColumnOf(const std::vector<std::string>& columns, std::string_view member) {
    for (const Rename& rename : kRenames) {
      if (rename.member == member) member = rename.column;
    }
    return static_cast<size_t>(std::ranges::find(columns, member) - columns.begin());
  }

  store::LooseDb& db_;
  std::map<std::string, std::vector<std::string>, std::less<>> columns_;
  std::map<std::string, store::LooseQuery, std::less<>> inserts_;
};

class LogReader : public ingest::LineReader {
 public:
  LogReader(Scratch& scratch, const LogKind& kind) : scratch_(scratch), kind_(kind) {}

  Status ReadLine(const ingest::Line& line, base::LineParser& /*parser*/,
                  ingest::Batch& batch) override {
    ST_ASSIGN_OR_RETURN(const JsonValue record, Parse(line));
    if (!record.is_object()) return Fail(kInvalidRequest, "no object");
    ++batch.records_seen;
    ++batch.records_used;
    ++records_;
    const std::string_view table =
        kind_.table.empty() ? TableOfRecord(record["record_kind"].AsString()) : kind_.table;
    // A log may be written anew: another line at the same place is another one.
    constexpr size_t kDigits = 16;
    std::string id =
        fmt::format("{}#{}", line.offset, base::Sha256Hex(line.text).substr(0, kDigits));
    return scratch_.Add(table, kind_.file, std::move(id), record);
  }
  std::string SaveState() const override { return {}; }
  [[nodiscard]] int64_t records() const { return records_; }

 private:
  static StatusOr<JsonValue> Parse(const ingest::Line& line) {
    std::string_view text = line.text;
    if (line.offset == 0 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    StatusOr<JsonValue> record = JsonValue::Parse(text);
    if (record.ok()) return record;
    const std::optional<std::string> mended = WithoutLoneSurrogates(text);
    return mended.has_value() ? JsonValue::Parse(*mended) : record;
  }

  Scratch& scratch_;
  const LogKind& kind_;
  int64_t records_ = 0;
};

// One log on its way into the scratch tables; the ledger of sources hears of it.
class LogImport {
 public:
  LogImport(Engine& engine, const LogFile& log) : engine_(engine), log_(log) {}

  StatusOr<LogCounts> Run(Scratch& scratch, const LogKind& kind, const base::Cancel* cancel) {
    ST_ASSIGN_OR_RETURN(info_, base::Stat(log_.path));
    ST_RETURN_IF_ERROR(Open());
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::ByteStream> bytes,
                        ingest::OpenPlain(log_.path, info_.size));
    LogReader reader(scratch, kind);
    ingest::PumpBuffer buffer;
    // Texts are taken over as they are; only of the very longest the middles go.
    const ingest::PumpOptions options{
        .whole_line_bytes = kWholeLine, .accept_tail = true, .cancel = cancel};
    ST_ASSIGN_OR_RETURN(
        const ingest::Pumped pumped,
        ingest::PumpLines(*bytes, options, reader, buffer,
                          [&](const ingest::Batch& batch, const ingest::Cursor& cursor) {
                            return Take(batch, cursor);
                          }));
    state_.pending_bytes = pumped.pending;
    ST_RETURN_IF_ERROR(Close(pumped));
    return LogCounts{.name = log_.name, .records = reader.records(), .bad_lines = bad_lines_};
  }

 private:
  Status Open() {
    ST_RETURN_IF_ERROR(engine_.Begin());
    ST_ASSIGN_OR_RETURN(
        const store::SourceId id,
        engine_.writer().UpsertSource("unknown", "import", log_.path, kParser, kParserVersion));
    ST_ASSIGN_OR_RETURN(state_, store::LoadSourceState(engine_.db(), id));
    unchanged_ = state_.offset + state_.pending_bytes == info_.size &&
                 state_.mtime_ns == info_.mtime_ns && state_.inode == info_.inode;
    if (unchanged_ || (state_.offset == 0 && state_.size == 0)) return engine_.Commit(true);
    ++state_.generation;
    ST_RETURN_IF_ERROR(engine_.writer().StartGeneration(id, state_.generation));
    return engine_.Commit(true);
  }

  Status Take(const ingest::Batch& batch, const ingest::Cursor& cursor) {
    bad_lines_ += static_cast<int64_t>(batch.bad_lines.size());
    counts_.seen += batch.records_seen;
    counts_.used += batch.records_used;
    cursor_ = cursor;
    if (unchanged_ || batch.bad_lines.empty()) return absl::OkStatus();
    ST_RETURN_IF_ERROR(engine_.Begin());
    for (const ingest::BadLine& line : batch.bad_lines) {
      ST_RETURN_IF_ERROR(engine_.writer().AddBadLine(state_.id, state_.generation,
                                                     {.offset = line.offset,
                                                      .line_no = line.line_no,
                                                      .reason = line.reason,
                                                      .excerpt = line.excerpt}));
    }
    return engine_.Commit(false);
  }

  Status Close(const ingest::Pumped& pumped) {
    if (unchanged_) return absl::OkStatus();
    ST_RETURN_IF_ERROR(engine_.Begin());
    state_.dev = info_.dev;
    state_.inode = info_.inode;
    state_.size = info_.size;
    state_.mtime_ns = info_.mtime_ns;
    state_.offset = cursor_.offset;
    state_.line_no = cursor_.line_no;
    state_.last_error = pumped.damage;
    ST_RETURN_IF_ERROR(engine_.writer().SaveCursor(state_, counts_));
    return engine_.Commit(true);
  }

  Engine& engine_;
  const LogFile& log_;
  base::FileInfo info_;
  store::SourceState state_;
  store::RecordCounts counts_;
  ingest::Cursor cursor_;
  bool unchanged_ = false;
  int64_t bad_lines_ = 0;
};

}  // namespace

std::vector<LogFile> FindLogs(const std::string& dir) {
  std::vector<LogFile> out;
  for (const LogKind& kind : kLogs) {
    std::string path = base::JoinPath(dir, kind.file);
    const auto info = base::Stat(path);
    if (info.ok() && info->is_file()) out.push_back({std::string(kind.file), std::move(path)});
  }
  return out;
}

StatusOr<std::vector<LogCounts>> ReadLogs(Engine& engine, store::LooseDb& scratch,
                                          const std::vector<LogFile>& logs,
                                          const base::Cancel* cancel) {
  Scratch tables(scratch);
  ST_RETURN_IF_ERROR(tables.Make());
  std::vector<LogCounts> out;
  for (const LogFile& log : logs) {
    const auto* const kind = std::ranges::find(kLogs, log.name, &LogKind::file);
    if (kind == kLogs.end()) continue;
    ST_ASSIGN_OR_RETURN(LogCounts counts, LogImport(engine, log).Run(tables, *kind, cancel));
    out.push_back(std::move(counts));
  }
  ST_RETURN_IF_ERROR(tables.Done());
  return out;
}

}  // namespace selftune::upstream
