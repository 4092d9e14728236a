// What a store says about a session beside its events.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "ingest/facts.h"
#include "store/vocabulary.h"

namespace selftune::hosts::openclaw {

struct SessionInfo {
  std::string id, key;
  std::string created_via;  // operator spawn channel cron talk run plugin internal, "" = not said
  std::string spawned_by;   // key of the session whose agent started it
  std::string parent_id;    // id of that session, "" = not known
  std::string forked_from;  // id
  std::string host_version, label;
  bool external = false;  // its texts come from a mail or a web hook
  bool archived = false;
  // What was offered, as the text shown to the model, as the hash that names it, or
  // only by names; all empty = the store does not say.
  std::string listing_text, listing_sha256;
  std::vector<std::string> listed;

  [[nodiscard]] SessionKind Kind() const;
  // Our own calls have keys of their own.
  [[nodiscard]] bool Internal() const;
  // Channel in the key ("telegram"), "" = none.
  [[nodiscard]] std::string Channel() const;
};

// Fills what an entry (`entry_json`, or a value of sessions.json) says. The text
// is followed by 64 readable bytes. Fails when it is no JSON object.
[[nodiscard]] Status ReadEntry(std::string_view json, base::LineParser& parser, SessionInfo& info);
// The same for a value inside a document.
void ReadEntryFields(base::JsonField& value, SessionInfo& info);
// nullptr when nothing is said. `home` stands for `~` in the paths, "" = not known.
[[nodiscard]] std::shared_ptr<const ingest::Listing> ReadListing(const SessionInfo& info,
                                                                 std::string_view home);

}  // namespace selftune::hosts::openclaw
