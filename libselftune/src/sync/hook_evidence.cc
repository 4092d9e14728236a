#include "sync/hook_evidence.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hooks/event.h"
#include "signals/invocation_mode.h"
#include "signals/skill_names.h"
#include "store/commit_rows.h"
#include "store/hook_evidence.h"
#include "store/ingest_writer.h"
#include "store/link.h"
#include "store/skill_catalogue.h"
#include "store/write_txn.h"
#include "sync/prompt_signals.h"

namespace selftune::sync {
namespace {

using hooks::EventType;
using hooks::HookEvent;
using hooks::ToolKind;

constexpr std::string_view kSpoolKind = "hook";

// "acme:commit" and "Commit" are the same skill in one turn.
bool SameSkill(std::string_view a, std::string_view b) {
  return base::EqualsIgnoreCase(signals::LastPart(a), signals::LastPart(b));
}

bool IsTypedCommand(std::string_view prompt, std::string_view skill) {
  if (!prompt.starts_with('/')) return false;
  prompt.remove_prefix(1);
  const size_t end = std::min(prompt.find_first_of(" \t\r\n"), prompt.size());
  return SameSkill(prompt.substr(0, end), skill);
}

// Applies one event after the other.
class Taker {
 public:
  Taker(store::Db& db, std::span<const std::string> installed, UtcMillis now)
      : db_(db), writer_(db, now), installed_(installed) {}

  Status Apply(const store::SpoolRecord& record) {
    if (record.kind != kSpoolKind) return Fail(kInvalidRequest, "unknown_kind");
    const std::optional<HookEvent> event = hooks::FromJson(record.payload);
    if (!event.has_value() || !hooks::IsPlatform(event->platform)) {
      return Fail(kInvalidRequest, "no_event");
    }
    if (event->type == EventType::kRejected) return Fail(kInvalidRequest, "{}", event->reason);
    if (event->session_id.empty()) return Fail(kInvalidRequest, "no_session_id");
    ST_RETURN_IF_ERROR(store::NoteHookEvent(db_, event->platform, record.at));
    switch (event->type) {
      case EventType::kPromptSubmit:
        return AddPrompt(*event, record.at);
      case EventType::kPostToolUse:
        return event->tool == ToolKind::kShell ? AddCommits(*event, record.at)
                                               : AddUse(*event, record.at);
      case EventType::kSkillCommand:
        return AddCommand(*event, record.at);
      case EventType::kAgentStart:
        return ActingSession(*event, record.at).status();
      case EventType::kAgentEnd:
        return AddAgentEnd(*event, record.at);
      case EventType::kTurnEnd:
      case EventType::kSessionEnd:
        return AddEnd(*event, record.at);
      case EventType::kPreToolUse:  // never kept
      case EventType::kRejected:
        break;
    }
    return absl::OkStatus();
  }

 private:
  // The session as far as this event tells about it.
  StatusOr<store::SessionPk> Session(const HookEvent& event, UtcMillis at) {
    return writer_.UpdateSession({.platform = event.platform,
                                  .id = event.session_id,
                                  .capture = Capture::kHook,
                                  .cwd = event.cwd,
                                  .started = at,
                                  .ended = at});
  }

  static std::string AgentSession(const HookEvent& event) {
    return event.agent_session.empty() ? event.session_id + ":agent:" + event.agent_id
                                       : event.agent_session;
  }

  // Inside a subagent the host names the session that started it.
  StatusOr<store::SessionPk> ActingSession(const HookEvent& event, UtcMillis at) {
    ST_ASSIGN_OR_RETURN(const store::SessionPk parent, Session(event, at));
    if (event.agent_id.empty()) return parent;
    return writer_.UpdateSession({.platform = event.platform,
                                  .id = AgentSession(event),
                                  .capture = Capture::kHook,
                                  .kind = SessionKind::kSubagent,
                                  .parent_id = event.session_id,
                                  .root_id = event.session_id,
                                  .agent_type = event.agent_type,
                                  .cwd = event.cwd,
                                  .started = at,
                                  .ended = at});
  }

  Status AddPrompt(const HookEvent& event, UtcMillis at) {
    ST_ASSIGN_OR_RETURN(const store::SessionPk session, Session(event, at));
    const std::string_view text = event.prompt;
    ST_ASSIGN_OR_RETURN(
        const store::HookPrompt prompt,
        writer_.UpsertHookPrompt(session, {.text = text, .native_id = event.prompt_id, .at = at}));
    if (!prompt.is_new) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const int32_t seq, store::SeqOfPrompt(db_, prompt.pk));
    return AddPromptSignals(writer_, session, seq, text, at, installed_);
  }

  Status AddUse(const HookEvent& event, UtcMillis at) {
    const bool read = event.tool == ToolKind::kRead;
    const std::string skill =
        read ? std::string(base::BaseName(base::DirName(event.path))) : event.skill;
    if (base::IsBlank(skill) || skill == "/") return Fail(kInvalidRequest, "no_skill");
    ST_ASSIGN_OR_RETURN(const store::SessionPk session, ActingSession(event, at));
    store::TurnPrompt turn;
    if (event.agent_id.empty()) {
      ST_ASSIGN_OR_RETURN(turn, store::FindTurn(db_, session, event.prompt_id));
    }
    const bool one_turn = turn.pk || !event.agent_id.empty();
    ST_ASSIGN_OR_RETURN(const bool counts,
                        one_turn ? SettleTurn(session, turn, skill, read) : StatusOr<bool>(true));
    if (!counts) return absl::OkStatus();
    // A call without an id is known by its turn and moment.
    const std::string key = event.tool_call_id.empty()
                                ? fmt::format("{}:{}:{}", event.prompt_id, skill, at.value)
                                : event.tool_call_id;
    return writer_.UpsertObservation(session, RowOf(event, key, skill, turn, at));
  }

  // A read counts once, and not beside a stronger use of the skill in the turn.
  StatusOr<bool> SettleTurn(store::SessionPk session, const store::TurnPrompt& turn,
                            std::string_view skill, bool read) {
    ST_ASSIGN_OR_RETURN(const std::vector<store::TurnUse> uses,
                        store::UsesOfTurn(db_, session, turn.pk));
    for (const store::TurnUse& use : uses) {
      if (!SameSkill(use.skill, skill)) continue;
      if (read) return false;
      if (!use.read || !use.by_hook) continue;
      ST_RETURN_IF_ERROR(writer_.RetractObservation(session, use.call_id, /*key_is_call_id=*/true,
                                                    use.skill, Capture::kHook));
    }
    return true;
  }

  Status AddCommits(const HookEvent& event, UtcMillis at) {
    if (event.commits.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const store::SessionPk session, ActingSession(event, at));
    for (const hooks::Commit& commit : event.commits) {
      const UtcMillis made = commit.at_ms > 0 ? UtcMillis{commit.at_ms} : at;
      ST_ASSIGN_OR_RETURN(const bool forgotten, writer_.IsForgotten(session, made, ""));
      ST_RETURN_IF_ERROR(store::PutCommit(db_, session,
                                          {.sha = commit.sha,
                                           .title = forgotten ? "" : std::string_view(commit.title),
                                           .branch = commit.branch,
                                           .remote = commit.remote,
                                           .at = made}));
    }
    return absl::OkStatus();
  }

  // A typed "/name" that is an installed skill: the host loads it without a call.
  Status AddCommand(const HookEvent& event, UtcMillis at) {
    const std::string& skill = event.skill;
    const bool known = std::any_of(installed_.begin(), installed_.end(), [&](const auto& name) {
      return base::EqualsIgnoreCase(name, skill);
    });
    if (!known) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const store::SessionPk session, Session(event, at));
    if (!event.prompt.empty()) ST_RETURN_IF_ERROR(AddPrompt(event, at));
    ST_ASSIGN_OR_RETURN(const store::TurnPrompt turn,
                        store::FindTurn(db_, session, event.prompt_id));
    if (!turn.pk || !IsTypedCommand(turn.text, skill)) return absl::OkStatus();
    // As its transcript will call it.
    const std::string key = fmt::format("p{}:{}:{}", turn.seq, skill, Word(Route::kSlashCommand));
    return writer_.UpsertObservation(session, {.key = key,
                                               .skill = skill,
                                               .level = Level::kExplicit,
                                               .route = Route::kSlashCommand,
                                               .requested_by = RequestedBy::kUser,
                                               .mode = InvocationMode::kExplicit,
                                               .prompt_seq = turn.seq,
                                               .at = at,
                                               .capture = Capture::kHook});
  }

  Status AddAgentEnd(const HookEvent& event, UtcMillis at) {
    if (event.agent_id.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const store::SessionPk known,
                        writer_.FindSession(event.platform, AgentSession(event)));
    if (!known) return absl::OkStatus();
    return ActingSession(event, at).status();
  }

  static store::ObservationRow RowOf(const HookEvent& event, std::string_view key,
                                     std::string_view skill, const store::TurnPrompt& turn,
                                     UtcMillis at) {
    const bool read = event.tool == ToolKind::kRead;
    return {
        .key = key,
        .key_is_call_id = !event.tool_call_id.empty(),
        .skill = skill,
        .outcome = event.tool_failed ? Outcome::kRefused : Outcome::kTriggered,
        .level = read ? Level::kRead : Level::kTool,
        .route = read ? Route::kFileRead : Route::kSkillTool,
        .requested_by = IsTypedCommand(turn.text, skill) ? RequestedBy::kUser : RequestedBy::kModel,
        .mode = signals::PromptNamesSkill(turn.text, skill) ? InvocationMode::kImplicit
                                                            : InvocationMode::kInferred,
        .prompt_seq = turn.pk ? std::optional(turn.seq) : std::nullopt,
        .tool_name = event.tool_name,
        .tool_call_id = event.tool_call_id,
        .path = event.path,
        .args =
            event.args.has_value() ? std::optional<std::string_view>(*event.args) : std::nullopt,
        .at = at,
        .capture = Capture::kHook,
    };
  }

  // An end says nothing of a session that nothing happened in.
  Status AddEnd(const HookEvent& event, UtcMillis at) {
    ST_ASSIGN_OR_RETURN(const store::SessionPk known,
                        writer_.FindSession(event.platform, event.session_id));
    if (!known) return absl::OkStatus();
    return Session(event, at).status();
  }

  store::Db& db_;
  store::IngestWriter writer_;
  std::span<const std::string> installed_;
};

}  // namespace

StatusOr<store::DrainReport> TakeInHooks(store::Db& db, const std::string& state_dir,
                                         std::span<const std::string> installed, UtcMillis now) {
  Taker taker(db, installed, now);
  ST_ASSIGN_OR_RETURN(
      const store::DrainReport taken,
      store::SpoolDrain(db, state_dir, now, [&taker](const store::SpoolRecord& record) {
        return taker.Apply(record);
      }));
  if (taken.records == 0) return taken;
  // Some may come after the transcript has told what they are about.
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::SettleHookEvidence(db));
  ST_RETURN_IF_ERROR(store::ResolveLinks(db, now).status());
  ST_RETURN_IF_ERROR(txn.Commit());
  return taken;
}

StatusOr<store::DrainReport> TakeInHooks(store::Db& db, const std::string& state_dir,
                                         UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> installed, store::InstalledNames(db));
  return TakeInHooks(db, state_dir, installed, now);
}

}  // namespace selftune::sync
