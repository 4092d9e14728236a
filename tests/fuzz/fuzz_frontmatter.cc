// The frontmatter of any bytes can be read, and a replaced description reads
// back as given, with the body untouched, and replacing it again changes nothing.
#include <string>

#include "input.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  // The first line of the input is the new description, the rest is the file.
  const std::string_view input = fuzz::AsText(data, size);
  const size_t cut = input.find('\0');
  const std::string_view file = cut == std::string_view::npos ? input : input.substr(cut + 1);
  const std::string_view text =
      cut == std::string_view::npos ? "Use it when asked: \"now\"" : input.substr(0, cut);

  const skillfs::Frontmatter before = skillfs::ParseFrontmatter(file);
  fuzz::Require(before.body_offset <= file.size(), "the body begins inside the file");
  const auto edit = skillfs::ReplaceDescription(file, text, "some-skill");
  if (!edit.ok()) return 0;

  const skillfs::Frontmatter after = skillfs::ParseFrontmatter(edit->bytes);
  fuzz::Require(after.description.has_value(), "there is a description");
  fuzz::Require(*after.description == skillfs::NormalizeDescription(text), "it is the new one");
  if (before.has_frontmatter) {
    fuzz::Require(
        std::string_view(edit->bytes).substr(after.body_offset) == file.substr(before.body_offset),
        "the body is untouched");
  }
  const auto again = skillfs::ReplaceDescription(edit->bytes, text, "some-skill");
  fuzz::Require(again.ok() && again->bytes == edit->bytes, "a second edit changes nothing");
  return 0;
}
