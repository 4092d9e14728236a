// Random histories: whatever order facts come in and however often files are
// read again, the checks of the store hold and the public rows are the same.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "store/integrity.h"
#include "support/rounds.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::AddSource;
using testing::Must;
using testing::Rows;
using testing::TempStore;

constexpr std::string_view kHost = "claude_code";
constexpr int kSkills = 5;

// What one file says, as a list of steps that each belong to one batch.
struct FakeUse {
  std::string key, skill;
  int prompt = 0;
  Outcome outcome = Outcome::kTriggered;
  Level level = Level::kTool;
};
struct FakeSession {
  std::string id, parent;
  std::vector<std::string> prompts;
  std::vector<FakeUse> uses;
  std::map<std::string, std::pair<int, int>> tools;  // calls, errors
};

std::vector<FakeSession> MakeWorld(base::Rng& rng) {
  std::vector<FakeSession> world;
  const uint64_t count = 3 + rng.Below(6);
  for (uint64_t i = 0; i < count; ++i) {
    FakeSession session;
    session.id = "s" + std::to_string(i);
    if (i > 0 && rng.Below(3) == 0) session.parent = "s" + std::to_string(rng.Below(i));
    const uint64_t prompts = session.parent.empty() ? rng.Below(6) : 0;
    for (uint64_t p = 0; p < prompts; ++p) {
      session.prompts.push_back(rng.Below(2) == 0 ? "go on"
                                                  : "text " + std::to_string(rng.Below(4)));
    }
    for (uint64_t u = rng.Below(8); u > 0; --u) {
      session.uses.push_back(
          {.key = "t" + std::to_string(i) + "_" + std::to_string(u),
           .skill = "skill" + std::to_string(rng.Below(kSkills)),
           .prompt = static_cast<int>(rng.Below(prompts + 1)),
           .outcome = rng.Below(4) == 0 ? Outcome::kRefused : Outcome::kTriggered,
           .level = static_cast<Level>(rng.Below(4))});
    }
    for (uint64_t t = rng.Below(4); t > 0; --t) {
      const int calls = 1 + static_cast<int>(rng.Below(9));
      session.tools["tool" + std::to_string(t)] = {calls, static_cast<int>(rng.Below(calls + 1))};
    }
    world.push_back(std::move(session));
  }
  return world;
}

UtcMillis TimeOf(const FakeSession& session, int prompt) {
  const int64_t base = 1'700'000'000'000 + static_cast<int64_t>(session.id[1] - '0') * 40'000'000;
  return UtcMillis{base + prompt * 30'000'000};
}

// Writes one file, whole, as generation `generation`.
void WriteFile(IngestWriter& w, const FakeSession& session, int64_t generation) {
  const SourceId source = AddSource(w, "/t/" + session.id + ".jsonl");
  if (generation > 1) {
    CHECK_OK(w.StartGeneration(source, generation));
    CHECK_OK(w.ResetSession(Must(w.EnsureSession(kHost, session.id)), generation));
  }
  SessionUpdate update{
      .platform = kHost, .id = session.id, .source = source, .generation = generation};
  update.started = TimeOf(session, 0);
  if (!session.parent.empty()) {
    update.kind = SessionKind::kSubagent;
    update.parent_id = session.parent;
  }
  const SessionPk pk = Must(w.UpdateSession(update));
  for (size_t i = 0; i < session.prompts.size(); ++i) {
    Must(w.UpsertPrompt(pk, {.seq = static_cast<int32_t>(i),
                             .text = session.prompts[i],
                             .at = TimeOf(session, static_cast<int>(i)),
                             .origin = {.source = source, .generation = generation, .offset = i}}));
  }
  for (const FakeUse& use : session.uses) {
    CHECK_OK(w.UpsertObservation(pk, {.key = use.key,
                                      .key_is_call_id = true,
                                      .skill = use.skill,
                                      .outcome = use.outcome,
                                      .level = use.level,
                                      .prompt_seq = use.prompt,
                                      .at = TimeOf(session, use.prompt),
                                      .origin = {.source = source, .generation = generation}}));
  }
  std::vector<ToolDeltaRow> tools;
  for (const auto& [name, counts] : session.tools) {
    tools.push_back({.name = name, .calls = counts.first, .errors = counts.second});
  }
  CHECK_OK(
      w.AddMetricDelta(pk, {.answers = static_cast<int64_t>(session.uses.size()), .tools = tools}));
  if (generation > 1) CHECK_OK(w.SweepSource(source, generation));
}

// Everything the public views say that does not depend on when it was read.
std::vector<std::string> PublicRows(Db& db) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& sql, int columns) {
    for (std::string& row : Rows(db, sql, columns)) all.push_back(std::move(row));
  };
  add("SELECT session_id,kind,parent_session_id,root_session_id,parent_prompt_id,started_at FROM "
      "sessions ORDER BY 1",
      6);
  add("SELECT prompt_id,prompt_text,occurred_at,is_actionable FROM prompts ORDER BY 1", 4);
  add("SELECT skill_invocation_id,skill_name,outcome,level,matched_prompt_id,query,occurred_at "
      "FROM skill_invocations"
      " ORDER BY 1",
      7);
  add("SELECT session_id,total_tool_calls,errors_encountered,assistant_turns,tool_calls_json FROM "
      "execution_facts ORDER BY 1",
      5);
  add("SELECT k.name,d.day,d.checks,d.triggered,d.refused,d.conf_micro,d.linked,d.last_ms FROM "
      "skill_day d"
      " LEFT JOIN skill k USING(skill_id) ORDER BY 1,2",
      8);
  add("SELECT k.name,t.checks,t.triggered,t.sessions,t.first_ms,t.last_ms FROM skill_total t JOIN "
      "skill k USING(skill_id)"
      " WHERE t.checks>0 ORDER BY 1",
      6);
  add("SELECT hex(prompt_key) FROM prompt ORDER BY 1", 1);
  add("SELECT name,value FROM counter ORDER BY 1", 2);
  return all;
}

void CheckSound(Db& db) {
  const CheckReport report = Must(CheckStore(db, {.deep = true}));
  for (const Problem& problem : report.problems)
    FAIL_CHECK(problem.check << ": " << problem.message);
}

void Shuffle(base::Rng& rng, std::vector<size_t>& order) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
}

}  // namespace

TEST_SUITE("store/properties") {
  TEST_CASE("order of files, transactions and links does not matter; re-reading changes nothing") {
    for (int seed = 1; seed <= selftune::testing::Rounds(25); ++seed) {
      CAPTURE(seed);
      base::Rng rng(seed);
      const std::vector<FakeSession> world = MakeWorld(rng);
      std::vector<size_t> order(world.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;

      TempStore plain;
      plain.Write([&](IngestWriter& w) {
        for (const FakeSession& session : world) WriteFile(w, session, 1);
      });
      plain.Link();
      CheckSound(plain.db());
      const std::vector<std::string> want = PublicRows(plain.db());

      TempStore mixed;
      Shuffle(rng, order);
      for (const size_t i : order) {
        mixed.Write([&](IngestWriter& w) { WriteFile(w, world[i], 1); });
        if (rng.Below(2) == 0) mixed.Link();
      }
      mixed.Link();
      CheckSound(mixed.db());
      CHECK(PublicRows(mixed.db()) == want);

      Shuffle(rng, order);
      for (int64_t generation = 2; generation <= 3; ++generation) {
        for (const size_t i : order) {
          mixed.Write([&](IngestWriter& w) { WriteFile(w, world[i], generation); });
          if (rng.Below(3) == 0) mixed.Link();
        }
      }
      mixed.Link();
      CheckSound(mixed.db());
      CHECK(PublicRows(mixed.db()) == want);
    }
  }

  TEST_CASE("a file that is replaced by another ends as if only the other had been there") {
    for (int seed = 100; seed < 100 + selftune::testing::Rounds(15); ++seed) {
      CAPTURE(seed);
      base::Rng rng(seed);
      const std::vector<FakeSession> before = MakeWorld(rng);
      std::vector<FakeSession> after = MakeWorld(rng);
      // The same files, so that each is a replacement.
      while (after.size() < before.size()) {
        FakeSession empty;
        empty.id = before[after.size()].id;
        after.push_back(empty);
      }
      TempStore replaced, fresh;
      replaced.Write([&](IngestWriter& w) {
        for (const FakeSession& session : before) WriteFile(w, session, 1);
      });
      replaced.Link();
      for (const FakeSession& session : after) {
        replaced.Write([&](IngestWriter& w) { WriteFile(w, session, 2); });
      }
      replaced.Link();
      fresh.Write([&](IngestWriter& w) {
        for (const FakeSession& session : after) WriteFile(w, session, 1);
      });
      fresh.Link();
      CheckSound(replaced.db());
      CHECK(PublicRows(replaced.db()) == PublicRows(fresh.db()));
    }
  }
}

}  // namespace selftune::store
