#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "random_skill.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"
#include "skillfs/frontmatter_scan.h"

namespace selftune::skillfs {
namespace {

// Bytes that may change: from the colon to the end of the line on which the
// value ends; for an inserted entry the place between two lines.
ByteSpan Changeable(std::string_view bytes) {
  const FrontmatterScan scan = ScanFrontmatter(bytes);
  const FrontmatterEntry* entry = scan.Find("description");
  if (entry == nullptr) return {scan.text_begin, scan.body_offset};
  return {entry->key.after_colon, scan.lines[entry->value.last_line].end};
}

std::vector<std::string> OtherFields(const Frontmatter& parsed) {
  std::vector<std::string> out;
  for (const FrontmatterField& field : parsed.fields) {
    if (field.path != "description") out.push_back(field.path + "=" + field.text);
  }
  return out;
}

void CheckEdit(const std::string& bytes, const std::string& text, const EditResult& edit) {
  CAPTURE(bytes);
  CAPTURE(text);
  CAPTURE(edit.bytes);
  const Frontmatter before = ParseFrontmatter(bytes);
  const Frontmatter after = ParseFrontmatter(edit.bytes);
  CHECK(after.description == std::optional(NormalizeDescription(text)));
  CHECK(after.errors.empty());
  CHECK(after.bom == before.bom);
  if (before.has_frontmatter) {
    CHECK(OtherFields(after) == OtherFields(before));
    CHECK(edit.bytes.substr(after.body_offset) == bytes.substr(before.body_offset));
  } else {
    CHECK(edit.bytes.ends_with(bytes.substr(before.body_offset)));
  }
  const ByteSpan span = Changeable(bytes);
  CHECK(edit.common_prefix_bytes >= std::min(span.begin, bytes.size()));
  CHECK(edit.common_prefix_bytes + edit.common_suffix_bytes >=
        bytes.size() - (span.end - span.begin));
  const auto again = ReplaceDescription(edit.bytes, text, "dir");
  REQUIRE(again.ok());
  CHECK(again->bytes == edit.bytes);
}

TEST_SUITE("skillfs/edit_property") {
  TEST_CASE("any valid file takes any text and changes nowhere else") {
    base::Rng rng(20260725);
    size_t edited = 0;
    for (int i = 0; i < 6000; ++i) {
      const std::string bytes = testing::RandomSkill(rng);
      const std::string text = testing::RandomText(rng);
      const auto edit = ReplaceDescription(bytes, text, "dir");
      if (NormalizeDescription(text).empty()) {
        CHECK(RefusalReason(edit.status()) == "empty_new_description");
        continue;
      }
      if (!edit.ok()) {
        CAPTURE(bytes);
        CHECK(RefusalReason(edit.status()) == "");
        continue;
      }
      ++edited;
      CheckEdit(bytes, text, *edit);
    }
    CHECK(edited > 5000);
  }

  TEST_CASE("a damaged file is edited well or not at all") {
    base::Rng rng(7);
    size_t edited = 0;
    size_t refused = 0;
    for (int i = 0; i < 6000; ++i) {
      const std::string bytes = testing::Damage(testing::RandomSkill(rng), rng);
      const std::string text = testing::RandomText(rng);
      const auto edit = ReplaceDescription(bytes, text, "dir");
      if (edit.ok()) {
        ++edited;
        CheckEdit(bytes, text, *edit);
      } else {
        ++refused;
        CHECK(RefusalReason(edit.status()) != "");
      }
    }
    CHECK(edited > 3000);
    CHECK(refused > 300);
  }
}

}  // namespace
}  // namespace selftune::skillfs
