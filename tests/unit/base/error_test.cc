#include "base/error.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/cancel.h"
#include "base/status_macros.h"
#include "base/string_map.h"
#include "base/utf8.h"

namespace selftune {
namespace {

StatusOr<int> Half(int value) {
  if (value % 2 != 0) return Fail(kInvalidRequest, "halving {}: odd", value);
  return value / 2;
}

StatusOr<int> Quarter(int value) {
  ST_ASSIGN_OR_RETURN(const int half, Half(value));
  ST_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

Status Check(int value) {
  ST_RETURN_IF_ERROR(Quarter(value).status());
  return absl::OkStatus();
}

}  // namespace

TEST_SUITE("base/error") {
  TEST_CASE("a failure carries code and message") {
    const Status status = Fail(kStoreBusy, "writing {}: {} tries", "x", 3);
    CHECK(!status.ok());
    CHECK(status.code() == absl::StatusCode::kUnavailable);
    CHECK(Message(status) == "writing x: 3 tries");
    CHECK(CodeOf(status).name == "STORE_BUSY");
    CHECK(CodeOf(status).exit_code == 7);
    CHECK(CodeOf(status).retryable);
    CHECK(Suggestion(status).empty());
    CHECK(NextCommand(status).empty());
    CHECK(DetailsJson(status).empty());
  }

  TEST_CASE("of what was given a message says back so much and no more") {
    const std::string path(900, 'p');
    CHECK(Message(Fail(kInvalidRequest, "reading {}: gone", path)) == "reading " + path + ": gone");
    for (const char* const piece : {"n", "\xc3\xa4", "\xf0\x9f\x98\x80", "a b "}) {
      CAPTURE(piece);
      std::string name;
      while (name.size() < 100'000) name += piece;
      const Status status = Fail(kInvalidRequest, "looking for skill {}: none is installed", name);
      const std::string message(Message(status));
      CHECK(message.size() <= 1000);
      CHECK(message.starts_with("looking for skill " + std::string(piece)));
      CHECK(message.ends_with(": none is installed"));
      CHECK(message.find(" ... ") != std::string::npos);
      CHECK(base::IsValidUtf8(message));
    }
  }

  TEST_CASE("suggestion, next command and details travel along, the outermost wins") {
    Status status = WithSuggestion(Fail(kStoreMissing, "no store"), "create it", "selftune init");
    status = WithDetails(status, R"({"path":"p"})");
    CHECK(Suggestion(status) == "create it");
    CHECK(NextCommand(status) == "selftune init");
    CHECK(DetailsJson(status) == R"({"path":"p"})");
    CHECK(CodeOf(status).name == "STORE_MISSING");
    const Status again = WithSuggestion(status, "other", "");
    CHECK(Suggestion(again) == "other");
    CHECK(NextCommand(again) == "selftune init");
    CHECK(Suggestion(status) == "create it");
  }

  TEST_CASE("foreign statuses are internal errors") {
    CHECK(CodeOf(absl::NotFoundError("x")).name == "INTERNAL");
    CHECK(CodeOf(absl::InternalError("x")).exit_code == 70);
  }

  TEST_CASE("the code table is sound") {
    std::set<std::string_view> names;
    const std::set<int> exits = {1, 2, 3, 4, 5, 6, 7, 8, 64, 70, 130};
    for (const ErrorCode& code : kErrorCodes) {
      CAPTURE(code.name);
      CHECK(names.insert(code.name).second);
      CHECK(code.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string_view::npos);
      CHECK(code.kind != absl::StatusCode::kOk);
      CHECK(exits.count(code.exit_code) == 1);
      CHECK(CodeOf(MakeError(code, "m")).name == code.name);
    }
  }

  TEST_CASE("the macros return early with the same status") {
    CHECK(*Quarter(8) == 2);
    CHECK(Message(Quarter(6).status()) == "halving 3: odd");
    CHECK(Check(12).ok());
    CHECK(CodeOf(Check(5)).name == "INVALID_REQUEST");
  }

  TEST_CASE("braces in a text are no format") {
    CHECK(Message(Fail(kInternal, "reading {}", "{} {0} {x}")) == "reading {} {0} {x}");
  }

  TEST_CASE("cancellation is a status") {
    base::Cancel cancel;
    CHECK(cancel.Check().ok());
    cancel.Request();
    CHECK(cancel.requested());
    CHECK(CodeOf(cancel.Check()).name == "CANCELLED");
  }

  TEST_CASE("string maps look up by view") {
    base::StringMap<int> map;
    map["key"] = 1;
    const std::string_view view = std::string_view("a key").substr(2);
    REQUIRE(map.find(view) != map.end());
    CHECK(map.find(view)->second == 1);
    base::StringSet set;
    set.insert("x");
    CHECK(set.contains(std::string_view("x")));
  }
}

}  // namespace selftune
