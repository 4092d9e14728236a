// Checks of what was read.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "status/doctor_checks.h"
#include "status/freshness.h"
#include "store/commit_rows.h"
#include "store/queries/doctor.h"
#include "store/queries/skill_facts.h"
#include "store/queries/sources.h"
#include "store/source_ledger.h"
#include "sync/git_log.h"
#include "sync/sync.h"

namespace selftune::status {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kClockSlackMs = 5 * 60'000;
constexpr double kMaxBadShare = 0.01;
// A host that was updated may write a new kind of record that says nothing. More of them than
// this are worth a word; when they are the most, what they said is missing everywhere.
constexpr double kMaxUnknownShare = 0.01;
// Less than this share of so many is worth a word.
constexpr double kLeastShare = 0.8;
constexpr int64_t kFewestJudged = 20;

class FixedClock : public Clock {
 public:
  explicit FixedClock(UtcMillis now) : now_(now) {}
  [[nodiscard]] UtcMillis Now() const override { return now_; }

 private:
  UtcMillis now_;
};

Check FreshnessOf(const Freshness& freshness) {
  Check check{.name = "evidence.freshness"};
  if (!freshness.last_sync.has_value()) {
    check.status = CheckStatus::kWarn;
    check.message = "no sync has run to its end yet";
  } else {
    const int64_t hours = freshness.lag_ms.value_or(0) / kHourMs;
    check.message = hours == 0 ? "read within the last hour"
                               : fmt::format("the last sync was {} hours ago", hours);
    if (freshness.stale) check.status = CheckStatus::kWarn;
  }
  if (check.status == CheckStatus::kWarn) {
    check.text = "read what the hosts wrote since";
    check.command = "selftune sync";
  }
  return check;
}

// "12 files, 40 of 44 records understood, 4 skipped, schema 1.18.33"
std::string ReadSoFar(const store::SourceHealth& store) {
  std::string text = store.database.empty()
                         ? fmt::format("{} files", store.files + store.missing)
                         : fmt::format("the database {}", base::BaseName(store.database));
  text += fmt::format(", {} of {} records understood, {} skipped", store.used, store.records,
                      std::max<int64_t>(0, store.records - store.used));
  if (store.unknown > 0) text += fmt::format(" ({} of kinds nobody knows)", store.unknown);
  return text + (store.schema.empty() ? ", schema not told" : ", schema " + store.schema);
}

// What is there and was not understood: "" = most of it was.
std::string NotUnderstood(const store::SourceHealth& store) {
  if (store.bytes == 0) return "";
  if (store.used == 0 || !store.any_session) {
    return fmt::format("nothing of {} bytes was understood", store.bytes);
  }
  if (store.unknown > store.used) return "most of it was not understood";
  if (store.sessions >= store::kFewestSessions && !store.any_prompt) {
    return "none of its sessions has a prompt";
  }
  return "";
}

bool ManyUnknown(const store::SourceHealth& store) {
  return store.mostly_unknown > 0 ||
         static_cast<double>(store.unknown) >
             kMaxUnknownShare * static_cast<double>(store.used + store.unknown);
}

std::string SourcesOf(const store::SourceHealth& store) {
  return base::JoinCommand({"selftune", "evidence", "--sources", "--platform", store.platform});
}

void ExplainUnknown(const store::SourceHealth& store, CheckStatus status, const std::string& what,
                    Check& check) {
  check.status = status;
  check.message = what.empty() ? ReadSoFar(store) : what + ": " + ReadSoFar(store);
  if (store.mostly_unknown > 0 && store.database.empty()) {
    check.message += fmt::format("; of {} files at least half", store.mostly_unknown);
  }
  if (!store.error.empty()) check.message += "; " + store.error;
  check.path = !store.database.empty() ? store.database
               : !store.error.empty()  ? store.error_path
                                       : store.unknown_path;
  check.text = store.with_error > 0
                   ? "see what is wrong with it, file by file"
                   : "this version of the host writes what selftune does not read; see which "
                     "records, and update selftune";
  check.command = SourcesOf(store);
}

Check UnderstoodOf(const store::SourceHealth& store) {
  Check check{.name = fmt::format("evidence.{}", store.platform)};
  const double bad_share = store.records == 0 ? 0
                                              : static_cast<double>(store.bad_lines) /
                                                    static_cast<double>(store.records);
  check.message = ReadSoFar(store);
  if (std::string what = NotUnderstood(store); !what.empty()) {
    ExplainUnknown(store, CheckStatus::kFail, what, check);
  } else if (store.with_error > 0) {
    check.status = CheckStatus::kWarn;
    check.message =
        fmt::format("{} files could not be read, the first: {}", store.with_error, store.error);
    check.path = store.error_path;
    check.text = "see which";
    check.command = SourcesOf(store);
  } else if (bad_share > kMaxBadShare) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("{} of {} lines are no records", store.bad_lines, store.records);
    check.text = "see which";
    check.command = "selftune query 'SELECT path, line_no, reason FROM bad_lines'";
  } else if (ManyUnknown(store)) {
    ExplainUnknown(store, CheckStatus::kWarn, "", check);
  }
  return check;
}

// All that a hasty look can afford: a host of which nothing can be read now.
Status CheckBroken(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const std::string broken, store::FindBroken(**world.db, world.now));
  if (broken.empty() || broken == "hooks") return absl::OkStatus();
  out.push_back(
      {.name = "evidence." + broken,
       .status = CheckStatus::kFail,
       .message = "nothing of what it writes now was understood",
       .text = "see what is wrong with it, file by file",
       .command = base::JoinCommand({"selftune", "evidence", "--sources", "--platform", broken})});
  return absl::OkStatus();
}

// What transcripts that are gone would have told: said, where nothing worse is.
Status AddHistoryOnly(const DoctorWorld& world, const store::SourceHealth& store, Check& check) {
  if (check.status != CheckStatus::kPass) return absl::OkStatus();
  const auto source =
      std::ranges::find(world.sources, std::string_view(store.platform), &ingest::Source::platform);
  if (source == world.sources.end()) return absl::OkStatus();
  const std::string history = (*source)->PromptHistory(*world.env);
  if (history.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const store::HistoryOnly known,
                      store::KnownByHistoryAlone(**world.db, store.platform, history));
  if (known.sessions == 0) return absl::OkStatus();
  check.message +=
      fmt::format("; known by {} alone, their transcripts are gone: {} prompts of {} sessions",
                  base::BaseName(history), known.prompts, known.sessions);
  return absl::OkStatus();
}

// "Of the newest, 148 of 150 sessions have prompts and 60 of 61 skill uses a prompt; 3 of
// 80000 lines are no records"
Status CheckCoverage(const DoctorWorld& world, const std::vector<store::SourceHealth>& stores,
                     Checks& out) {
  ST_ASSIGN_OR_RETURN(const store::Coverage found, store::ReadCoverage(**world.db));
  int64_t bad = 0, lines = 0;
  for (const store::SourceHealth& store : stores) {
    bad += store.bad_lines;
    lines += store.records;
  }
  Check check{.name = "evidence.coverage"};
  check.message = fmt::format(
      "of the newest, {} of {} sessions have prompts and {} of {} skill uses a prompt; {} of {} "
      "lines are no records",
      found.with_prompts, found.sessions, found.with_prompt, found.uses, bad, lines);
  const auto low = [](int64_t part, int64_t whole) {
    return whole >= kFewestJudged &&
           static_cast<double>(part) < kLeastShare * static_cast<double>(whole);
  };
  if (lines > 0 && static_cast<double>(bad) > kMaxBadShare * static_cast<double>(lines)) {
    ST_ASSIGN_OR_RETURN(const store::BadLinePage page,
                        store::ListBadLines(**world.db, std::nullopt, {.limit = 1}));
    check.status = CheckStatus::kWarn;
    for (const store::BadLineItem& line : page.items) {
      check.path = line.path;
      check.message += fmt::format("; one of them: {} at byte {}", line.reason, line.offset);
    }
    check.text = "see which";
    check.command = "selftune evidence --bad-lines";
  } else if (found.nameless > 0) {
    check.status = CheckStatus::kWarn;
    check.message += fmt::format("; {} sessions have no id of their own", found.nameless);
    check.text = "several may count as one; see where they come from";
    check.command = "selftune evidence --sessions";
  } else if (low(found.with_prompts, found.sessions) || low(found.with_prompt, found.uses)) {
    check.status = CheckStatus::kInfo;
    check.text = "figures that need a prompt know less; read the transcripts again";
    check.command = "selftune sync --force";
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

// Hosts with files of which the ledger knows none.
void AddUnread(const DoctorWorld& world, const std::vector<store::SourceHealth>& known,
               Checks& out) {
  for (const ingest::Source* source : world.sources) {
    const bool read = std::any_of(known.begin(), known.end(), [&](const store::SourceHealth& host) {
      return host.platform == source->platform();
    });
    if (read || !source->Available(*world.env)) continue;
    std::vector<std::string> problems;
    const auto files = source->Discover(*world.env, problems);
    if (files.empty() && problems.empty()) continue;
    Check check{.name = fmt::format("evidence.{}", source->platform()),
                .status = CheckStatus::kWarn,
                .message = problems.empty()
                               ? fmt::format("{} files, none of them read yet", files.size())
                               : problems.front(),
                .text = "read them",
                .command = "selftune sync"};
    out.push_back(std::move(check));
  }
}

// Of sessions without hooks only the repositories know what they committed.
Status CheckCommits(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const store::CommitsLeft left, store::CountCommitsLeft(**world.db));
  Check check{.name = "evidence.commits",
              .message = "the logs of the repositories that sessions worked in are read"};
  if (left.refused > 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("commits of {} sessions: {}", left.refused, left.problem);
    check.text = "trust that folder, if it is yours, and ask again";
    check.command = "selftune sync --repair-only";
  } else if (left.due > 0) {
    const bool git = !sync::FindGit(*world.env).empty();
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("commits of {} sessions are not looked for yet{}", left.due,
                                git ? "" : ": git is not installed");
    check.text = git ? "look for them" : "with git a sync finds them";
    check.command = "selftune sync";
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

Status CheckPending(const DoctorWorld& world, Checks& out) {
  const FixedClock clock(world.now);
  const sync::SyncWorld sync_world{.env = world.env, .clock = &clock, .sources = world.sources};
  ST_ASSIGN_OR_RETURN(const sync::SyncReport plan, sync::Preview(*world.db, sync_world, {}));
  int64_t changed = 0;
  for (const sync::HostReport& host : plan.hosts) changed += host.changed;
  Check check{.name = "evidence.pending", .message = "every file is read to its end"};
  if (changed > 0) {
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("{} files are new or grew", changed);
    check.text = "read them";
    check.command = "selftune sync";
  }
  out.push_back(std::move(check));
  ST_ASSIGN_OR_RETURN(const auto shared, store::FindSharedSessionId(**world.db));
  Check mix{.name = "evidence.platform_mix", .message = "each session belongs to one host"};
  if (shared.has_value()) {
    mix.status = CheckStatus::kFail;
    mix.message = fmt::format("session {} is stored for {} and {}", shared->session_id,
                              shared->first, shared->second);
    mix.text = "one of them is read wrongly; please report it";
    mix.command = "selftune bugreport";
  }
  out.push_back(std::move(mix));
  return absl::OkStatus();
}

Status CheckClock(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const auto newest, store::NewestEvidence(**world.db));
  Check check{.name = "clock", .message = "not behind the evidence"};
  if (newest.has_value() && world.now.value < newest->value - kClockSlackMs) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("the newest evidence is of {}, the clock says {}",
                                FormatRfc3339(*newest), FormatRfc3339(world.now));
    check.text = "set the clock: windows and cool-downs go by it";
    check.command = "date -u";
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

}  // namespace

Status CheckEvidence(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  ST_ASSIGN_OR_RETURN(const Freshness freshness, ReadFreshness(**world.db, world.now));
  out.push_back(FreshnessOf(freshness));
  if (options.quick) {
    ST_RETURN_IF_ERROR(CheckBroken(world, out));
  } else {
    ST_ASSIGN_OR_RETURN(const std::vector<store::SourceHealth> hosts,
                        store::ReadSourceHealth(**world.db));
    for (const store::SourceHealth& host : hosts) {
      ST_RETURN_IF_ERROR(AddHistoryOnly(world, host, out.emplace_back(UnderstoodOf(host))));
    }
    AddUnread(world, hosts, out);
    ST_RETURN_IF_ERROR(CheckCoverage(world, hosts, out));
    ST_RETURN_IF_ERROR(CheckRetention(world, out));
    ST_RETURN_IF_ERROR(CheckCommits(world, out));
  }
  if (options.deep) ST_RETURN_IF_ERROR(CheckPending(world, out));
  if (options.deep) ST_RETURN_IF_ERROR(CheckCounted(world, out));
  if (options.deep) ST_RETURN_IF_ERROR(CheckHookCost(world, out));
  return CheckClock(world, out);
}

}  // namespace selftune::status
