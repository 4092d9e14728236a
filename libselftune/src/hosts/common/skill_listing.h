// Lists of skills as hosts show them to the model: XML-like elements in a text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/facts.h"

namespace selftune::hosts {

// The entries `<skill><name/><description/><location/></skill>` of the element
// `<available_skills>`; nullopt when the text has none. A location that is no
// absolute path ("project") is no path.
[[nodiscard]] std::optional<ingest::Listing> ParseSkillElements(std::string_view text);

// &amp; &lt; &gt; &quot; &apos; &#N; &#xN; become characters.
[[nodiscard]] std::string DecodeEntities(std::string_view text);

// The value of `name:` in a text that begins with frontmatter, "" if there is none.
[[nodiscard]] std::string FrontmatterName(std::string_view text);

}  // namespace selftune::hosts
