#include "monitoring/watch.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "monitoring/outcome.h"
#include "store/write_txn.h"

namespace selftune::monitoring {
namespace {

constexpr int64_t kBaselineDays = 60;
constexpr int64_t kBaselineSessions = 50;
constexpr int64_t kMaxSessions = 2000;
constexpr char kNoText[] = "unknown";  // no SHA-256 is written like this

struct Tally {
  int64_t good = 0, bad = 0, excluded = 0;
  std::set<int64_t> days;
  std::vector<store::WatchObservationRow> rows;
};

Tally Count(const std::vector<store::SkillSession>& sessions, std::string_view description_sha) {
  Tally tally;
  for (const store::SkillSession& session : sessions) {
    const Outcome outcome = JudgeSession(session, description_sha);
    store::WatchObservationRow& row = tally.rows.emplace_back();
    row.session = session.session;
    row.source = std::string(outcome.source);
    if (!outcome.good.has_value()) {
      ++tally.excluded;
      continue;
    }
    row.x = *outcome.good ? 1 : 0;
    ++(*outcome.good ? tally.good : tally.bad);
    tally.days.insert(DayOf(session.started));
  }
  return tally;
}

std::string_view StateOf(stats::WatchOutcome outcome) {
  switch (outcome) {
    case stats::WatchOutcome::kWatching:
      return "watching";
    case stats::WatchOutcome::kRegressed:
      return "regressed";
    case stats::WatchOutcome::kConfirmed:
      return "confirmed";
    case stats::WatchOutcome::kInconclusive:
      return "inconclusive";
  }
  return "watching";
}

std::string ReasonOf(const store::WatchRow& row) {
  return fmt::format(
      "{} of {} labelled sessions were bad (E_down {:.3f}, limit {:.0f}; E_up {:.3f})", row.f,
      row.n, row.e_down, 1 / row.alpha, row.e_up);
}

}  // namespace

Status StartWatch(store::Db& db, const WatchStart& start, UtcMillis now) {
  const UtcMillis from{now.value - kBaselineDays * kDayMs};
  ST_ASSIGN_OR_RETURN(std::vector<store::SkillSession> before,
                      store::ReadSkillSessions(db, start.skill, from, now, kMaxSessions));
  const std::string shown = base::Sha256Hex(start.description_before);
  // The newest labelled sessions only.
  int64_t good = 0;
  int64_t n = 0;
  for (auto it = before.rbegin(); it != before.rend() && n < kBaselineSessions; ++it) {
    const Outcome outcome = JudgeSession(*it, shown);
    if (!outcome.good.has_value()) continue;
    ++n;
    good += *outcome.good ? 1 : 0;
  }
  store::WatchRow row;
  row.deploy_id = start.deploy_id;
  row.skill = start.skill;
  row.content_sha256 = start.content_sha256;
  row.q = stats::WatchNullRate(good, n, start.delta);
  row.alpha = start.alpha;
  row.k0 = good;
  row.n0 = n;
  row.started = now;
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::InsertWatch(db, row, now));
  return txn.Commit();
}

StatusOr<WatchView> LookAt(store::Db& db, store::WatchRow row, const LookOptions& options,
                           UtcMillis now) {
  WatchView view;
  const bool open = row.state == "watching" || row.state == "suspended";
  // Only sessions that began after the deploy can have seen the new text.
  ST_ASSIGN_OR_RETURN(
      const std::vector<store::SkillSession> sessions,
      store::ReadSkillSessions(db, row.skill, {row.started.value + 1}, {INT64_MAX}, kMaxSessions));
  // An unknown text equals none that was shown.
  const std::string shown =
      options.description.has_value() ? base::Sha256Hex(*options.description) : kNoText;
  const Tally tally = Count(sessions, shown);
  if (open && options.alpha.has_value()) row.alpha = *options.alpha;
  if (open && options.delta.has_value()) {
    row.q = stats::WatchNullRate(row.k0, row.n0, *options.delta);
  }
  stats::WatchRules rules;
  rules.q = row.q;
  rules.alpha = row.alpha;
  const stats::WatchCounts counts{.bad = tally.bad,
                                  .good = tally.good,
                                  .distinct_days = static_cast<int64_t>(tally.days.size()),
                                  .distinct_sessions = tally.good + tally.bad,
                                  .age_days = (now.value - row.started.value) / kDayMs};
  view.decision = stats::DecideWatch(counts, rules);
  if (open) {
    row.f = tally.bad;
    row.s = tally.good;
    row.n = tally.bad + tally.good;
    row.excluded = tally.excluded;
    row.e_down = view.decision.e_down;
    row.e_up = view.decision.e_up;
    if (!options.file_is_deployed) {
      row.state = "superseded";
      row.reason = "the file was edited since the deploy";
    } else {
      row.state = std::string(StateOf(view.decision.outcome));
      row.reason = row.state == "watching" ? std::string() : ReasonOf(row);
    }
    if (row.state != "watching") row.decided = now;
    view.newly_regressed = row.state == "regressed";
  }
  // The rollback did not happen yet, and a person was faster: nothing of ours is
  // left to take back.
  const bool overtaken = row.rollback_due && !options.file_is_deployed;
  if (overtaken) {
    row.state = "superseded";
    row.reason = "the file was edited before it could be taken back";
    row.rollback_due = false;
    row.decided = now;
  }
  const auto labelled = static_cast<double>(tally.good + tally.bad);
  view.coverage = sessions.empty() ? 0 : labelled / static_cast<double>(sessions.size());
  if (options.write && (open || overtaken)) {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
    ST_RETURN_IF_ERROR(store::UpdateWatch(db, row));
    if (open) {
      ST_RETURN_IF_ERROR(store::PutWatchObservations(db, row.deploy_id, tally.rows, now));
    }
    ST_RETURN_IF_ERROR(txn.Commit());
  }
  view.row = std::move(row);
  return view;
}

}  // namespace selftune::monitoring
