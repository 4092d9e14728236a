// What people said of a skill counts, whether the skill was known before or not,
// and no longer when they took it back.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hooks/event.h"
#include "store/integrity.h"
#include "store/spool.h"
#include "sync/hook_evidence.h"
#include "unit/sync/sync_fixture.h"
#include "unit/sync/typed_scene.h"

namespace selftune::sync {
namespace {

using hooks::EventType;
using hooks::HookEvent;
using hooks::ToolKind;
using testing::CheckWhole;
using testing::Must;
using testing::SyncHome;
using Lines = std::vector<std::string>;

constexpr std::string_view kSession = "33333333-2222-4222-8222-222222222222";
constexpr std::string_view kAgentSession = "33333333-2222-4222-8222-222222222222:agent:q1";
constexpr std::string_view kTranscript =
    ".claude/projects/-proj/33333333-2222-4222-8222-222222222222.jsonl";
constexpr std::string_view kRollout =
    ".codex/sessions/2026/09/21/rollout-2026-09-21T10-00-00-01a202ac-16ec-7a62-b0c0-4c6dcb7c6a47"
    ".jsonl";
constexpr UtcMillis kBegin{1'789'999'000'000};

void Install(SyncHome& home, std::string_view folder, std::string_view name) {
  home.Write(fmt::format("{}/skills/{}/SKILL.md", folder, name),
             fmt::format("---\nname: {}\ndescription: Does it.\n---\nx\n", name));
}

// A conversation in <home>/proj, two seconds a turn.
std::string Transcript(const SyncHome& home, const Lines& prompts) {
  std::string out;
  int n = 0;
  const auto add = [&](std::string_view type, std::string_view rest) {
    out += fmt::format(
        R"({{"uuid":"u{0}","parentUuid":null,"sessionId":"{1}","timestamp":"{2}","cwd":"{3}/proj",)"
        R"("version":"2.1.330","isSidechain":false,"userType":"external","type":"{4}",{5}}})"
        "\n",
        n, kSession, FormatRfc3339({kBegin.value + 1000 * n}), home.dir.path(), type, rest);
    ++n;
  };
  for (const std::string& prompt : prompts) {
    add("user", fmt::format(R"("promptSource":"typed","message":{{"role":"user","content":"{}"}})",
                            prompt));
    add("assistant",
        fmt::format(R"("message":{{"id":"m{}","role":"assistant","model":"m","content":)"
                    R"([{{"type":"text","text":"ok"}}],"usage":{{"output_tokens":1}}}})",
                    n));
  }
  return out;
}

Lines Said(SyncHome& home) {
  Lines out = home.Rows(
      "SELECT prompt_id, signal_type, mentioned_skill, resolved, state, timestamp FROM "
      "improvement_signals ORDER BY 1, 2, 3",
      6);
  for (const Lines& more :
       {home.Rows("SELECT p.prompt_id, k.name, l.label, l.source FROM label l JOIN prompt p "
                  "USING(prompt_pk) JOIN skill k USING(skill_id) ORDER BY 1, 2, 4",
                  4),
        home.Rows("SELECT matched_prompt_id, skill_name, outcome, cause FROM skill_invocations "
                  "ORDER BY 1, 2",
                  4)}) {
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

const Lines kTalk = {"check the zeta of this", "you should have used the zeta-check skill",
                     "please use the zeta-check skill", "/zeta-check now"};

// The store of a home in which everything was there before the first look.
Lines KnownBefore() {
  SyncHome home;
  Install(home, ".claude", "zeta-check");
  home.Sync();
  home.Write(kTranscript, Transcript(home, kTalk));
  home.Sync();
  return Said(home);
}

}  // namespace

TEST_SUITE("sync/new skills") {
  TEST_CASE("the first look at a project knows its skills") {
    const Lines expected = KnownBefore();
    REQUIRE(expected.size() == 8);
    SyncHome home;
    Install(home, "proj/.claude", "zeta-check");
    home.Write(kTranscript, Transcript(home, kTalk));
    const SyncReport first = home.Sync();
    CHECK(first.skills_found == 1);
    CHECK(Said(home) == expected);
    CheckWhole(home);
    const std::string clock = home.One("SELECT version FROM change_clock");
    CHECK(!home.Sync().changed);
    CHECK(home.One("SELECT version FROM change_clock") == clock);
    home.Sync({.force = true});
    CHECK(Said(home) == expected);
  }

  TEST_CASE("a skill that is installed later finds what was said of it") {
    const Lines expected = KnownBefore();
    for (const std::string_view folder : {".claude", "proj/.claude"}) {
      CAPTURE(folder);
      SyncHome home;
      home.Write(kTranscript, Transcript(home, kTalk));
      home.Sync();
      CHECK(home.One("SELECT count(*) FROM improvement_signals WHERE resolved=1") == "0");
      Install(home, folder, "zeta-check");
      CHECK(home.Sync().changed);
      CHECK(Said(home) == expected);
      CheckWhole(home);
      CHECK(!home.Sync().changed);
    }
  }

  TEST_CASE("drawing a session again touches no row that says the same") {
    SyncHome home;
    Install(home, ".claude", "zeta-check");
    Lines talk = kTalk;
    talk.emplace_back("please use the omega-check skill");
    home.Write(kTranscript, Transcript(home, talk));
    home.Sync();
    const auto rows = [&] {
      Lines out = home.Rows(
          "SELECT signal_pk, kind, mention, occurred_ms FROM improvement_signal "
          "WHERE resolved=1 AND mention='zeta-check' ORDER BY 1",
          4);
      for (const Lines& more :
           {home.Rows("SELECT l.label_pk, l.label, l.source, l.at_ms FROM label l JOIN skill k "
                      "USING(skill_id) WHERE k.name='zeta-check' ORDER BY 1",
                      4),
            home.Rows("SELECT obs_pk, rev, cause, effective FROM observation WHERE "
                      "skill_text='zeta-check' ORDER BY 1",
                      4)}) {
        out.insert(out.end(), more.begin(), more.end());
      }
      return out;
    };
    const Lines before = rows();
    REQUIRE(before.size() == 8);
    home.clock.now.value += 86'400'000;
    Install(home, ".claude", "omega-check");
    CHECK(home.Sync().changed);
    CHECK(home.One("SELECT count(*) FROM improvement_signals WHERE mentioned_skill='omega-check' "
                   "AND resolved=1") == "1");
    CHECK(rows() == before);
    home.Sync({.repair_only = true});
    CHECK(rows() == before);
    CheckWhole(home);
  }

  TEST_CASE("a listing that comes after the prompt it holds for says why a skill was missed") {
    const Lines talk = {"please use the zeta-check skill", "thanks"};
    SyncHome whole, grown;
    for (SyncHome* home : {&whole, &grown}) Install(*home, ".claude", "zeta-check");
    const auto lines = [&](const SyncHome& home) {
      std::string text = Transcript(home, talk);
      const size_t second = text.find('\n') + 1;
      std::string listing = text.substr(0, second);
      const size_t type = listing.find(R"("type":"user")");
      listing.replace(type, listing.size() - type,
                      R"("type":"attachment","attachment":{"type":"skill_listing","content":)"
                      R"("- zeta-check: Does it.","names":["zeta-check"],"isInitial":true}})"
                      "\n");
      listing.replace(listing.find("u0"), 2, "l0");
      text.insert(second, listing);
      return std::pair(text.substr(0, second), text.substr(second));
    };
    const auto [begin, rest] = lines(whole);
    whole.Write(kTranscript, begin + rest);
    whole.Sync();
    const auto [first, later] = lines(grown);
    grown.Write(kTranscript, first);
    grown.Sync();
    REQUIRE_OK(grown.db->Execute("UPDATE improvement_signal SET run_id='mine'"));
    grown.Append(kTranscript, later);
    grown.Sync();
    CHECK(grown.One("SELECT run_id FROM improvement_signal") == "mine");  // the same row
    CHECK(whole.One("SELECT cause FROM skill_invocations") == "description");
    CHECK(Said(grown) == Said(whole));
  }

  TEST_CASE("a signal that somebody acted on is not drawn twice") {
    SyncHome home;
    home.Write(kTranscript, Transcript(home, kTalk));
    home.Sync();
    REQUIRE_OK(home.db->Execute("UPDATE improvement_signal SET state='dismissed'"));
    Install(home, ".claude", "zeta-check");
    home.Sync();
    CHECK(home.Rows("SELECT resolved, state FROM improvement_signals WHERE "
                    "signal_type='correction'",
                    2) == Lines{"1|dismissed"});
  }

  TEST_CASE("what was said of a skill outlives the skill, until all is read again") {
    SyncHome home;
    Install(home, ".claude", "zeta-check");
    home.Write(kTranscript, Transcript(home, kTalk));
    home.Sync();
    const Lines expected = Said(home);
    home.Remove(".claude/skills/zeta-check/SKILL.md");
    home.Sync();
    CHECK(Said(home) == expected);
    Install(home, ".claude", "other");  // another look at everything
    home.Sync();
    CHECK(Said(home) == expected);
    home.Sync({.force = true});
    CHECK(home.One("SELECT count(*) FROM improvement_signals WHERE resolved=1") == "0");
    Install(home, ".claude", "zeta-check");
    home.Sync();
    CHECK(Said(home) == expected);
  }

  TEST_CASE("an old complaint without a time is no news") {
    SyncHome home;
    Install(home, ".claude", "zeta-check");
    std::string text = Transcript(home, kTalk);
    const std::string third = FormatRfc3339({kBegin.value + 2000});
    const size_t at = text.find(R"("timestamp":")" + third);
    REQUIRE(at != text.npos);
    text.replace(at, std::string_view(R"("timestamp":)").size() + third.size() + 2,
                 R"("timestamp":null)");
    home.Write(kTranscript, text);
    home.Sync();
    CHECK(home.One("SELECT occurred_at IS NULL FROM prompts WHERE prompt_index=1") == "1");
    CHECK(home.One("SELECT timestamp FROM improvement_signals WHERE signal_type='correction'") ==
          FormatRfc3339(kBegin));
  }
}

namespace {

std::string Turn(int n, std::string_view prompt) {
  std::string out;
  const auto add = [&](int later, std::string_view payload) {
    out += fmt::format(R"({{"timestamp":"{}","type":"event_msg","payload":{}}})"
                       "\n",
                       FormatRfc3339({kBegin.value + 10'000 * n + later}), payload);
  };
  add(0, fmt::format(R"({{"type":"task_started","turn_id":"t{}"}})", n));
  add(1, fmt::format(R"({{"type":"user_message","message":"{}"}})", prompt));
  add(2, R"({"type":"agent_message","message":"ok"})");
  add(3, fmt::format(R"({{"type":"task_complete","turn_id":"t{}"}})", n));
  return out;
}

const std::string kMeta = fmt::format(
    R"({{"timestamp":"{0}","type":"session_meta","payload":{{"id":)"
    R"("01a202ac-16ec-7a62-b0c0-4c6dcb7c6a47","timestamp":"{0}","cwd":"/w","originator":)"
    R"("codex-tui","cli_version":"0.134.0","source":"cli"}}}})"
    "\n",
    FormatRfc3339(kBegin));
const std::string kRollback =
    fmt::format(R"({{"timestamp":"{}","type":"event_msg","payload":{{"type":"thread_rolled_back",)"
                R"("num_turns":1}}}})"
                "\n",
                FormatRfc3339({kBegin.value + 25'000}));

}  // namespace

TEST_SUITE("sync/taken back") {
  TEST_CASE("a prompt that was rolled back says nothing, whenever the roll-back is read") {
    const std::string before =
        kMeta + Turn(1, "read this file") + Turn(2, "why didn't you use the pdf skill?");
    const std::string after = kRollback + Turn(3, "please use the pdf skill");
    SyncHome whole, grown;
    for (SyncHome* home : {&whole, &grown}) Install(*home, ".codex", "pdf");
    whole.Write(kRollout, before + after);
    whole.Sync();
    grown.Write(kRollout, before);
    grown.Sync();
    CHECK(grown.One("SELECT count(*) FROM skill_invocations WHERE outcome='missed'") == "1");
    grown.Append(kRollout, after);
    grown.Sync();
    CHECK(whole.One("SELECT is_active FROM prompts WHERE prompt_index=1") == "0");
    CHECK(Said(whole).size() == 3);  // of the last prompt
    CHECK(Said(grown) == Said(whole));
    CHECK(grown.Facts() == whole.Facts());
    CheckWhole(grown);
  }
}

namespace {

class Hooks {
 public:
  explicit Hooks(SyncHome& home) : home_(home) {}
  void Tell(UtcMillis at, HookEvent event) {
    event.platform = "claude_code";
    event.session_id = kSession;
    REQUIRE_OK(store::SpoolAppend(home_.dir / ".selftune", {.id = fmt::format("id-{}", ++ids_),
                                                            .kind = "hook",
                                                            .at = at,
                                                            .payload = hooks::ToJson(event)}));
  }
  void Read(UtcMillis at, std::string_view call, std::string_view path = "/s/pdf/SKILL.md") {
    Tell(at, {.type = EventType::kPostToolUse,
              .agent_id = "q1",
              .tool = ToolKind::kRead,
              .tool_name = "Read",
              .tool_call_id = std::string(call),
              .path = std::string(path)});
  }

 private:
  SyncHome& home_;
  int ids_ = 0;
};

}  // namespace

TEST_SUITE("sync/hooks alone") {
  TEST_CASE("a prompt that never reached the transcript breaks no rule of the store") {
    SyncHome home;
    Hooks hooks(home);
    hooks.Tell({kBegin.value + 500}, {.type = EventType::kPromptSubmit, .prompt = "blocked"});
    home.Sync();
    CheckWhole(home);
    home.Write(kTranscript, Transcript(home, {"one", "two", "three", "four", "five"}));
    home.Sync();
    CHECK(home.Rows("SELECT prompt_kind, is_actionable, is_active FROM prompts WHERE "
                    "prompt_text='blocked'",
                    3) == Lines{"unknown|0|0"});
    CheckWhole(home);
  }

  TEST_CASE("a file that a subagent reads twice is one use, before and after its transcript") {
    SyncHome home;
    Hooks hooks(home);
    hooks.Tell(kBegin, {.type = EventType::kPromptSubmit, .prompt = "go"});
    hooks.Read({kBegin.value + 1000}, "r1");
    hooks.Read({kBegin.value + 2000}, "r2");
    home.Sync();
    CHECK(home.Rows("SELECT session_id, skill_name, tool_call_id FROM skill_invocations", 3) ==
          Lines{fmt::format("{}|pdf|r1", kAgentSession)});
    CheckWhole(home);
  }

  TEST_CASE("a use that a transcript went past does not count, and breaks no rule") {
    SyncHome home;
    Hooks hooks(home);
    hooks.Tell(kBegin, {.type = EventType::kPostToolUse,
                        .tool = ToolKind::kSkill,
                        .tool_name = "Skill",
                        .tool_call_id = "c1",
                        .skill = "pdf"});
    home.Write(kTranscript, Transcript(home, {"one", "two", "three", "four", "five"}));
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM skill_invocations") == "0");
    CheckWhole(home);
    // Where the wrong row counts, or none, is found, and reading again is the cure.
    REQUIRE_OK(home.db->Execute("UPDATE session SET ended_ms=0"));
    const store::CheckReport report = Must(store::CheckStore(*home.db, {}));
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].message.find("the wrong row counts, or none") != std::string::npos);
    CHECK(report.reading_helps());
  }

  TEST_CASE("names of nothing but blanks, and files beside no folder, are no skills") {
    SyncHome home;
    Hooks hooks(home);
    hooks.Read(kBegin, "r1", "/SKILL.md");
    hooks.Tell(kBegin, {.type = EventType::kPostToolUse,
                        .tool = ToolKind::kSkill,
                        .tool_name = "Skill",
                        .tool_call_id = "c1",
                        .skill = " \xe2\x80\x8b "});
    CHECK(home.Sync().hook_rejects == 2);
    CHECK(home.One("SELECT count(*) FROM skill_invocations") == "0");
  }

  TEST_CASE("what is typed in a subagent is no person's prompt") {
    SyncHome home;
    Hooks hooks(home);
    hooks.Read(kBegin, "r1");
    home.Sync();
    HookEvent typed{.platform = "claude_code",
                    .type = EventType::kPromptSubmit,
                    .session_id = std::string(kAgentSession),
                    .prompt = "why didn't you use pdf?"};
    REQUIRE_OK(store::SpoolAppend(
        home.dir / ".selftune",
        {.id = "x", .kind = "hook", .at = kBegin, .payload = hooks::ToJson(typed)}));
    home.Sync();
    CHECK(home.Rows("SELECT prompt_kind, is_actionable FROM prompts", 2) == Lines{"agent|0"});
    CHECK(home.One("SELECT count(*) FROM improvement_signals") == "0");
    CheckWhole(home);
  }

  TEST_CASE("a session that turns out to be a subagent has no prompts of people") {
    SyncHome home;
    HookEvent typed{.platform = "claude_code",
                    .type = EventType::kPromptSubmit,
                    .session_id = std::string(kAgentSession),
                    .prompt = "please use the pdf skill"};
    Install(home, ".claude", "pdf");
    REQUIRE_OK(store::SpoolAppend(
        home.dir / ".selftune",
        {.id = "x", .kind = "hook", .at = kBegin, .payload = hooks::ToJson(typed)}));
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM skill_invocations WHERE outcome='missed'") == "1");
    Hooks hooks(home);
    hooks.Read(kBegin, "r1");
    home.Sync();
    CHECK(home.Rows("SELECT prompt_kind, is_actionable FROM prompts", 2) == Lines{"agent|0"});
    CHECK(home.One("SELECT count(*) FROM improvement_signals") == "0");
    CHECK(home.One("SELECT count(*) FROM skill_invocations WHERE outcome='missed'") == "0");
    CheckWhole(home);
  }
}

}  // namespace selftune::sync
