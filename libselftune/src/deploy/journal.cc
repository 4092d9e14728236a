#include "deploy/journal.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;
constexpr uint64_t kMaxIntentBytes = 1 << 20;
constexpr int kSchema = 1;

std::string JournalRoot(std::string_view state_dir) { return base::JoinPath(state_dir, "deploy"); }

void WriteTarget(base::JsonWriter& out, const IntentTarget& target) {
  out.BeginObject()
      .Field("path", target.path)
      .Field("dev", static_cast<int64_t>(target.dev))
      .Field("ino", static_cast<int64_t>(target.inode))
      .Field("mode", static_cast<int64_t>(target.mode))
      .Field("old_sha256", target.old_sha256)
      .Field("new_sha256", target.new_sha256)
      .Field("size_old", static_cast<int64_t>(target.old_size))
      .Field("size_new", static_cast<int64_t>(target.new_size))
      .Field("git_head", target.git_head)
      .Field("git_blob", target.git_blob)
      .EndObject();
}

std::string ToJson(const Intent& intent) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("schema", kSchema)
      .Field("deploy_id", intent.deploy_id)
      .Field("proposal_id", intent.proposal_id)
      .Field("skill", intent.skill)
      .Field("kind", Word(intent.kind))
      .Field("undoes", intent.undoes)
      .Field("created_ms", intent.created.value)
      .Key("targets")
      .BeginArray();
  for (const IntentTarget& target : intent.targets) WriteTarget(out, target);
  out.EndArray().EndObject();
  return std::move(out).Take();
}

IntentTarget ReadTarget(const base::JsonValue& value) {
  return {.path = value["path"].AsString(),
          .dev = static_cast<uint64_t>(value["dev"].AsInt()),
          .inode = static_cast<uint64_t>(value["ino"].AsInt()),
          .mode = static_cast<uint32_t>(value["mode"].AsInt()),
          .old_sha256 = value["old_sha256"].AsString(),
          .new_sha256 = value["new_sha256"].AsString(),
          .old_size = static_cast<uint64_t>(value["size_old"].AsInt()),
          .new_size = static_cast<uint64_t>(value["size_new"].AsInt()),
          .git_head = value["git_head"].AsString(),
          .git_blob = value["git_blob"].AsString()};
}

Status Damaged(const std::string& path, std::string_view what) {
  return WithSuggestion(Fail(kStoreCorrupt, "reading {}: {}", path, what),
                        "the record of this deploy is damaged; see which one it is",
                        "selftune doctor");
}

// The names Begin gives: "t0.old", "t12.new", and what an interrupted write
// leaves of "intent.json".
bool IsOurFile(std::string_view name) {
  if (name.starts_with(".selftune-tmp-")) return true;
  if (!name.starts_with('t') || !(name.ends_with(".old") || name.ends_with(".new"))) return false;
  const std::string_view number = name.substr(1, name.size() - 5);
  return !number.empty() && number.find_first_not_of("0123456789") == number.npos;
}

bool IsUlid(std::string_view name) {
  return name.size() == 26 &&
         name.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == name.npos;
}

}  // namespace

std::string_view Word(Kind kind) { return kind == Kind::kDeploy ? "deploy" : "rollback"; }

std::string_view Word(Ending ending) {
  switch (ending) {
    case Ending::kDeployed:
      return "deployed";
    case Ending::kAborted:
      return "aborted";
    case Ending::kConflicted:
      return "conflicted";
  }
  return "conflicted";
}

Journal::Journal(std::string_view state_dir, std::string_view deploy_id)
    : dir_(base::JoinPath(JournalRoot(state_dir), deploy_id)) {}

Status Journal::Begin(const Intent& intent, const std::vector<std::string>& old_bytes,
                      const std::vector<std::string>& new_bytes) const {
  ST_RETURN_IF_ERROR(base::MakeDirs(dir_, 0700));
  for (size_t i = 0; i < intent.targets.size(); ++i) {
    ST_RETURN_IF_ERROR(
        base::WriteFileNew(base::JoinPath(dir_, fmt::format("t{}.old", i)), old_bytes[i], 0600));
    ST_RETURN_IF_ERROR(
        base::WriteFileNew(base::JoinPath(dir_, fmt::format("t{}.new", i)), new_bytes[i], 0600));
  }
  ST_RETURN_IF_ERROR(
      base::WriteFileAtomic(base::JoinPath(dir_, "intent.json"), ToJson(intent), 0600));
  return base::SyncDir(std::string(base::DirName(dir_)));
}

Status Journal::End(Ending ending, std::string_view reason) const {
  base::JsonWriter out;
  out.BeginObject().Field("state", Word(ending)).Field("reason", reason).EndObject();
  return base::WriteFileAtomic(base::JoinPath(dir_, "state.json"), out.view(), 0600);
}

StatusOr<Intent> Journal::ReadIntent() const {
  const std::string path = base::JoinPath(dir_, "intent.json");
  ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxIntentBytes));
  const auto parsed = base::JsonValue::Parse(text);
  if (!parsed.ok()) return Damaged(path, Message(parsed.status()));
  const base::JsonValue& root = *parsed;
  if (root["schema"].AsInt() != kSchema || root["targets"].items().empty()) {
    return Damaged(path, "not an intent of this version");
  }
  Intent intent{.deploy_id = root["deploy_id"].AsString(),
                .proposal_id = root["proposal_id"].AsString(),
                .skill = root["skill"].AsString(),
                .kind = root["kind"].AsString() == "rollback" ? Kind::kRollback : Kind::kDeploy,
                .undoes = root["undoes"].AsString(),
                .created = {root["created_ms"].AsInt()},
                .targets = {}};
  for (const base::JsonValue& target : root["targets"].items()) {
    intent.targets.push_back(ReadTarget(target));
  }
  return intent;
}

StatusOr<std::string> Journal::Verified(std::string_view file, const std::string& sha256) const {
  const std::string path = base::JoinPath(dir_, file);
  ST_ASSIGN_OR_RETURN(std::string bytes, base::ReadFile(path, kMaxSkillBytes));
  if (base::Sha256Hex(bytes) == sha256) return bytes;
  return Damaged(path, fmt::format("its {} bytes are not those that were written down (SHA-256 {})",
                                   bytes.size(), sha256));
}

StatusOr<std::string> Journal::OldBytes(const Intent& intent, size_t target) const {
  return Verified(fmt::format("t{}.old", target), intent.targets[target].old_sha256);
}

StatusOr<std::string> Journal::NewBytes(const Intent& intent, size_t target) const {
  return Verified(fmt::format("t{}.new", target), intent.targets[target].new_sha256);
}

StatusOr<std::optional<Ending>> Journal::ReadEnding() const {
  const auto text = base::ReadFile(base::JoinPath(dir_, "state.json"), kMaxIntentBytes);
  if (!text.ok()) {
    if (CodeOf(text.status()).name == kFileNotFound.name) return std::optional<Ending>();
    return text.status();
  }
  const std::string path = base::JoinPath(dir_, "state.json");
  const auto root = base::JsonValue::Parse(*text);
  if (!root.ok()) return Damaged(path, Message(root.status()));
  for (const Ending ending : {Ending::kDeployed, Ending::kAborted, Ending::kConflicted}) {
    if ((*root)["state"].AsString() == Word(ending)) return std::optional<Ending>(ending);
  }
  return Damaged(path, "unknown state");
}

Status Journal::Discard() const {
  if (base::Exists(base::JoinPath(dir_, "intent.json"))) {
    return Fail(kConflicted, "discarding {}: it holds an intent", dir_);
  }
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(dir_));
  for (const base::DirEntry& entry : entries) {
    if (IsOurFile(entry.name)) continue;
    return WithSuggestion(
        Fail(kConflicted, "discarding {}: {} is none of its files", dir_, entry.name),
        "move away what is yours", "");
  }
  return base::RemoveTree(dir_);
}

StatusOr<std::vector<std::string>> ListJournals(std::string_view state_dir) {
  const auto entries = base::ListDir(JournalRoot(state_dir));
  std::vector<std::string> ids;
  if (!entries.ok()) {
    if (CodeOf(entries.status()).name == kFileNotFound.name) return ids;
    return entries.status();
  }
  // Ids are ULIDs: sorted by name is sorted by time.
  for (const base::DirEntry& entry : *entries) {
    if (entry.maybe_dir && IsUlid(entry.name)) ids.push_back(entry.name);
  }
  return ids;
}

}  // namespace selftune::deploy
