#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "skill_fixtures.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"

namespace selftune::skillfs {
namespace {

using base::JsonValue;

JsonValue TextOrNull(const std::optional<std::string>& text) {
  return text.has_value() ? JsonValue::Text(*text) : JsonValue();
}

JsonValue Texts(const std::vector<std::string_view>& texts) {
  std::vector<JsonValue> items;
  for (const std::string_view text : texts) items.push_back(JsonValue::Text(std::string(text)));
  return JsonValue::Array(std::move(items));
}

JsonValue Span(const std::optional<ByteSpan>& span) {
  if (!span.has_value()) return JsonValue();
  return JsonValue::Array({JsonValue::Int(static_cast<int64_t>(span->begin)),
                           JsonValue::Int(static_cast<int64_t>(span->end))});
}

void CheckParsed(std::string_view bytes, const Frontmatter& parsed, const JsonValue& want) {
  CHECK(TextOrNull(parsed.name) == want["name"]);
  CHECK(TextOrNull(parsed.description) == want["description"]);
  CHECK(Name(parsed.description_style) == want["description_style"].AsString());
  CHECK(Span(parsed.description_span) == want["description_span"]);
  CHECK(TextOrNull(parsed.version) == want["version"]);
  CHECK(Texts({parsed.top_level_keys.begin(), parsed.top_level_keys.end()}) ==
        want["top_level_keys"]);
  CHECK(static_cast<int64_t>(parsed.body_offset) == want["body_offset"].AsInt(-1));
  CHECK(base::Sha256Hex(bytes.substr(parsed.body_offset)) == want["body_sha256"].AsString());
  CHECK(TextOrNull(parsed.title) == want["title"]);
  CHECK(Texts(parsed.warnings) == want["warnings"]);
  CHECK(Texts(parsed.errors) == want["errors"]);
}

void CheckReplaced(const testing::SkillFixture& fixture, const JsonValue& want) {
  const auto edit = ReplaceDescription(fixture.bytes, want["new_description"].AsString(),
                                       fixture.expected["dir_name"].AsString());
  if (want["result"].AsString() != "ok") {
    REQUIRE_FALSE(edit.ok());
    CHECK(RefusalReason(edit.status()) == want["result"].AsString());
    return;
  }
  REQUIRE(edit.ok());
  CHECK(edit->bytes == fixture.after);
  CHECK(static_cast<int64_t>(edit->bytes.size()) == want["size_bytes"].AsInt(-1));
  CHECK(base::Sha256Hex(edit->bytes) == want["sha256"].AsString());
  CHECK(edit->description == want["description_after"].AsString());
  CHECK(static_cast<int64_t>(edit->common_prefix_bytes) == want["common_prefix_bytes"].AsInt(-1));
  CHECK(static_cast<int64_t>(edit->common_suffix_bytes) == want["common_suffix_bytes"].AsInt(-1));
}

TEST_SUITE("skillfs/fixtures") {
  TEST_CASE("every fixture parses and is replaced byte for byte as expected") {
    const std::vector<testing::SkillFixture> fixtures = testing::LoadSkillFixtures();
    REQUIRE(fixtures.size() >= 12);
    for (const testing::SkillFixture& fixture : fixtures) {
      CAPTURE(fixture.id);
      const JsonValue& want = fixture.expected;
      CHECK(static_cast<int64_t>(fixture.bytes.size()) == want["size_bytes"].AsInt(-1));
      CHECK(base::Sha256Hex(fixture.bytes) == want["sha256"].AsString());
      const Frontmatter parsed = ParseFrontmatter(fixture.bytes);
      CHECK(parsed.bom == want["bom"].AsBool(!parsed.bom));
      CHECK(Name(parsed.eol) == want["eol"].AsString());
      CHECK(parsed.has_frontmatter == want["has_frontmatter"].AsBool(!parsed.has_frontmatter));
      CheckParsed(fixture.bytes, parsed, want["parse"]);
      CheckReplaced(fixture, want["replace"]);
    }
  }
}

}  // namespace
}  // namespace selftune::skillfs
