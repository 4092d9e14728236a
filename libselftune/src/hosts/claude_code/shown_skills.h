// What the model of a session is offered, from record to record: listings,
// changes to them, and what a compaction took away.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/claude_code/record.h"
#include "ingest/facts.h"

namespace selftune::hosts::claude_code {

// A listing holds for the prompt in whose turn it is sent. The host writes it
// behind that prompt, or, after a compaction between two turns, in front of
// the next one: then it waits for it here.
class ShownSkills {
 public:
  // Where the session stands at a record.
  struct Moment {
    std::optional<int32_t> prompt_seq;  // empty: before the first own prompt
    int64_t turn = 0;
    bool turn_open = false;  // the model is still to answer
    std::optional<UtcMillis> at;
    ingest::Origin origin;
  };

  // A listing attachment.
  void OnListing(const Record& record, const Moment& now);
  void OnCompaction(const Moment& now);
  // A prompt of the session itself was sent, or a model answered: the facts
  // that wait become true for the prompt `prompt_seq`.
  void OnPrompt(std::optional<int32_t> prompt_seq);
  void OnAnswer(std::optional<int32_t> prompt_seq, int64_t turn);

  // Facts to hand on, empty afterwards.
  [[nodiscard]] std::vector<ingest::ExposureFact> TakeReady();
  [[nodiscard]] bool ready() const { return !ready_.empty(); }

  // Was `name` in a listing so far?
  [[nodiscard]] bool Listed(std::string_view name) const;

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static ShownSkills Load(const base::JsonValue& value);

 private:
  struct Compaction {
    int64_t turn = 0;
    bool in_turn = false;  // while the model worked
    std::optional<UtcMillis> at;
    ingest::Origin origin;
  };

  static ingest::ExposureFact Lost(const Compaction& compaction);
  void Remember(const ingest::Listing& listing, bool is_delta);
  void Emit(ingest::ExposureFact fact, std::optional<int32_t> prompt_seq);

  bool any_ = false;      // the session has shown a listing
  bool emitted_ = false;  // a fact was handed on
  std::optional<Compaction> compaction_;
  std::vector<ingest::ExposureFact> waiting_, ready_;
  std::vector<uint64_t> names_;  // keys of listed names
};

}  // namespace selftune::hosts::claude_code
