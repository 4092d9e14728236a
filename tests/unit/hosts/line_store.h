// What the tests of line readers share: a session read at once and line by
// line, and its facts as short texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/source.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing {

// Both ways must give the same facts.
[[nodiscard]] MergedStore ReadBothWays(const ingest::Source& source, const ingest::SourceFile& file,
                                       std::string_view text,
                                       const ingest::KeySet* copied = nullptr);

// The only session of a store.
[[nodiscard]] const MergedSession& OnlySession(const MergedStore& store);

// "text", "-text" when inactive, "/kind/text" when a command.
[[nodiscard]] std::string Prompts(const MergedSession& session);
// "name outcome level route pN by" of each, sorted.
[[nodiscard]] std::string Skills(const MergedSession& session);
// "calls C errors E exits X denied D open O".
[[nodiscard]] std::string Calls(const MergedSession& session);
// "answers A failed F cut I compacted C api E ending".
[[nodiscard]] std::string Turns(const MergedSession& session);
// "input/read/write/output/reasoning over in/out".
[[nodiscard]] std::string Tokens(const MergedSession& session);
// "[from name:state ...]" of each.
[[nodiscard]] std::string Exposures(const MergedSession& session);

}  // namespace selftune::testing
