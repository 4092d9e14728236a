#include "hosts/qwen/reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/entry_tree.h"
#include "hosts/common/genai_parts.h"
#include "hosts/common/state_json.h"
#include "hosts/qwen/record.h"
#include "hosts/qwen/skill_prompt.h"

namespace selftune::hosts::qwen {
namespace {

using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr std::string_view kAgentPrefix = "agent-";
constexpr std::array<ToolRow, 8> kTools = {{{"skill", ToolKind::kSkill},
                                            {"read_file", ToolKind::kRead},
                                            {"read_many_files", ToolKind::kRead},
                                            {"run_shell_command", ToolKind::kShell},
                                            {"write_file", ToolKind::kChange},
                                            {"edit", ToolKind::kChange},
                                            {"task", ToolKind::kSpawn},
                                            {"agent", ToolKind::kSpawn}}};

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options)
      : path_(options.file->path), copied_(options.copied) {
    if (copied_ != nullptr && copied_->empty()) copied_ = nullptr;
    DialogueIdentity& who = dialogue_.who();
    std::string_view name = base::BaseName(path_);
    who.id = base::ToValidUtf8(name.substr(0, name.find(".jsonl")));
    who.agent_cli = "qwen";
    dialogue_.set_known({.cache_write = false});
    // subagents/<session>/agent-<id>.jsonl
    const std::string_view above = base::DirName(path_);
    if (who.id.starts_with(kAgentPrefix) && base::BaseName(base::DirName(above)) == "subagents") {
      const std::string session(base::BaseName(above));
      who.id = session + ":agent:" + who.id.substr(kAgentPrefix.size());
      who.kind = SessionKind::kSubagent;
      who.links.root_id = session;
      who.depth = 1;
    }
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override;
  std::string SaveState() const override;
  Status Restore(std::string_view saved);

 private:
  void Describe();
  [[nodiscard]] bool Apply(const Dialogue::Moment& now, Batch& batch);
  void OnUser(const Dialogue::Moment& now, Batch& batch);
  void OnAssistant(const Dialogue::Moment& now, Batch& batch);
  void OnToolResult(const Dialogue::Moment& now, Batch& batch);
  [[nodiscard]] bool OnSystem(const Dialogue::Moment& now, Batch& batch);
  void OnApiError(const Dialogue::Moment& now, Batch& batch);
  void OnCopy();
  [[nodiscard]] bool IsCopy(Batch& batch);
  [[nodiscard]] ShellPlace Place() const;

  std::string path_;
  const ingest::KeySet* copied_;
  Record record_;  // scratch

  Dialogue dialogue_;
  EntryTree tree_;
  std::optional<int32_t> entered_;
  std::string typed_;  // slash command whose text is still to come
  std::optional<UtcMillis> born_;
  bool any_ = false, described_ = false;
  std::vector<uint64_t> keys_, anchors_;  // for the session once it begins
};

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(line.text, parser, record_));
  ++batch.records_seen;
  if (dialogue_.internal()) return absl::OkStatus();
  Describe();
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = record_.uuid.ToString()},
      .at = record_.at()};
  const bool copied = IsCopy(batch);
  tree_.Enter(record_.uuid.escaped(), record_.parent.escaped(), dialogue_, batch);
  entered_.reset();
  if (copied) OnCopy();
  const bool known = copied || Apply(now, batch);
  ++(known ? batch.records_used : batch.records_unknown);
  tree_.Leave(entered_, dialogue_);
  if (now.at.has_value() && (!born_.has_value() || *now.at < *born_)) born_ = now.at;
  dialogue_.Finish(copied ? std::nullopt : now.at, batch);
  if (dialogue_.begun()) {
    ingest::SessionFacts& facts = dialogue_.Facts(batch);
    facts.born = born_;
    facts.record_keys.insert(facts.record_keys.end(), keys_.begin(), keys_.end());
    facts.anchors.insert(facts.anchors.end(), anchors_.begin(), anchors_.end());
    keys_.clear();
    anchors_.clear();
  }
  return absl::OkStatus();
}

void Reader::Describe() {
  DialogueIdentity& who = dialogue_.who();
  if (who.model.empty() && record_.type.Is("assistant")) who.model = record_.model.ToString();
  if (!record_.forked_session.empty() && who.links.forked_from.empty()) {
    who.links.forked_from = record_.forked_session.ToString();
  }
  if (described_ || record_.cwd.empty()) return;
  described_ = true;
  if (who.kind == SessionKind::kMain && !record_.session_id.empty()) {
    who.id = record_.session_id.ToString();
  }
  who.cwd = record_.cwd.ToString();
  who.host_version = record_.version.ToString();
  if (!record_.branch.Is("HEAD")) who.branch = record_.branch.ToString();
}

// Forks repeat their parent's records with the same ids.
bool Reader::IsCopy(Batch& batch) {
  const uint64_t key = RecordKey(record_.uuid.escaped());
  if (record_.uuid.empty()) return false;
  const bool first = !std::exchange(any_, true);
  if (first || record_.parent.empty()) anchors_.push_back(key);
  if (!record_.type.Is("user") && !record_.type.Is("assistant") &&
      !record_.type.Is("tool_result") && !record_.subtype.Is("chat_compression")) {
    return copied_ != nullptr && !record_.forked_session.empty();
  }
  if (copied_ != nullptr && copied_->contains(key)) {
    static_cast<void>(dialogue_.Facts(batch));
    return true;
  }
  keys_.push_back(key);
  return false;
}

void Reader::OnCopy() {
  if (record_.type.Is("user") && !TypedText(record_.parts).value_or("").empty()) {
    dialogue_.SkipTurn();
  } else if (record_.type.Is("assistant")) {
    dialogue_.set_state(Dialogue::TurnState::kAnswered);
  } else if (record_.type.Is("tool_result")) {
    dialogue_.set_state(Dialogue::TurnState::kAwaiting);
  }
}

// False: the record is of a type that is not known.
bool Reader::Apply(const Dialogue::Moment& now, Batch& batch) {
  if (record_.type.Is("user")) {
    OnUser(now, batch);
  } else if (record_.type.Is("assistant")) {
    OnAssistant(now, batch);
  } else if (record_.type.Is("tool_result")) {
    OnToolResult(now, batch);
  } else if (record_.type.Is("system")) {
    return OnSystem(now, batch);
  } else {
    return false;
  }
  return true;
}

void Reader::OnUser(const Dialogue::Moment& now, Batch& batch) {
  const std::string typed = std::exchange(typed_, {});
  const bool person = record_.provenance.present() ? record_.provenance.Is("real_user")
                                                   : !record_.subtype.present();
  const bool task = dialogue_.who().kind == SessionKind::kSubagent && dialogue_.next_seq() == 0;
  if (!person && !task) return;
  const auto words = TypedText(record_.parts);
  if (!words.has_value()) return;
  Dialogue::Prompt prompt;
  prompt.native_id = now.origin.record;
  const auto skill = task ? std::nullopt : ReadSkillPrompt(*words, typed);
  if (!skill.has_value()) {
    prompt.text = *words;
    if (!record_.display_text.empty()) {
      prompt.text = record_.display_text.ToString();
      prompt.raw_text = *words;
    }
    entered_ = dialogue_.AddPrompt(now, std::move(prompt), batch);
    return;
  }
  prompt.command_kind = CommandKind::kSkill;
  prompt.command_name = skill->name;
  prompt.command_args = skill->args;
  prompt.text = "/" + skill->name;
  if (!skill->args.empty()) prompt.text.append(" ").append(skill->args);
  prompt.raw_text = *words;
  entered_ = dialogue_.AddPrompt(now, std::move(prompt), batch);
  dialogue_.AddLoad(
      now, {.skill = skill->name, .path = skill->path, .args = skill->args, .body = skill->body},
      batch);
}

ShellPlace Reader::Place() const {
  const std::string& cwd = dialogue_.who().cwd;
  return {.cwd = cwd, .home = HomeAbove(cwd)};
}

void Reader::OnAssistant(const Dialogue::Moment& now, Batch& batch) {
  const Usage& usage = record_.usage;
  dialogue_.AddAnswer(batch);
  if (usage.present) {
    ingest::TokenDelta tokens;
    tokens.input_uncached = std::max<int64_t>(0, usage.prompt - usage.cached);
    tokens.cache_read = usage.cached;
    tokens.output = usage.candidates;
    tokens.reasoning = usage.thoughts;
    dialogue_.AddTokens(tokens, batch);
  }
  for (const GenAiPart& part : record_.parts) {
    if (part.kind != GenAiPart::Kind::kCall) continue;
    const std::string name = part.name.ToString();
    static_cast<void>(dialogue_.AddCall(now, part.id.ToString(), name,
                                        MakeIntent(FindTool(kTools, name), part.args, Place()),
                                        batch));
  }
}

void Reader::OnToolResult(const Dialogue::Moment& now, Batch& batch) {
  for (const GenAiPart& part : record_.parts) {
    if (part.kind != GenAiPart::Kind::kResponse) continue;
    Dialogue::CallEnd end;
    const bool failed =
        part.error.present() || record_.status.Is("error") || record_.status.Is("cancelled");
    const RawText& text = part.error.present() ? part.error : part.output;
    const std::string output = text.Prefix(kOutputBytes);
    end.output = output;
    const bool shell = part.name.Is("run_shell_command");
    const int64_t code = !shell ? 0 : record_.exit_code.value_or(ShellExitCode(text));
    const GenAiFailure failure = failed ? JudgeFailure(output) : GenAiFailure();
    if (failure.denied || record_.error_type.Is("execution_denied")) {
      end.result = Dialogue::Result::kDenied;
    } else if (code > 0) {
      end.result = Dialogue::Result::kNonzeroExit;
    } else if (failed) {
      end.result = Dialogue::Result::kError;
    }
    std::string full;
    if (part.name.Is("skill") && !failed) {
      full = part.output.ToString();
      end.path = SkillPathOf(full);
      if (const std::string_view body = SkillBodyOf(full); !body.empty()) {
        end.body_sha256 = base::Sha256Bytes(body);
        end.body_bytes = static_cast<int64_t>(body.size());
      }
    }
    static_cast<void>(dialogue_.EndCall(now, part.id.ToString(), end, batch));
    if (failure.cancelled) dialogue_.Interrupt(now, batch);
  }
}

bool Reader::OnSystem(const Dialogue::Moment& now, Batch& batch) {
  if (record_.subtype.Is("chat_compression")) {
    dialogue_.AddCompaction(now, batch);
  } else if (record_.subtype.Is("slash_command")) {
    if (record_.phase.Is("invocation")) typed_ = record_.raw_command.ToString();
  } else if (record_.subtype.Is("ui_telemetry")) {
    if (record_.event_name.Is("qwen-code.api_error")) OnApiError(now, batch);
  } else if (record_.subtype.Is("turn_result") && dialogue_.begun()) {
    if (record_.turn_state.Is("cancelled")) dialogue_.Interrupt(now, batch);
    if (record_.turn_state.Is("error") && dialogue_.state() != Dialogue::TurnState::kFailed) {
      dialogue_.FailTurn(now, "turn ended with an error", batch);
    }
  }
  return true;
}

// Also of requests that the host makes for itself: those belong to no prompt.
void Reader::OnApiError(const Dialogue::Moment& now, Batch& batch) {
  const std::string prompt = record_.prompt_id.ToString();
  const bool own = prompt.empty() || prompt.find("########") != std::string::npos;
  if (!own || dialogue_.state() != Dialogue::TurnState::kAwaiting) {
    if (own && dialogue_.state() == Dialogue::TurnState::kFailed) {
      dialogue_.AddApiError(now, record_.error_message.Prefix(200), batch);
    }
    return;
  }
  dialogue_.AddApiError(now, record_.error_message.Prefix(200), batch);
}

std::string Reader::SaveState() const {
  base::JsonWriter w;
  w.BeginObject().Field("reader", "qwen").Field("version", kReaderVersion);
  dialogue_.Save(w.Key("dialogue"));
  tree_.Save(w.Key("tree"));
  SaveText(w, "typed", typed_);
  SaveTime(w, "born", born_);
  SaveFlag(w, "any", any_);
  SaveFlag(w, "described", described_);
  SaveKeys(w, "keys", keys_);
  SaveKeys(w, "anchors", anchors_);
  w.EndObject();
  return std::move(w).Take();
}

Status Reader::Restore(std::string_view saved) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
  if (state["reader"].AsString() != "qwen" || state["version"].AsInt() != kReaderVersion) {
    return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
  }
  dialogue_ = Dialogue::Load(state["dialogue"]);
  tree_ = EntryTree::Load(state["tree"]);
  typed_ = state["typed"].AsString();
  born_ = LoadTime(state["born"]);
  any_ = state["any"].AsBool();
  described_ = state["described"].AsBool();
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

}  // namespace selftune::hosts::qwen
