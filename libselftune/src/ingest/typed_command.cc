#include "ingest/typed_command.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "store/vocabulary.h"

namespace selftune::ingest {

TypedCommand ReadTypedCommand(std::string_view text) {
  if (!text.starts_with('/')) return {};
  size_t end = 1;
  while (end < text.size() && !base::IsSpace(text[end])) ++end;
  const std::string_view name = text.substr(1, end - 1);
  if (name.find('/') != std::string_view::npos) return {};  // a path
  return {.name = name, .args = base::Trim(text.substr(end))};
}

std::string RequestKey(int32_t seq, std::string_view name) {
  return fmt::format("p{}:{}:{}", seq, name, Word(Route::kSlashText));
}

}  // namespace selftune::ingest
