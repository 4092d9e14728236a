#include "store/forget.h"

#include <sqlite3.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/strings.h"
#include "store/write_pieces.h"
#include "store/write_txn.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

constexpr char kAddBody[] = R"sql(INSERT INTO body(sha256,bytes,text) VALUES(?1,?2,?3))sql";
constexpr char kAddEntry[] = R"sql(
  INSERT INTO eval_entry VALUES(1,?1,?2,1,'implicit','log',0.9,'train',NULL,?3,5,5,'{"reason":"imported"}'))sql";

std::string QueryOf(size_t number) {
  return "please fill in the form number " + std::to_string(number);
}

BodyId AddBody(Db& db, const std::string& text) {
  REQUIRE_OK(
      db.Run(kAddBody, Blob{base::Sha256Bytes(text)}, static_cast<int64_t>(text.size()), text));
  return BodyId{db.last_insert_id()};
}

// A skill with an imported set of so many queries, and rows of others that quote the first.
class Imported {
 public:
  explicit Imported(size_t queries, bool active = true) {
    store_.Write([&](IngestWriter& w) {
      Db& db = w.db();
      REQUIRE_OK(db.Execute("INSERT INTO skill(name,name_key) VALUES('pdf','pdf')"));
      for (size_t i = 0; i < queries; ++i) {
        const BodyId body = AddBody(db, QueryOf(i));
        REQUIRE_OK(db.Run(kAddEntry, "e" + std::to_string(i), body, active));
      }
      AddQuotes(w);
    });
  }

  [[nodiscard]] Db& db() { return store_.db(); }
  // Texts of all tables that have such words.
  [[nodiscard]] std::vector<std::string> Saying(std::string_view words) {
    std::vector<std::string> out;
    for (const char* const sql :
         {"SELECT text FROM body", "SELECT detail FROM label", "SELECT rationale FROM proposal",
          "SELECT evidence FROM replay_result", "SELECT note FROM import_map",
          "SELECT details FROM evolution_event", "SELECT reply FROM llm_cache"}) {
      for (const std::string& text : Rows(db(), sql, 1)) {
        if (text.find(words) != text.npos) out.push_back(text);
      }
    }
    return out;
  }

 private:
  static void AddQuotes(IngestWriter& w) {
    Db& db = w.db();
    const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "s"}));
    const PromptPk prompt = Must(w.UpsertPrompt(s, {.seq = 0, .text = "something else"}));
    REQUIRE_OK(w.AddLabel({.prompt = prompt,
                           .skill = "pdf",
                           .label = Label::kShould,
                           .reason = MissReason::kCurated,
                           .source = "person",
                           .detail = "as in: " + QueryOf(0)}));
    REQUIRE_OK(db.Execute(
        "INSERT INTO proposal(proposal_id,skill_id,target,state,rationale,created_ms,updated_ms) "
        "VALUES('p',1,'description','created','people say " +
        QueryOf(0) +
        "',1,1); "
        "INSERT INTO replay_result "
        "VALUES('p','r','before',0,1,1,'judge',0,1,1,1,1,'{\"prompt\":\"" +
        QueryOf(0) +
        "\"}'); "
        "INSERT INTO import_map VALUES('o','grading_results','g','kept',NULL,zeroblob(16),NULL,"
        "'{\"row\":{\"query\":\"" +
        QueryOf(0) +
        "\"}}'),"
        "('o','grading_results','h','kept',NULL,zeroblob(16),NULL,'{\"row\":{\"query\":\"other\"}}'"
        "); "
        "INSERT INTO llm_cache(key,purpose,model,created_ms,reply,usage) "
        "VALUES(zeroblob(32),'grade','m',1,'you said " +
        QueryOf(0) + "','{}')"));
  }

  TempStore store_;
};

// Asks for an end when so many transactions were committed: a run is cut off between two.
class CutAfter {
 public:
  CutAfter(Db& db, int commits) : db_(db), left_(commits) {
    sqlite3_commit_hook(db.handle(), &OnCommit, this);
  }
  ~CutAfter() { sqlite3_commit_hook(db_.handle(), nullptr, nullptr); }
  CutAfter(const CutAfter&) = delete;
  CutAfter& operator=(const CutAfter&) = delete;
  base::Cancel cancel;

 private:
  static int OnCommit(void* self) {
    auto* const cut = static_cast<CutAfter*>(self);
    if (--cut->left_ <= 0) cut->cancel.Request();
    return 0;
  }
  Db& db_;
  int left_;
};

}  // namespace

TEST_SUITE("store/forget") {
  TEST_CASE("quotes of an imported query go with it, wherever they stand") {
    struct Case {
      const char* name;
      ForgetOptions options;
      int64_t quotes;     // the label of a prompt that goes itself is no other's
      const char* notes;  // that are left
    };
    const Case cases[] = {
        {"by a time", {.before = kNow}, 2, "1"},
        {"by a time and the skill", {.skill = "pdf", .before = kNow}, 3, "1"},
        {"by words, without those", {.match = "FORM number 0"}, 3, "2"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Imported there(3);
      CHECK(there.Saying("form number 0").size() == 6);
      const ForgetReport report = Must(Forget(there.db(), c.options, kNow));
      CHECK(there.Saying("form number 0").empty());
      CHECK(report.quotes == c.quotes);
      CHECK(One(there.db(), "SELECT count(*) FROM import_map WHERE note IS NOT NULL") == c.notes);
    }
  }

  TEST_CASE(
      "of a note of an import the texts and numbers with the words go, and what tells rows apart "
      "stays") {
    constexpr char kId[] = "0b7e4c1a-dead-4f00-8000-00000000beef";
    struct Case {
      const char* name;
      const char* note;
      const char* left;
      const char* words = "dead";
    };
    const Case cases[] = {
        {"in an identifier alone", R"({"row":{"session_id":"%s","query":"fill"}})",
         R"({"row":{"session_id":"%s","query":"fill"}})"},
        {"in a text, too", R"({"row":{"session_id":"%s","query":"all DEAD","n":7}})",
         R"({"row":{"session_id":"%s","query":"[forgotten]","n":7}})"},
        {"in a text within a text", R"({"left":{"grading_id":"%s","json":"[{\"q\":\"dead\"}]"}})",
         R"({"left":{"grading_id":"%s","json":"[forgotten]"}})"},
        {"in what is called an identifier and is none", R"({"row":{"session_id":"dead man"}})",
         R"({"row":{"session_id":"[forgotten]"}})"},
        {"in the name of a column", R"({"row":{"dead_id":"%s","query":null}})",
         R"({"row":{"dead_id":"%s","query":null}})"},
        {"in what is no note", "dead", ""},
        {"a number", R"({"row":{"phone":5551234567,"q":"x"}})",
         R"({"row":{"phone":"[forgotten]","q":"x"}})", "5551234567"},
        {"in numbers, but not in that of a row",
         R"({"row":{"id":12345,"a":[-12345,12345.5],"b":1234}})",
         R"({"row":{"id":12345,"a":["[forgotten]","[forgotten]"],"b":1234}})", "12345"},
        {"with a mark of quotation", R"({"row":{"query":"say \"DEAD\" now","q":"dead"}})",
         R"({"row":{"query":"[forgotten]","q":"dead"}})", R"(say "dead")"},
        {"with a backslash", R"({"row":{"query":"in C:\\Dead\\x"}})",
         R"({"row":{"query":"[forgotten]"}})", R"(c:\dead)"},
        {"over two lines", R"({"row":{"query":"a dead\nman"}})",
         R"({"row":{"query":"[forgotten]"}})", "dead\nman"},
        {"with such a mark, in a text within a text",
         R"({"left":{"json":"[{\"q\":\"say \\\"dead\\\"\"}]"}})",
         R"({"left":{"json":"[forgotten]"}})", R"(say "dead")"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Imported there(1);
      static constexpr char kNote[] = R"sql(UPDATE import_map SET note=?1 WHERE src_id='h')sql";
      REQUIRE_OK(there.db().Run(kNote, base::ReplaceAll(c.note, "%s", kId)));
      Must(Forget(there.db(), {.match = c.words}, kNow));
      CHECK(One(there.db(), "SELECT coalesce(note,'') FROM import_map WHERE src_id='h'") ==
            base::ReplaceAll(c.left, "%s", kId));
    }
  }

  TEST_CASE(
      "words that a code of ours has, too: what has them goes, and what has not stays what it is") {
    Imported there(2);
    REQUIRE_OK(
        there.db().Execute("UPDATE body SET text='export the report' WHERE text LIKE '%number 1'"));
    Must(Forget(there.db(), {.match = "port"}, kNow));
    CHECK(there.Saying("export the report").empty());
    CHECK(there.Saying("form number 0").size() == 5);  // of the six a reply goes with any words
    CHECK(Rows(there.db(), "SELECT entry_id,extra FROM eval_entry WHERE active=1", 2) ==
          std::vector<std::string>{R"(e0|{"reason":"imported"})"});
    Must(Forget(there.db(), {.match = "form number"}, kNow));
    CHECK(there.Saying("form number").empty());
  }

  TEST_CASE("an imported entry whose code was taken away is one by the time of its set") {
    struct Case {
      const char* name;
      const char* extra;
      bool imported;
    };
    const Case cases[] = {
        {"of a set", R"({"reason":"[forgotten]","set_ms":5})", true},
        {"of none", R"({"reason":"[forgotten]"})", false},
        {"ours, in a set", R"({"reason":"label_should","set_ms":5})", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Imported there(2);
      static constexpr char kSet[] = R"sql(UPDATE eval_entry SET extra=?1 WHERE entry_id='e1')sql";
      REQUIRE_OK(there.db().Run(kSet, c.extra));
      Must(Forget(there.db(), {.match = "form number 1"}, kNow));
      CHECK(there.Saying("form number 1").empty() == c.imported);
    }
  }

  TEST_CASE("inactive entries that lose their words are counted") {
    Imported there(3, /*active=*/false);
    const ForgetReport report = Must(Forget(there.db(), {.match = "form number"}, kNow));
    CHECK(report.eval_entries == 3);
    CHECK(One(there.db(), "SELECT count(*) FROM body WHERE text LIKE '%form number%'") == "0");
  }

  TEST_CASE("an imported use that holds its words itself is chosen as a prompt is") {
    struct Case {
      const char* name;
      ForgetOptions options;
      const char* left;
    };
    const Case cases[] = {
        {"by words", {.match = "MY word"}, "2"},
        {"by a time", {.before = UtcMillis{100}}, "2"},
        {"by the skill", {.skill = "zip"}, "2"},
        {"by its session and words", {.session = "s", .match = "my word"}, "2"},
        {"by other words", {.match = "nothing like it"}, "3"},
        {"by its session", {.session = "s"}, "0"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      TempStore store;
      store.Write([&](IngestWriter& w) {
        const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "s"}));
        (void)Must(w.EnsureSkill("zip"));
        (void)Must(w.EnsureSkill("pdf"));
        const auto add = [&](int64_t n, int64_t skill, int64_t at, const std::string& text) {
          const BodyId body = AddBody(w.db(), text);
          static constexpr char kAdd[] = R"sql(
            INSERT INTO observation(session_pk,skill_id,occurrence_key,capture,capture_rank,occurred_ms,day,outcome,
              skill_text,confidence,query_body_id) VALUES(?1,?2,?3,'legacy',1,?4,0,'triggered','x',1,?5))sql";
          REQUIRE_OK(
              w.db().Run(kAdd, s, skill, Blob{std::string(15, 'k') + std::to_string(n)}, at, body));
        };
        add(1, 1, 50, "my word is hunter2");
        add(2, 2, 200, "merge these two files for me");
        add(3, 2, 300, "split it");
        REQUIRE_OK(w.db().Execute(
            "INSERT INTO proposal(proposal_id,skill_id,target,state,rationale,created_ms,"
            "updated_ms) VALUES('p',1,'description','created','they say: merge these two files for "
            "me',1,1)"));
      });
      Must(Forget(store.db(), c.options, kNow));
      const bool told = One(store.db(), "SELECT rationale FROM proposal") ==
                        "they say: merge these two files for me";
      CHECK(told == (std::string_view(c.left) != "0"));
      CHECK(One(store.db(), "SELECT count(*) FROM observation WHERE query_body_id IS NOT NULL") ==
            c.left);
      CHECK(One(store.db(), "SELECT count(*) FROM body WHERE text IS NOT NULL") == c.left);
      // An import that brings them again is told.
      const bool remembered = c.options.before.has_value() || std::string_view(c.left) == "3" ||
                              One(store.db(), "SELECT count(*) FROM forgotten") != "0";
      CHECK(remembered);
    }
  }

  TEST_CASE("many go in many transactions, cut off between any two the next run ends it") {
    constexpr size_t kMany = 2 * kPieceItems + 100;
    const ForgetOptions all{.match = "form number"};
    Imported whole(kMany);
    const int64_t before = whole.db().transactions();
    const ForgetReport report = Must(Forget(whole.db(), all, kNow));
    CHECK(report.eval_entries == kMany);
    // Marking and dropping each take a piece at a time.
    CHECK(whole.db().transactions() - before >= 6);
    int cuts = 0;
    for (bool done = false; !done; ++cuts) {
      CAPTURE(cuts);
      Imported there(kMany);
      {
        CutAfter cut(there.db(), cuts + 1);
        ForgetOptions options = all;
        options.cancel = &cut.cancel;
        const auto first = Forget(there.db(), options, kNow);
        done = first.ok();
        if (!done) CHECK(CodeOf(first.status()).name == kCancelledError.name);
      }
      Must(Forget(there.db(), all, kNow));
      CHECK(there.Saying("form number").empty());
      CHECK(One(there.db(), "SELECT count(*) FROM eval_entry WHERE active=1") == "0");
      CHECK(One(there.db(),
                "SELECT count(*) FROM body WHERE erased_ms IS NOT NULL AND text IS NOT "
                "NULL") == "0");
      CHECK(One(there.db(), "SELECT count(*) FROM meta WHERE key='forget_unfinished'") == "0");
      CHECK(Rows(there.db(), "PRAGMA foreign_key_check", 2).empty());
    }
    CHECK(cuts > 6);
  }

  TEST_CASE("what others write meanwhile is seen: a text that is said again stays") {
    Imported there(2 * kPieceItems);
    const auto other =
        Must(Db::Open(there.db().path(), {.mode = OpenMode::kReadWrite,
                                          .busy_timeout = std::chrono::milliseconds(1)}));
    struct Meanwhile {
      Db* db;
      int commits = 0;
    } meanwhile{other.get()};
    // Between two transactions of the run somebody says a query that is marked already.
    sqlite3_progress_handler(
        there.db().handle(), 1000,
        [](void* self) {
          auto* const m = static_cast<Meanwhile*>(self);
          if (m->commits > 0) return 0;
          const std::string marked = One(
              *m->db, "SELECT count(*) FROM body WHERE erased_ms IS NOT NULL AND text IS NOT NULL");
          if (marked != std::to_string(2 * kPieceItems)) return 0;
          auto txn = WriteTxn::Begin(*m->db);
          if (!txn.ok()) return 0;
          ++m->commits;
          IngestWriter w(*m->db, kNow);
          const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "new"}));
          Must(w.UpsertPrompt(s, {.seq = 0, .text = QueryOf(7)}));
          REQUIRE_OK(txn->Commit());
          return 0;
        },
        &meanwhile);
    const ForgetReport report = Must(Forget(there.db(), {.match = "form number"}, kNow));
    sqlite3_progress_handler(there.db().handle(), 0, nullptr, nullptr);
    CHECK(meanwhile.commits == 1);
    CHECK(report.texts == static_cast<int64_t>(2 * kPieceItems) - 1);
    CHECK(One(there.db(),
              "SELECT b.text FROM prompt p JOIN body b ON b.body_id=p.body_id JOIN "
              "session s USING(session_pk) WHERE s.session_id='new'") == QueryOf(7));
    CHECK(Rows(there.db(), "PRAGMA foreign_key_check", 2).empty());
  }

  TEST_CASE("beside somebody who writes all the time who says what is asked once") {
    Imported there(3 * kPieceItems);
    const auto other =
        Must(Db::Open(there.db().path(), {.mode = OpenMode::kReadWrite,
                                          .busy_timeout = std::chrono::milliseconds(1)}));
    int looks = 0;
    sqlite3_trace_v2(
        there.db().handle(), SQLITE_TRACE_STMT,
        [](unsigned, void* count, void*, void* sql) {
          const std::string_view text(static_cast<const char*>(sql));
          if (text.find("UPDATE temp.forget_text SET said") != text.npos)
            ++*static_cast<int*>(count);
          return 0;
        },
        &looks);
    sqlite3_progress_handler(
        there.db().handle(), 1000,
        [](void* db) {
          // Busy while a turn of the forget goes on.
          (void)static_cast<Db*>(db)->Execute(
              "INSERT OR REPLACE INTO meta VALUES('noise',random())");
          return 0;
        },
        other.get());
    Must(Forget(there.db(), {.match = "form number"}, kNow));
    sqlite3_progress_handler(there.db().handle(), 0, nullptr, nullptr);
    sqlite3_trace_v2(there.db().handle(), 0, nullptr, nullptr);
    CHECK(looks == 1);
    CHECK(there.Saying("form number").empty());
  }

  TEST_CASE("one at a time: a second one says who is at work, and forgetting by days waits a day") {
    Imported there(3);
    const std::string dir = base::JoinPath(base::DirName(there.db().path()), "locks");
    REQUIRE_OK(base::MakeDirs(dir, 0700));
    {
      const auto held =
          Must(base::LockFile::TryAcquire(base::JoinPath(dir, "forget.lock"), "the other"));
      const auto second =
          Forget(there.db(), {.match = "form", .wait = std::chrono::milliseconds(1)}, kNow);
      CHECK(CodeOf(second.status()).name == kLockHeld.name);
      CHECK_FALSE(Must(ApplyRetention(there.db(), 1, kNow, nullptr)).changed());
      CHECK(One(there.db(), "SELECT count(*) FROM meta WHERE key='forget_unfinished'") == "0");
      CHECK(One(there.db(), "SELECT count(*) FROM forgotten") == "0");
    }
    CHECK(Must(Forget(there.db(), {.match = "form"}, kNow)).eval_entries == 3);
  }

  TEST_CASE("a number that another row has got meanwhile is not taken for the chosen one") {
    constexpr int kSaid = 40, kKept = 10;
    TempStore store;
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "a"}));
      for (int i = 0; i < kSaid; ++i) {
        Must(w.UpsertPrompt(s, {.seq = i, .text = "the secret word, time " + std::to_string(i)}));
      }
    });
    const auto other = store.Open(OpenMode::kReadWrite);
    struct Meanwhile {
      sqlite3* reader;
      Db* db;
      bool done = false;
    } meanwhile{store.db().handle(), other.get()};
    // While prompts are chosen, most of them go, their numbers to another session; one says the
    // word in another way.
    sqlite3_progress_handler(
        meanwhile.reader, 1,
        [](void* self) {
          auto* const m = static_cast<Meanwhile*>(self);
          if (m->done) return 0;
          bool choosing = false;
          for (sqlite3_stmt* s = nullptr; (s = sqlite3_next_stmt(m->reader, s)) != nullptr;) {
            const char* const sql = sqlite3_stmt_busy(s) != 0 ? sqlite3_sql(s) : nullptr;
            choosing = choosing ||
                       (sql != nullptr &&
                        std::string_view(sql).find("p.prompt_pk>?6") != std::string_view::npos);
          }
          if (!choosing) return 0;
          m->done = true;
          auto txn = Must(WriteTxn::Begin(*m->db));
          REQUIRE_OK(m->db->Execute("DELETE FROM prompt WHERE seq>=10"));
          IngestWriter w(*m->db, kNow);
          const SessionPk a = Must(w.UpdateSession({.platform = "codex", .id = "a"}));
          Must(w.UpsertPrompt(a, {.seq = 3, .text = "the secret word, in another way"}));
          const SessionPk b = Must(w.UpdateSession({.platform = "codex", .id = "b"}));
          for (int i = 0; i < kKept; ++i) {
            Must(w.UpsertPrompt(b, {.seq = i, .text = "nothing of it " + std::to_string(i)}));
          }
          REQUIRE_OK(txn.Commit());
          return 0;
        },
        &meanwhile);
    Must(Forget(store.db(), {.match = "secret word"}, kNow));
    sqlite3_progress_handler(meanwhile.reader, 0, nullptr, nullptr);
    REQUIRE(meanwhile.done);
    CHECK(One(store.db(), "SELECT count(*) FROM body WHERE text LIKE '%secret word%'") == "0");
    CHECK(One(store.db(),
              "SELECT count(*) FROM prompt p JOIN body b USING(body_id) WHERE b.text "
              "LIKE 'nothing of it%'") == std::to_string(kKept));
  }

  TEST_CASE("all columns that refer to a text are looked at before one goes") {
    TempStore store;
    std::set<std::string> found;
    for (const std::string& table :
         Rows(store.db(), "SELECT name FROM sqlite_schema WHERE type='table'", 1)) {
      for (const std::string& key : Rows(store.db(),
                                         "SELECT \"from\" FROM pragma_foreign_key_list('" + table +
                                             "') WHERE \"table\"='body'",
                                         1)) {
        found.insert(table + "." + key);
      }
    }
    // Those of forget_texts.cc: kLook, and what rows of an evaluation need.
    const std::set<std::string> known = {"prompt.body_id",
                                         "prompt.raw_body_id",
                                         "observation.query_body_id",
                                         "skill_location.description_body",
                                         "skill_version.description_body",
                                         "listing_entry.description_body",
                                         "proposal.original_body",
                                         "proposal.proposed_body",
                                         "eval_entry.query_body",
                                         "replay_result.query_body"};
    CHECK(found == known);
  }
}

}  // namespace selftune::store
