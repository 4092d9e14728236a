// Compares the frontmatter reader and writer with a YAML library. Built only
// where yaml-cpp is installed.
#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "random_skill.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"
#include "skillfs/frontmatter_scan.h"
#include "skillfs/text_lines.h"

namespace selftune::skillfs {
namespace {

// The YAML text between the two `---` lines.
std::string Between(std::string_view bytes) {
  const FrontmatterScan scan = ScanFrontmatter(bytes);
  if (scan.lines.empty()) return "";
  return std::string(bytes.substr(scan.open.next, scan.lines.back().next - scan.open.next));
}

std::optional<YAML::Node> Load(std::string_view bytes) {
  try {
    YAML::Node node = YAML::Load(Between(bytes));
    if (node.IsMap()) return node;
  } catch (const YAML::Exception&) {
  }
  return std::nullopt;
}

std::string Scalar(const YAML::Node& map, const char* key) {
  const YAML::Node node = map[key];
  return node && node.IsScalar() ? std::string(TrimUnicode(node.Scalar())) : std::string();
}

std::string Others(YAML::Node node) {
  node = YAML::Clone(node);
  node.remove("description");
  return YAML::Dump(node);
}

TEST_SUITE("skillfs/yaml_oracle") {
  TEST_CASE("the reader agrees with a YAML library") {
    base::Rng rng(1);
    size_t compared = 0;
    for (int i = 0; i < 8000; ++i) {
      const std::string bytes = testing::RandomSkill(rng);
      const auto node = Load(bytes);
      const Frontmatter parsed = ParseFrontmatter(bytes);
      if (!node.has_value()) continue;
      CAPTURE(bytes);
      ++compared;
      REQUIRE(parsed.errors.empty());
      CHECK(Scalar(*node, "description") == parsed.description.value_or(""));
      CHECK(Scalar(*node, "name") == parsed.name.value_or(""));
      CHECK(Scalar(*node, "license") == parsed.Field("license").value_or(""));
    }
    CHECK(compared > 6000);
  }

  TEST_CASE("a YAML library reads back what the writer wrote") {
    base::Rng rng(2);
    size_t compared = 0;
    for (int i = 0; i < 8000; ++i) {
      const std::string bytes = testing::RandomSkill(rng);
      const auto before = Load(bytes);
      const auto edit = ReplaceDescription(bytes, testing::RandomText(rng), "dir");
      if (!edit.ok()) continue;
      CAPTURE(bytes);
      CAPTURE(edit->bytes);
      const auto after = Load(edit->bytes);
      if (!before.has_value() && ParseFrontmatter(bytes).has_frontmatter) continue;
      ++compared;
      REQUIRE(after.has_value());
      CHECK(Scalar(*after, "description") == edit->description);
      if (before.has_value()) CHECK(Others(*after) == Others(*before));
    }
    CHECK(compared > 6000);
  }
}

}  // namespace
}  // namespace selftune::skillfs
