// Writes batches: facts, labels drawn from what people said, and the cursor,
// in one transaction.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "ingest/facts.h"
#include "store/ingest_writer.h"
#include "store/source_ledger.h"
#include "sync/parallel_reader.h"
#include "sync/plan.h"

namespace selftune::sync {

// A file being applied.
struct ApplyState {
  const WorkItem* item = nullptr;
  store::SourceId source;
  int64_t generation = 1;
  bool rereading = false;  // rows of an older generation are swept at the end
  // Seen in this read, with what is added to the reader's numbers of prompts.
  std::map<std::string, int32_t, std::less<>> sessions;
  int64_t bad_lines = 0;
  bool set_aside = false;  // another file holds records of this session too
  // Sessions that a better source tells.
  std::set<std::string, std::less<>> left_out;
};

class Applier {
 public:
  // `installed`: names of the skills of all hosts, for what prompts say about them.
  Applier(store::Db& db, std::vector<std::string> installed, UtcMillis now);

  // Everything below belongs into a WriteTxn.
  [[nodiscard]] StatusOr<ApplyState> Begin(const WorkItem& item, int64_t min_generation);
  [[nodiscard]] Status Apply(ApplyState& state, const ReadChunk& chunk);
  // A file of which nothing could be read: what is stored of it, and where to go
  // on, stays, with the error; the next run tries again.
  [[nodiscard]] Status Unreadable(const WorkItem& item, const Status& why);
  // A file whose reading broke off.
  [[nodiscard]] Status Failed(const ApplyState& state, const Status& why);

  // Skills asked for by names that were not installed as far as was known: the
  // sessions that were read may have told where to look. In a WriteTxn.
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  [[nodiscard]] Status AddWaiting(std::vector<std::string> installed);

  // Files that were set aside since the last call: to be read with the others.
  [[nodiscard]] std::vector<store::SourceId> TakeSetAside();

  [[nodiscard]] store::IngestWriter& writer() { return writer_; }
  [[nodiscard]] const std::shared_ptr<const std::vector<std::string>>& installed() const {
    return installed_;
  }
  // How a file tells: a history of prompts knows less than a transcript.
  [[nodiscard]] static Capture CaptureOf(const ApplyState& state);

 private:
  struct Waiting {
    store::SessionPk session;
    Capture capture;
    ingest::SkillFact skill;
    store::Provenance origin;  // of its file; `skill` says the place
  };

  [[nodiscard]] StatusOr<bool> IsToldByOthers(const ApplyState& state,
                                              const store::SessionSource& owner);
  [[nodiscard]] Status Sweep(const ApplyState& state);
  [[nodiscard]] Status SetAside(ApplyState& state, const store::SessionSource& owner);
  [[nodiscard]] StatusOr<bool> Tied(const ApplyState& state, const store::SessionSource& owner);
  [[nodiscard]] StatusOr<int32_t> Shift(const ApplyState& state, store::SessionPk session);
  [[nodiscard]] Status BeginWhole(ApplyState& state, const ingest::SessionFacts& facts);
  [[nodiscard]] Status TakeOver(ApplyState& state, const store::SessionSource& owner);
  [[nodiscard]] StatusOr<store::SessionPk> OpenSession(ApplyState& state,
                                                       const ingest::SessionFacts& facts);
  [[nodiscard]] Status ApplySession(ApplyState& state, const ingest::SessionFacts& facts);
  [[nodiscard]] Status AddFacts(ApplyState& state, store::SessionPk session,
                                const ingest::SessionFacts& facts);
  [[nodiscard]] StatusOr<store::SourceId> SourceOf(const WorkItem& item);
  [[nodiscard]] StatusOr<bool> AddPrompts(const ApplyState& state, store::SessionPk session,
                                          const ingest::SessionFacts& facts);
  [[nodiscard]] Status AddSignals(store::SessionPk session, const ingest::SessionFacts& facts,
                                  bool anew);
  [[nodiscard]] bool IsInstalled(std::string_view skill) const;
  [[nodiscard]] Status AddSkills(ApplyState& state, store::SessionPk session,
                                 const ingest::SessionFacts& facts);
  [[nodiscard]] Status AddNameless(ApplyState& state, const ingest::SkillFact& skill);
  [[nodiscard]] Status AddSkill(store::SessionPk session, Capture capture,
                                const ingest::SkillFact& skill, const store::Provenance& origin);
  [[nodiscard]] Status AddExposures(const ApplyState& state, store::SessionPk session,
                                    const ingest::SessionFacts& facts);
  [[nodiscard]] Status AddRest(const ApplyState& state, store::SessionPk session,
                               const ingest::SessionFacts& facts);
  [[nodiscard]] Status SaveCursor(const ApplyState& state, const ReadChunk& chunk);
  [[nodiscard]] const void* ListingTag(const std::shared_ptr<const ingest::Listing>& listing);

  store::Db& db_;
  store::IngestWriter writer_;
  std::shared_ptr<const std::vector<std::string>> installed_;
  std::vector<store::SourceId> set_aside_;
  std::vector<Waiting> waiting_;
  // Keeps listings alive whose address is used as a tag.
  std::deque<std::shared_ptr<const ingest::Listing>> tagged_;
};

}  // namespace selftune::sync
