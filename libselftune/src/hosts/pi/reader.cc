#include "hosts/pi/reader.h"

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
#include "hosts/common/skill_listing.h"
#include "hosts/common/state_json.h"
#include "hosts/pi/record.h"

namespace selftune::hosts::pi {
namespace {

using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr std::array<ToolRow, 4> kTools = {{{"read", ToolKind::kRead},
                                            {"bash", ToolKind::kShell},
                                            {"write", ToolKind::kChange},
                                            {"edit", ToolKind::kChange}}};

// `<time>_<id>.jsonl`: the id.
std::string IdOfFile(std::string_view path) {
  std::string_view name = base::BaseName(path);
  name = name.substr(0, name.find(".jsonl"));
  return base::ToValidUtf8(name.substr(name.find('_') + 1));
}

// What the host makes of "/skill:NAME ARGS".
struct SkillBlock {
  std::string_view name, path, body, args;
};

// <skill name="N" location="PATH">\nReferences are relative to DIR.\n\nBODY\n</skill>[\n\nARGS]
std::optional<SkillBlock> ReadSkillBlock(std::string_view text) {
  constexpr std::string_view kOpen = "<skill name=\"", kLocation = "\" location=\"";
  constexpr std::string_view kHead = "\">\nReferences are relative to ", kEnd = "\n</skill>";
  if (!text.starts_with(kOpen)) return std::nullopt;
  SkillBlock block;
  const size_t location = text.find(kLocation);
  const size_t head = text.find(kHead);
  if (location == std::string_view::npos || head == std::string_view::npos || head < location) {
    return std::nullopt;
  }
  block.name = text.substr(kOpen.size(), location - kOpen.size());
  const size_t path = location + kLocation.size();
  block.path = text.substr(path, head - path);
  const size_t body = text.find("\n\n", head);
  // A body can hold such an end itself; arguments seldom do.
  const size_t end = text.rfind(kEnd);
  if (body == std::string_view::npos || end == std::string_view::npos || end < body + 1) {
    return std::nullopt;
  }
  block.body = text.substr(body + 2, end - std::min(end, body + 2));
  std::string_view rest = text.substr(end + kEnd.size());
  if (!rest.empty() && !rest.starts_with("\n\n")) return std::nullopt;
  block.args = base::Trim(rest);
  const bool plain = block.name.find_first_of("\"\n<") == std::string_view::npos;
  if (!plain || !block.path.starts_with('/') || !block.path.ends_with(".md")) return std::nullopt;
  return block;
}

// "... Command exited with code 3" at the end of a text.
bool EndsWithExit(const RawText& text) {
  constexpr std::string_view kWords = "Command exited with code ";
  const size_t at = text.escaped().rfind(kWords);
  if (at == std::string_view::npos) return false;
  const auto code = base::ParseInt(text.escaped().substr(at + kWords.size()));
  return code.has_value() && *code > 0;
}

// A call that an extension refused has the extension's words for its result. Of
// the shell all others are known.
bool WasBlocked(const RawText& tool, std::string_view output) {
  if (output.starts_with("Tool execution was blocked")) return true;
  if (!tool.Is("bash")) return false;
  for (const std::string_view own : {"Validation failed", "Tool ", "Working directory"}) {
    if (output.starts_with(own)) return false;
  }
  for (const std::string_view own :
       {"Command exited with code", "Command aborted", "Command timed out", "Operation aborted"}) {
    if (output.find(own) != std::string_view::npos) return false;
  }
  return !output.empty();
}

bool WasAborted(const Record& record) {
  if (record.stop_reason.Is("aborted")) return true;
  if (!record.stop_reason.Is("error")) return false;
  const std::string message = record.error_message.Prefix(200);
  return message == "This operation was aborted" || message == "Request was aborted." ||
         message == "Request was aborted" || message == "The operation was aborted.";
}

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options)
      : path_(options.file->path), copied_(options.copied) {
    if (copied_ != nullptr && copied_->empty()) copied_ = nullptr;
    dialogue_.who().id = IdOfFile(path_);
    dialogue_.who().agent_cli = "pi";
    dialogue_.set_known({.reasoning = false, .overhead = true});
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override;
  std::string SaveState() const override;
  Status Restore(std::string_view saved);

 private:
  [[nodiscard]] bool Apply(const Dialogue::Moment& now, bool copied, Batch& batch);
  void OnHeader(Batch& batch);
  void OnUser(const Dialogue::Moment& now, Batch& batch);
  void OnAssistant(const Dialogue::Moment& now, Batch& batch);
  void OnToolResult(const Dialogue::Moment& now, Batch& batch);
  void OnSystem(const Dialogue::Moment& now, Batch& batch);
  void OnCopy();
  void AddUsage(bool overhead, Batch& batch);
  [[nodiscard]] bool IsCopy(bool first, Batch& batch);
  [[nodiscard]] ShellPlace Place() const;
  void NoteTime(std::optional<UtcMillis> at, Batch& batch);

  std::string path_;
  const ingest::KeySet* copied_;
  Record record_;  // scratch

  Dialogue dialogue_;
  EntryTree tree_;
  std::optional<int32_t> entered_;  // prompt of the record at hand
  std::string parent_;              // of the header, until the first entry shows whether it copies
  std::optional<UtcMillis> created_, born_;
  bool any_entry_ = false, has_reasoning_ = false, copies_ = false;
  std::vector<uint64_t> keys_, anchors_;  // for the session once it begins
};

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(line.text, parser, record_));
  ++batch.records_seen;
  if (record_.kind == Kind::kUnknown) ++batch.records_unknown;
  if (record_.kind == Kind::kHeader) {
    OnHeader(batch);
    ++batch.records_used;
    return absl::OkStatus();
  }
  if (dialogue_.internal()) return absl::OkStatus();
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = record_.id.ToString()},
      .at = record_.at()};
  const bool first = !std::exchange(any_entry_, true);
  if (first && !parent_.empty() && now.at.has_value() && created_.has_value() &&
      *now.at < *created_) {
    // Older than the file: the history of the parent was copied.
    copies_ = true;
    dialogue_.who().links.forked_from = IdOfFile(parent_);
  }
  const bool copied = IsCopy(first || !record_.parent.present(), batch);
  tree_.Enter(record_.id.escaped(), record_.parent.escaped(), dialogue_, batch);
  entered_.reset();
  if (Apply(now, copied, batch)) ++batch.records_used;
  tree_.Leave(entered_, dialogue_);
  NoteTime(copied ? std::nullopt : now.at, batch);
  return absl::OkStatus();
}

void Reader::OnHeader(Batch& batch) {
  if (any_entry_) return;  // a copy of another file's, appended by hand
  if (!record_.id.empty()) dialogue_.who().id = record_.id.ToString();
  dialogue_.who().cwd = record_.cwd.ToString();
  parent_ = record_.parent_session.ToString();
  created_ = born_ = record_.at();
  batch.host_schema = std::to_string(record_.version == 0 ? 1 : record_.version);
}

// False: nothing follows from the record.
bool Reader::Apply(const Dialogue::Moment& now, bool copied, Batch& batch) {
  if (record_.kind == Kind::kSystem) {
    OnSystem(now, batch);
    return true;
  }
  if (copied) {
    if (record_.kind == Kind::kCompaction) OnSystem(now, batch);
    OnCopy();
    return true;
  }
  switch (record_.kind) {
    case Kind::kUser:
      OnUser(now, batch);
      return true;
    case Kind::kAssistant:
      OnAssistant(now, batch);
      return true;
    case Kind::kToolResult:
      OnToolResult(now, batch);
      return true;
    case Kind::kCompaction:
      dialogue_.AddCompaction(now, batch);
      AddUsage(/*overhead=*/true, batch);
      OnSystem(now, batch);
      return true;
    case Kind::kOverhead:
      if (dialogue_.begun()) AddUsage(/*overhead=*/true, batch);
      return true;
    case Kind::kModelChange:
    case Kind::kUnknown:
    case Kind::kIgnored:
    case Kind::kHeader:
    case Kind::kSystem:
      break;
  }
  return false;
}

// Turns that another session owns: how they stand is known all the same.
void Reader::OnCopy() {
  if (record_.kind == Kind::kUser) dialogue_.SkipTurn();
  if (record_.kind == Kind::kToolResult) dialogue_.set_state(Dialogue::TurnState::kAwaiting);
  if (record_.kind != Kind::kAssistant) return;
  const bool failed = record_.stop_reason.Is("error");
  dialogue_.set_state(WasAborted(record_) ? Dialogue::TurnState::kCancelled
                      : failed            ? Dialogue::TurnState::kFailed
                                          : Dialogue::TurnState::kAnswered);
}

void Reader::OnUser(const Dialogue::Moment& now, Batch& batch) {
  if (!record_.has_content) return;
  std::string text;
  for (const RawText& part : record_.texts) {
    if (!text.empty()) text.push_back('\n');
    text.append(part.ToString());
  }
  Dialogue::Prompt prompt;
  prompt.native_id = now.origin.record;
  prompt.typed_commands = false;
  const std::optional<SkillBlock> block = ReadSkillBlock(text);
  if (!block.has_value()) {
    prompt.text = std::move(text);
    entered_ = dialogue_.AddPrompt(now, std::move(prompt), batch);
    return;
  }
  prompt.command_kind = CommandKind::kSkill;
  prompt.command_name = block->name;
  prompt.command_args = block->args;
  prompt.text = "/skill:" + prompt.command_name;
  if (!block->args.empty()) prompt.text.append(" ").append(block->args);
  prompt.raw_text = text;
  entered_ = dialogue_.AddPrompt(now, std::move(prompt), batch);
  dialogue_.AddLoad(now,
                    {.skill = std::string(block->name),
                     .path = std::string(block->path),
                     .args = std::string(block->args),
                     .body = block->body},
                    batch);
}

ShellPlace Reader::Place() const {
  const std::string& cwd = dialogue_.who().cwd;
  return {.cwd = cwd, .home = HomeAbove(cwd)};
}

void Reader::OnAssistant(const Dialogue::Moment& now, Batch& batch) {
  AddUsage(/*overhead=*/false, batch);
  if (WasAborted(record_)) {
    // What had come of it until then is an answer.
    if (!record_.texts.empty() || !record_.calls.empty()) dialogue_.AddAnswer(batch);
    dialogue_.Interrupt(now, batch);
  } else if (record_.stop_reason.Is("error")) {
    dialogue_.AddApiError(now, record_.error_message.Prefix(200), batch);
  } else {
    DialogueIdentity& who = dialogue_.who();
    if (who.model.empty()) {
      who.model =
          (record_.response_model.empty() ? record_.model : record_.response_model).ToString();
      who.provider = record_.provider.ToString();
    }
    dialogue_.AddAnswer(batch);
  }
  for (const Call& call : record_.calls) {
    const std::string name = call.name.ToString();
    static_cast<void>(dialogue_.AddCall(now, call.id.ToString(), name,
                                        MakeIntent(FindTool(kTools, name), call.args, Place()),
                                        batch));
  }
}

void Reader::OnToolResult(const Dialogue::Moment& now, Batch& batch) {
  Dialogue::CallEnd end;
  const std::string output =
      record_.texts.empty() ? std::string() : record_.texts.front().Prefix(kOutputBytes);
  end.output = output;
  if (record_.is_error) {
    end.result = Dialogue::Result::kError;
    if (record_.tool_name.Is("bash") && !record_.texts.empty() &&
        EndsWithExit(record_.texts.back())) {
      end.result = Dialogue::Result::kNonzeroExit;
    } else if (output.size() < kOutputBytes && WasBlocked(record_.tool_name, output)) {
      end.result = Dialogue::Result::kDenied;
    }
  }
  static_cast<void>(dialogue_.EndCall(now, record_.tool_call_id.ToString(), end, batch));
  AddUsage(/*overhead=*/true, batch);
}

void Reader::OnSystem(const Dialogue::Moment& now, Batch& batch) {
  const Sections& sections = record_.sections;
  if (sections.skills.present()) {
    const auto listing = ParseSkillElements(sections.skills.ToString());
    dialogue_.Show(now, listing.value_or(ingest::Listing()), batch);
  } else if (sections.removes_skills || (sections.present && sections.replaces)) {
    dialogue_.Show(now, {}, batch);
  }
}

void Reader::AddUsage(bool overhead, Batch& batch) {
  const Usage& usage = record_.usage;
  if (!usage.present) return;
  ingest::TokenDelta tokens;
  if (overhead) {
    tokens.overhead_input = usage.input + usage.cache_read + usage.cache_write;
    tokens.overhead_output = usage.output;
  } else {
    tokens.input_uncached = usage.input;
    tokens.cache_read = usage.cache_read;
    tokens.cache_write = usage.cache_write;
    tokens.output = usage.output;
    tokens.reasoning = usage.reasoning;
    if (usage.has_reasoning && !std::exchange(has_reasoning_, true)) {
      dialogue_.set_known({.reasoning = true, .overhead = true});
    }
  }
  dialogue_.AddTokens(tokens, batch);
}

// Entries that make facts have keys, by which a fork's copies are known.
bool Reader::IsCopy(bool root, Batch& batch) {
  const uint64_t key =
      base::FieldHash("pi-entry").Add(record_.id.escaped()).Add(record_.timestamp.escaped()).Key8();
  if (root && !record_.id.empty()) anchors_.push_back(key);
  const bool counts = record_.kind == Kind::kUser || record_.kind == Kind::kAssistant ||
                      record_.kind == Kind::kToolResult || record_.kind == Kind::kCompaction ||
                      record_.kind == Kind::kOverhead;
  if (!counts || record_.id.empty()) {
    return copies_ && record_.at().has_value() && created_.has_value() && *record_.at() < *created_;
  }
  if (copied_ != nullptr && copied_->contains(key)) {
    static_cast<void>(dialogue_.Facts(batch));  // a fork is one even while all of it is copied
    return true;
  }
  keys_.push_back(key);
  return false;
}

// Times, and what belongs to the file and not to a record of it.
void Reader::NoteTime(std::optional<UtcMillis> at, Batch& batch) {
  const auto read = record_.at();
  const bool earlier = read.has_value() && (!born_.has_value() || *read < *born_);
  if (earlier) born_ = read;
  dialogue_.Finish(at, batch);
  if (!dialogue_.begun()) return;
  ingest::SessionFacts& facts = dialogue_.Facts(batch);
  facts.born = born_;
  facts.record_keys.insert(facts.record_keys.end(), keys_.begin(), keys_.end());
  facts.anchors.insert(facts.anchors.end(), anchors_.begin(), anchors_.end());
  keys_.clear();
  anchors_.clear();
}

std::string Reader::SaveState() const {
  base::JsonWriter w;
  w.BeginObject().Field("reader", "pi").Field("version", kReaderVersion);
  dialogue_.Save(w.Key("dialogue"));
  tree_.Save(w.Key("tree"));
  SaveText(w, "parent", parent_);
  SaveTime(w, "created", created_);
  SaveTime(w, "born", born_);
  SaveFlag(w, "any", any_entry_);
  SaveFlag(w, "reasoning", has_reasoning_);
  SaveFlag(w, "copies", copies_);
  SaveKeys(w, "keys", keys_);
  SaveKeys(w, "anchors", anchors_);
  w.EndObject();
  return std::move(w).Take();
}

Status Reader::Restore(std::string_view saved) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
  if (state["reader"].AsString() != "pi" || state["version"].AsInt() != kReaderVersion) {
    return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
  }
  dialogue_ = Dialogue::Load(state["dialogue"]);
  tree_ = EntryTree::Load(state["tree"]);
  parent_ = state["parent"].AsString();
  created_ = LoadTime(state["created"]);
  born_ = LoadTime(state["born"]);
  any_entry_ = state["any"].AsBool();
  has_reasoning_ = state["reasoning"].AsBool();
  copies_ = state["copies"].AsBool();
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

}  // namespace selftune::hosts::pi
