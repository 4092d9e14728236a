#include "orchestrate/run_record.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace selftune::orchestrate {

void WriteCounts(const RunReport& report, base::JsonWriter& out) {
  out.Field("total_skills", report.total_skills)
      .Field("evaluated", report.evaluated)
      .Field("evolved", report.evolved)
      .Field("deployed", report.deployed)
      .Field("watched", static_cast<int64_t>(report.watches.size()))
      .Field("skipped", report.skipped);
}

std::string MetricsOf(const RunReport& report) {
  base::JsonWriter out;
  out.BeginObject();
  WriteCounts(report, out);
  out.Field("graded", 0)
      .Field("rolled_back", std::count_if(report.watches.begin(), report.watches.end(),
                                          [](const WatchResult& w) { return w.rolled_back; }))
      .Field("signals_consumed", report.signals_consumed)
      .Field("llm_calls", report.spent.calls)
      .EndObject();
  return std::move(out).Take();
}

std::vector<store::JobAction> ActionsOf(const RunReport& report) {
  std::vector<store::JobAction> out;
  for (const SkillDecision& entry : report.decisions) {
    store::JobAction& action = out.emplace_back();
    action.skill = entry.decision.skill;
    action.action = entry.decision.action == Action::kEvolve ? "evolve" : "skip";
    action.reason = entry.improved.has_value()
                        ? entry.improved->reason_code + ": " + entry.improved->reason
                        : std::string(entry.decision.reason_code) + ": " + entry.decision.reason;
    if (!entry.error.ok()) action.alert = std::string(Message(entry.error));
    if (entry.improved.has_value()) {
      action.deployed = entry.improved->deployed;
      action.elapsed_ms = entry.elapsed_ms;
      action.llm_calls = entry.improved->spent.calls;
    }
  }
  for (const WatchResult& watch : report.watches) {
    store::JobAction& action = out.emplace_back();
    action.skill = watch.view.row.skill;
    action.action = "watch";
    action.reason = watch.view.row.state;
    action.rolled_back = watch.rolled_back;
    if (watch.regressed) action.alert = watch.view.row.reason;
    if (!watch.error.ok()) action.alert += (action.alert.empty() ? "" : "; ") + watch.detail;
  }
  return out;
}

}  // namespace selftune::orchestrate
