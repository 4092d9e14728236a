#include "upstream/session_import.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/commit_rows.h"
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
constexpr std::array<std::string_view, 7> kCommitColumns = {
    "id", "session_id", "commit_sha", "commit_title", "branch", "repo_remote", "timestamp"};

// As the reference read it from what git printed; longer where names are SHA-256.
bool IsCommitName(std::string_view name) {
  constexpr size_t kShortest = 7, kLongest = 64;
  return name.size() >= kShortest && name.size() <= kLongest &&
         name.find_first_not_of("0123456789abcdef") == name.npos;
}

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
    for (const RowAt& at : rows_.signals) {
      ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
      ST_RETURN_IF_ERROR(Signal(row, prompts));
    }
    for (const RowAt& at : rows_.commits) {
      ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
      ST_RETURN_IF_ERROR(Commit(row));
    }
    return absl::OkStatus();
  }

  Status RejectAll(const std::string& why) {
    for (const auto* list : rows_.All()) {
      for (const RowAt& at : *list) {
        if (&at != said_why_) ST_RETURN_IF_ERROR(Reject(at, why));
      }
    }
    return absl::OkStatus();
  }

 private:
  // What rows of sessions say: of a text the first that has one, of a time the last.
  struct Said {
    std::string model, cli, branch, remote, cwd, kind, completion;
    TimeSpan span;
  };

  Status Reject(const RowAt& at, const std::string& why) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
    return engine_.Reject(row, why);
  }

  Status Session(std::string& problem) {
    const std::string& platform = rows_.platform;
    if (!IsHostName(platform)) problem = fmt::format("platform is {}", platform);
    if (!problem.empty()) {
      if (rows_.sessions.empty()) return absl::OkStatus();
      said_why_ = &rows_.sessions.front();
      return Reject(*said_why_, problem);
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
    for (const RowAt& at : rows_.sessions) {
      ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
      ST_RETURN_IF_ERROR(Recorded(row, is_new));
    }
    return absl::OkStatus();
  }

  StatusOr<Said> Read() {
    Said said;
    said.span = rows_.span;
    for (const RowAt& at : rows_.sessions) {
      ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
      for (const auto& [text, column] :
           {std::pair(&said.model, "model"), std::pair(&said.cli, "agent_cli"),
            std::pair(&said.branch, "branch"), std::pair(&said.remote, "repo_remote"),
            std::pair(&said.cwd, "workspace_path"), std::pair(&said.kind, "source_session_kind"),
            std::pair(&said.completion, "completion_status")}) {
        if (text->empty()) *text = TextOf(row.row[column]);
      }
      if (const auto time = TimeOf(row.row["started_at"])) said.span.first = time;
      if (const auto time = TimeOf(row.row["ended_at"])) said.span.last = time;
    }
    if (said.cwd.empty()) said.cwd = rows_.cwd;
    return said;
  }

  Status Write(const std::string& platform) {
    ST_ASSIGN_OR_RETURN(const Said said, Read());
    const bool automation = (is_agent_ && id_ == rows_.id) || said.kind == "synthetic";
    ST_ASSIGN_OR_RETURN(session_.pk,
                        engine_.writer().UpdateSession(
                            {.platform = platform,
                             .id = id_,
                             .capture = Capture::kLegacy,
                             .kind = automation ? SessionKind::kAutomation : SessionKind::kMain,
                             .agent_cli = said.cli,
                             .model = said.model,
                             .cwd = said.cwd,
                             .branch = said.branch,
                             .repo_remote = said.remote,
                             .started = said.span.first,
                             .ended = said.span.last,
                             .completion = ParseCompletion(said.completion),
                             .generation = 0}));
    ST_ASSIGN_OR_RETURN(session_, store::FindImportSession(engine_.db(), platform, id_));
    engine_.TellOf(session_.pk);
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
    std::vector<const RowAt*> rows;
    const RowAt* greatest = nullptr;
    Size most;
    for (const auto* list : {&rows_.facts, &rows_.telemetry}) {
      for (const RowAt& at : *list) {
        ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
        const FiguresOf read = ReadFigures(row.row);
        if (!read.problem.empty()) {
          ST_RETURN_IF_ERROR(engine_.Reject(row, read.problem));
          continue;
        }
        rows.push_back(&at);
        const Size size = SizeOf(row, read);
        if (greatest != nullptr && size <= most) continue;
        greatest = &at;
        most = size;
      }
    }
    if (greatest == nullptr) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const bool write, SetGreatest(rows, *greatest));
    for (const RowAt* const at : rows) {
      ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*at));
      const FiguresOf read = ReadFigures(row.row);
      const bool best = write && at == greatest;
      if (!session_.told_by_file && !best) {
        ST_RETURN_IF_ERROR(store::FillFigures(engine_.db(), session_.pk, read.figures));
      }
      ST_RETURN_IF_ERROR(Recorded(row, read, best));
    }
    return absl::OkStatus();
  }

  // False: what is stored tells more, or better.
  StatusOr<bool> SetGreatest(const std::vector<const RowAt*>& rows, const RowAt& greatest) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(greatest));
    const store::ImportedFigures figures = ReadFigures(row.row).figures;
    ST_ASSIGN_OR_RETURN(const store::FiguresSize known,
                        store::SizeOfFigures(engine_.db(), session_.pk));
    const bool ours = std::ranges::any_of(rows, [](const RowAt* at) {
      return at->known.has_value() && at->known->verdict == ImportVerdict::kImported;
    });
    // Of two databases, the one that saw more of the session.
    const store::FiguresSize size{.answers = figures.answers.value_or(0), .calls = Calls(figures)};
    if (session_.told_by_file || !(ours || known < size)) return false;
    ST_RETURN_IF_ERROR(store::SetFigures(engine_.db(), session_.pk, figures, engine_.now()));
    return true;
  }

  static int64_t Calls(const store::ImportedFigures& figures) {
    int64_t calls = 0;
    for (const auto& [tool, n] : figures.tools) calls += n;
    return calls;
  }

  // Of execution_facts, as long as there is one.
  using Size = std::tuple<bool, int64_t, int64_t, int64_t>;
  static Size SizeOf(const SourceRow& row, const FiguresOf& read) {
    const bool fact = row.row.Has("prompt_id") || !row.row.Has("timestamp");
    const auto at = TimeOf(row.row[fact ? "occurred_at" : "timestamp"]);
    return {fact, read.figures.answers.value_or(-1), Calls(read.figures),
            at.value_or(UtcMillis{}).value};
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

  Status Commit(const SourceRow& row) {
    const auto& r = row.row;
    const std::string named = TextOf(r["commit_sha"]);
    const std::string sha = base::AsciiLower(named);
    if (sha.empty()) return engine_.Reject(row, "commit_sha is missing");
    if (!IsCommitName(sha)) return engine_.Reject(row, "commit_sha is " + named);
    auto at = TimeOf(r["timestamp"]);
    const bool timed = at.has_value();
    if (!timed) at = TimeOf(r["created_at"]);
    if (!at.has_value()) return engine_.Reject(row, "timestamp is " + TextOf(r["timestamp"]));
    const std::string title = TextOf(r["commit_title"]), branch = TextOf(r["branch"]);
    const std::string remote = TextOf(r["repo_remote"]);
    ST_ASSIGN_OR_RETURN(const bool forgotten, engine_.writer().IsForgotten(session_.pk, at, ""));
    ST_ASSIGN_OR_RETURN(
        const store::TakenCommit taken,
        store::TakeCommit(engine_.db(), session_.pk,
                          {.sha = sha,
                           .title = forgotten ? std::string_view() : std::string_view(title),
                           .branch = branch,
                           .remote = remote,
                           .at = *at}));
    Fate fate{.verdict = taken.is_new ? ImportVerdict::kImported : ImportVerdict::kMerged,
              .dst = taken.session.value,
              .carried = kCommitColumns,
              .whole = !taken.is_new && !row.known.has_value(),
              .forgotten = forgotten};
    if (sha != named) fate.spoiled.push_back("commit_sha");
    if (!timed) fate.spoiled.push_back("timestamp");
    return engine_.Record(row, fate);
  }

  Engine& engine_;
  SessionRows& rows_;
  store::ImportSession session_;
  std::string id_;         // of our session
  bool is_agent_ = false;  // a subagent's
  const RowAt* said_why_ = nullptr;
};

}  // namespace

Status ImportSession(Engine& engine, const store::LooseValue& session_id) {
  ST_ASSIGN_OR_RETURN(SessionRows rows, ReadSessionRows(engine, session_id));
  if (rows.Unchanged()) return absl::OkStatus();
  ST_RETURN_IF_ERROR(engine.Begin());
  const Status done = Importer(engine, rows).Run();
  engine.TellOf({});
  return done;
}

Status RejectSession(Engine& engine, const store::LooseValue& session_id, std::string_view why) {
  ST_ASSIGN_OR_RETURN(SessionRows rows, ReadSessionRows(engine, session_id));
  ST_RETURN_IF_ERROR(engine.Begin());
  return Importer(engine, rows).RejectAll(std::string(why));
}

}  // namespace selftune::upstream
