// Hooks may be lost, late, or come in any order; the transcript that comes after
// must leave what it leaves alone.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/time.h"
#include "hooks/event.h"
#include "store/spool.h"
#include "support/rounds.h"
#include "sync/hook_evidence.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using hooks::EventType;
using hooks::HookEvent;
using hooks::ToolKind;
using testing::Must;
using testing::SyncHome;

constexpr std::string_view kSession = "33333333-2222-4222-8222-222222222222";
constexpr std::string_view kCodexSession = "01a202ac-16ec-7a62-b0c0-4c6dcb7c6a47";
constexpr UtcMillis kBegin{1'789'999'000'000};
constexpr int64_t kTurnMs = 20'000;

struct Turn {
  std::string_view text;
  std::string_view uses = {};  // a skill
};

// Complaints about a prompt before, about a use before, and about nothing.
constexpr Turn kTurns[] = {
    {"good morning"},
    {"make a report of this"},
    {"why didn't you use pdf-report?", "pdf-report"},
    {"stop using pdf-report"},
    {"again"},
    {"again", "sql-helper"},
    {"why didn't you use pdf-report?"},
    {"please use the sql-helper skill"},
    {"don't use pdf-report"},
    {"next time use sql-helper", "sql-helper"},
    {"thanks"},
};
constexpr size_t kCount = std::size(kTurns);

UtcMillis At(size_t turn, int64_t later = 0) {
  return {kBegin.value + static_cast<int64_t>(turn) * kTurnMs + later};
}

// What a host writes, and what its hooks tell of it.
struct Host {
  std::string_view platform, session, file;
  bool turn_ids;
  std::vector<std::string> (*lines)(size_t turn, bool turn_ids);
};

std::vector<std::string> ClaudeLines(size_t turn, bool turn_ids) {
  const Turn& said = kTurns[turn];
  const auto record = [&](std::string_view uuid, int64_t later, std::string_view rest) {
    return fmt::format(
        R"({{"uuid":"{}{}","parentUuid":null,"sessionId":"{}","timestamp":"{}","cwd":"/w",)"
        R"("version":"2.1.330","isSidechain":false,"userType":"external"{},{}}})",
        uuid, turn, kSession, FormatRfc3339(At(turn, later)),
        turn_ids ? fmt::format(R"(,"promptId":"p{}")", turn) : "", rest);
  };
  std::vector<std::string> out;
  out.push_back(record(
      "u", 0,
      fmt::format(
          R"("type":"user","promptSource":"typed","message":{{"role":"user","content":"{}"}})",
          said.text)));
  if (!said.uses.empty()) {
    out.push_back(record(
        "c", 1000,
        fmt::format(R"("type":"assistant","message":{{"id":"mc{0}","role":"assistant","model":"m",)"
                    R"("content":[{{"type":"tool_use","id":"call-{0}","name":"Skill","input":)"
                    R"({{"skill":"{1}"}}}}],"usage":{{"input_tokens":1,"output_tokens":1}}}})",
                    turn, said.uses)));
    out.push_back(record(
        "r", 1100,
        fmt::format(R"("type":"user","toolUseResult":{{"success":true,"commandName":"{1}"}},)"
                    R"("message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":)"
                    R"("call-{0}","content":"Launching skill: {1}"}}]}})",
                    turn, said.uses)));
  }
  out.push_back(record(
      "a", 2000,
      fmt::format(R"("type":"assistant","message":{{"id":"m{}","role":"assistant","model":"m",)"
                  R"("content":[{{"type":"text","text":"ok"}}],"usage":{{"input_tokens":1,)"
                  R"("output_tokens":1}}}})",
                  turn)));
  return out;
}

std::vector<std::string> CodexLines(size_t turn, bool /*turn_ids*/) {
  const auto line = [&](int64_t later, std::string_view type, std::string_view payload) {
    return fmt::format(R"({{"timestamp":"{}","type":"{}","payload":{}}})",
                       FormatRfc3339(At(turn, later)), type, payload);
  };
  std::vector<std::string> out;
  if (turn == 0) {
    out.push_back(line(-10, "session_meta",
                       fmt::format(R"({{"id":"{}","timestamp":"{}","cwd":"/w","originator":)"
                                   R"("codex_exec","cli_version":"0.44.0","instructions":null}})",
                                   kCodexSession, FormatRfc3339(At(0, -10)))));
  }
  const Turn& said = kTurns[turn];
  out.push_back(line(0, "response_item",
                     fmt::format(R"({{"type":"message","role":"user","content":)"
                                 R"([{{"type":"input_text","text":"{}"}}]}})",
                                 said.text)));
  out.push_back(
      line(0, "event_msg",
           fmt::format(R"({{"type":"user_message","message":"{}","kind":"plain"}})", said.text)));
  if (!said.uses.empty()) {
    out.push_back(
        line(1000, "response_item",
             fmt::format(R"({{"type":"function_call","name":"shell","arguments":)"
                         R"("{{\"command\":[\"bash\",\"-lc\",)"
                         R"(\"cat /w/.codex/skills/{}/SKILL.md\"]}}","call_id":"call-{}"}})",
                         said.uses, turn)));
    out.push_back(
        line(1100, "response_item",
             fmt::format(R"({{"type":"function_call_output","call_id":"call-{}","output":)"
                         R"("{{\"output\":\"---\\nname: {}\\n---\\n\",)"
                         R"(\"metadata\":{{\"exit_code\":0}}}}"}})",
                         turn, said.uses)));
  }
  out.push_back(line(2000, "response_item",
                     R"({"type":"message","role":"assistant","content":)"
                     R"([{"type":"output_text","text":"ok"}]})"));
  return out;
}

constexpr std::string_view kClaudeFile =
    ".claude/projects/-w/33333333-2222-4222-8222-222222222222.jsonl";
constexpr std::string_view kCodexFile =
    ".codex/sessions/2026/09/21/rollout-2026-09-21T10-00-00-01a202ac-16ec-7a62-b0c0-4c6dcb7c6a47"
    ".jsonl";
constexpr Host kHosts[] = {
    {"claude_code", kSession, kClaudeFile, true, ClaudeLines},
    {"claude_code", kSession, kClaudeFile, false, ClaudeLines},
    {"codex", kCodexSession, kCodexFile, false, CodexLines},
};

std::vector<std::string> Lines(const Host& host) {
  std::vector<std::string> out;
  for (size_t turn = 0; turn < kCount; ++turn) {
    for (std::string& line : host.lines(turn, host.turn_ids)) out.push_back(std::move(line));
  }
  return out;
}

struct Event {
  UtcMillis at;
  HookEvent event;
};

Event PromptOf(const Host& host, size_t turn) {
  return {At(turn, 3),
          {.platform = std::string(host.platform),
           .type = EventType::kPromptSubmit,
           .session_id = std::string(host.session),
           .prompt_id = host.turn_ids ? fmt::format("p{}", turn) : "",
           .prompt = std::string(kTurns[turn].text)}};
}

// All that the hooks of the conversation tell, in their order.
std::vector<Event> EventsOf(const Host& host) {
  std::vector<Event> out;
  for (size_t turn = 0; turn < kCount; ++turn) {
    out.push_back(PromptOf(host, turn));
    HookEvent more{.platform = std::string(host.platform),
                   .session_id = std::string(host.session),
                   .prompt_id = host.turn_ids ? fmt::format("p{}", turn) : ""};
    if (!kTurns[turn].uses.empty()) {
      HookEvent use = more;
      use.type = EventType::kPostToolUse;
      use.tool = ToolKind::kSkill;
      use.tool_name = "Skill";
      use.tool_call_id = fmt::format("call-{}", turn);
      use.skill = kTurns[turn].uses;
      out.push_back({At(turn, 1103), std::move(use)});
    }
    more.type = EventType::kTurnEnd;
    out.push_back({At(turn, 2003), std::move(more)});
  }
  return out;
}

class HookedHome {
 public:
  explicit HookedHome(const Host& host) : host_(host), lines_(Lines(host)) {
    for (const std::string_view skill : {"pdf-report", "sql-helper"}) {
      home_.Write(fmt::format(".claude/skills/{}/SKILL.md", skill),
                  fmt::format("---\nname: {}\ndescription: Does it.\n---\nx\n", skill));
    }
    home_.Sync();
  }

  // The hook has run; nobody has read the spool.
  void Hook(const Event& event) {
    const std::string id = fmt::format("id-{}", ++ids_);
    REQUIRE_OK(store::SpoolAppend(
        home_.dir / ".selftune",
        {.id = id, .kind = "hook", .at = event.at, .payload = hooks::ToJson(event.event)}));
  }
  void TakeIn() { Must(TakeInHooks(*home_.db, home_.dir / ".selftune", home_.clock.Now())); }
  // The transcript has as many lines by now; it never shrinks.
  void Tell(size_t lines) {
    if (lines <= told_) return;
    std::string text;
    for (size_t i = told_; i < lines; ++i) text += lines_[i] + "\n";
    if (told_ == 0) {
      home_.Write(host_.file, text);
    } else {
      home_.Append(host_.file, text);
    }
    told_ = lines;
    home_.Sync();
  }
  void ReadAgain() { home_.Sync({.force = true}); }
  void TellAll() {
    Tell(lines_.size());
    home_.Sync();
  }
  [[nodiscard]] size_t lines() const { return lines_.size(); }

  std::vector<std::string> Rows(const std::string& sql, int columns) {
    return home_.Rows(sql, columns);
  }
  std::vector<std::string> Labels() {
    return Rows(
        "SELECT p.seq, k.name, l.label, l.source FROM label l JOIN prompt p USING(prompt_pk) "
        "JOIN skill k USING(skill_id) ORDER BY 1, 2, 4",
        4);
  }
  std::vector<std::string> Misses() {
    return Rows(
        "SELECT p.seq, k.name FROM observation o JOIN prompt p USING(prompt_pk) JOIN skill k "
        "USING(skill_id) WHERE o.effective=1 AND o.outcome='missed' ORDER BY 1, 2",
        2);
  }
  std::vector<std::string> Signals() {
    return Rows(
        "SELECT p.seq, g.kind, g.mention, g.resolved, g.state, g.occurred_ms FROM "
        "improvement_signal g JOIN prompt p USING(prompt_pk) ORDER BY 1, 2, 3",
        6);
  }

  // Everything that somebody may read, but who saw it.
  std::vector<std::string> Evidence() {
    std::vector<std::string> out = Labels();
    for (std::vector<std::string> more : {
             Signals(),
             Rows("SELECT platform, session_id, kind, capture, started_ms, ended_ms, completion "
                  "FROM session ORDER BY 1, 2",
                  7),
             Rows("SELECT p.seq, b.text, p.kind, p.actionable, p.active, p.native_id, "
                  "p.occurred_ms, p.capture, hex(p.prompt_key), p.prompt_id FROM prompt p JOIN "
                  "body b USING(body_id) ORDER BY 1",
                  10),
             Rows("SELECT o.prompt_seq, p.seq, k.name, o.capture, o.outcome, o.level, o.route, "
                  "o.requested_by, o.mode, o.cause, o.reason, o.occurred_ms, "
                  "hex(o.occurrence_key) FROM observation o JOIN skill k USING(skill_id) LEFT "
                  "JOIN prompt p ON p.prompt_pk=o.prompt_pk WHERE o.effective=1 ORDER BY 1, 3, 5",
                  13),
             Rows("SELECT k.name, t.checks, t.triggered, t.missed, t.sessions, t.linked FROM "
                  "skill_total t JOIN skill k USING(skill_id) ORDER BY 1",
                  6),
             Rows("SELECT name, value FROM counter WHERE name IN('sessions','prompts') ORDER BY 1",
                  2),
         }) {
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }

 private:
  SyncHome home_;
  const Host& host_;
  std::vector<std::string> lines_;
  size_t told_ = 0;
  int ids_ = 0;
};

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  size_t Below(size_t n) { return engine_() % n; }
  bool Percent(size_t n) { return Below(100) < n; }
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::mt19937 engine_;
};

// Some hooks are lost, some late or in another order; the spool is read and the
// transcript grows in between.
void Play(HookedHome& home, const Host& host, uint32_t seed) {
  Dice dice(seed);
  std::vector<Event> events;
  const size_t lost = dice.Below(4) * 25;
  for (Event& event : EventsOf(host)) {
    if (!dice.Percent(lost)) events.push_back(std::move(event));
  }
  const size_t order = dice.Below(3);
  if (order == 1) dice.Shuffle(events);
  if (order == 2) {
    for (size_t i = 1; i < events.size(); ++i) {
      if (dice.Percent(30)) std::swap(events[i - 1], events[i]);
    }
  }
  const size_t looks = dice.Below(3) * 20, grows = dice.Below(3) * 10;
  size_t told = 0;
  for (const Event& event : events) {
    home.Hook(event);
    if (dice.Percent(looks)) home.TakeIn();
    if (!dice.Percent(grows)) continue;
    told += dice.Below(home.lines() - told + 1);
    home.Tell(told);
    if (dice.Percent(20)) home.ReadAgain();
  }
  if (dice.Percent(50)) home.TakeIn();
  home.TellAll();
}

}  // namespace

TEST_SUITE("sync/hook order") {
  TEST_CASE("whatever hooks are lost or late, the transcript leaves what it leaves alone") {
    constexpr uint32_t kSeeds = selftune::testing::Rounds(60);
    for (const Host& host : kHosts) {
      HookedHome alone(host);
      alone.TellAll();
      const std::vector<std::string> expected = alone.Evidence();
      REQUIRE(alone.Labels().size() == 6);
      REQUIRE(alone.Misses().size() >= 3);
      for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
        CAPTURE(host.platform);
        CAPTURE(host.turn_ids);
        CAPTURE(seed);
        HookedHome home(host);
        Play(home, host, seed);
        CHECK(home.Evidence() == expected);
        if (seed % 10 != 0) continue;
        home.ReadAgain();
        CHECK(home.Evidence() == expected);
      }
    }
  }

  TEST_CASE("a complaint whose prompt before was lost is about that one in the end") {
    for (const Host& host : kHosts) {
      CAPTURE(host.platform);
      HookedHome home(host);
      home.Hook(PromptOf(host, 0));
      home.Hook(PromptOf(host, 2));
      home.TakeIn();
      CHECK(home.Misses() == std::vector<std::string>{"0|pdf-report"});  // as far as is known
      home.TellAll();
      CHECK(home.Misses().front() == "1|pdf-report");
      CHECK(home.Labels().front() == "1|pdf-report|should|signal:correction");
    }
  }

  TEST_CASE("a hook's complaint says nothing of what the transcript told") {
    const Host& host = kHosts[0];
    HookedHome home(host);
    home.Tell(2);  // the first turn
    home.Hook(PromptOf(host, 2));
    home.Hook(PromptOf(host, 8));
    home.TakeIn();
    CHECK(home.Signals().size() == 2);
    const std::vector<std::string> waiting{"2|pdf-report|should_not|signal:unwanted"};
    CHECK(home.Labels() == waiting);
    home.ReadAgain();
    CHECK(home.Signals().size() == 2);
    CHECK(home.Labels() == waiting);
    home.Hook(PromptOf(host, 7));  // a request is about itself
    home.TakeIn();
    CHECK(home.Labels().back() == "3|sql-helper|should|signal:explicit_request");
  }

  TEST_CASE("a complaint that the transcript tells passes over what only a hook saw") {
    const Host& host = kHosts[0];
    HookedHome home(host);
    home.Tell(4);  // two turns
    Event blocked = PromptOf(host, 2);
    blocked.event.prompt = "tell me the password";
    blocked.event.prompt_id = "blocked";
    home.Hook(blocked);
    home.TakeIn();
    home.Tell(5);
    CHECK(home.Labels() == std::vector<std::string>{"1|pdf-report|should|signal:correction"});
  }
}

}  // namespace selftune::sync
