#include "orchestrate/skill_lock.h"

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "evolution/record.h"
#include "store/evolution_log.h"

namespace selftune::orchestrate {

StatusOr<base::LockFile> LockSkill(const std::string& state_dir, std::string_view skill,
                                   UtcMillis now) {
  const std::string dir = base::JoinPath(state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", now)
      .Field("skill", skill)
      .EndObject();
  const std::string key = base::Sha256Hex(base::AsciiLower(skill)).substr(0, 16);
  return base::LockFile::TryAcquire(base::JoinPath(dir, "evolve-" + key + ".lock"), holder.view());
}

Status EndDeadProposals(store::Db& db, const std::string& state_dir, std::string_view run_id,
                        UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> skills, store::SkillsWithUnfinished(db));
  for (const std::string& skill : skills) {
    const auto lock = LockSkill(state_dir, skill, now);
    if (!lock.ok() && CodeOf(lock.status()).name == kLockHeld.name) continue;
    ST_RETURN_IF_ERROR(lock.status());
    ST_RETURN_IF_ERROR(evolution::EndUnfinished(db, skill, run_id, now));
  }
  return absl::OkStatus();
}

}  // namespace selftune::orchestrate
