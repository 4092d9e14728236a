// What model calls cost, and what a proposal was tested with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"

namespace selftune::store {

enum class UsageBy { kPurpose, kModel, kSkill };

struct UsageRow {
  std::string key;  // "" = unknown
  int64_t calls = 0, failed = 0;
  std::optional<int64_t> input_tokens, output_tokens;  // of the calls that say
  std::optional<int64_t> cost_micro_usd;
  int64_t with_cost = 0;  // calls whose cost is known
};
[[nodiscard]] StatusOr<std::vector<UsageRow>> ReadUsage(Db& db, UsageBy by,
                                                        const TimeWindow& window);

struct ProposalTest {
  std::string action;      // the step that carries it
  std::string validation;  // JSON, "" = none
  std::string snapshot;    // JSON, "" = none
  std::string mode, agent;
  std::optional<int64_t> iterations;
};
// The newest test of the proposal; empty when it was never tested.
[[nodiscard]] StatusOr<std::optional<ProposalTest>> ReadProposalTest(Db& db,
                                                                     std::string_view proposal_id);

}  // namespace selftune::store
