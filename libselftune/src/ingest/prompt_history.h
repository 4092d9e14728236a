// What people typed, as hosts keep it to offer it again: the prompts of last resort.
//
// A host that deletes old transcripts keeps this file. It says what was typed and in which
// session, and nothing of what came of it; so it counts only for sessions that no
// transcript tells (sync/apply.cc).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"
#include "ingest/source.h"

namespace selftune::ingest {

// SourceFile::kind of such a file.
inline constexpr std::string_view kPromptHistory = "history";

// One line of it.
struct HistoryEntry {
  std::string session, text;  // "" = not said
  std::string cwd;
  std::optional<UtcMillis> at;
  // "/name args" that goes to the model; "" = the text is none.
  std::string command, args;
  bool typed_for_model = true;  // false: a command of the host's own, or for the shell
};

// Reads the fields of one line.
using ReadHistoryFn = Status (*)(std::string_view line, base::LineParser& parser,
                                 HistoryEntry& entry);

// The parser of a file of the host: of its history another one than of its transcripts.
[[nodiscard]] std::string ParserOf(const Source& source, const SourceFile& file);

[[nodiscard]] StatusOr<std::unique_ptr<LineReader>> OpenPromptHistory(const ReaderOptions& options,
                                                                      ReadHistoryFn read);

}  // namespace selftune::ingest
