#include "hosts/gemini/reader.h"

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
#include "hosts/common/genai_parts.h"
#include "hosts/common/key_list.h"
#include "hosts/common/state_json.h"
#include "hosts/gemini/project.h"
#include "hosts/gemini/record.h"

namespace selftune::hosts::gemini {
namespace {

using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr size_t kMaxRecent = 16;
constexpr std::array<ToolRow, 6> kTools = {{{"activate_skill", ToolKind::kSkill},
                                            {"read_file", ToolKind::kRead},
                                            {"read_many_files", ToolKind::kRead},
                                            {"run_shell_command", ToolKind::kShell},
                                            {"write_file", ToolKind::kChange},
                                            {"replace", ToolKind::kChange}}};

// Texts in the user's role that no person typed.
bool IsInjected(std::string_view text) {
  for (const std::string_view begin :
       {"<session_context>", "System: Please continue.", "System: Potential loop detected",
        "Here is the user's editor context", "Here is a summary of changes in the user's editor",
        "This is the Gemini CLI. We are setting up the context for our chat."}) {
    if (text.starts_with(begin)) return true;
  }
  return text == "Please continue.";
}

bool IsSummary(std::string_view text) {
  return text.find("<state_snapshot>") != std::string_view::npos;
}

// "... Resources loaded from `DIR`": DIR.
std::string SkillFolder(std::string_view display) {
  constexpr std::string_view kWords = "Resources loaded from `";
  const size_t at = display.find(kWords);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = display.substr(at + kWords.size());
  return std::string(rest.substr(0, rest.find('`')));
}

// The text of an activated skill inside its wrapper.
std::string_view SkillBody(std::string_view output) {
  constexpr std::string_view kOpen = "<instructions>\n", kClose = "\n  </instructions>";
  const size_t open = output.find(kOpen);
  const size_t close = output.find(kClose);
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  std::string_view body = output.substr(open + kOpen.size());
  body = body.substr(0, close - open - kOpen.size());
  body.remove_prefix(std::min(body.size(), body.find_first_not_of(' ')));
  return body;
}

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options)
      : path_(options.file->path), parent_(ParentOf(path_)) {
    DialogueIdentity& who = dialogue_.who();
    std::string_view name = base::BaseName(path_);
    who.id = base::ToValidUtf8(name.substr(0, name.find(".json")));
    who.agent_cli = "gemini";
    who.provider = "google";
    dialogue_.set_known({.cache_write = false});
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override;
  std::string SaveState() const override;
  Status Restore(std::string_view saved);

 private:
  struct Asked {
    std::string id;  // of the message
    int32_t seq = 0;
    bool active = true;
    Dialogue::TurnState state = Dialogue::TurnState::kAwaiting;
  };
  // The newest answers: a later line with the same id may say more.
  struct Answer {
    std::string id;
    Tokens tokens;
  };

  void OnHeader();
  void OnMessage(const Message& message, const ingest::Line& line, Batch& batch);
  void OnList(const ingest::Line& line, Batch& batch);
  void OnUser(const Message& message, const Dialogue::Moment& now, bool known, Batch& batch);
  void OnAnswer(const Message& message, const Dialogue::Moment& now, bool known, Batch& batch);
  void OnNotice(const Message& message, const Dialogue::Moment& now, Batch& batch);
  void OnRewind(Batch& batch);
  void OnCall(const ToolCall& call, const Dialogue::Moment& now, Batch& batch);
  void EndCall(const ToolCall& call, const Dialogue::Moment& now, Batch& batch);
  void AddTokens(const Tokens& before, const Tokens& now, Batch& batch);
  template <typename AliveFn>
  void Revise(const Dialogue::Moment& now, AliveFn alive, Batch& batch);
  [[nodiscard]] ShellPlace Place() const;

  std::string path_, parent_;
  Record record_;  // scratch

  Dialogue dialogue_;
  KeyList keys_;
  std::vector<Asked> asked_;
  std::vector<Answer> recent_;
  bool after_summary_ = false;  // the next new answer belongs to a summary
  bool unknown_ = false;        // the line has a message of a kind that nobody knows
};

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(line.text, parser, record_));
  ++batch.records_seen;
  unknown_ = false;
  std::optional<UtcMillis> at;
  switch (record_.kind) {
    case Kind::kUnknown:
      ++batch.records_unknown;
      return absl::OkStatus();
    case Kind::kHeader:
      OnHeader();
      for (const Message& message : record_.messages) OnMessage(message, line, batch);
      break;
    case Kind::kMessage:
      OnMessage(record_.message, line, batch);
      at = ParseRfc3339(record_.message.timestamp.escaped());
      break;
    case Kind::kSet:
      if (record_.has_messages) OnList(line, batch);
      break;
    case Kind::kRewind:
      OnRewind(batch);
      break;
  }
  ++(unknown_ ? batch.records_unknown : batch.records_used);
  if (!asked_.empty() && dialogue_.prompt() == asked_.back().seq) {
    asked_.back().state = dialogue_.state();
  }
  dialogue_.Finish(at, batch);
  return absl::OkStatus();
}

// A resumed session repeats its header.
void Reader::OnHeader() {
  DialogueIdentity& who = dialogue_.who();
  if (!dialogue_.begun() && !record_.session_id.empty()) who.id = record_.session_id.ToString();
  if (record_.session_kind.Is("subagent") || !parent_.empty()) {
    who.kind = SessionKind::kSubagent;
    who.links.parent_id = parent_;
    who.depth = 1;
  }
  if (!who.cwd.empty()) return;
  who.cwd = ProjectOf(path_, record_.project_hash.ToString());
}

void Reader::OnMessage(const Message& message, const ingest::Line& line, Batch& batch) {
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = message.id.ToString()},
      .at = ParseRfc3339(message.timestamp.escaped())};
  const bool known = !keys_.Add(now.origin.record);
  constexpr std::string_view kTypes[] = {"user", "gemini", "info", "warning", "error"};
  unknown_ |= std::ranges::none_of(
      kTypes, [&](const std::string_view type) { return message.type.Is(type); });
  if (message.type.Is("user")) {
    OnUser(message, now, known, batch);
  } else if (message.type.Is("gemini")) {
    OnAnswer(message, now, known, batch);
  } else if (!known) {
    OnNotice(message, now, batch);
  }
  if (record_.kind == Kind::kHeader) dialogue_.Finish(now.at, batch);
}

void Reader::OnUser(const Message& message, const Dialogue::Moment& now, bool known, Batch& batch) {
  for (const GenAiPart& part : message.parts) {
    if (part.kind != GenAiPart::Kind::kResponse) continue;
    ToolCall call;
    call.id = part.id;
    call.name = part.name;
    call.output = part.output;
    call.error = part.error;
    if (dialogue_.IsOpen(part.id.ToString())) EndCall(call, now, batch);
  }
  if (known) return;
  const auto stored = TypedText(message.parts);
  const auto shown = TypedText(message.display);
  if (!stored.has_value() || IsInjected(base::Trim(*stored))) return;
  if (IsSummary(*stored)) {
    dialogue_.AddCompaction(now, batch);
    after_summary_ = true;
    return;
  }
  Dialogue::Prompt prompt;
  prompt.text = shown.value_or(*stored);
  if (shown.has_value()) prompt.raw_text = *stored;
  prompt.native_id = now.origin.record;
  const int32_t seq = dialogue_.AddPrompt(now, std::move(prompt), batch);
  asked_.push_back({.id = now.origin.record, .seq = seq});
  after_summary_ = false;
  // The host stores no errors: what gets no answer has failed.
  dialogue_.Suspect(now, batch);
}

void Reader::OnAnswer(const Message& message, const Dialogue::Moment& now, bool known,
                      Batch& batch) {
  const std::string& id = now.origin.record;
  auto answer = std::find_if(recent_.rbegin(), recent_.rend(),
                             [&](const Answer& one) { return one.id == id; });
  if (!known) {
    if (std::exchange(after_summary_, false) && !message.tokens.present && message.calls.empty()) {
      return;  // "Got it", by which the host has the model take note of a summary
    }
    if (recent_.size() >= kMaxRecent) recent_.erase(recent_.begin());
    recent_.push_back({.id = id, .tokens = {}});
    answer = recent_.rbegin();
    if (dialogue_.who().model.empty()) dialogue_.who().model = message.model.ToString();
    dialogue_.AddAnswer(batch);
  }
  if (answer != recent_.rend() && message.tokens.present) {
    AddTokens(answer->tokens, message.tokens, batch);
    answer->tokens = message.tokens;
  }
  for (const ToolCall& call : message.calls) OnCall(call, now, batch);
  if (known) return;
  for (const GenAiPart& part : message.parts) {
    if (part.kind != GenAiPart::Kind::kCall) continue;
    ToolCall call;
    call.id = part.id;
    call.name = part.name;
    call.args = part.args;
    OnCall(call, now, batch);
  }
}

ShellPlace Reader::Place() const {
  const std::string& cwd = dialogue_.who().cwd;
  return {.cwd = cwd, .home = HomeAbove(cwd)};
}

void Reader::OnCall(const ToolCall& call, const Dialogue::Moment& now, Batch& batch) {
  const std::string id = call.id.ToString();
  const std::string name = call.name.ToString();
  Dialogue::Moment moment = now;
  if (const auto at = ParseRfc3339(call.timestamp.escaped())) moment.at = at;
  static_cast<void>(dialogue_.AddCall(
      moment, id, name, MakeIntent(FindTool(kTools, name), call.args, Place()), batch));
  if (!call.agent_id.empty() && dialogue_.IsOpen(id)) {
    dialogue_.AddSpawn(id, call.agent_id.ToString(), batch);
  }
  const bool ended =
      call.status.Is("success") || call.status.Is("error") || call.status.Is("cancelled");
  if (ended) EndCall(call, moment, batch);
  // The tool by which a subagent gives its answer.
  if (ended && call.name.Is("complete_task")) dialogue_.Settle(batch);
}

void Reader::EndCall(const ToolCall& call, const Dialogue::Moment& now, Batch& batch) {
  Dialogue::CallEnd end;
  const bool failed =
      call.error.present() || call.status.Is("error") || call.status.Is("cancelled");
  const RawText& text = call.error.present() ? call.error : call.output;
  const std::string output = text.Prefix(kOutputBytes);
  end.output = output;
  bool cancelled = false;
  if (failed) {
    const GenAiFailure failure = JudgeFailure(output);
    cancelled = failure.cancelled;
    end.result = failure.denied ? Dialogue::Result::kDenied : Dialogue::Result::kError;
  } else if (call.name.Is("run_shell_command") && ShellExitCode(call.output) > 0) {
    end.result = Dialogue::Result::kNonzeroExit;
  }
  std::string full;
  if (call.name.Is("activate_skill") && !failed) {
    const std::string folder = SkillFolder(call.display.ToString());
    if (!folder.empty()) end.path = base::JoinPath(folder, "SKILL.md");
    full = call.output.ToString();
    if (const std::string_view body = SkillBody(full); !body.empty()) {
      end.body_sha256 = base::Sha256Bytes(body);
      end.body_bytes = static_cast<int64_t>(body.size());
    }
  }
  static_cast<void>(dialogue_.EndCall(now, call.id.ToString(), end, batch));
  if (cancelled) dialogue_.Interrupt(now, batch);
}

void Reader::AddTokens(const Tokens& before, const Tokens& now, Batch& batch) {
  const auto uncached = [](const Tokens& t) { return std::max<int64_t>(0, t.input - t.cached); };
  ingest::TokenDelta delta;
  delta.input_uncached = uncached(now) - uncached(before);
  delta.cache_read = now.cached - before.cached;
  delta.output = now.output + now.thoughts - before.output - before.thoughts;
  delta.reasoning = now.thoughts - before.thoughts;
  dialogue_.AddTokens(delta, batch);
}

// What the host told the person.
void Reader::OnNotice(const Message& message, const Dialogue::Moment& now, Batch& batch) {
  if (!dialogue_.begun()) return;
  const std::string text = message.parts.empty() ? "" : message.parts.front().text.Prefix(200);
  if (message.type.Is("error")) {
    dialogue_.AddApiError(now, text, batch);
  } else if (message.type.Is("info") && text.starts_with("Request cancelled")) {
    dialogue_.Interrupt(now, batch);
  }
}

// `$set.messages`: new messages are read like any other; prompts that are not in
// the list any more were rolled back, unless a summary stands in their place.
void Reader::OnList(const ingest::Line& line, Batch& batch) {
  bool summary = false;
  std::vector<std::string> ids;
  for (const Message& message : record_.messages) {
    ids.push_back(message.id.ToString());
    const auto text = message.type.Is("user") ? TypedText(message.parts) : std::nullopt;
    summary = summary || (text.has_value() && IsSummary(*text));
  }
  for (const Message& message : record_.messages) {
    if (!keys_.Has(message.id.ToString())) OnMessage(message, line, batch);
  }
  if (summary) return;
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = {}}, .at = std::nullopt};
  Revise(
      now,
      [&](const Asked& asked) { return std::find(ids.begin(), ids.end(), asked.id) != ids.end(); },
      batch);
}

void Reader::OnRewind(Batch& batch) {
  const std::optional<size_t> place = keys_.Find(record_.rewind_to.ToString());
  Revise(
      {},
      [&](const Asked& asked) {
        // An unknown place: everything is taken back.
        return place.has_value() && asked.active && keys_.Find(asked.id).value_or(0) < *place;
      },
      batch);
  const auto last =
      std::find_if(asked_.rbegin(), asked_.rend(), [](const Asked& asked) { return asked.active; });
  if (last == asked_.rend()) {
    dialogue_.ReturnTo(std::nullopt, Dialogue::TurnState::kNone);
  } else if (last->seq != dialogue_.prompt()) {
    dialogue_.ReturnTo(last->seq, last->state);
  }
}

template <typename AliveFn>
void Reader::Revise(const Dialogue::Moment& now, AliveFn alive, Batch& batch) {
  for (Asked& asked : asked_) {
    const bool active = alive(asked);
    if (active == asked.active) continue;
    asked.active = active;
    dialogue_.SetActive(asked.seq, active, batch);
    // The newest prompt was rolled back without an answer: its request failed.
    if (!active && &asked == &asked_.back() &&
        dialogue_.state() == Dialogue::TurnState::kAwaiting && record_.kind == Kind::kSet) {
      dialogue_.FailTurn(now, "rolled back", batch);
    }
  }
}

std::string Reader::SaveState() const {
  base::JsonWriter w;
  w.BeginObject().Field("reader", "gemini").Field("version", kReaderVersion);
  dialogue_.Save(w.Key("dialogue"));
  w.Field("keys", keys_.Save());
  w.Key("asked").BeginArray();
  for (const Asked& asked : asked_) {
    w.BeginArray().String(asked.id).Int(asked.seq).Bool(asked.active);
    w.Int(static_cast<int64_t>(asked.state)).EndArray();
  }
  w.EndArray();
  w.Key("recent").BeginArray();
  for (const Answer& answer : recent_) {
    const Tokens& t = answer.tokens;
    w.BeginArray().String(answer.id).Int(t.input).Int(t.output).Int(t.cached).Int(t.thoughts);
    w.EndArray();
  }
  w.EndArray();
  SaveFlag(w, "after_summary", after_summary_);
  w.EndObject();
  return std::move(w).Take();
}

Status Reader::Restore(std::string_view saved) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
  if (state["reader"].AsString() != "gemini" || state["version"].AsInt() != kReaderVersion) {
    return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
  }
  dialogue_ = Dialogue::Load(state["dialogue"]);
  keys_ = KeyList::Load(state["keys"].AsString());
  for (const base::JsonValue& item : state["asked"].items()) {
    const auto& parts = item.items();
    if (parts.size() != 4) continue;
    asked_.push_back({.id = parts[0].AsString(),
                      .seq = static_cast<int32_t>(parts[1].AsInt()),
                      .active = parts[2].AsBool(),
                      .state = static_cast<Dialogue::TurnState>(parts[3].AsInt())});
  }
  for (const base::JsonValue& item : state["recent"].items()) {
    const auto& parts = item.items();
    if (parts.size() != 5) continue;
    recent_.push_back({.id = parts[0].AsString(),
                       .tokens = {.present = true,
                                  .input = parts[1].AsInt(),
                                  .output = parts[2].AsInt(),
                                  .cached = parts[3].AsInt(),
                                  .thoughts = parts[4].AsInt()}});
  }
  after_summary_ = state["after_summary"].AsBool();
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<ingest::LineReader>> OpenSession(const ingest::ReaderOptions& options) {
  auto reader = std::make_unique<Reader>(options);
  if (!options.saved_state.empty()) ST_RETURN_IF_ERROR(reader->Restore(options.saved_state));
  return std::unique_ptr<ingest::LineReader>(std::move(reader));
}

}  // namespace selftune::hosts::gemini
