// Rows that another process writes between the look of a forget and its turn to write.
#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "store/forget.h"
#include "store/write_txn.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

// What quotes: a row of a table with one text or two.
struct Place {
  const char* table;
  const char* one;
  const char* two;  // "" = it has one
  bool json = false;
};
constexpr Place kPlaces[] = {
    {"proposal", "rationale", "evidence"},
    {"replay_result", "evidence", ""},
    {"label", "detail", ""},
    {"job_action", "reason", "alert"},
    {"job_run", "params", "error"},
    {"deploy", "reason", ""},
    {"watch", "reason", ""},
    {"skill_state", "reason", ""},
    {"eval_entry", "extra", "", true},
};

constexpr char kRows[] =
    "INSERT INTO skill(name,name_key) VALUES('pdf','pdf');"
    "INSERT INTO proposal(proposal_id,skill_id,target,state,created_ms,updated_ms) "
    "VALUES('p',1,'description','created',1,1);"
    "INSERT INTO replay_result VALUES('p','r','before',0,1,1,'judge',0,1,1,1,1,NULL);"
    "INSERT INTO label(prompt_pk,skill_id,label,reason,source,at_ms) "
    "VALUES(1,1,'should','curated','person',1);"
    "INSERT INTO job_run(run_id,job,started_ms,status) VALUES('r','orchestrate',1,'ok');"
    "INSERT INTO job_action(run_id,ord,action) VALUES('r',0,'evolve');"
    "INSERT INTO deploy(deploy_id,skill_id,kind,state,started_ms) "
    "VALUES('d',1,'deploy','deployed',1);"
    "INSERT INTO watch(deploy_id,skill_id,content_sha256,q,alpha,k0,n0,state,started_ms) "
    "VALUES('d',1,zeroblob(32),0.5,0.05,1,10,'watching',1);"
    "INSERT INTO skill_state(skill_id,updated_ms) VALUES(1,1);"
    "INSERT INTO eval_entry "
    "VALUES(1,'e',1,1,'implicit','log',0.9,'train',NULL,1,5,5,NULL);";

std::string TextOf(const Place& place, const std::string& words) {
  return place.json ? R"({"note":")" + words + R"("})" : words;
}

std::string SetTo(const Place& place, const std::string& one, const std::string& two) {
  std::string sql =
      std::string("UPDATE ") + place.table + " SET " + place.one + "='" + TextOf(place, one) + "'";
  if (*place.two != '\0') sql += std::string(",") + place.two + "='" + two + "'";
  return sql;
}

// Another process, which writes when a forget has read the table and not begun to write.
class Beside {
 public:
  Beside(TempStore& store, const Place& place, std::string writes, int times)
      : forgets_(store.db()),
        other_(store.Open(OpenMode::kReadWrite)),
        reads_(std::string("FROM ") + place.table + " "),
        writes_(std::move(writes)),
        left_(times) {
    sqlite3_trace_v2(forgets_.handle(), SQLITE_TRACE_STMT, &OnStatement, this);
  }
  ~Beside() { sqlite3_trace_v2(forgets_.handle(), 0, nullptr, nullptr); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  [[nodiscard]] int left() const { return left_; }

 private:
  static int OnStatement(unsigned /*what*/, void* self, void* /*statement*/, void* sql) {
    auto* const beside = static_cast<Beside*>(self);
    const std::string text = std::string(static_cast<const char*>(sql)) + " ";
    if (text.starts_with("BEGIN")) {
      if (beside->has_read_ && beside->left_ > 0) {
        --beside->left_;
        CHECK_OK(beside->other_->Execute(beside->writes_));
      }
      beside->has_read_ = false;
    } else if (text.find("SELECT") != text.npos && text.find(beside->reads_) != text.npos) {
      beside->has_read_ = true;
    }
    return 0;
  }
  Db& forgets_;
  std::unique_ptr<Db> other_;
  std::string reads_, writes_;
  int left_;
  bool has_read_ = false;
};

void Fill(TempStore& store, const Place& place) {
  store.Write([&](IngestWriter& w) {
    const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "s"}));
    Must(w.UpsertPrompt(s, {.seq = 0, .text = "something else"}));
    REQUIRE_OK(w.db().Execute(kRows));
    REQUIRE_OK(w.db().Execute(SetTo(place, "the secret word", "as it was")));
  });
}

}  // namespace

TEST_SUITE("store/forget beside writers") {
  TEST_CASE("what another process wrote since the look stays, and is looked at as well") {
    struct Case {
      const char* name;
      const char *writes, *writes_two;  // the other process
      const char *left, *left_two;
    };
    const Case cases[] = {
        {"other words", "done by now", "done", "done by now", "done"},
        {"the words again", "still the secret word", "done", "[forgotten]", "done"},
        {"the other text alone", "the secret word", "failed", "[forgotten]", "failed"},
    };
    for (const Place& place : kPlaces) {
      for (const Case& c : cases) {
        CAPTURE(place.table);
        CAPTURE(c.name);
        TempStore store;
        Fill(store, place);
        const Beside beside(store, place, SetTo(place, c.writes, c.writes_two), 1);
        const ForgetReport report = Must(Forget(store.db(), {.match = "secret"}, kNow));
        CHECK(beside.left() == 0);
        const std::string of = std::string(" FROM ") + place.table;
        CHECK(One(store.db(), std::string("SELECT ") + place.one + of) == TextOf(place, c.left));
        if (*place.two != '\0') {
          CHECK(One(store.db(), std::string("SELECT ") + place.two + of) == c.left_two);
        }
        CHECK(report.quotes == (std::string_view(c.left) == "[forgotten]" ? 1 : 0));
      }
    }
  }

  TEST_CASE("who is overtaken each time says so, and what was said is not gone before its quotes") {
    const Place& place = kPlaces[5];
    TempStore store;
    Fill(store, place);
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "t"}));
      Must(w.UpsertPrompt(s, {.seq = 0, .text = "the secret word is this"}));
    });
    {
      const Beside beside(store, place, "UPDATE deploy SET reason=reason||', secret'", 1000);
      const auto failed = Forget(store.db(), {.match = "secret"}, kNow);
      CHECK(CodeOf(failed.status()).name == kStoreBusy.name);
    }
    CHECK(One(store.db(), "SELECT count(*) FROM body WHERE text LIKE '%secret%'") == "1");
    Must(Forget(store.db(), {.match = "secret"}, kNow));
    CHECK(One(store.db(), "SELECT count(*) FROM body WHERE text LIKE '%secret%'") == "0");
    CHECK(One(store.db(), "SELECT reason FROM deploy") == "[forgotten]");
  }

  TEST_CASE("a text that another process forgot is written anew") {
    TempStore store;
    IngestWriter w(store.db(), kNow);
    const auto say = [&](const char* session) {
      auto txn = Must(WriteTxn::Begin(store.db()));
      const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = session}));
      Must(w.UpsertPrompt(s, {.seq = 0, .text = "the secret word"}));
      REQUIRE_OK(txn.Commit());
    };
    say("a");
    Must(Forget(*store.Open(OpenMode::kReadWrite), {.session = "a"}, kNow));
    say("b");
    CHECK(One(store.db(),
              "SELECT b.text FROM prompt p JOIN session s USING(session_pk) JOIN body b "
              "USING(body_id) WHERE s.session_id='b'") == "the secret word");
    CHECK(Rows(store.db(), "PRAGMA foreign_key_check", 2).empty());
  }
}

}  // namespace selftune::store
