#include "hosts/openclaw/reader.h"

#include <utility>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "hosts/openclaw/transcript.h"

namespace selftune::hosts::openclaw {
namespace {

constexpr uint64_t kMaxIndex = uint64_t{48} << 20;
constexpr uint64_t kMaxListing = uint64_t{4} << 20;
constexpr size_t kPadding = 64;

// <session id>.jsonl, and forms the host gives it later (<id>.jsonl.reset.<time>).
std::string IdOfFile(std::string_view path) {
  const std::string_view name = base::BaseName(path);
  return base::ToValidUtf8(name.substr(0, name.find(".jsonl")));
}

// The text of a listing lies in a file named by its hash; "" when that is none.
std::string ListingPath(std::string_view folder, const std::string& hash) {
  if (hash.size() < 3 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) return "";
  const std::string texts = base::JoinPath(std::string(folder), "skills-prompts/sha256");
  return base::JoinPath(base::JoinPath(texts, hash.substr(0, 2)), hash + ".txt");
}

std::string LoadListing(std::string_view folder, const std::string& hash) {
  const std::string path = ListingPath(folder, hash);
  if (path.empty()) return path;
  const auto text = base::ReadFile(path, kMaxListing);
  return text.ok() ? *text : std::string();
}

// Keys of spawning sessions become ids.
void LinkParents(std::map<std::string, std::string, std::less<>>& ids,
                 SessionIndex::Entries& entries) {
  for (auto& [id, info] : entries) {
    const auto parent = ids.find(info.spawned_by);
    if (parent != ids.end() && parent->second != id) info.parent_id = parent->second;
  }
}

std::shared_ptr<const SessionIndex::Entries> ReadIndex(const std::string& path,
                                                       std::string& damage) {
  auto entries = std::make_shared<SessionIndex::Entries>();
  damage.clear();
  auto text = base::ReadFile(path, kMaxIndex);
  if (!text.ok()) {
    damage = std::string(Message(text.status()));
    return entries;
  }
  const size_t size = text->size();
  text->append(kPadding, ' ');
  base::LineParser parser;
  std::map<std::string, std::string, std::less<>> ids;
  const Status parsed = parser.ForEachField(
      std::string_view(*text).substr(0, size), [&](std::string_view key, base::JsonField& value) {
        SessionInfo info;
        info.key = key;
        ReadEntryFields(value, info);
        if (info.id.empty()) return;
        ids.emplace(info.key, info.id);
        std::string id = info.id;
        entries->insert_or_assign(std::move(id), std::move(info));
      });
  if (!parsed.ok()) {  // perhaps it is being written
    damage = "reading " + path +
             ": it is cut off or no JSON object; which sessions are scheduled " +
             "or an agent's, and what they were offered, is not known until it is whole";
    return std::make_shared<SessionIndex::Entries>();
  }
  LinkParents(ids, *entries);
  return entries;
}

class Reader final : public ingest::LineReader {
 public:
  Reader(const ingest::ReaderOptions& options, const SessionIndex& index)
      : path_(options.file->path), transcript_(Known(index), options.copied) {}

  Status ReadLine(const ingest::Line& line, base::LineParser& parser,
                  ingest::Batch& batch) override {
    const bool header = transcript_.has_header();
    ST_ASSIGN_OR_RETURN(const bool known,
                        transcript_.Add(line.text, {.offset = line.offset, .line_no = line.line_no},
                                        parser, batch));
    ++batch.records_seen;
    ++(known ? batch.records_used : batch.records_unknown);
    if (!header && transcript_.has_header()) {
      batch.host_schema = "jsonl " + std::to_string(transcript_.version());
    }
    if (internal_ && transcript_.begun()) batch.Session(transcript_.id()).internal = true;
    return absl::OkStatus();
  }

  std::string SaveState() const override {
    base::JsonWriter w;
    w.BeginObject().Field("reader", "openclaw").Field("version", kReaderVersion);
    transcript_.Save(w);
    return std::move(w.EndObject()).Take();
  }

  Status Restore(std::string_view saved) {
    ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
    if (state["reader"].AsString() != "openclaw" || state["version"].AsInt() != kReaderVersion) {
      return Fail(kInvalidRequest, "reading {}: the saved state is of another reader", path_);
    }
    transcript_.Load(state);
    return absl::OkStatus();
  }

 private:
  SessionInfo Known(const SessionIndex& index) {
    const std::string id = IdOfFile(path_);
    const auto entries = index.Of(path_);
    const auto found = entries->find(id);
    SessionInfo info;
    if (found != entries->end()) info = found->second;
    info.id = id;
    if (info.listing_text.empty()) {
      info.listing_text = LoadListing(base::DirName(path_), info.listing_sha256);
    }
    internal_ = info.Internal();
    return info;
  }

  const std::string path_;
  bool internal_ = false;
  Transcript transcript_;
};

}  // namespace

std::shared_ptr<const SessionIndex::Entries> SessionIndex::Of(const std::string& transcript) const {
  const std::string path = base::JoinPath(base::DirName(transcript), "sessions.json");
  const auto info = base::Stat(path);
  if (!info.ok()) return std::make_shared<Entries>();
  const std::lock_guard lock(mutex_);
  if (entries_ != nullptr && path_ == path && size_ == info->size && mtime_ns_ == info->mtime_ns) {
    return entries_;
  }
  entries_ = ReadIndex(path, damage_);
  path_ = path;
  size_ = info->size;
  mtime_ns_ = info->mtime_ns;
  return entries_;
}

std::string SessionIndex::DigestOf(const std::string& transcript) const {
  const auto entries = Of(transcript);
  const auto found = entries->find(IdOfFile(transcript));
  if (found == entries->end()) return "";
  const SessionInfo& info = found->second;
  base::FieldHash digest("openclaw-entry-1");
  for (const std::string* field : {&info.key, &info.created_via, &info.spawned_by, &info.parent_id,
                                   &info.label, &info.listing_text, &info.listing_sha256}) {
    digest.Add(*field);
  }
  for (const std::string& name : info.listed) digest.Add(name);
  std::string out = fmt::format("{:016x}", digest.Key8());
  const std::string listing = ListingPath(base::DirName(transcript), info.listing_sha256);
  if (info.listing_text.empty() && !listing.empty() && base::Exists(listing)) out += "t";
  return out;
}

std::string SessionIndex::Damage(const std::string& folder) const {
  const auto known = Of(base::JoinPath(folder, "any.jsonl"));
  const std::lock_guard lock(mutex_);
  return known == entries_ ? damage_ : std::string();
}

StatusOr<std::unique_ptr<ingest::LineReader>> OpenTranscript(const ingest::ReaderOptions& options,
                                                             const SessionIndex& index) {
  auto reader = std::make_unique<Reader>(options, index);
  if (!options.saved_state.empty()) ST_RETURN_IF_ERROR(reader->Restore(options.saved_state));
  return std::unique_ptr<ingest::LineReader>(std::move(reader));
}

}  // namespace selftune::hosts::openclaw
