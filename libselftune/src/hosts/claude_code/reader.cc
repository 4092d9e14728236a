#include "hosts/claude_code/reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "hosts/claude_code/conversation.h"
#include "hosts/claude_code/exposure.h"
#include "hosts/claude_code/record.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts::claude_code {
namespace {

using base::JsonValue;
using base::JsonWriter;
using ingest::Batch;

constexpr std::string_view kAgentPrefix = "agent-";
constexpr uint64_t kMaxMetaBytes = 1 << 20;
constexpr size_t kMaxInlineAgents = 32;
constexpr size_t kRecent = 64;     // records that may be written once more
constexpr size_t kAgentTail = 48;  // records of an agent that a next one may follow

// What the name of a file says.
struct FileName {
  explicit FileName(std::string_view path) {
    stem = base::BaseName(path);
    if (stem.ends_with(".jsonl")) stem.resize(stem.size() - 6);
    if (stem.starts_with(kAgentPrefix)) agent_id = stem.substr(kAgentPrefix.size());
    const std::string_view dir = base::DirName(path);
    if (base::BaseName(dir) == "subagents") session_dir = base::BaseName(base::DirName(dir));
  }

  std::string stem;
  std::string agent_id;     // "" = not an agent's file
  std::string session_dir;  // "" = lies beside the session files
};

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

// Records whose facts are counted once over all copies.
bool CountsOnce(const Record& record) {
  switch (record.type) {
    case RecordType::kUser:
      return !record.meta;
    case RecordType::kAssistant:
      return true;
    case RecordType::kSystem:
      return record.subtype.Is("compact_boundary") || record.subtype.Is("api_error");
    case RecordType::kAttachment:
    case RecordType::kIgnored:
    case RecordType::kUnknown:
      break;
  }
  return false;
}

// What people and models say is a text, or a list of blocks.
bool HasShape(const Record& record) {
  const bool said = record.type == RecordType::kUser || record.type == RecordType::kAssistant;
  return !said || record.has_content;
}

// An agent whose records stand in the file of its session.
struct InlineAgent {
  Conversation conversation;
  std::vector<uint64_t> tail;  // keys of its newest records
};

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options)
      : path_(options.file->path), name_(path_), copied_(options.copied) {
    if (copied_ != nullptr && copied_->empty()) copied_ = nullptr;
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override;
  std::string SaveState() const override;
  Status Restore(std::string_view saved);

 private:
  void Begin();
  void LookAtMeta();
  void ReadConversation(const ingest::Line& line, std::optional<UtcMillis> at, Batch& batch);
  [[nodiscard]] bool IsRepeated(uint64_t key);
  [[nodiscard]] bool IsCopy(uint64_t key);
  void AddKeys(uint64_t key, bool copied);
  void NoteOrigin(Batch& batch);
  [[nodiscard]] Conversation& Select(uint64_t key, bool copied, Batch& batch);
  [[nodiscard]] InlineAgent& StartInline(bool copied, Batch& batch);
  void HandOn(Batch& batch);

  std::string path_;
  FileName name_;
  const ingest::KeySet* copied_;
  Record record_;  // scratch

  std::optional<Conversation> main_;
  std::vector<InlineAgent> agents_;
  bool meta_found_ = false, meta_news_ = false;
  bool last_copied_ = true;  // the copies come first
  bool first_seen_ = false, first_user_seen_ = false;
  std::optional<UtcMillis> born_, handed_born_;
  std::vector<uint64_t> recent_;          // keys of the newest records, as a ring
  size_t oldest_ = 0;                     // of them
  std::vector<uint64_t> keys_, anchors_;  // for the session once it begins
};

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  ST_RETURN_IF_ERROR(DecodeRecord(line.text, parser, record_));
  ++batch.records_seen;
  if (record_.type == RecordType::kUnknown) ++batch.records_unknown;
  const std::optional<UtcMillis> at = record_.at();
  if (at.has_value() && (!born_.has_value() || *at < *born_)) born_ = at;
  if (record_.conversation()) ReadConversation(line, at, batch);
  return absl::OkStatus();
}

void Reader::ReadConversation(const ingest::Line& line, std::optional<UtcMillis> at, Batch& batch) {
  if (!main_.has_value()) Begin();
  if (main_->ignored()) return;
  if (std::exchange(meta_news_, false)) main_->RepeatIdentity(batch);
  const uint64_t key = record_.uuid.empty() ? 0 : RecordKey(record_.uuid.escaped());
  if (IsRepeated(key)) return;
  const bool copied = IsCopy(key);
  if (key != 0) AddKeys(key, copied);
  if (name_.agent_id.empty()) NoteOrigin(batch);
  Conversation& conversation = Select(key, copied, batch);
  if (HasShape(record_)) {
    conversation.Apply({.record = record_, .line = line, .at = at, .copied = copied}, batch);
    if (record_.type != RecordType::kAttachment || IsListing(record_)) ++batch.records_used;
  } else if (!copied) {
    batch.bad_lines.push_back(ingest::WrongShape(line.offset, line.line_no, line.text));
  }
  HandOn(batch);
}

// Names the conversation by the first record. A file is named after its
// session; records of another session in it are copies from there.
void Reader::Begin() {
  const std::string recorded = record_.session_id.ToString();
  if (name_.agent_id.empty()) {
    const bool by_name = recorded.empty() || IsUuid(name_.stem);
    main_.emplace(Identity{.id = by_name ? name_.stem : recorded,
                           .kind = SessionKind::kMain,
                           .links = {},
                           .agent_type = ""});
    return;
  }
  Identity identity{
      .id = "", .kind = SessionKind::kSubagent, .links = {}, .agent_type = "", .depth = 1};
  identity.links.root_id = recorded.empty() ? name_.session_dir : recorded;
  identity.links.prompt_native_id = record_.prompt_id.ToString();
  identity.id = identity.links.root_id + ":agent:" + name_.agent_id;
  main_.emplace(std::move(identity));
  LookAtMeta();
  meta_news_ = false;
}

// The side file `agent-<id>.meta.json` ties an agent to the call that started it.
void Reader::LookAtMeta() {
  if (name_.agent_id.empty() || meta_found_ || !main_.has_value()) return;
  std::string path = path_;
  if (path.ends_with(".jsonl")) path.resize(path.size() - 6);
  const auto text = base::ReadFile(path + ".meta.json", kMaxMetaBytes);
  if (!text.ok()) return;  // old releases write none
  const auto meta = JsonValue::Parse(*text);
  if (!meta.ok()) return;  // being written; tried again at the next read
  meta_found_ = meta_news_ = true;
  Identity identity = main_->identity();
  identity.agent_type = (*meta)["agentType"].AsString();
  identity.links.spawn_call_id = (*meta)["toolUseId"].AsString();
  identity.depth =
      static_cast<int32_t>(std::clamp<int64_t>((*meta)["spawnDepth"].AsInt(1), 1, 1000));
  // Deeper down another agent made the call; its id, or the result that names
  // this agent, tells which.
  if ((*meta)["spawnDepth"].AsInt() == 1) identity.links.parent_id = identity.links.root_id;
  main_->set_identity(std::move(identity));
}

// A record that the host wrote into this file a second time says nothing new.
bool Reader::IsRepeated(uint64_t key) {
  if (key == 0 || !CountsOnce(record_)) return false;
  if (std::find(recent_.begin(), recent_.end(), key) != recent_.end()) return true;
  if (recent_.size() < kRecent) {
    recent_.push_back(key);
  } else {
    recent_[oldest_] = key;
    oldest_ = (oldest_ + 1) % kRecent;
  }
  return false;
}

bool Reader::IsCopy(uint64_t key) {
  if (copied_ == nullptr) return false;
  if (key == 0 || !CountsOnce(record_)) return last_copied_;
  return last_copied_ = copied_->contains(key);
}

void Reader::AddKeys(uint64_t key, bool copied) {
  if (CountsOnce(record_) && !copied) keys_.push_back(key);
  if (record_.sidechain && name_.agent_id.empty()) return;
  const bool first = !std::exchange(first_seen_, true);
  const bool first_user =
      record_.type == RecordType::kUser && !std::exchange(first_user_seen_, true);
  if (first || first_user || record_.is_root || record_.subtype.Is("compact_boundary")) {
    anchors_.push_back(key);
  }
}

// Copies of answers name the session of their request.
void Reader::NoteOrigin(Batch& batch) {
  for (const RawText& id : {record_.request_session_id, record_.session_id}) {
    if (id.empty() || id.Is(main_->identity().id)) continue;
    if (id.Is(main_->identity().links.forked_from)) return;
    Identity identity = main_->identity();
    identity.links.forked_from = id.ToString();
    main_->set_identity(std::move(identity));
    main_->RepeatIdentity(batch);
    return;
  }
}

Conversation& Reader::Select(uint64_t key, bool copied, Batch& batch) {
  if (!record_.sidechain || !name_.agent_id.empty()) return *main_;
  InlineAgent* agent = nullptr;
  const uint64_t parent = RecordKey(record_.parent_uuid.escaped());
  for (InlineAgent& known : agents_) {
    const std::vector<uint64_t>& tail = known.tail;
    if (std::find(tail.begin(), tail.end(), parent) != tail.end()) agent = &known;
  }
  // A chain whose parent is not known any more goes on with the newest agent.
  if (agent == nullptr && !record_.is_root && !agents_.empty()) agent = &agents_.back();
  if (agent == nullptr) agent = &StartInline(copied, batch);
  if (agent->tail.size() >= kAgentTail) agent->tail.erase(agent->tail.begin());
  agent->tail.push_back(key);
  return agent->conversation;
}

// An agent inside the session's file is named after its first record.
InlineAgent& Reader::StartInline(bool copied, Batch& batch) {
  const std::string& session = main_->identity().id;
  Identity identity{.id = session + ":agent:" + record_.uuid.ToString(),
                    .kind = SessionKind::kSubagent,
                    .links = {},
                    .agent_type = "",
                    .depth = 1};
  identity.links.parent_id = identity.links.root_id = session;
  identity.links.prompt_native_id = record_.prompt_id.ToString();
  if (!copied) {
    identity.links.spawn_call_id =
        main_->LinkAgent(RecordKey(record_.MessageText()), identity.id, identity.agent_type, batch);
  }
  if (agents_.size() >= kMaxInlineAgents) agents_.erase(agents_.begin());
  agents_.push_back({.conversation = Conversation(std::move(identity)), .tail = {}});
  return agents_.back();
}

// What belongs to the session of the file, not to a record of it.
void Reader::HandOn(Batch& batch) {
  if (!main_->begun()) return;
  if (keys_.empty() && anchors_.empty() && handed_born_ == born_) return;
  ingest::SessionFacts& facts = main_->Facts(batch);
  facts.record_keys.insert(facts.record_keys.end(), keys_.begin(), keys_.end());
  facts.anchors.insert(facts.anchors.end(), anchors_.begin(), anchors_.end());
  keys_.clear();
  anchors_.clear();
  facts.born = handed_born_ = born_;
}

std::string Reader::SaveState() const {
  JsonWriter w;
  w.BeginObject().Field("reader", "claude_code").Field("version", kReaderVersion);
  SaveFlag(w, "meta_found", meta_found_);
  SaveFlag(w, "own", !last_copied_);
  SaveFlag(w, "first", first_seen_);
  SaveFlag(w, "first_user", first_user_seen_);
  SaveTime(w, "born", born_);
  SaveTime(w, "handed_born", handed_born_);
  std::vector<uint64_t> recent = recent_;
  std::rotate(recent.begin(), recent.begin() + static_cast<ptrdiff_t>(oldest_), recent.end());
  SaveKeys(w, "recent", recent);
  SaveKeys(w, "keys", keys_);
  SaveKeys(w, "anchors", anchors_);
  if (main_.has_value()) main_->Save(w.Key("main"));
  if (!agents_.empty()) {
    w.Key("agents").BeginArray();
    for (const InlineAgent& agent : agents_) {
      w.BeginObject();
      SaveKeys(w, "tail", agent.tail);
      agent.conversation.Save(w.Key("conversation"));
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
  return std::move(w).Take();
}

Status Reader::Restore(std::string_view saved) {
  ST_ASSIGN_OR_RETURN(const JsonValue state, JsonValue::Parse(saved));
  if (state["reader"].AsString() != "claude_code" || state["version"].AsInt() != kReaderVersion) {
    return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
  }
  meta_found_ = state["meta_found"].AsBool();
  last_copied_ = !state["own"].AsBool();
  first_seen_ = state["first"].AsBool();
  first_user_seen_ = state["first_user"].AsBool();
  born_ = LoadTime(state["born"]);
  handed_born_ = LoadTime(state["handed_born"]);
  recent_ = LoadKeys(state["recent"]);
  keys_ = LoadKeys(state["keys"]);
  anchors_ = LoadKeys(state["anchors"]);
  if (state["main"].is_object()) main_ = Conversation::Load(state["main"]);
  for (const JsonValue& item : state["agents"].items()) {
    agents_.push_back(
        {.conversation = Conversation::Load(item["conversation"]), .tail = LoadKeys(item["tail"])});
  }
  LookAtMeta();
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<ingest::LineReader>> OpenTranscript(const ingest::ReaderOptions& options) {
  auto reader = std::make_unique<Reader>(options);
  if (!options.saved_state.empty()) {
    ST_RETURN_IF_ERROR(reader->Restore(options.saved_state));
  }
  return std::unique_ptr<ingest::LineReader>(std::move(reader));
}

}  // namespace selftune::hosts::claude_code
