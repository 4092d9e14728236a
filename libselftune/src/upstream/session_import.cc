#include "upstream/session_import.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/import_rows.h"
#include "upstream/row_text.h"
#include "upstream/session_prompts.h"
#include "upstream/session_rows.h"
#include "upstream/session_uses.h"
#include "upstream/words.h"

namespace selftune::upstream {
namespace {

constexpr std::array<std::string_view, 10> kSessionColumns = {
    "session_id",        "started_at", "ended_at", "platform",       "model",
    "completion_status", "agent_cli",  "branch",   "workspace_path", "repo_remote"};
constexpr std::array<std::string_view, 16> kFactColumns = {
    "session_id",      "tool_calls_json",     "total_tool_calls",
    "assistant_turns", "errors_encountered",  "input_tokens",
    "output_tokens",   "cached_input_tokens", "reasoning_output_tokens",
    "cost_usd",        "files_changed",       "lines_added",
    "lines_removed",   "lines_modified",      "artifact_count",
    "session_type"};
constexpr std::array<std::string_view, 8> kFilledColumns = {
    "session_id",    "cost_usd",       "files_changed",  "lines_added",
    "lines_removed", "lines_modified", "artifact_count", "session_type"};
constexpr std::array<std::string_view, 9> kSignalColumns = {
    "id",       "timestamp",   "session_id",     "query", "signal_type", "mentioned_skill",
    "consumed", "consumed_at", "consumed_by_run"};

class Importer {
 public:
  Importer(Engine& engine, SessionRows& rows) : engine_(engine), rows_(rows) {}

  Status Run() {
    std::string problem;
    ST_RETURN_IF_ERROR(Session(problem));
    if (!problem.empty()) return RejectAll("its session was rejected: " + problem);
    SessionPrompts prompts(engine_, session_, rows_);
    ST_RETURN_IF_ERROR(prompts.Import());
    ST_RETURN_IF_ERROR(SessionUses(engine_, session_, rows_, prompts).Import());
    ST_RETURN_IF_ERROR(Figures());
    for (const SourceRow& row : rows_.signals) ST_RETURN_IF_ERROR(Signal(row, prompts));
    return absl::OkStatus();
  }

  Status RejectAll(const std::string& why) {
    for (const auto* list : rows_.All()) {
      for (const SourceRow& row : *list) {
        if (&row != said_why_) ST_RETURN_IF_ERROR(engine_.Reject(row, why));
      }
    }
    return absl::OkStatus();
  }

 private:
  Status Session(std::string& problem) {
    const std::string platform = PlatformOf(rows_);
    if (!IsHostName(platform)) problem = fmt::format("platform is {}", platform);
    if (!problem.empty()) {
      if (rows_.sessions.empty()) return absl::OkStatus();
      said_why_ = &rows_.sessions.front();
      return engine_.Reject(*said_why_, problem);
    }
    id_ = rows_.id;
    const std::string_view agent =
        AgentOfSession(platform == "unknown" ? "claude_code" : platform, rows_.id);
    is_agent_ = !agent.empty();
    if (is_agent_) {
      ST_ASSIGN_OR_RETURN(session_, store::FindSubagent(engine_.db(), "claude_code", agent));
      if (session_.pk) id_ = session_.id;
    }
    if (!session_.pk) {
      ST_ASSIGN_OR_RETURN(session_, store::FindImportSession(engine_.db(), platform, rows_.id));
    }
    if (!session_.pk) {
      // Perhaps an import that did not know its host made it.
      ST_ASSIGN_OR_RETURN(session_, store::FindImportSession(engine_.db(), "unknown", rows_.id));
      if (session_.platform != "unknown") session_ = {};
    }
    const bool is_new = !session_.pk;
    ST_RETURN_IF_ERROR(
        Write(is_new || session_.platform == "unknown" ? platform : session_.platform));
    for (const SourceRow& row : rows_.sessions) ST_RETURN_IF_ERROR(Recorded(row, is_new));
    return absl::OkStatus();
  }

  // Text of the first row that has one.
  std::string First(std::string_view column) const {
    for (const SourceRow& row : rows_.sessions) {
      std::string text = TextOf(row.row[column]);
      if (!text.empty()) return text;
    }
    return {};
  }

  Status Write(const std::string& platform) {
    const std::string model = First("model"), cli = First("agent_cli"), branch = First("branch");
    const std::string remote = First("repo_remote");
    std::string cwd = First("workspace_path");
    if (cwd.empty() && !rows_.telemetry.empty()) cwd = TextOf(rows_.telemetry[0].row["cwd"]);
    TimeSpan span = SpanOf(rows_);
    for (const SourceRow& row : rows_.sessions) {
      if (const auto at = TimeOf(row.row["started_at"])) span.first = at;
      if (const auto at = TimeOf(row.row["ended_at"])) span.last = at;
    }
    const bool automation =
        (is_agent_ && id_ == rows_.id) || First("source_session_kind") == "synthetic";
    ST_ASSIGN_OR_RETURN(session_.pk,
                        engine_.writer().UpdateSession(
                            {.platform = platform,
                             .id = id_,
                             .capture = Capture::kLegacy,
                             .kind = automation ? SessionKind::kAutomation : SessionKind::kMain,
                             .agent_cli = cli,
                             .model = model,
                             .cwd = cwd,
                             .branch = branch,
                             .repo_remote = remote,
                             .started = span.first,
                             .ended = span.last,
                             .completion = ParseCompletion(First("completion_status")),
                             .generation = 0}));
    ST_ASSIGN_OR_RETURN(session_, store::FindImportSession(engine_.db(), platform, id_));
    return absl::OkStatus();
  }

  Status Recorded(const SourceRow& row, bool is_new) {
    const auto& r = row.row;
    Fate fate{.verdict = is_new ? ImportVerdict::kImported : ImportVerdict::kMerged,
              .dst = session_.pk.value,
              .carried = kSessionColumns,
              .whole = !is_new && !row.known.has_value()};
    for (const std::string_view column : {"started_at", "ended_at"}) {
      if (!r[column].is_null() && !TimeOf(r[column])) fate.spoiled.push_back(column);
    }
    const std::string status = TextOf(r["completion_status"]);
    if (!status.empty() && !ParseCompletion(status)) fate.spoiled.push_back("completion_status");
    if (TextOf(r["platform"]) != session_.platform) fate.spoiled.push_back("platform");
    return engine_.Record(row, fate);
  }

  // The reference added a row at each end of a turn, each with all so far: the greatest
  // is the session's, and their sum is nothing.
  Status Figures() {
    std::vector<std::pair<const SourceRow*, FiguresOf>> rows;
    for (const auto* list : {&rows_.facts, &rows_.telemetry}) {
      for (const SourceRow& row : *list) {
        FiguresOf read = ReadFigures(row.row);
        if (!read.problem.empty()) {
          ST_RETURN_IF_ERROR(engine_.Reject(row, read.problem));
          continue;
        }
        rows.emplace_back(&row, std::move(read));
      }
    }
    if (rows.empty()) return absl::OkStatus();
    const size_t best = Greatest(rows);
    ST_ASSIGN_OR_RETURN(const store::FiguresSize known,
                        store::SizeOfFigures(engine_.db(), session_.pk));
    const bool ours = std::ranges::any_of(rows, [](const auto& entry) {
      return entry.first->known.has_value() &&
             entry.first->known->verdict == ImportVerdict::kImported;
    });
    // Of two databases, the one that saw more of the session.
    const store::ImportedFigures& figures = rows[best].second.figures;
    store::FiguresSize size{.answers = figures.answers.value_or(0), .calls = 0};
    for (const auto& [tool, n] : figures.tools) size.calls += n;
    const bool write = !session_.told_by_file && (ours || known < size);
    if (write) {
      ST_RETURN_IF_ERROR(store::SetFigures(engine_.db(), session_.pk, figures, engine_.now()));
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!session_.told_by_file && !(write && i == best)) {
        ST_RETURN_IF_ERROR(store::FillFigures(engine_.db(), session_.pk, rows[i].second.figures));
      }
      ST_RETURN_IF_ERROR(Recorded(*rows[i].first, rows[i].second, write && i == best));
    }
    return absl::OkStatus();
  }

  // Of execution_facts, as long as there is one.
  static size_t Greatest(const std::vector<std::pair<const SourceRow*, FiguresOf>>& rows) {
    const auto size = [&](size_t i) {
      const auto& [row, read] = rows[i];
      const bool fact = row->row.Has("prompt_id") || !row->row.Has("timestamp");
      const auto at = TimeOf(row->row[fact ? "occurred_at" : "timestamp"]);
      int64_t calls = 0;
      for (const auto& [tool, n] : read.figures.tools) calls += n;
      return std::tuple(fact, read.figures.answers.value_or(-1), calls,
                        at.value_or(UtcMillis{}).value);
    };
    size_t best = 0;
    for (size_t i = 1; i < rows.size(); ++i) {
      if (size(i) > size(best)) best = i;
    }
    return best;
  }

  Status Recorded(const SourceRow& row, const FiguresOf& read, bool best) {
    Fate fate{.verdict = best ? ImportVerdict::kImported : ImportVerdict::kMerged,
              .dst = session_.pk.value,
              .carried = best ? std::span<const std::string_view>(kFactColumns)
                              : std::span<const std::string_view>(kFilledColumns),
              .spoiled = read.spoiled,
              .whole = !best};
    // What an earlier row was imported as another one is now.
    SourceRow seen = row;
    if (!best) seen.known.reset();
    return engine_.Record(seen, fate);
  }

  Status Signal(const SourceRow& row, SessionPrompts& prompts) {
    const auto& r = row.row;
    const std::string query = TextOf(r["query"]);
    const std::string type = TextOf(r["signal_type"]);
    const auto kind = ParseSignalKind(type);
    if (query.empty()) return engine_.Reject(row, "query is missing");
    if (!kind.has_value()) return engine_.Reject(row, "signal_type is " + type);
    const auto at = TimeOf(r["timestamp"]);
    ST_ASSIGN_OR_RETURN(const store::StoredPrompt prompt, prompts.Ensure(query, at));
    const std::string mention = base::AsciiLower(base::Trim(TextOf(r["mentioned_skill"])));
    ST_ASSIGN_OR_RETURN(const bool known, store::KnowsSkill(engine_.db(), mention));
    ST_ASSIGN_OR_RETURN(const int64_t before,
                        store::FindSignal(engine_.db(), prompt.pk, type, mention));
    ST_RETURN_IF_ERROR(engine_.writer()
                           .AddSignal({.prompt = prompt.pk,
                                       .kind = *kind,
                                       .mention = mention,
                                       .skill = known ? mention : std::string(),
                                       .at = at})
                           .status());
    ST_RETURN_IF_ERROR(
        store::SetSignalState(engine_.db(), {.prompt = prompt.pk,
                                             .kind = type,
                                             .mention = mention,
                                             .consumed = r["consumed"].AsInt().value_or(0) != 0,
                                             .run_id = TextOf(r["consumed_by_run"]),
                                             .at = TimeOf(r["consumed_at"])}));
    ST_ASSIGN_OR_RETURN(const int64_t pk,
                        store::FindSignal(engine_.db(), prompt.pk, type, mention));
    Fate fate{.verdict = before == 0 ? ImportVerdict::kImported : ImportVerdict::kMerged,
              .dst = pk,
              .carried = kSignalColumns,
              .whole = before != 0 && !row.known.has_value()};
    for (const std::string_view column : {"timestamp", "consumed_at"}) {
      if (!r[column].is_null() && !TimeOf(r[column])) fate.spoiled.push_back(column);
    }
    if (mention != TextOf(r["mentioned_skill"])) fate.spoiled.push_back("mentioned_skill");
    return engine_.Record(row, fate);
  }

  Engine& engine_;
  SessionRows& rows_;
  store::ImportSession session_;
  std::string id_;         // of our session
  bool is_agent_ = false;  // a subagent's
  const SourceRow* said_why_ = nullptr;
};

}  // namespace

Status ImportSession(Engine& engine, const store::LooseValue& session_id) {
  ST_ASSIGN_OR_RETURN(SessionRows rows, ReadSessionRows(engine, session_id));
  if (rows.Unchanged()) return absl::OkStatus();
  ST_RETURN_IF_ERROR(engine.Begin());
  return Importer(engine, rows).Run();
}

Status RejectSession(Engine& engine, const store::LooseValue& session_id, std::string_view why) {
  ST_ASSIGN_OR_RETURN(SessionRows rows, ReadSessionRows(engine, session_id));
  ST_RETURN_IF_ERROR(engine.Begin());
  return Importer(engine, rows).RejectAll(std::string(why));
}

}  // namespace selftune::upstream
