// Records that name their parents, as a tree: which prompts lie on the branch
// that is alive.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/common/dialogue.h"
#include "ingest/facts.h"

namespace selftune::hosts {

// The living branch is the path from the newest record to its root. Records
// without ids are a line. Not thread-safe.
class EntryTree {
 public:
  // Before a record is applied: when it does not follow the one before it, the
  // dialogue goes back to the turn in which its parent stands.
  void Enter(std::string_view id, std::string_view parent, Dialogue& dialogue,
             ingest::Batch& batch);
  // After it was applied; `prompt`: the prompt that it is.
  void Leave(std::optional<int32_t> prompt, const Dialogue& dialogue);

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static EntryTree Load(const base::JsonValue& value);

 private:
  static constexpr int32_t kNone = -1;
  struct Turn {
    int32_t prompt = kNone;  // seq; kNone: before the first, or a copied prompt
    int32_t above = kNone;   // index of the turn it goes on from
    Dialogue::TurnState state = Dialogue::TurnState::kNone;
  };

  [[nodiscard]] int32_t TurnOf(uint64_t key) const;
  [[nodiscard]] std::vector<int32_t> PromptsAbove(int32_t turn) const;

  std::vector<uint64_t> keys_;                      // of all records, in file order
  std::vector<std::pair<uint64_t, int32_t>> runs_;  // from which record on which turn
  std::vector<Turn> turns_;
  int32_t turn_ = kNone;
  uint64_t last_ = 0;
};

}  // namespace selftune::hosts
