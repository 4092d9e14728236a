// What the host told the model about skills: the listing attachment, as text
// lines "- name: description", whole or as a change.
#pragma once

#include <memory>

#include "hosts/claude_code/record.h"
#include "ingest/facts.h"

namespace selftune::hosts::claude_code {

struct ListingChange {
  bool is_delta = false;
  std::shared_ptr<const ingest::Listing> listing;  // nullptr: the record says nothing
};

// Sessions of a machine repeat few listings: equal texts give one shared
// object (a small cache a thread). `known`: the session has a listing already,
// so one that is not said to be initial is an addition.
[[nodiscard]] ListingChange ReadListing(const Record& record, bool known);

// Does this attachment say anything about skills?
[[nodiscard]] bool IsListing(const Record& record);

}  // namespace selftune::hosts::claude_code
