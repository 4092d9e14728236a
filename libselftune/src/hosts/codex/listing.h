// The list of skills that Codex shows to the model, as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ingest/facts.h"

namespace selftune::hosts::codex {

// Does the text hold a list? Quick.
[[nodiscard]] bool HasListing(std::string_view text);

// Entries of the section `### Available skills`; paths are expanded with the
// table `### Skill roots`. nullopt when the text has no such section.
// `bare`: the text is a list without its heading.
[[nodiscard]] std::optional<ingest::Listing> ParseListing(std::string_view text, bool bare = false);

// Equal listings have equal hashes.
[[nodiscard]] uint64_t HashListing(const ingest::Listing& listing);

}  // namespace selftune::hosts::codex
