// Writes what an evolution does into the audit: every candidate with its fate, the
// look before it is made, the answers and the verdict behind it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "evolution/engine.h"
#include "store/db.h"

namespace selftune::evolution {

struct RecordContext {
  std::string run_id;
  std::string location;     // path of SKILL.md
  std::string file_sha256;  // raw, of the file the proposal was made from
  std::string agent;        // who judged
};

// Of one evolution. Every proposal it writes ends: as superseded, as rejected
// (by the constitution), or, if tested, as validated with its tier. A HOLD is
// validated too: it waits in the review queue with its numbers.
//
//   AuditTrail trail(db, input, context, clock);
//   const EvolveResult result = Evolve(caller, input, trail.Charge());
//   ST_RETURN_IF_ERROR(trail.Finish(result));
class AuditTrail {
 public:
  AuditTrail(store::Db& db, const EvolveInput& input, RecordContext context, const Clock& clock)
      : db_(db), input_(input), context_(std::move(context)), clock_(clock) {}

  // One transaction before the held-out test: the eval set, the candidates, the
  // look. The number of the look is read in it, so that no two get the same.
  [[nodiscard]] ChargeLook Charge();
  // One transaction at the end, whatever the end was.
  [[nodiscard]] Status Finish(const EvolveResult& result);
  // Of the candidate that was chosen; "" = none.
  [[nodiscard]] const std::string& best_proposal_id() const { return best_proposal_id_; }

 private:
  [[nodiscard]] StatusOr<ChargedLook> ChargeNow(const EvolveResult& result);
  [[nodiscard]] Status AddCandidates(const EvolveResult& result, const ChargedLook* look);
  [[nodiscard]] Status AddCandidate(const EvolveResult& result, size_t index,
                                    const ChargedLook* look);
  [[nodiscard]] Status EndBest(const EvolveResult& result);
  [[nodiscard]] Status AddFigures(const EvolveResult& result);
  [[nodiscard]] Status AddAnswers(const EvolveResult& result);

  store::Db& db_;
  const EvolveInput& input_;
  RecordContext context_;
  const Clock& clock_;
  std::string best_proposal_id_;
  bool charged_ = false;
};

// Ends proposals of the skill whose process died before it could. Their looks stay
// charged.
[[nodiscard]] Status EndUnfinished(store::Db& db, std::string_view skill, std::string_view run_id,
                                   UtcMillis now);

}  // namespace selftune::evolution
