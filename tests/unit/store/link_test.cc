#include "store/link.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::AddSource;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

constexpr std::string_view kHost = "claude_code";

SessionUpdate Main(std::string_view id) { return {.platform = kHost, .id = id}; }

SessionUpdate Child(std::string_view id) {
  return {.platform = kHost, .id = id, .kind = SessionKind::kSubagent};
}

PromptRow Prompt(int32_t seq, int64_t at_ms, std::string_view native = "") {
  return {.seq = seq, .text = "prompt", .native_id = native, .at = UtcMillis{at_ms}};
}

ObservationRow Use(std::string_view call) {
  return {.key = call, .key_is_call_id = true, .skill = "pdf", .at = UtcMillis{5'000}};
}

// Parts of one conversation, each as sync would write it. A root with prompts
// 0, 1, 2; "kid" started by call c1 in the turn of prompt 1; "grandkid" started
// by call c2 of kid; a skill used in each of them.
using Part = std::function<void(IngestWriter&)>;
std::vector<Part> Family() {
  return {
      [](IngestWriter& w) {
        const SessionPk root = Must(w.UpdateSession(Main("root")));
        for (int i = 0; i < 3; ++i) Must(w.UpsertPrompt(root, Prompt(i, 1000 * (i + 1))));
      },
      [](IngestWriter& w) {
        const SessionPk root = Must(w.UpdateSession(Main("root")));
        CHECK_OK(w.AddSpawn(root, {.call_id = "c1", .prompt_seq = 1, .child_id = ""}));
      },
      [](IngestWriter& w) {
        SessionUpdate kid = Child("kid");
        kid.root_id = "root";
        kid.spawn_call_id = "c1";
        kid.started = UtcMillis{9'000};
        const SessionPk pk = Must(w.UpdateSession(kid));
        CHECK_OK(w.AddSpawn(pk, {.call_id = "c2", .prompt_seq = 0, .child_id = "grandkid"}));
        CHECK_OK(w.UpsertObservation(pk, Use("t1")));
      },
      [](IngestWriter& w) {
        SessionUpdate grandkid = Child("grandkid");
        grandkid.root_id = "root";
        grandkid.started = UtcMillis{9'500};
        CHECK_OK(w.UpsertObservation(Must(w.UpdateSession(grandkid)), Use("t2")));
      },
  };
}

std::vector<std::string> Links(Db& db) {
  std::vector<std::string> rows =
      Rows(db,
           "SELECT session_id,kind,parent_session_id,root_session_id,parent_prompt_id FROM "
           "sessions ORDER BY 1",
           5);
  const std::vector<std::string> uses = Rows(
      db,
      "SELECT session_id,root_session_id,matched_prompt_id,query FROM skill_invocations ORDER BY 1",
      4);
  rows.insert(rows.end(), uses.begin(), uses.end());
  return rows;
}

}  // namespace

TEST_SUITE("store/link") {
  TEST_CASE("chains of subagents resolve in any order of arrival") {
    const std::vector<std::string> want = {
        "grandkid|subagent|kid|root|root:p1", "kid|subagent|root|root|root:p1",
        "root|main|-|root|-", "grandkid|root|root:p1|prompt", "kid|root|root:p1|prompt"};
    std::vector<int> order = {0, 1, 2, 3};
    do {
      for (const bool link_between : {false, true}) {
        CAPTURE(order);
        CAPTURE(link_between);
        TempStore store;
        for (const int part : order) {
          store.Write(Family()[part]);
          if (link_between) store.Link();
        }
        store.Link();
        CHECK(Links(store.db()) == want);
        CHECK(store.Link().sessions == 0);
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }

  TEST_CASE("without a call the native id of the prompt decides, then the time") {
    struct Case {
      const char* name;
      const char* native;
      int64_t started;
      const char* want;
    };
    const Case cases[] = {
        {"native id", "n0", 2'500, "root:p0"},
        {"unknown native id falls back to the time", "nx", 2'500, "root:p1"},
        {"time", "", 2'999, "root:p1"},
        {"at the same moment", "", 3'000, "root:p2"},
        {"before every prompt", "", 10, "-"},
    };
    for (const Case& c : cases) {
      for (const bool child_first : {false, true}) {
        CAPTURE(c.name);
        CAPTURE(child_first);
        TempStore store;
        const auto root = [](IngestWriter& w) {
          const SessionPk pk = Must(w.UpdateSession(Main("root")));
          for (int i = 0; i < 3; ++i) {
            Must(w.UpsertPrompt(pk, Prompt(i, 1000 * (i + 1), "n" + std::to_string(i))));
          }
        };
        const auto kid = [&](IngestWriter& w) {
          SessionUpdate update = Child("kid");
          update.parent_id = "root";
          update.prompt_native_id = c.native;
          update.started = UtcMillis{c.started};
          Must(w.UpdateSession(update));
        };
        if (child_first) {
          store.Write(kid);
          store.Link();
          store.Write(root);
        } else {
          store.Write(root);
          store.Write(kid);
        }
        store.Link();
        CHECK(Rows(store.db(), "SELECT parent_prompt_id FROM sessions WHERE session_id='kid'", 1) ==
              std::vector<std::string>{c.want});
      }
    }
  }

  TEST_CASE("a guess by time is made again when the root goes on") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      Must(w.UpsertPrompt(Must(w.UpdateSession(Main("root"))), Prompt(0, 1'000)));
      SessionUpdate kid = Child("kid");
      kid.root_id = "root";
      kid.started = UtcMillis{5'000};
      Must(w.UpdateSession(kid));
    });
    store.Link();
    CHECK(One(store.db(), "SELECT parent_prompt_id FROM sessions WHERE session_id='kid'") ==
          "root:p0");
    store.Write([](IngestWriter& w) {
      Must(w.UpsertPrompt(Must(w.UpdateSession(Main("root"))), Prompt(1, 4'000)));
    });
    store.Link();
    CHECK(One(store.db(), "SELECT parent_prompt_id FROM sessions WHERE session_id='kid'") ==
          "root:p1");
  }

  TEST_CASE("a subagent whose parent is never found is its own root") {
    TempStore store;
    store.Write([](IngestWriter& w) { Must(w.UpdateSession(Child("lost"))); });
    store.Link();
    CHECK(Rows(store.db(), "SELECT kind,root_session_id,parent_session_id FROM sessions", 3) ==
          std::vector<std::string>{"automation|lost|-"});
  }

  TEST_CASE("sessions that name each other as parents end nowhere, but end") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      SessionUpdate a = Child("a");
      a.parent_id = "b";
      Must(w.UpdateSession(a));
      SessionUpdate b = Child("b");
      b.parent_id = "a";
      Must(w.UpdateSession(b));
    });
    store.Link();
    CHECK(One(store.db(), "SELECT count(*) FROM sessions WHERE root_session_id=session_id") == "2");
  }

  TEST_CASE("a swept prompt lets go of the subagents it started") {
    TempStore store;
    SourceId source;
    store.Write([&](IngestWriter& w) {
      source = AddSource(w, "/t/a.jsonl");
      SessionUpdate root = Main("root");
      root.source = source;
      const SessionPk pk = Must(w.UpdateSession(root));
      PromptRow prompt = Prompt(0, 1'000);
      prompt.origin.source = source;
      Must(w.UpsertPrompt(pk, prompt));
      SessionUpdate kid = Child("kid");
      kid.root_id = "root";
      kid.started = UtcMillis{2'000};
      CHECK_OK(w.UpsertObservation(Must(w.UpdateSession(kid)), Use("t1")));
    });
    store.Link();
    CHECK(One(store.db(), "SELECT matched_prompt_id FROM skill_invocations") == "root:p0");
    store.Write([&](IngestWriter& w) {
      const SessionPk pk = Must(w.EnsureSession(kHost, "root"));
      CHECK_OK(w.StartGeneration(source, 2));
      CHECK_OK(w.ResetSession(pk, 2));
      CHECK_OK(w.SweepSource(source, 2));
    });
    store.Link();
    CHECK(Rows(store.db(), "SELECT matched_prompt_id FROM skill_invocations", 1) ==
          std::vector<std::string>{"-"});
    CHECK(Rows(store.db(), "SELECT parent_prompt_id FROM sessions WHERE session_id='kid'", 1) ==
          std::vector<std::string>{"-"});
  }

  TEST_CASE("sessions that share an anchor form a group, oldest first") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      struct Given {
        const char* id;
        int64_t started;
        std::vector<uint64_t> anchors;
      };
      const Given given[] = {{"fork2", 300, {7, 9}},
                             {"origin", 100, {7}},
                             {"fork1", 200, {9}},
                             {"alone", 50, {1}},
                             {"other", 60, {2}}};
      for (const Given& g : given) {
        SessionUpdate update = Main(g.id);
        update.started = UtcMillis{g.started};
        const SessionPk pk = Must(w.UpdateSession(update));
        CHECK_OK(w.AddAnchors(pk, g.anchors));
        const std::vector<uint64_t> keys = {static_cast<uint64_t>(g.started), UINT64_MAX};
        CHECK_OK(w.AddKeys(pk, keys));
        CHECK_OK(w.AddKeys(pk, std::vector<uint64_t>{5}));
      }
      CHECK_OK(SettleAlone(w.db()));
    });
    std::vector<ForkGroup> groups = Must(UnsettledForks(store.db()));
    REQUIRE(groups.size() == 1);
    std::vector<std::string> ids;
    for (const ForkMember& member : groups[0].members) ids.push_back(member.session_id);
    CHECK(ids == std::vector<std::string>{"origin", "fork1", "fork2"});
    CHECK(Must(SessionKeys(store.db(), groups[0].members[1].session)) ==
          std::vector<uint64_t>{200, UINT64_MAX, 5});
    store.Write([&](IngestWriter& w) {
      for (const ForkMember& member : groups[0].members)
        CHECK_OK(MarkSettled(w.db(), member.session));
    });
    CHECK(Must(UnsettledForks(store.db())).empty());
    // A later copy opens the group again; the settled ones are in it.
    store.Write([](IngestWriter& w) {
      SessionUpdate update = Main("late");
      update.started = UtcMillis{400};
      CHECK_OK(w.AddAnchors(Must(w.UpdateSession(update)), std::vector<uint64_t>{7}));
      CHECK_OK(SettleAlone(w.db()));
    });
    groups = Must(UnsettledForks(store.db()));
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].members.size() == 3);
    CHECK(groups[0].members[0].settled);
    CHECK(!groups[0].members.back().settled);
  }
}

}  // namespace selftune::store
