#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/common/zstd_text.h"
#include "hosts/openclaw/prompt_text.h"
#include "hosts/openclaw/session_info.h"
#include "hosts/openclaw/transcript.h"
#include "support/zstd_frame.h"

namespace selftune::hosts::openclaw {
namespace {

SessionInfo Info(std::string_view key = "agent:main:main") {
  SessionInfo info;
  info.id = "s1";
  info.key = key;
  return info;
}

ingest::SessionFacts ReadAll(const SessionInfo& info, const std::vector<std::string>& events,
                             const ingest::KeySet* copied = nullptr, std::string_view ended = {}) {
  Transcript transcript(info, copied);
  ingest::Batch batch;
  base::LineParser parser;
  for (std::string event : events) {
    CAPTURE(event);
    const size_t size = event.size();
    event.append(64, ' ');
    CHECK(transcript.Add(std::string_view(event).substr(0, size), {}, parser, batch).ok());
  }
  transcript.EndRun(ended, UtcMillis{9000}, batch);
  REQUIRE(batch.sessions.size() == 1);
  return batch.sessions[0];
}

std::string Header() {
  return R"({"type":"session","version":4,"id":"s1","timestamp":"2026-11-22T09:00:00.000Z","cwd":"/home/dev/.openclaw/workspace"})";
}

// The n-th event, below the one before it.
std::string Message(int n, std::string_view body) {
  return R"({"type":"message","id":"e)" + std::to_string(n) + R"(","parentId":)" +
         (n == 1 ? std::string("null") : "\"e" + std::to_string(n - 1) + "\"") +
         R"(,"timestamp":"2026-11-22T09:00:0)" + std::to_string(n) + R"(.000Z","message":{)" +
         std::string(body) + "}}";
}
std::string User(int n, std::string_view text, std::string_view more = "") {
  return Message(n, R"("role":"user","content":")" + std::string(text) + "\"" + std::string(more));
}
std::string Answer(int n, std::string_view more = R"("stopReason":"stop")") {
  return Message(
      n,
      R"("role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"usage":{"input":10,"output":4,"cacheRead":3,"cacheWrite":1,"reasoningTokens":2},)" +
          std::string(more));
}
std::string Call(int n, std::string_view tool, std::string_view arguments) {
  return Message(
      n,
      R"("role":"assistant","stopReason":"toolUse","content":[{"type":"toolCall","id":"c","name":")" +
          std::string(tool) + R"(","arguments":)" + std::string(arguments) + "}]");
}
std::string ResultOf(int n, std::string_view tool, std::string_view more) {
  return Message(n, R"("role":"toolResult","toolCallId":"c","toolName":")" + std::string(tool) +
                        "\"," + std::string(more));
}

TEST_SUITE("hosts/openclaw") {
  TEST_CASE("who wrote a text, and what of it was typed") {
    struct Case {
      const char* name;
      std::string stored, provenance, channel;
      Author author;
      std::string want;
    };
    const Case cases[] = {
        {"plain", "hello", "", "", Author::kPerson, "hello"},
        {"a person elsewhere", "hello", "external_user", "", Author::kPerson, "hello"},
        {"a heartbeat", "[OpenClaw heartbeat poll]", "internal_system", "", Author::kHost,
         "[OpenClaw heartbeat poll]"},
        {"a heartbeat of older versions", "[OpenClaw heartbeat poll]", "", "", Author::kHost,
         "[OpenClaw heartbeat poll]"},
        {"another session", "do this", "inter_session", "", Author::kAgent, "do this"},
        {"news of the host", "System: [09:00] node connected", "", "", Author::kHost,
         "System: [09:00] node connected"},
        {"news before a text", "System: [09:00] node connected\n\nhello", "", "", Author::kPerson,
         "hello"},
        {"an envelope", "[Telegram Ann id:7 2026-11-22 09:00 UTC] hello", "", "telegram",
         Author::kPerson, "hello"},
        {"an envelope with an id", "[Telegram Ann] hello\n[message_id: 17]", "", "telegram",
         Author::kPerson, "hello"},
        {"brackets that were typed", "[Telegram Ann] hello", "", "", Author::kPerson,
         "[Telegram Ann] hello"},
        {"other brackets", "[x] done", "", "telegram", Author::kPerson, "[x] done"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const PromptText text = ReadPromptText(c.stored, c.provenance, c.channel);
      CHECK(text.author == c.author);
      CHECK(text.text == c.want);
    }
  }

  TEST_CASE("what a session is, by its key and its beginnings") {
    struct Case {
      std::string key, via, spawned_by;
      SessionKind want;
      bool internal;
      std::string channel;
    };
    const Case cases[] = {
        {"agent:main:main", "", "", SessionKind::kMain, false, ""},
        {"agent:main:explicit:1-2", "run", "", SessionKind::kMain, false, ""},
        {"agent:main:telegram:group:7", "channel", "", SessionKind::kMain, false, "telegram"},
        {"cron:nightly", "", "", SessionKind::kAutomation, false, ""},
        {"agent:main:cron:nightly", "cron", "", SessionKind::kAutomation, false, ""},
        {"hook:1-2", "", "", SessionKind::kAutomation, false, ""},
        {"agent:main:x", "internal", "", SessionKind::kAutomation, false, ""},
        {"agent:main:subagent:1-2", "spawn", "agent:main:main", SessionKind::kSubagent, false, ""},
        {"agent:main:y", "", "agent:main:main", SessionKind::kSubagent, false, ""},
        {"agent:main:selftune-7", "run", "", SessionKind::kMain, true, ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.key);
      SessionInfo info;
      info.key = c.key;
      info.created_via = c.via;
      info.spawned_by = c.spawned_by;
      CHECK(info.Kind() == c.want);
      CHECK(info.Internal() == c.internal);
      CHECK(info.Channel() == c.channel);
    }
  }

  TEST_CASE("a session in which only the host spoke is automation until a person does") {
    const std::string poll =
        User(1, "[OpenClaw heartbeat poll]", R"(,"provenance":{"kind":"internal_system"})");
    auto facts = ReadAll(Info(), {Header(), poll, Answer(2)});
    CHECK(facts.kind == SessionKind::kAutomation);
    REQUIRE(facts.prompts.size() == 1);
    CHECK(facts.prompts[0].kind == PromptKind::kAutomation);
    facts = ReadAll(Info(), {Header(), poll, Answer(2), User(3, "hello"), Answer(4)});
    CHECK(facts.kind == SessionKind::kMain);
    CHECK(facts.kind_certain);
    REQUIRE(facts.prompts.size() == 2);
    CHECK(facts.prompts[0].kind == PromptKind::kAutomation);
    CHECK(facts.prompts[1].kind == PromptKind::kUser);
  }

  TEST_CASE("calls count once, with their errors, in both dialects") {
    struct Case {
      const char* name;
      std::string result;
      int64_t errors, nonzero, denied;
    };
    const Case cases[] = {
        {"done", R"("isError":false,"details":{"status":"completed","exitCode":0})", 0, 0, 0},
        {"a status that is no error", R"("isError":false,"details":{"exitCode":3})", 1, 1, 0},
        {"a status that is one", R"("isError":true,"details":{"exitCode":3})", 1, 1, 0},
        {"a status in the text",
         R"_("isError":true,"content":[{"type":"text","text":"\n\n(Command exited with code 2)"}])_",
         1, 1, 0},
        {"an error", R"("isError":true,"details":{"status":"error"})", 1, 0, 0},
        {"not allowed", R"("isError":true,"details":{"status":"denied"})", 1, 0, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const auto facts =
          ReadAll(Info(), {Header(), User(1, "do"), Call(2, "exec", R"({"command":"x"})"),
                           ResultOf(3, "exec", c.result), Answer(4)});
      REQUIRE(facts.metrics.tools.size() == 1);
      CHECK(facts.metrics.tools[0].calls == 1);
      CHECK(facts.metrics.tools[0].errors == c.errors);
      CHECK(facts.metrics.tools[0].nonzero_exits == c.nonzero);
      CHECK(facts.metrics.tools[0].denied == c.denied);
      CHECK(facts.metrics.tools[0].unfinished == 0);
    }
  }

  TEST_CASE("skills that were read, absolute, below the home and below the workspace") {
    struct Case {
      std::string tool, arguments, path;
      Level level;
    };
    const Case cases[] = {
        {"read", R"({"path":"/home/dev/.agents/skills/a/SKILL.md"})",
         "/home/dev/.agents/skills/a/SKILL.md", Level::kRead},
        {"read", R"({"path":"~/.agents/skills/a/SKILL.md"})", "/home/dev/.agents/skills/a/SKILL.md",
         Level::kRead},
        {"read", R"({"path":"skills/a/SKILL.md"})",
         "/home/dev/.openclaw/workspace/skills/a/SKILL.md", Level::kRead},
        {"exec", R"({"command":"cat /home/dev/.agents/skills/a/SKILL.md"})",
         "/home/dev/.agents/skills/a/SKILL.md", Level::kShellRead},
    };
    for (const Case& c : cases) {
      CAPTURE(c.arguments);
      const auto facts = ReadAll(
          Info(),
          {Header(), User(1, "do"), Call(2, c.tool, c.arguments),
           ResultOf(3, c.tool, R"("isError":false,"content":[{"type":"text","text":"---"}])"),
           Answer(4)});
      REQUIRE(facts.skills.size() == 1);
      CHECK(facts.skills[0].skill == "a");
      CHECK(facts.skills[0].path == c.path);
      CHECK(facts.skills[0].level == c.level);
      CHECK(facts.skills[0].prompt_seq == 0);
    }
  }

  TEST_CASE("a command that names a listed skill is a request; the listing holds from the start") {
    SessionInfo info = Info();
    info.listing_text =
        "<available_skills>\n<skill><name>notes</name><description>Writes notes.</description>"
        "<location>~/.openclaw/skills/notes/SKILL.md</location></skill>\n</available_skills>";
    const auto facts = ReadAll(info, {Header(), User(1, "/notes since v1"), Answer(2)});
    REQUIRE(facts.exposures.size() == 1);
    CHECK_FALSE(facts.exposures[0].prompt_seq.has_value());
    REQUIRE(facts.exposures[0].listing->entries.size() == 1);
    CHECK(facts.exposures[0].listing->entries[0].path ==
          "/home/dev/.openclaw/skills/notes/SKILL.md");
    REQUIRE(facts.skills.size() == 1);
    CHECK(facts.skills[0].outcome == Outcome::kRequested);
    CHECK(facts.skills[0].path == "/home/dev/.openclaw/skills/notes/SKILL.md");
    CHECK(facts.skills[0].args == "since v1");
  }

  TEST_CASE("how the last turn ended") {
    struct Case {
      const char* name;
      std::vector<std::string> more;
      std::string status;
      Completion want;
      int64_t failed, interrupted;
    };
    const Case cases[] = {
        {"answered", {Answer(2)}, "done", Completion::kCompleted, 0, 0},
        {"no answer", {}, "running", Completion::kInterrupted, 0, 0},
        {"an error of the model",
         {Answer(2, R"("stopReason":"error","errorMessage":"400")")},
         "failed",
         Completion::kFailed,
         1,
         0},
        {"stopped",
         {Answer(2, R"("stopReason":"aborted")")},
         "killed",
         Completion::kCancelled,
         0,
         1},
        {"killed without a word", {}, "killed", Completion::kCancelled, 0, 1},
        {"too late", {}, "timeout", Completion::kFailed, 1, 0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> events = {Header(), User(1, "do")};
      events.insert(events.end(), c.more.begin(), c.more.end());
      const auto facts = ReadAll(Info(), events, nullptr, c.status);
      CHECK(facts.completion == c.want);
      CHECK(facts.metrics.failed_turns == c.failed);
      CHECK(facts.metrics.interruptions == c.interrupted);
    }
  }

  TEST_CASE("tokens are those of the answers; what the gateway mirrors is none") {
    const auto facts =
        ReadAll(Info(), {Header(), User(1, "do"), Answer(2),
                         Answer(3, R"("provider":"openclaw","model":"delivery-mirror")")});
    CHECK(facts.metrics.answers == 1);
    CHECK(facts.metrics.tokens.input_uncached == 10);
    CHECK(facts.metrics.tokens.cache_read == 3);
    CHECK(facts.metrics.tokens.output == 4);  // reasoning is inside
    CHECK(facts.metrics.tokens.reasoning == 2);
  }

  TEST_CASE("a window that repeats another one counts only what is new") {
    const std::vector<std::string> origin = {Header(), User(1, "a"), Answer(2)};
    const auto first = ReadAll(Info(), origin);
    const ingest::KeySet owned(first.record_keys.begin(), first.record_keys.end());
    std::vector<std::string> fork = origin;
    fork.push_back(User(3, "b"));
    fork.push_back(Answer(4));
    const auto facts = ReadAll(Info(), fork, &owned);
    CHECK(facts.anchors == first.anchors);
    REQUIRE(facts.prompts.size() == 1);
    CHECK(facts.prompts[0].text == "b");
    CHECK(facts.metrics.answers == 1);
  }

  TEST_CASE("compressed values expand, damaged ones say so") {
    const std::string text(100'000, 'x');
    const std::string frame = testing::ZstdFrame(text);
    const auto whole = ExpandZstd(frame, 1 << 20);
    REQUIRE(whole.ok());
    CHECK(*whole == text);
    CHECK_FALSE(ExpandZstd(frame, 1000).ok());
    for (size_t cut = 1; cut < frame.size(); ++cut) {
      CAPTURE(cut);
      CHECK_FALSE(ExpandZstd(std::string_view(frame).substr(0, frame.size() - cut), 1 << 20).ok());
    }
    CHECK_FALSE(ExpandZstd("no frame", 1 << 20).ok());
  }
}

}  // namespace
}  // namespace selftune::hosts::openclaw
