#include "capi/text_diff.h"

#include <doctest/doctest.h>

namespace selftune::capi {
namespace {

TEST_CASE("words that went and came are marked") {
  CHECK(WordDiff("fill in forms", "fill out forms now") == "fill [-in-] {+out+} forms {+now+}");
  CHECK(WordDiff("a  b", "a\nb") == "a b");
  CHECK(WordDiff("", "new") == "{+new+}");
}

TEST_CASE("a unified difference goes from the first line that differs to the last") {
  CHECK(UnifiedDiff("a\nb\n", "a\nb\n").empty());
  CHECK(UnifiedDiff("one", "two") == "--- before\n+++ after\n@@ -1,1 +1,1 @@\n-one\n+two\n");
  CHECK(UnifiedDiff("a\nb\nc", "a\nx\ny\nc") ==
        "--- before\n+++ after\n@@ -2,1 +2,2 @@\n-b\n+x\n+y\n");
  CHECK(UnifiedDiff("a\nb", "a") == "--- before\n+++ after\n@@ -2,1 +1,0 @@\n-b\n");
  CHECK(UnifiedDiff("", "a") == "--- before\n+++ after\n@@ -0,0 +1,1 @@\n+a\n");
  CHECK(UnifiedDiff("a\na\na", "a\na") == "--- before\n+++ after\n@@ -3,1 +2,0 @@\n-a\n");
}

}  // namespace
}  // namespace selftune::capi
