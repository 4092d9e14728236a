#include "hosts/copilot/reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/skill_listing.h"
#include "hosts/common/state_json.h"
#include "hosts/copilot/record.h"

namespace selftune::hosts::copilot {
namespace {

using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr size_t kMaxAgents = 64;
constexpr std::array<ToolRow, 8> kTools = {{{"skill", ToolKind::kSkill},
                                            {"view", ToolKind::kRead},
                                            {"bash", ToolKind::kShell},
                                            {"powershell", ToolKind::kShell},
                                            {"create", ToolKind::kChange},
                                            {"edit", ToolKind::kChange},
                                            {"str_replace_editor", ToolKind::kChange},
                                            {"task", ToolKind::kSpawn}}};

bool IsDenied(const Record& record) {
  for (const std::string_view code : {"denied", "rejected", "permission_denied"}) {
    if (record.error_code.Is(code)) return true;
  }
  const std::string text = record.message.Prefix(300);
  for (const std::string_view words :
       {"rejected by the user", "rejected this tool call", "Permission denied by", "denied by hook",
        "Denied by preToolUse", "blocked by hook"}) {
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options)
      : path_(options.file->path), copied_(options.copied) {
    if (copied_ != nullptr && copied_->empty()) copied_ = nullptr;
    // session-state/<id>/events.jsonl
    main_.who().id = base::ToValidUtf8(base::BaseName(base::DirName(path_)));
    main_.who().agent_cli = "copilot";
    main_.set_known({.overhead = true});
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override;
  std::string SaveState() const override;
  Status Restore(std::string_view saved);

 private:
  struct Agent {
    std::string id;
    Dialogue dialogue;
  };
  struct Asked {
    std::string id;  // of the event
    int32_t seq = 0;
    bool active = true;
  };

  [[nodiscard]] Dialogue& Select(Batch& batch);
  [[nodiscard]] Dialogue& StartAgent(const std::string& agent_id, Batch& batch);
  void Apply(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnStart();
  void OnUser(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnSystem(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnUsage(Dialogue& dialogue, Batch& batch);
  void OnCalls(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnCallEnd(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnSkill(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch);
  void OnRewind(Batch& batch);
  [[nodiscard]] bool IsCopy(Batch& batch);

  std::string path_;
  const ingest::KeySet* copied_;
  Record record_;  // scratch

  Dialogue main_;
  std::vector<Agent> agents_;
  std::vector<Asked> asked_;
  std::vector<Dialogue::SkillLoad> loads_;  // skills a person called, before the prompt is written
  std::optional<UtcMillis> born_;
  bool asked_any_ = false;
  std::vector<uint64_t> keys_, anchors_;  // for the session once it begins
};

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(line.text, parser, record_));
  ++batch.records_seen;
  if (record_.kind == Kind::kUnknown) ++batch.records_unknown;
  if (main_.internal()) return absl::OkStatus();
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = record_.id.ToString()},
      .at = record_.at()};
  if (now.at.has_value() && (!born_.has_value() || *now.at < *born_)) born_ = now.at;
  const bool used = record_.kind != Kind::kUnknown && record_.kind != Kind::kIgnored;
  if (used) ++batch.records_used;
  const bool copied = used && IsCopy(batch);
  Dialogue& dialogue = Select(batch);
  if (copied) {
    if (record_.kind == Kind::kUserMessage) dialogue.SkipTurn();
    if (record_.kind == Kind::kAnswer) dialogue.set_state(Dialogue::TurnState::kAnswered);
    if (record_.kind == Kind::kSystemMessage) OnSystem(dialogue, now, batch);
  } else {
    Apply(dialogue, now, batch);
  }
  dialogue.Finish(copied ? std::nullopt : now.at, batch);
  if (main_.begun()) {
    ingest::SessionFacts& facts = main_.Facts(batch);
    facts.born = born_;
    facts.record_keys.insert(facts.record_keys.end(), keys_.begin(), keys_.end());
    facts.anchors.insert(facts.anchors.end(), anchors_.begin(), anchors_.end());
    keys_.clear();
    anchors_.clear();
  }
  return absl::OkStatus();
}

// Events that a session copied from another one keep their ids.
bool Reader::IsCopy(Batch& batch) {
  if (record_.id.empty() || record_.kind == Kind::kStart) return false;
  const uint64_t key = RecordKey(record_.id.escaped());
  if (record_.kind == Kind::kUserMessage && !std::exchange(asked_any_, true)) {
    anchors_.push_back(key);
  }
  if (copied_ != nullptr && copied_->contains(key)) {
    static_cast<void>(main_.Facts(batch));
    return true;
  }
  keys_.push_back(key);
  return false;
}

// Whose event it is.
Dialogue& Reader::Select(Batch& batch) {
  if (record_.agent_id.empty()) return main_;
  const std::string id = record_.agent_id.ToString();
  const auto found = std::find_if(agents_.begin(), agents_.end(),
                                  [&](const Agent& agent) { return agent.id == id; });
  if (found != agents_.end()) return found->dialogue;
  return StartAgent(id, batch);
}

Dialogue& Reader::StartAgent(const std::string& agent_id, Batch& batch) {
  DialogueIdentity who = main_.who();
  who.id += ":agent:" + agent_id;
  who.kind = SessionKind::kSubagent;
  who.links = {.root_id = main_.who().id};
  who.agent_type = record_.agent_type.ToString();
  who.model.clear();
  who.depth = 1;
  Dialogue* parent = &main_;
  if (record_.kind == Kind::kAgentStart && !record_.call_id.empty()) {
    who.links.spawn_call_id = record_.call_id.ToString();
    for (Agent& agent : agents_) {
      if (agent.dialogue.IsOpen(who.links.spawn_call_id)) parent = &agent.dialogue;
    }
    parent->AddSpawn(who.links.spawn_call_id, who.id, batch);
    who.depth = parent->who().depth + 1;
  }
  who.links.parent_id = parent->who().id;
  if (agents_.size() >= kMaxAgents) agents_.erase(agents_.begin());
  Agent& agent = agents_.emplace_back();
  agent.id = agent_id;
  agent.dialogue = Dialogue(std::move(who));
  agent.dialogue.set_known({.overhead = true});
  return agent.dialogue;
}

void Reader::Apply(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  switch (record_.kind) {
    case Kind::kStart:
      return OnStart();
    case Kind::kUserMessage:
      return OnUser(dialogue, now, batch);
    case Kind::kSystemMessage:
      return OnSystem(dialogue, now, batch);
    case Kind::kAnswer:
      if (dialogue.who().model.empty()) dialogue.who().model = record_.model.ToString();
      dialogue.AddAnswer(batch);
      return OnCalls(dialogue, now, batch);
    case Kind::kCallStart:
      return OnCalls(dialogue, now, batch);
    case Kind::kUsage:
      return OnUsage(dialogue, batch);
    case Kind::kCallEnd:
      return OnCallEnd(dialogue, now, batch);
    case Kind::kSkill:
      return OnSkill(dialogue, now, batch);
    case Kind::kError:
      return dialogue.AddApiError(now, record_.message.Prefix(200), batch);
    case Kind::kAgentFailed:
      if (dialogue.begun()) dialogue.FailTurn(now, record_.message.Prefix(200), batch);
      return;
    case Kind::kAbort:
      if (dialogue.begun()) dialogue.Interrupt(now, batch);
      return;
    case Kind::kCompacted:
      if (record_.success.value_or(true)) dialogue.AddCompaction(now, batch);
      return;
    case Kind::kRewind:
      return OnRewind(batch);
    case Kind::kAgentStart:
    case Kind::kUnknown:
    case Kind::kIgnored:
      return;
  }
}

void Reader::OnStart() {
  if (main_.begun()) return;
  DialogueIdentity& who = main_.who();
  if (!record_.session_id.empty()) who.id = record_.session_id.ToString();
  who.host_version = record_.version.ToString();
  who.cwd = record_.cwd.ToString();
  who.branch = record_.branch.ToString();
  who.commit_sha = record_.commit.ToString();
  who.repo_remote = record_.repository.ToString();
}

void Reader::OnUser(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  const bool agent = dialogue.who().kind == SessionKind::kSubagent;
  // What has a source was written by the host or by an agent.
  if (!agent && !record_.source.empty()) return;
  if (agent && dialogue.next_seq() > 0 && !record_.source.StartsWith("agent-")) return;
  Dialogue::Prompt prompt;
  prompt.text = record_.content.ToString();
  prompt.native_id = now.origin.record;
  const int32_t seq = dialogue.AddPrompt(now, std::move(prompt), batch);
  if (agent) return;
  asked_.push_back({.id = now.origin.record, .seq = seq});
  for (Dialogue::SkillLoad& load : std::exchange(loads_, {})) {
    dialogue.AddLoad(now, std::move(load), batch);
  }
}

void Reader::OnSystem(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  if (record_.content.escaped().find("<available_skills>") == std::string_view::npos) return;
  if (auto listing = ParseSkillElements(record_.content.ToString())) {
    dialogue.Show(now, *std::move(listing), batch);
  }
}

void Reader::OnUsage(Dialogue& dialogue, Batch& batch) {
  const Usage& usage = record_.usage;
  ingest::TokenDelta tokens;
  if (usage.interaction.empty() || usage.interaction.StartsWith("conversation")) {
    tokens.input_uncached = std::max<int64_t>(0, usage.input - usage.cache_read);
    tokens.cache_read = usage.cache_read;
    tokens.cache_write = usage.cache_write;
    tokens.output = usage.output;
    tokens.reasoning = usage.reasoning;
  } else if (usage.interaction.escaped().find("compact") != std::string_view::npos) {
    tokens.overhead_input = usage.input + usage.cache_write;
    tokens.overhead_output = usage.output;
  } else {
    return;  // titles and the like
  }
  dialogue.AddTokens(tokens, batch);
}

void Reader::OnCalls(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  const std::string& cwd = dialogue.who().cwd;
  for (const Call& call : record_.calls) {
    const std::string name = call.name.ToString();
    static_cast<void>(dialogue.AddCall(
        now, call.id.ToString(), name,
        MakeIntent(FindTool(kTools, name), call.args, {.cwd = cwd, .home = HomeAbove(cwd)}),
        batch));
  }
}

void Reader::OnCallEnd(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  Dialogue::CallEnd end;
  const bool failed = !record_.success.value_or(true);
  const std::string output = (failed ? record_.message : record_.result).Prefix(kOutputBytes);
  end.output = output;
  if (failed && IsDenied(record_)) {
    end.result = Dialogue::Result::kDenied;
  } else if (record_.exit_code.value_or(0) > 0) {
    end.result = Dialogue::Result::kNonzeroExit;
  } else if (failed) {
    end.result = Dialogue::Result::kError;
  }
  static_cast<void>(dialogue.EndCall(now, record_.call_id.ToString(), end, batch));
}

// Written behind the result of the call that loaded it, or when a person calls
// the skill by its command.
void Reader::OnSkill(Dialogue& dialogue, const Dialogue::Moment& now, Batch& batch) {
  const std::string name = record_.name.ToString();
  const std::string path = record_.path.ToString();
  const std::string body = record_.content.ToString();
  if (dialogue.DescribeUse(name, path, body, batch)) return;
  if (record_.trigger.Is("agent-invoked")) return;
  Dialogue::SkillLoad load{.skill = name, .path = path, .args = "", .body = body};
  if (dialogue.fresh() || dialogue.who().kind == SessionKind::kSubagent) {
    dialogue.AddLoad(now, std::move(load), batch);
    return;
  }
  load.body = {};  // does not outlive the line
  loads_.push_back(std::move(load));
}

// The conversation goes back to before an event.
void Reader::OnRewind(Batch& batch) {
  const auto first = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& asked) {
    return record_.rewind_to.Is(asked.id);
  });
  for (auto it = first; it != asked_.end(); ++it) {
    if (std::exchange(it->active, false)) main_.SetActive(it->seq, false, batch);
  }
}

std::string Reader::SaveState() const {
  base::JsonWriter w;
  w.BeginObject().Field("reader", "copilot").Field("version", kReaderVersion);
  main_.Save(w.Key("main"));
  w.Key("agents").BeginArray();
  for (const Agent& agent : agents_) {
    w.BeginObject().Field("id", agent.id);
    agent.dialogue.Save(w.Key("dialogue"));
    w.EndObject();
  }
  w.EndArray();
  w.Key("asked").BeginArray();
  for (const Asked& asked : asked_) {
    w.BeginArray().String(asked.id).Int(asked.seq).Bool(asked.active).EndArray();
  }
  w.EndArray();
  w.Key("loads").BeginArray();
  for (const Dialogue::SkillLoad& load : loads_) {
    w.BeginArray().String(load.skill).String(load.path).EndArray();
  }
  w.EndArray();
  SaveTime(w, "born", born_);
  SaveFlag(w, "asked_any", asked_any_);
  SaveKeys(w, "keys", keys_);
  SaveKeys(w, "anchors", anchors_);
  w.EndObject();
  return std::move(w).Take();
}

Status Reader::Restore(std::string_view saved) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
  if (state["reader"].AsString() != "copilot" || state["version"].AsInt() != kReaderVersion) {
    return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
  }
  main_ = Dialogue::Load(state["main"]);
  for (const base::JsonValue& item : state["agents"].items()) {
    Agent& agent = agents_.emplace_back();
    agent.id = item["id"].AsString();
    agent.dialogue = Dialogue::Load(item["dialogue"]);
  }
  for (const base::JsonValue& item : state["asked"].items()) {
    const auto& parts = item.items();
    if (parts.size() != 3) continue;
    asked_.push_back({.id = parts[0].AsString(),
                      .seq = static_cast<int32_t>(parts[1].AsInt()),
                      .active = parts[2].AsBool()});
  }
  for (const base::JsonValue& item : state["loads"].items()) {
    const auto& parts = item.items();
    if (parts.size() != 2) continue;
    Dialogue::SkillLoad& load = loads_.emplace_back();
    load.skill = parts[0].AsString();
    load.path = parts[1].AsString();
  }
  born_ = LoadTime(state["born"]);
  asked_any_ = state["asked_any"].AsBool();
  keys_ = LoadKeys(state["keys"]);
  anchors_ = LoadKeys(state["anchors"]);
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<ingest::LineReader>> OpenSession(const ingest::ReaderOptions& options) {
  auto reader = std::make_unique<Reader>(options);
  if (!options.saved_state.empty()) ST_RETURN_IF_ERROR(reader->Restore(options.saved_state));
  return std::unique_ptr<ingest::LineReader>(std::move(reader));
}

}  // namespace selftune::hosts::copilot
