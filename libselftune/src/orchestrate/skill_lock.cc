#include "orchestrate/skill_lock.h"

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "evolution/record.h"
#include "store/evolution_log.h"

namespace selftune::orchestrate {

std::string RunHolder(std::string_view run_id, UtcMillis started, UtcMillis now) {
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("host", base::ToValidUtf8(host))
      .Field("run_id", run_id)
      .Field("started_at", started)
      .Field("heartbeat_at", now)
      .EndObject();
  return std::move(holder).Take();
}

StatusOr<base::LockFile> LockRuns(const std::string& state_dir, std::string_view run_id,
                                  UtcMillis now) {
  const std::string dir = base::JoinPath(state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  return base::LockFile::TryAcquire(base::JoinPath(dir, "orchestrate.lock"),
                                    RunHolder(run_id, now, now));
}

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
