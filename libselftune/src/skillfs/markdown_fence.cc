#include "skillfs/markdown_fence.h"

#include "skillfs/text_lines.h"

namespace selftune::skillfs {
namespace {

// Length of the run of `mark` at `pos`.
size_t RunLength(std::string_view line, size_t pos, char mark) {
  size_t end = pos;
  while (end < line.size() && line[end] == mark) ++end;
  return end - pos;
}

}  // namespace

bool FenceTracker::IsCode(std::string_view line) {
  const size_t spaces = LeadingSpaces(line);
  const bool may_be_fence = spaces <= 3 && spaces < line.size();
  if (length_ > 0) {
    const size_t run = may_be_fence ? RunLength(line, spaces, mark_) : 0;
    if (run >= length_ && IsBlankText(line.substr(spaces + run))) length_ = 0;
    return true;
  }
  if (!may_be_fence || (line[spaces] != '`' && line[spaces] != '~')) return false;
  const size_t run = RunLength(line, spaces, line[spaces]);
  // An info string with a backtick makes it inline code.
  const bool inline_code =
      line[spaces] == '`' && line.find('`', spaces + run) != std::string_view::npos;
  if (run < 3 || inline_code) return false;
  mark_ = line[spaces];
  length_ = run;
  return true;
}

}  // namespace selftune::skillfs
