#include "hosts/openclaw/workshop.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "hosts/common/foreign_db.h"
#include "hosts/registry.h"
#include "hosts/rows.h"

namespace selftune::hosts::openclaw {
namespace {

using ingest::PendingChange;

constexpr std::string_view kProposals = "skill_workshop_proposals";
constexpr std::string_view kTables[] = {kProposals};
constexpr int kAttempts = 3;  // while the host writes over what is read

struct Found {
  std::vector<PendingChange> changes;
  std::vector<std::string> problems;
};

StatusOr<Found> Read(const std::string& path) {
  Found out;
  ST_ASSIGN_OR_RETURN(const auto db, ForeignDb::Open(path, kTables));
  if (!db->Has(kProposals)) return out;  // from before there was a workshop
  const std::string missing = db->Missing(kProposals, {"proposal_id", "status", "record_json"});
  if (!missing.empty()) {
    out.problems.push_back(fmt::format("{}: it has no {}", path, missing));
    return out;
  }
  ST_ASSIGN_OR_RETURN(ForeignQuery rows,
                      db->Query("SELECT proposal_id,record_json FROM skill_workshop_proposals "
                                "WHERE status='pending' ORDER BY proposal_id"));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    const std::string id = rows.String(0);
    const auto record = base::JsonValue::Parse(rows.Text(1));
    std::string file = record.ok() ? (*record)["target"]["skillFile"].AsString() : std::string();
    if (file.empty()) {
      out.problems.push_back(fmt::format("{}: proposal {} names no file of a skill", path, id));
      continue;
    }
    out.changes.push_back({.skill_file = std::move(file),
                           .what = fmt::format("OpenClaw's skill workshop has proposal {}", id),
                           .command = "openclaw skills workshop list"});
  }
  ST_RETURN_IF_ERROR(db->CheckUnchanged());
  return out;
}

}  // namespace

std::vector<PendingChange> PendingProposals(const base::Environment& env,
                                            std::vector<std::string>& problems) {
  const std::string folder = ConfigDir(kOpenClawRow, env);
  const std::string path = base::JoinPath(folder, "state/openclaw.sqlite");
  if (folder.empty() || !base::Exists(path)) return {};
  StatusOr<Found> found = Read(path);
  for (int i = 1; i < kAttempts && !found.ok() && CodeOf(found.status()).name == kFileChanged.name;
       ++i) {
    found = Read(path);
  }
  if (!found.ok()) {
    problems.emplace_back(Message(found.status()));
    return {};
  }
  problems.insert(problems.end(), found->problems.begin(), found->problems.end());
  return std::move(found->changes);
}

}  // namespace selftune::hosts::openclaw
