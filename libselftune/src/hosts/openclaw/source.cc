#include "hosts/openclaw/source.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "hosts/common/folders.h"
#include "hosts/common/foreign_db.h"
#include "hosts/common/zstd_bytes.h"
#include "hosts/openclaw/reader.h"
#include "hosts/openclaw/store.h"
#include "hosts/openclaw/workshop.h"
#include "hosts/registry.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kLines = ".jsonl";
constexpr std::string_view kStore = "openclaw-agent.sqlite";
constexpr std::string_view kCounted[] = {"skill_usage"};

bool IsCompressed(std::string_view name) { return name.ends_with(".zst"); }

// <id>.jsonl; <id>.jsonl.reset.<time> and <id>.jsonl.deleted.<time>, which may be
// compressed. Not <id>.trajectory.jsonl, a log for finding faults.
bool IsTranscript(std::string_view name) {
  const size_t end = name.find(kLines);
  if (end == std::string_view::npos || end == 0) return false;
  if (name.substr(0, end).find('.') != std::string_view::npos) return false;
  const std::string_view rest = name.substr(end + kLines.size());
  return rest.empty() || rest == ".zst" || rest.starts_with(".reset.") ||
         rest.starts_with(".deleted.");
}

bool IsArchive(std::string_view name) {
  return name.find(".jsonl.reset.") != std::string_view::npos ||
         name.find(".jsonl.deleted.") != std::string_view::npos;
}

class OpenClaw : public ingest::Source {
 public:
  std::string_view platform() const override { return "openclaw"; }
  std::string_view parser_name() const override { return "openclaw/store"; }
  int parser_version() const override { return 1; }

  bool Available(const base::Environment& env) const override {
    const std::string agents = Agents(env);
    return !agents.empty() && base::Exists(agents);
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    const std::string agents = Agents(env);
    if (agents.empty()) return files;
    for (const base::DirEntry& agent : EntriesOf(agents, problems)) {
      if (!agent.maybe_dir) continue;
      const std::string folder = base::JoinPath(agents, agent.name);
      const std::string store = base::JoinPath(base::JoinPath(folder, "agent"), kStore);
      if (base::Exists(store)) files.push_back(Describe(store));
      const std::string sessions = base::JoinPath(folder, "sessions");
      bool any = false;
      for (const base::DirEntry& entry : EntriesOf(sessions, problems)) {
        if (!entry.maybe_file || !IsTranscript(entry.name)) continue;
        files.push_back(Describe(base::JoinPath(sessions, entry.name)));
        any = true;
      }
      std::string damage = any ? index_.Damage(sessions) : std::string();
      if (!damage.empty()) problems.push_back(std::move(damage));
    }
    return Sorted(std::move(files));
  }

  ingest::SourceFile Describe(std::string path) const override {
    const std::string name(base::BaseName(path));
    const bool rows = name.ends_with(".sqlite");
    std::string beside = rows ? std::string() : index_.DigestOf(path);
    return {.path = std::move(path),
            .kind = rows ? "sqlite" : "transcript",
            .archived = IsArchive(name),
            .replaced_whole = IsCompressed(name),
            .rows = rows,
            .beside = std::move(beside)};
  }

  std::string Identity(const std::string& path) const override {
    const size_t name = path.rfind('/') + 1;
    const size_t end = path.find(kLines, name);
    return end == std::string::npos ? path : path.substr(0, end + kLines.size());
  }

  StatusOr<base::FileInfo> Look(const ingest::SourceFile& file) const override {
    return file.rows ? LookAtForeignDb(file.path) : base::Stat(file.path);
  }

  StatusOr<std::unique_ptr<ingest::ByteStream>> OpenBytes(const ingest::SourceFile& file,
                                                          uint64_t size) const override {
    return file.replaced_whole ? OpenZstd(file.path, size) : ingest::OpenPlain(file.path, size);
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return openclaw::OpenTranscript(options, index_);
  }

  StatusOr<std::vector<ingest::HostCount>> CountedUses(
      const base::Environment& env) const override {
    std::vector<ingest::HostCount> out;
    const std::string state = base::JoinPath(ConfigDir(kOpenClawRow, env), "state/openclaw.sqlite");
    if (!base::Exists(state)) return out;
    ST_ASSIGN_OR_RETURN(const auto db, ForeignDb::Open(state, kCounted));
    if (!db->Has("skill_usage", {"skill_name", "use_count"})) return out;
    ST_ASSIGN_OR_RETURN(ForeignQuery rows, db->Query("SELECT skill_name,sum(use_count) FROM "
                                                     "skill_usage GROUP BY 1 ORDER BY 1"));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out.push_back({.skill = rows.String(0), .uses = rows.Int(1)});
    }
    ST_RETURN_IF_ERROR(db->CheckUnchanged());
    return out;
  }

  std::vector<ingest::PendingChange> PendingChanges(
      const base::Environment& env, std::vector<std::string>& problems) const override {
    return openclaw::PendingProposals(env, problems);
  }

  StatusOr<std::unique_ptr<ingest::StoreReader>> OpenStore(
      const ingest::StoreOptions& options) const override {
    return openclaw::MakeStoreReader(options);
  }

 private:
  static std::string Agents(const base::Environment& env) {
    const std::string state = ConfigDir(kOpenClawRow, env);
    return state.empty() ? state : base::JoinPath(state, "agents");
  }

  openclaw::SessionIndex index_;
};

}  // namespace

const ingest::Source& OpenClawSource() {
  // Never destroyed: threads may read it when the process ends.
  static const OpenClaw& source = *new const OpenClaw;
  return source;
}

}  // namespace selftune::hosts
