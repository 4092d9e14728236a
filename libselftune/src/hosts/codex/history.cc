#include "hosts/codex/history.h"

#include <cstdint>
#include <string_view>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::hosts::codex {

Status ReadHistoryLine(std::string_view line, base::LineParser& parser,
                       ingest::HistoryEntry& entry) {
  constexpr int64_t kMostSeconds = INT64_MAX / 1000;
  ST_RETURN_IF_ERROR(parser.ForEachField(line, [&](std::string_view key, base::JsonField& value) {
    if (key == "session_id") entry.session = value.String().value_or(std::string_view());
    if (key == "text") entry.text = value.String().value_or(std::string_view());
    if (key != "ts") return;
    const auto seconds = value.Int();
    if (seconds.has_value() && *seconds >= 0 && *seconds <= kMostSeconds) {
      entry.at = UtcMillis{*seconds * 1000};
    }
  }));
  // A "$name" that it found is told by the text put behind the prompt alone: no use here.
  // With "!" in front it is run in a shell.
  if (base::Trim(entry.text).starts_with('!')) entry.typed_for_model = false;
  return absl::OkStatus();
}

}  // namespace selftune::hosts::codex
