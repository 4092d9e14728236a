// The events of one session into facts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/entry_tree.h"
#include "hosts/openclaw/record.h"
#include "hosts/openclaw/session_info.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::hosts::openclaw {

class Transcript {
 public:
  // `copied`: records that sessions own which this one was copied from; nullptr = none.
  Transcript(const SessionInfo& info, const ingest::KeySet* copied);

  // One event, followed by 64 readable bytes, in the order of the store. False:
  // it is of no known kind. Fails when it is no JSON object.
  [[nodiscard]] StatusOr<bool> Add(std::string_view text, ingest::Origin origin,
                                   base::LineParser& parser, ingest::Batch& batch);
  // How the store says the last run ended (done failed killed timeout), for a turn
  // whose events do not tell.
  void EndRun(std::string_view status, std::optional<UtcMillis> at, ingest::Batch& batch);

  // Were facts written?
  [[nodiscard]] bool begun() const { return dialogue_.begun(); }
  [[nodiscard]] bool has_header() const { return has_header_; }
  [[nodiscard]] int64_t version() const { return version_; }
  [[nodiscard]] const std::string& id() { return dialogue_.who().id; }
  // Becomes known with the header.
  void SetInfo(const SessionInfo& info);

  void Save(base::JsonWriter& w) const;  // fields of an object
  void Load(const base::JsonValue& value);

 private:
  void OnHeader(const Dialogue::Moment& now);
  void OnUser(const Dialogue::Moment& now, ingest::Batch& batch);
  void OnAssistant(const Dialogue::Moment& now, ingest::Batch& batch);
  void OnToolResult(const Dialogue::Moment& now, ingest::Batch& batch);
  void OnCopy();
  void AddUsage(bool overhead, ingest::Batch& batch);
  void ShowListing(const Dialogue::Moment& now, ingest::Batch& batch);
  [[nodiscard]] const ingest::Listing* Offered();
  void NamePath(ingest::Batch& batch);
  void TellKind(ingest::Batch& batch);
  void TellKeys(ingest::Batch& batch);
  [[nodiscard]] bool IsCopy(ingest::Batch& batch);
  [[nodiscard]] ShellPlace Place() const;

  SessionInfo info_;
  const ingest::KeySet* copied_;
  Record record_;                                   // scratch
  std::shared_ptr<const ingest::Listing> listing_;  // once it was asked for
  Dialogue dialogue_;
  EntryTree tree_;
  std::optional<int32_t> entered_;  // prompt of the event at hand
  bool has_header_ = false, shown_ = false;
  bool any_person_ = false, any_host_ = false;  // who wrote prompts so far
  bool any_entry_ = false;
  int64_t version_ = 0;
  std::optional<UtcMillis> born_;
  std::vector<uint64_t> keys_, anchors_;  // for the session once it begins
};

}  // namespace selftune::hosts::openclaw
