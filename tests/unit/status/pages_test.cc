// Lists that change between two of their pages.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json_value.h"
#include "capi/engine.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/write_txn.h"
#include "support/temp_dir.h"

namespace selftune {
namespace {

using base::JsonValue;

class Home {
 public:
  Home() {
    capi::EngineOptions options;
    options.env.Set("HOME", dir_ / "home");
    options.env.Set("PATH", "/nowhere");
    options.now_ms = [this] { return now_; };
    auto engine = capi::Engine::Open(std::move(options));
    REQUIRE_MESSAGE(engine.ok(), engine.status().ToString());
    engine_ = *std::move(engine);
  }

  void Install(const std::string& skill) {
    dir_.Write("home/.claude/skills/" + skill + "/SKILL.md",
               fmt::format("---\nname: {0}\ndescription: What {0} does.\n---\n", skill));
    now_ += 3'600'000;
    REQUIRE(Ask("sync.run", "{}").has_value());
  }

  void Deploy(const std::string& id, int64_t started) {
    auto db =
        store::Db::Open(dir_ / "home/.selftune/selftune.db", {.mode = store::OpenMode::kReadWrite});
    REQUIRE_MESSAGE(db.ok(), db.status().ToString());
    auto txn = store::WriteTxn::Begin(**db);
    REQUIRE(txn.ok());
    store::DeployRow row;
    row.deploy_id = id;
    row.skill = "b2";
    row.started = {started};
    REQUIRE(store::InsertDeploy(**db, row, {started}).ok());
    REQUIRE(txn->Commit().ok());
  }

  // The reply's data; nothing when it was refused with INVALID_REQUEST.
  std::optional<JsonValue> Ask(const std::string& op, const std::string& params) {
    const auto text = engine_->Request(fmt::format(R"({{"op":"{}","params":{}}})", op, params));
    if (!text.ok()) {
      CHECK(CodeOf(text.status()).name == "INVALID_REQUEST");
      return std::nullopt;
    }
    auto reply = JsonValue::Parse(*text);
    REQUIRE(reply.ok());
    return (*reply)["data"];
  }

  // One page; `cursor` becomes that of the next, "" after the last.
  std::vector<std::string> Page(const std::string& op, const std::string& params, int64_t limit,
                                std::string& cursor) {
    const std::string next = cursor.empty() ? "" : R"(,"cursor":")" + cursor + "\"";
    const auto data = Ask(op, fmt::format(R"({{"limit":{}{}{}}})", limit, next, params));
    REQUIRE(data.has_value());
    cursor = (*data)["next_cursor"].AsString();
    std::vector<std::string> out;
    for (const JsonValue& item : (*data)["items"].items()) {
      out.push_back(item[op == "skill.list" ? "name" : "deploy_id"].AsString());
    }
    return out;
  }

 private:
  testing::TempDir dir_;
  int64_t now_ = 1'795'687'200'000;
  std::unique_ptr<capi::Engine> engine_;
};

const std::vector<std::string> kSkills = {"b1", "b2", "b3", "b4", "b5"};

}  // namespace

TEST_SUITE("status/pages") {
  TEST_CASE("pages of any size are the list") {
    Home home;
    for (const std::string& skill : kSkills) home.Install(skill);
    for (const char* sort : {"uses", "name", "last", "misses"}) {
      CAPTURE(sort);
      for (const int64_t limit : {1, 2, 4, 5, 100}) {
        CAPTURE(limit);
        std::vector<std::string> all;
        std::string cursor;
        do {
          const auto page =
              home.Page("skill.list", fmt::format(R"(,"sort":"{}")", sort), limit, cursor);
          all.insert(all.end(), page.begin(), page.end());
        } while (!cursor.empty());
        CHECK(all == kSkills);
      }
    }
  }

  TEST_CASE("a skill that comes between two pages moves no other") {
    struct Case {
      const char* comes;
      std::vector<std::string> rest;
    };
    const Case cases[] = {{"a1", {"b3", "b4", "b5"}}, {"b25", {"b25", "b3", "b4", "b5"}}};
    for (const Case& c : cases) {
      CAPTURE(c.comes);
      Home home;
      for (const std::string& skill : kSkills) home.Install(skill);
      std::string cursor;
      CHECK(home.Page("skill.list", "", 2, cursor) == std::vector<std::string>{"b1", "b2"});
      home.Install(c.comes);
      CHECK(home.Page("skill.list", "", 100, cursor) == c.rest);
      CHECK(cursor.empty());
    }
  }

  TEST_CASE("a cursor is one that a page of this list gave out") {
    Home home;
    for (const std::string& skill : kSkills) home.Install(skill);
    std::string cursor;
    (void)home.Page("skill.list", "", 2, cursor);
    const std::string bad[] = {
        "-1", "2", "uses", "uses:", "uses:x:6232", "uses:0:zz", "name:0:6232", cursor + "z"};
    for (const std::string& other : bad) {
      CAPTURE(other);
      CHECK_FALSE(home.Ask("skill.list", R"({"cursor":")" + other + "\"}").has_value());
      CHECK_FALSE(home.Ask("deploy.list", R"({"cursor":")" + other + "\"}").has_value());
    }
    CHECK_FALSE(
        home.Ask("skill.list", R"({"sort":"name","cursor":")" + cursor + "\"}").has_value());
  }

  TEST_CASE("a deploy that is begun between two pages moves no other") {
    Home home;
    home.Install("b2");
    for (int i = 1; i <= 5; ++i) home.Deploy(fmt::format("d{}", i), i);
    std::string cursor;
    CHECK(home.Page("deploy.list", "", 2, cursor) == std::vector<std::string>{"d5", "d4"});
    home.Deploy("d6", 6);
    CHECK(home.Page("deploy.list", "", 2, cursor) == std::vector<std::string>{"d3", "d2"});
    CHECK(home.Page("deploy.list", "", 2, cursor) == std::vector<std::string>{"d1"});
    CHECK(cursor.empty());
  }
}

}  // namespace selftune
