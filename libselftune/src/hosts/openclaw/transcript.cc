#include "hosts/openclaw/transcript.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/common/state_json.h"
#include "hosts/openclaw/prompt_text.h"

namespace selftune::hosts::openclaw {
namespace {

using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr std::array<ToolRow, 7> kTools = {{{"read", ToolKind::kRead},
                                            {"exec", ToolKind::kShell},
                                            {"bash", ToolKind::kShell},
                                            {"write", ToolKind::kChange},
                                            {"edit", ToolKind::kChange},
                                            {"apply_patch", ToolKind::kChange},
                                            {"sessions_spawn", ToolKind::kSpawn}}};

// "... (Command exited with code 3)" at the end of a text.
std::optional<int64_t> ExitInText(const RawText& text) {
  constexpr std::string_view kWords = "ommand exited with code ";
  const std::string_view escaped = text.escaped();
  const size_t at = escaped.rfind(kWords);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = escaped.substr(at + kWords.size());
  return base::ParseInt(rest.substr(0, rest.find_first_not_of("0123456789")));
}

bool IsShell(const RawText& tool) { return tool.Is("exec") || tool.Is("bash"); }

// What the gateway writes in the model's place (copies of what it sent elsewhere).
bool IsEcho(const Record& record) {
  return record.provider.Is("openclaw") &&
         (record.model.Is("delivery-mirror") || record.model.Is("gateway-injected"));
}

std::string JoinTexts(const std::vector<RawText>& texts) {
  std::string joined;
  for (const RawText& text : texts) {
    if (&text != texts.data()) joined.push_back('\n');
    joined.append(text.ToString());
  }
  return joined;
}

}  // namespace

Transcript::Transcript(const SessionInfo& info, const ingest::KeySet* copied) : copied_(copied) {
  if (copied_ != nullptr && copied_->empty()) copied_ = nullptr;
  dialogue_.who().agent_cli = "openclaw";
  dialogue_.set_known({.reasoning = true});
  SetInfo(info);
}

void Transcript::SetInfo(const SessionInfo& info) {
  info_ = info;
  DialogueIdentity& who = dialogue_.who();
  if (!info.id.empty()) who.id = info.id;
  who.kind = info.Kind();
  who.links.parent_id = info.parent_id;
  who.links.forked_from = info.forked_from;
  who.host_version = info.host_version;
  if (who.kind == SessionKind::kSubagent) who.agent_type = info.label;
}

ShellPlace Transcript::Place() const {
  const std::string& cwd = dialogue_.who().cwd;
  return {.cwd = cwd, .home = HomeAbove(cwd)};
}

StatusOr<bool> Transcript::Add(std::string_view text, ingest::Origin origin,
                               base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(text, parser, record_));
  if (origin.record.empty()) origin.record = record_.id.ToString();
  const Dialogue::Moment now{.origin = std::move(origin), .at = record_.at()};
  if (record_.kind == Kind::kHeader) {
    OnHeader(now);
    return true;
  }
  if (dialogue_.internal()) return record_.kind != Kind::kUnknown;
  ShowListing(now, batch);
  const bool copied = IsCopy(batch);
  tree_.Enter(record_.id.escaped(), record_.parent.escaped(), dialogue_, batch);
  entered_.reset();
  if (copied) {
    OnCopy();
  } else if (record_.kind == Kind::kUser) {
    OnUser(now, batch);
  } else if (record_.kind == Kind::kAssistant) {
    OnAssistant(now, batch);
  } else if (record_.kind == Kind::kToolResult) {
    OnToolResult(now, batch);
  } else if (record_.kind == Kind::kCompaction) {
    dialogue_.AddCompaction(now, batch);
    AddUsage(/*overhead=*/true, batch);
  } else if (record_.kind == Kind::kBranchSummary && dialogue_.begun()) {
    AddUsage(/*overhead=*/true, batch);
  }
  tree_.Leave(entered_, dialogue_);
  const auto at = record_.at();
  if (at.has_value() && (!born_.has_value() || *at < *born_)) born_ = at;
  dialogue_.Finish(copied ? std::nullopt : at, batch);
  TellKind(batch);
  TellKeys(batch);
  return record_.kind != Kind::kUnknown;
}

void Transcript::OnHeader(const Dialogue::Moment& now) {
  if (std::exchange(has_header_, true)) return;
  version_ = record_.version;
  if (info_.id.empty() && !record_.id.empty()) dialogue_.who().id = record_.id.ToString();
  dialogue_.who().cwd = record_.cwd.ToString();
  born_ = now.at;
}

// The host keeps what it offered beside the transcript, for the session as a whole.
void Transcript::ShowListing(const Dialogue::Moment& now, Batch& batch) {
  if (shown_ || Offered() == nullptr) return;
  shown_ = true;
  const Dialogue::Moment from{.origin = {}, .at = now.at};
  dialogue_.Show(from, *Offered(), batch);
}

const ingest::Listing* Transcript::Offered() {
  if (listing_ == nullptr) listing_ = ReadListing(info_, Place().home);
  return listing_.get();
}

void Transcript::OnUser(const Dialogue::Moment& now, Batch& batch) {
  if (record_.texts.empty()) return;
  const std::string stored = JoinTexts(record_.texts);
  PromptText typed = ReadPromptText(stored, record_.provenance.ToString(), info_.Channel());
  Dialogue::Prompt prompt;
  prompt.text = std::move(typed.text);
  prompt.raw_text = stored;
  prompt.native_id = record_.id.ToString();
  // Who wrote it decides what it is, whatever the session is.
  DialogueIdentity& who = dialogue_.who();
  const SessionKind kind = who.kind;
  if (info_.Kind() == SessionKind::kMain) {
    any_person_ = any_person_ || typed.author == Author::kPerson;
    any_host_ = any_host_ || typed.author != Author::kPerson;
    who.kind = typed.author == Author::kHost    ? SessionKind::kAutomation
               : typed.author == Author::kAgent ? SessionKind::kSubagent
                                                : SessionKind::kMain;
  }
  entered_ = dialogue_.AddPrompt(now, std::move(prompt), batch);
  who.kind = kind;
  NamePath(batch);
}

// A skill that is asked for by its name is the one in the listing.
void Transcript::NamePath(Batch& batch) {
  if (Offered() == nullptr) return;
  for (ingest::SkillFact& fact : dialogue_.Facts(batch).skills) {
    if (fact.outcome != Outcome::kRequested || !fact.path.empty()) continue;
    for (const ingest::ListingEntry& entry : Offered()->entries) {
      if (entry.name == fact.skill) fact.path = entry.path;
    }
  }
}

// A session in which only the host spoke is automation, until a person does.
void Transcript::TellKind(Batch& batch) {
  if (!dialogue_.begun() || info_.Kind() != SessionKind::kMain) return;
  const bool automation = any_host_ && !any_person_;
  dialogue_.who().kind = automation ? SessionKind::kAutomation : SessionKind::kMain;
  ingest::SessionFacts& facts = dialogue_.Facts(batch);
  facts.kind_certain = any_person_ && any_host_;
}

void Transcript::OnAssistant(const Dialogue::Moment& now, Batch& batch) {
  if (IsEcho(record_)) return;
  AddUsage(/*overhead=*/false, batch);
  if (record_.stop_reason.Is("aborted")) {
    dialogue_.Interrupt(now, batch);
  } else if (record_.stop_reason.Is("error")) {
    dialogue_.AddApiError(now, record_.error_message.Prefix(200), batch);
  } else {
    DialogueIdentity& who = dialogue_.who();
    if (who.model.empty()) {
      who.model = record_.model.ToString();
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

void Transcript::OnToolResult(const Dialogue::Moment& now, Batch& batch) {
  Dialogue::CallEnd end;
  const std::string output =
      record_.texts.empty() ? std::string() : record_.texts.front().Prefix(kOutputBytes);
  end.output = output;
  std::optional<int64_t> exit = record_.exit_code;
  if (!exit.has_value() && record_.is_error && !record_.texts.empty()) {
    exit = ExitInText(record_.texts.back());
  }
  const bool denied = record_.status.Is("denied") || record_.status.Is("rejected") ||
                      base::StartsWithIgnoreCase(output, "exec denied");
  if (IsShell(record_.tool_name) && exit.value_or(0) > 0) {
    end.result = Dialogue::Result::kNonzeroExit;
  } else if (denied) {
    end.result = Dialogue::Result::kDenied;
  } else if (record_.is_error || record_.status.Is("error")) {
    end.result = Dialogue::Result::kError;
  }
  static_cast<void>(dialogue_.EndCall(now, record_.tool_call_id.ToString(), end, batch));
}

// Turns that another session owns: how they stand is known all the same.
void Transcript::OnCopy() {
  if (record_.kind == Kind::kUser) dialogue_.SkipTurn();
  if (record_.kind == Kind::kToolResult) dialogue_.set_state(Dialogue::TurnState::kAwaiting);
  if (record_.kind != Kind::kAssistant) return;
  dialogue_.set_state(record_.stop_reason.Is("aborted") ? Dialogue::TurnState::kCancelled
                      : record_.stop_reason.Is("error") ? Dialogue::TurnState::kFailed
                                                        : Dialogue::TurnState::kAnswered);
}

void Transcript::AddUsage(bool overhead, Batch& batch) {
  const Usage& usage = record_.usage;
  if (!usage.present) return;
  ingest::TokenDelta tokens;
  if (overhead) {
    tokens.overhead_input = usage.input + usage.cache_read + usage.cache_write;
    tokens.overhead_output = usage.output;
    dialogue_.set_known({.reasoning = true, .overhead = true});
  } else {
    tokens.input_uncached = usage.input;
    tokens.cache_read = usage.cache_read;
    tokens.cache_write = usage.cache_write;
    tokens.output = usage.output;
    tokens.reasoning = usage.reasoning;
  }
  dialogue_.AddTokens(tokens, batch);
}

void Transcript::EndRun(std::string_view status, std::optional<UtcMillis> at, Batch& batch) {
  if (!dialogue_.begun() || dialogue_.state() != Dialogue::TurnState::kAwaiting) return;
  const Dialogue::Moment now{.origin = {}, .at = at};
  if (status == "killed") dialogue_.Interrupt(now, batch);
  if (status == "failed" || status == "timeout") dialogue_.FailTurn(now, status, batch);
  dialogue_.Finish(std::nullopt, batch);
}

// Entries that make facts have keys, by which copies of a history are known.
bool Transcript::IsCopy(Batch& batch) {
  if (record_.id.empty()) return false;
  const bool root = !std::exchange(any_entry_, true) || !record_.parent.present();
  const uint64_t key = base::FieldHash("openclaw-entry")
                           .Add(record_.id.escaped())
                           .Add(record_.timestamp.escaped())
                           .Key8();
  if (root) anchors_.push_back(key);
  const bool counts = record_.kind == Kind::kUser || record_.kind == Kind::kAssistant ||
                      record_.kind == Kind::kToolResult || record_.kind == Kind::kCompaction ||
                      record_.kind == Kind::kBranchSummary;
  if (!counts) return false;
  if (copied_ != nullptr && copied_->contains(key)) {
    static_cast<void>(dialogue_.Facts(batch));  // a fork is one even while all of it is copied
    return true;
  }
  keys_.push_back(key);
  return false;
}

void Transcript::TellKeys(Batch& batch) {
  if (!dialogue_.begun()) return;
  ingest::SessionFacts& facts = dialogue_.Facts(batch);
  facts.born = born_;
  facts.archived = info_.archived;
  facts.record_keys.insert(facts.record_keys.end(), keys_.begin(), keys_.end());
  facts.anchors.insert(facts.anchors.end(), anchors_.begin(), anchors_.end());
  keys_.clear();
  anchors_.clear();
}

void Transcript::Save(base::JsonWriter& w) const {
  dialogue_.Save(w.Key("dialogue"));
  tree_.Save(w.Key("tree"));
  SaveFlag(w, "header", has_header_);
  SaveFlag(w, "shown", shown_);
  SaveFlag(w, "person", any_person_);
  SaveFlag(w, "host", any_host_);
  SaveFlag(w, "any", any_entry_);
  SaveInt(w, "schema", version_);
  SaveTime(w, "born", born_);
  SaveKeys(w, "keys", keys_);
  SaveKeys(w, "anchors", anchors_);
}

void Transcript::Load(const base::JsonValue& value) {
  dialogue_ = Dialogue::Load(value["dialogue"]);
  tree_ = EntryTree::Load(value["tree"]);
  has_header_ = value["header"].AsBool();
  shown_ = value["shown"].AsBool();
  any_person_ = value["person"].AsBool();
  any_host_ = value["host"].AsBool();
  any_entry_ = value["any"].AsBool();
  version_ = value["schema"].AsInt();
  born_ = LoadTime(value["born"]);
  keys_ = LoadKeys(value["keys"]);
  anchors_ = LoadKeys(value["anchors"]);
}

}  // namespace selftune::hosts::openclaw
