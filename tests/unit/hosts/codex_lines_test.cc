// Rollouts made of hand-written lines: one rule at a time.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "hosts/codex/source.h"
#include "unit/hosts/codex_merged.h"

namespace selftune {
namespace {

using testing::MergedSession;
using testing::MergedStore;
using testing::Reading;

MergedStore ReadLines(const std::vector<std::string>& lines, Reading reading = Reading::kAtOnce,
                      const ingest::KeySet* copied = nullptr) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const ingest::SourceFile file{"/s/rollout-2026-11-22T09-54-22-the-id.jsonl", "rollout", false};
  MergedStore store;
  testing::ReadText(hosts::CodexSource(), file, text, reading, copied, store);
  return store;
}

// The only session of a small store.
const MergedSession& Only(const MergedStore& store) {
  REQUIRE(store.sessions.size() == 1);
  return store.sessions.begin()->second;
}

std::string Line(std::string_view type, std::string_view payload, int second = 0) {
  return fmt::format(R"({{"timestamp":"2026-11-22T09:54:{:02}.000Z","type":"{}","payload":{}}})",
                     second, type, payload);
}
std::string MetaLine(std::string_view extra = "") {
  return Line("session_meta", fmt::format(R"({{"id":"the-id","cwd":"/home/dev/w"{}}})", extra));
}
std::string PromptLine(std::string_view text) {
  return Line("event_msg", fmt::format(R"({{"type":"user_message","message":"{}"}})", text));
}
std::string ItemLine(std::string_view text) {
  return Line(
      "event_msg",
      fmt::format(R"({{"type":"item_completed","turn_id":"t","item":{{"type":"UserMessage",)"
                  R"("id":"i","content":[{{"type":"text","text":"{}"}}]}}}})",
                  text));
}
std::string UserLine(std::string_view text) {
  return Line("response_item", fmt::format(R"({{"type":"message","role":"user","content":)"
                                           R"([{{"type":"input_text","text":"{}"}}]}})",
                                           text));
}
std::string AnswerLine() {
  return Line("response_item", R"({"type":"message","role":"assistant","content":[]})");
}
std::string ShellLine(std::string_view id, std::string_view command) {
  return Line("response_item",
              fmt::format(R"({{"type":"function_call","name":"exec_command","call_id":"{}",)"
                          R"("arguments":"{{\"cmd\":\"{}\"}}"}})",
                          id, command));
}
std::string OutputLine(std::string_view id, std::string_view output) {
  return Line(
      "response_item",
      fmt::format(R"({{"type":"function_call_output","call_id":"{}","output":"{}"}})", id, output));
}
std::string ExitLine(std::string_view id, int code, std::string_view output = "") {
  return OutputLine(
      id, fmt::format(R"(Chunk ID: 1\nProcess exited with code {}\nOutput:\n{})", code, output));
}
std::string TotalsLine(int64_t input, int64_t output, int64_t last_input, int64_t last_output) {
  return Line("event_msg",
              fmt::format(R"({{"type":"token_count","info":{{"total_token_usage":)"
                          R"({{"input_tokens":{},"output_tokens":{}}},"last_token_usage":)"
                          R"({{"input_tokens":{},"output_tokens":{}}}}}}})",
                          input, output, last_input, last_output));
}

constexpr std::string_view kSkill = "/home/dev/.codex/skills/pdf/SKILL.md";

}  // namespace

TEST_SUITE("hosts/codex/lines") {
  TEST_CASE("a prompt written in both forms counts once, in both orders") {
    const std::vector<std::vector<std::string>> orders = {
        {MetaLine(), PromptLine("hi"), ItemLine("hi"), AnswerLine(), PromptLine("hi"),
         ItemLine("hi")},
        {MetaLine(), ItemLine("hi"), PromptLine("hi"), AnswerLine(), ItemLine("hi"),
         PromptLine("hi")}};
    for (const auto& lines : orders) {
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        CHECK(Only(ReadLines(lines, reading)).prompts.size() == 2);
      }
    }
    // An old file that a new version goes on with.
    const MergedStore mixed = ReadLines({MetaLine(), PromptLine("one"), AnswerLine(),
                                         PromptLine("two"), AnswerLine(), ItemLine("three")});
    CHECK(Only(mixed).prompts.size() == 3);
    CHECK(Only(mixed).prompts.at(2).text == "three");
  }

  TEST_CASE("the home of `~` follows from the folder of the session") {
    struct Case {
      std::string_view cwd, skill;  // "" = nothing is known to be read
    };
    const Case cases[] = {
        {"/home/dev/w", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/home/dev", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/Users/dev/w", "/Users/dev/.codex/skills/pdf/SKILL.md"},
        {"/root", "/root/.codex/skills/pdf/SKILL.md"},
        {"/root/w", "/root/.codex/skills/pdf/SKILL.md"},
        {"/rootfoo/w", ""},
        {"/homes/dev/w", ""},
        {"/srv/dev/.codex/worktrees/1", "/srv/dev/.codex/skills/pdf/SKILL.md"},
        // A project's own folder is no home.
        {"/home/dev/w/.agents/skills", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/home/dev/w/.codex/x", "/home/dev/.codex/skills/pdf/SKILL.md"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.cwd);
      const MergedStore store = ReadLines(
          {Line("session_meta", fmt::format(R"({{"id":"the-id","cwd":"{}"}})", c.cwd)),
           PromptLine("go"), ShellLine("c", "cat ~/.codex/skills/pdf/SKILL.md"), ExitLine("c", 0)});
      const auto& skills = Only(store).skills;
      const std::string path = skills.empty() ? "" : skills.begin()->second.path;
      if (c.skill.empty()) {
        CHECK(!path.starts_with("/"));
      } else {
        CHECK(path == c.skill);
      }
    }
  }

  TEST_CASE("a typed text that looks like a mention is none, an injected one is") {
    const std::string typed =
        "<skill>\\n<name>pdf</name>\\n<path>/x/pdf/SKILL.md</path>\\n</skill>";
    const std::string body =
        "<skill>\\n<name>pdf</name>\\n<path>/x/pdf/SKILL.md</path>\\nBody\\n\\n</skill>";
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      // Generation B writes the echo first, A the event.
      CHECK(Only(ReadLines({MetaLine(), UserLine(typed), PromptLine(typed), AnswerLine()}, reading))
                .skills.empty());
      CHECK(Only(ReadLines({MetaLine(), PromptLine(typed), UserLine(typed), AnswerLine()}, reading))
                .skills.empty());
      const MergedStore store = ReadLines(
          {MetaLine(), UserLine("use $pdf"), PromptLine("use $pdf"), UserLine(body), AnswerLine()},
          reading);
      REQUIRE(Only(store).skills.size() == 1);
      const ingest::SkillFact& skill = Only(store).skills.begin()->second;
      CHECK(skill.skill == "pdf");
      CHECK(skill.level == Level::kExplicit);
      CHECK(skill.requested_by == RequestedBy::kUser);
      CHECK(skill.prompt_seq == 0);
      CHECK(skill.body_sha256 == base::Sha256Bytes("Body\n"));
    }
  }

  TEST_CASE("what a shell command does decides whether it is a use") {
    struct Case {
      std::string command;
      int exit;
      std::string output;
      std::string want;  // "" = nothing
    };
    const std::string skill(kSkill);
    const std::vector<Case> cases = {
        {"cat " + skill, 0, "text", "pdf triggered shell_read"},
        {"cd /home/dev/.codex/skills && sed -n 1,20p pdf/SKILL.md", 0, "x",
         "pdf triggered shell_read"},
        {"head -5 ~/.codex/skills/pdf/SKILL.md", 0, "x", "pdf triggered shell_read"},
        {"python3 /home/dev/.codex/skills/pdf/scripts/a.py", 1, "boom", "pdf triggered script_run"},
        {"cat " + skill, 1, "cat: " + skill + ": No such file or directory",
         "pdf refused shell_read"},
        {"cat " + skill + " || true", 0, "cat: " + skill + ": No such file or directory",
         "pdf refused shell_read"},
        {"cat " + skill + " && npm test", 1, "text, then failures", "pdf triggered shell_read"},
        {"cat " + skill + "; sed -i s/a/b/ " + skill, 0, "x", "pdf read_only shell_read"},
        {"sed -i s/a/b/ " + skill, 0, "", ""},
        {"grep -n x " + skill, 0, "x", ""},
        {"ls /home/dev/.codex/skills/pdf", 0, "SKILL.md", ""},
        {"cat /home/dev/.codex/skills/pdf/references/x.md", 0, "x", ""},
        {"cat docs/SKILL.md", 0, "x", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.command);
      const MergedStore store = ReadLines({MetaLine(), PromptLine("go"), ShellLine("c1", c.command),
                                           ExitLine("c1", c.exit, c.output)},
                                          Reading::kLineByLine);
      std::string got;
      for (const auto& [key, fact] : Only(store).skills) {
        got += fmt::format("{} {} {}", fact.skill, Word(fact.outcome), Word(fact.route));
      }
      CHECK(got == c.want);
    }
    // A call without output is nothing yet.
    CHECK(Only(ReadLines({MetaLine(), PromptLine("go"), ShellLine("c1", "cat " + skill)}))
              .skills.empty());
  }

  TEST_CASE("a read counts once a turn, and not beside a mention") {
    const std::string cat = "cat " + std::string(kSkill);
    const std::string body = "<skill>\\n<name>pdf</name>\\n<path>/x</path>\\nB\\n</skill>";
    const MergedStore twice = ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", cat),
                                         ExitLine("c1", 0), ShellLine("c2", cat), ExitLine("c2", 0),
                                         PromptLine("b"), ShellLine("c3", cat), ExitLine("c3", 0)});
    CHECK(Only(twice).skills.size() == 2);
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore beside = ReadLines(
          {MetaLine(), PromptLine("$pdf"), UserLine(body), ShellLine("c1", cat), ExitLine("c1", 0)},
          reading);
      REQUIRE(Only(beside).skills.size() == 1);
      CHECK(Only(beside).skills.begin()->second.route == Route::kMention);
    }
    // Named by the person, loaded by the model.
    const MergedStore named =
        ReadLines({MetaLine(), PromptLine("with $pdf."), ShellLine("c1", cat), ExitLine("c1", 0)});
    CHECK(Only(named).skills.at("c1").requested_by == RequestedBy::kUser);
  }

  TEST_CASE("a skill that is changed in the turn was maintained, not used") {
    const std::string skill(kSkill);
    const std::string patch = Line(
        "response_item",
        R"({"type":"custom_tool_call","call_id":"p","name":"apply_patch","input":"*** Begin Patch\n*** Update File: )" +
            skill + R"(\n@@\n-a\n+b\n*** End Patch"})");
    const std::string done = Line(
        "response_item",
        R"({"type":"custom_tool_call_output","call_id":"p","output":"Exit code: 0\nOutput:\nok"})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("fix"), ShellLine("c1", "cat " + skill), ExitLine("c1", 0), patch,
           done, PromptLine("use"), ShellLine("c2", "cat " + skill), ExitLine("c2", 0)},
          reading);
      CHECK(Only(store).skills.at("c1").outcome == Outcome::kReadOnly);
      CHECK(Only(store).skills.at("c2").outcome == Outcome::kTriggered);
    }
  }

  TEST_CASE("totals that start again are added, repeated ones are not") {
    const std::string null_info = Line("event_msg", R"({"type":"token_count","info":null})");
    struct Case {
      const char* name;
      std::vector<std::string> lines;
      int64_t input, answers;
    };
    const std::vector<Case> cases = {
        {"growing", {TotalsLine(10, 1, 10, 1), TotalsLine(30, 2, 20, 1)}, 30, 2},
        {"repeated", {TotalsLine(10, 1, 10, 1), TotalsLine(10, 1, 10, 1)}, 10, 1},
        {"smaller after a resume",
         {TotalsLine(10, 1, 10, 1), null_info, TotalsLine(4, 1, 4, 1)},
         14,
         2},
        {"larger after a resume", {TotalsLine(10, 1, 10, 1), TotalsLine(40, 2, 40, 2)}, 50, 2},
        {"equal after a resume",
         {TotalsLine(10, 1, 10, 1), null_info, TotalsLine(10, 1, 10, 1)},
         20,
         2},
        {"repeated after a pause",
         {TotalsLine(10, 1, 10, 1), TotalsLine(30, 2, 20, 1), null_info, TotalsLine(30, 2, 20, 1)},
         30,
         2},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> lines = {MetaLine(), PromptLine("a")};
      lines.insert(lines.end(), c.lines.begin(), c.lines.end());
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        const MergedStore store = ReadLines(lines, reading);
        CHECK(Only(store).facts.metrics.tokens.input_uncached == c.input);
        CHECK(Only(store).facts.metrics.answers == c.answers);
      }
    }
  }

  TEST_CASE("usage records replace totals, and a compaction is overhead in any order") {
    const auto usage = [](std::string_view id, int input) {
      return Line("token_usage_record",
                  fmt::format(R"({{"response_id":"{}","usage":{{"input_tokens":{},)"
                              R"("cached_input_tokens":1,"output_tokens":2}}}})",
                              id, input));
    };
    const std::string compacted = Line("compacted", R"({"compaction_response_id":"r2"})");
    std::string early = TotalsLine(7, 7, 7, 7);
    early.insert(1, R"("ordinal":1,)");
    for (const bool before : {false, true}) {
      std::vector<std::string> lines = {MetaLine(), PromptLine("a"), early, usage("r1", 10)};
      if (before) lines.push_back(compacted);
      lines.insert(lines.end(), {usage("r2", 20), usage("r1", 10), TotalsLine(40, 4, 10, 2)});
      if (!before) lines.push_back(compacted);
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        const MergedStore store = ReadLines(lines, reading);
        const ingest::MetricDelta& metrics = Only(store).facts.metrics;
        CHECK(metrics.answers == 1);
        CHECK(metrics.compactions == 1);
        CHECK(metrics.tokens.input_uncached == 9);
        CHECK(metrics.tokens.cache_read == 1);
        CHECK(metrics.tokens.output == 2);
        CHECK(metrics.tokens.overhead_input == 20);
      }
    }
  }

  TEST_CASE("a background command that fails after its output is one error") {
    const auto ended = [](int code, std::string_view status) {
      return Line("event_msg",
                  fmt::format(R"({{"type":"item_completed","item":{{"type":"CommandExecution",)"
                              R"("id":"c1","status":"{}","exit_code":{}}}}})",
                              status, code));
    };
    const std::string running =
        OutputLine("c1", R"(Chunk ID: 1\nProcess running with session ID 5\nOutput:\n)");
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "sleep 9"), running, AnswerLine(),
                   PromptLine("b"), ended(2, "failed"), ended(2, "failed")},
                  Reading::kLineByLine);
    REQUIRE(Only(store).facts.metrics.tools.size() == 1);
    const ingest::ToolDelta& tool = Only(store).facts.metrics.tools[0];
    CHECK(tool.calls == 1);
    CHECK(tool.unfinished == 0);
    CHECK(tool.errors == 1);
    CHECK(tool.nonzero_exits == 1);
    const MergedStore aborted = ReadLines(
        {MetaLine(), PromptLine("a"), ShellLine("c1", "sleep 9"),
         OutputLine("c1", R"(Wall time: 6.4 seconds\naborted by user)"), ended(-1, "failed")});
    CHECK(Only(aborted).facts.metrics.tools[0].errors == 1);
    CHECK(Only(aborted).facts.metrics.tools[0].nonzero_exits == 0);
  }

  TEST_CASE("an output that only talks about failures is no error") {
    for (const char* output :
         {R"(Process finished: Exit code: 3)",
          R"(Chunk ID: 1\nOutput:\nProcess exited with code 4)",
          R"({\"result\":{\"metadata\":{\"exit_code\":3}}})",
          R"({\"output\":\"{\\\"exit_code\\\":5}\",\"metadata\":{\"exit_code\":0}})", "ok"}) {
      CAPTURE(output);
      const MergedStore store =
          ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", output)});
      CHECK(Only(store).facts.metrics.tools[0].errors == 0);
    }
    for (const char* output :
         {R"({\"metadata\":{\"exit_code\":3},\"output\":\"x\"})",
          R"({\"output\":\"x\",\"metadata\":{\"exit_code\":3,\"duration_seconds\":0.5}})",
          R"({ \"output\" : \"x\" , \"metadata\" : { \"a\":1, \"exit_code\" : 3 } })"}) {
      CAPTURE(output);
      const MergedStore store =
          ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", output)});
      CHECK(Only(store).facts.metrics.tools[0].errors == 1);
    }
  }

  TEST_CASE("a rollback takes prompts back, and they stay prompts") {
    const std::string back = Line("event_msg", R"({"type":"thread_rolled_back","num_turns":2})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("0"), PromptLine("1"), PromptLine("2"), back, PromptLine("3"),
           Line("event_msg", R"({"type":"thread_rolled_back","num_turns":1})"), PromptLine("4"),
           back},
          reading);
      std::string active;
      for (const auto& [seq, prompt] : Only(store).prompts) active += prompt.active ? "1" : "0";
      CHECK(active == "00000");
      CHECK(Only(store).prompts.at(2).text == "2");
    }
  }

  TEST_CASE("the last turn says how a session ended") {
    const std::string aborted =
        Line("event_msg", R"({"type":"turn_aborted","reason":"interrupted"})");
    struct Case {
      const char* name;
      std::vector<std::string> lines;
      Completion want;
    };
    const std::vector<Case> cases = {
        {"answered", {PromptLine("a"), AnswerLine()}, Completion::kCompleted},
        {"no answer", {PromptLine("a")}, Completion::kInterrupted},
        {"open call",
         {PromptLine("a"), AnswerLine(), ShellLine("c", "x")},
         Completion::kInterrupted},
        {"call without answer",
         {PromptLine("a"), ShellLine("c", "x"), ExitLine("c", 0)},
         Completion::kInterrupted},
        {"cut", {PromptLine("a"), aborted}, Completion::kCancelled},
        {"resumed after a lost call",
         {PromptLine("a"), ShellLine("c", "x"), PromptLine("b"), AnswerLine()},
         Completion::kCompleted},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> lines = {MetaLine()};
      lines.insert(lines.end(), c.lines.begin(), c.lines.end());
      const MergedStore store = ReadLines(lines, Reading::kLineByLine);
      CHECK(Only(store).facts.completion == c.want);
    }
  }

  TEST_CASE("a listing that a compaction drops is gone from the next prompt on") {
    const std::string listing = Line(
        "response_item",
        R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"### Available skills\n- pdf: Read &amp; fill\nPDF: files (file: r0/pdf/SKILL.md)\n- a:b: (file: /y/b/SKILL.md)\n- cut: The begin\u2026 (file: /y/cut/SKILL.md)\n### Skill roots\n- `r0` = `/abs`\n"}]})");
    const std::string dropped = Line("compacted", R"({"replacement_history":[]})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store =
          ReadLines({MetaLine(), listing, PromptLine("0"), AnswerLine(), dropped, PromptLine("1"),
                     AnswerLine(), listing, PromptLine("2"), AnswerLine(), dropped},
                    reading);
      const auto& exposures = Only(store).facts.exposures;
      REQUIRE(exposures.size() == 3);
      CHECK(!exposures[0].prompt_seq.has_value());
      CHECK(exposures[1].prompt_seq == 1);
      CHECK(exposures[1].cause == ExposureCause::kCompaction);
      CHECK(exposures[1].listing == nullptr);
      CHECK(exposures[1].origin.line_no == 5);
      CHECK(exposures[2].prompt_seq == 2);
      REQUIRE(exposures[2].listing != nullptr);
      const auto& entries = exposures[2].listing->entries;
      REQUIRE(entries.size() == 3);
      CHECK(entries[0].name == "pdf");
      CHECK(entries[0].description == "Read & fill\nPDF: files");
      CHECK(entries[0].path == "/abs/pdf/SKILL.md");
      CHECK(entries[1].name == "a:b");
      CHECK(entries[1].state == ExposureState::kNameOnly);
      CHECK(entries[2].state == ExposureState::kTruncated);
    }
  }

  TEST_CASE("a read of a listed file has the name of the list") {
    const std::string listing = Line(
        "response_item",
        R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"### Available skills\n- front-name: Text (file: /home/dev/.codex/skills/dir-name/SKILL.md)\n- odd: Text (file: /opt/odd/SKILL.md)\n"}]})");
    const MergedStore store =
        ReadLines({MetaLine(), listing, PromptLine("a"),
                   ShellLine("c1", "cat ~/.codex/skills/dir-name/SKILL.md /opt/odd/SKILL.md"),
                   ExitLine("c1", 0)},
                  Reading::kLineByLine);
    std::set<std::string> names;
    for (const auto& [key, skill] : Only(store).skills) names.insert(skill.skill);
    CHECK(names == std::set<std::string>{"front-name", "odd"});
  }

  TEST_CASE("an old fork that repeats its parent adds only what is new") {
    const std::vector<std::string> parent = {MetaLine(), PromptLine("one"), ShellLine("c1", "x"),
                                             ExitLine("c1", 1), TotalsLine(10, 1, 10, 1)};
    const MergedStore original = ReadLines(parent);
    const auto& keys = Only(original).facts.record_keys;
    const ingest::KeySet copied(keys.begin(), keys.end());
    std::vector<std::string> fork = {
        Line("session_meta", R"({"id":"fork","forked_from_id":"the-id","cwd":"/w"})")};
    fork.insert(fork.end(), parent.begin(), parent.end());
    fork.insert(fork.end(), {PromptLine("two"), AnswerLine(), TotalsLine(25, 2, 15, 1)});
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(fork, reading, &copied);
      const MergedSession& got = Only(store);
      CHECK(got.facts.id == "fork");
      CHECK(got.facts.links.forked_from == "the-id");
      REQUIRE(got.prompts.size() == 1);
      CHECK(got.prompts.at(0).text == "two");
      CHECK(got.facts.metrics.tools.empty());
      CHECK(got.facts.metrics.tokens.input_uncached == 15);
      CHECK(got.facts.metrics.answers == 1);
    }
  }

  TEST_CASE("sessions of selftune itself are marked") {
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("[selftune:internal v1]\\njudge this"), AnswerLine()},
                  Reading::kLineByLine);
    CHECK(Only(store).facts.internal);
    CHECK(!Only(ReadLines({MetaLine(), PromptLine("what is [selftune:internal"), AnswerLine()}))
               .facts.internal);
  }

  TEST_CASE("the order of fields does not matter") {
    const std::string call =
        R"({"payload":{"arguments":"{\"cmd\":\"cat /home/dev/.codex/skills/pdf/SKILL.md\"}","call_id":"c1","name":"exec_command","type":"function_call"},"type":"response_item","timestamp":"2026-11-22T09:54:00Z"})";
    const std::string item =
        R"({"payload":{"item":{"content":[{"text":"hi","type":"text"}],"id":"i","type":"UserMessage"},"turn_id":"t","type":"item_completed"},"type":"event_msg"})";
    const std::string skill =
        R"({"payload":{"content":[{"text":"<skill>\n<name>x</name>\n<path>/x/SKILL.md</path>\nB\n</skill>"}],"internal_chat_message_metadata_passthrough":{"content_item_kinds":["skills.selected_skill_instructions"]},"role":"user","type":"message"},"type":"response_item"})";
    const MergedStore store = ReadLines({MetaLine(), item, skill, call, ExitLine("c1", 0)});
    CHECK(Only(store).prompts.size() == 1);
    CHECK(Only(store).prompts.at(0).native_id == "t");
    CHECK(Only(store).skills.size() == 2);
    CHECK(Only(store).facts.metrics.tools[0].name == "exec_command");
  }

  TEST_CASE("records of any shape are counted, never failed") {
    std::vector<std::string> lines = {"{}", R"({"type":5,"payload":7})",
                                      R"({"type":"session_meta"})",
                                      R"({"type":"new_kind","payload":{"type":"x"}})"};
    for (const char* type : {"session_meta", "turn_context", "world_state", "compacted",
                             "event_msg", "response_item", "token_usage_record"}) {
      for (const char* payload :
           {"null", "[]", "1", "\"x\"", "{}", R"({"type":null})", R"({"type":[],"item":{}})"}) {
        lines.push_back(Line(type, payload));
      }
    }
    for (const char* payload :
         {R"({"type":"user_message","message":{}})", R"({"type":"token_count","info":[1]})",
          R"({"type":"token_count","info":{"total_token_usage":{"input_tokens":"9"}}})",
          R"({"type":"item_completed","item":[]})",
          R"({"type":"item_completed","item":{"type":"UserMessage","content":{}}})",
          R"({"type":"task_complete","error":7})",
          R"({"type":"thread_rolled_back","num_turns":-5})"}) {
      lines.push_back(Line("event_msg", payload));
    }
    for (
        const char* payload :
        {R"({"type":"message","role":5,"content":{"a":1}})",
         R"({"type":"message","role":"user","content":[1,null,[]]})",
         R"({"type":"function_call","name":[],"arguments":{},"call_id":{}})",
         R"({"type":"function_call","name":"exec_command","arguments":"not json SKILL.md","call_id":"z"})",
         R"({"type":"function_call_output","call_id":"z","output":{"content":[],"success":"no"}})"}) {
      lines.push_back(Line("response_item", payload));
    }
    const MergedStore store = ReadLines(lines, Reading::kLineByLine);
    CHECK(store.bad_lines.empty());
    CHECK(store.seen == static_cast<int64_t>(lines.size()));
    CHECK(store.unknown > 0);
    CHECK(Only(store).facts.id == "the-id");  // of the file's name
  }

  TEST_CASE("a damaged line leaves the state as it was") {
    const std::vector<std::string> bad = {
        "[1]", R"({"type":"event_msg","payload":{"type":"user_message","message":"x")", "\"text\"",
        "{\"a\":\"\xff\"}", ""};
    for (const std::string& line : bad) {
      if (line.empty()) continue;
      const MergedStore store = ReadLines({MetaLine(), PromptLine("a"), line, AnswerLine()});
      CHECK(store.bad_lines.size() == 1);
      CHECK(Only(store).prompts.size() == 1);
      CHECK(Only(store).facts.completion == Completion::kCompleted);
    }
  }

  TEST_CASE("a foreign state is refused") {
    ingest::ReaderOptions options;
    for (const char* state : {"{}", "[]", "no json", R"({"codex":99})"}) {
      options.saved_state = state;
      CHECK(!hosts::CodexSource().Open(options).ok());
    }
  }

  TEST_CASE("an event of another kind than plain is no prompt") {
    const std::string injected = Line(
        "event_msg", R"({"type":"user_message","message":"<x>","kind":"environment_context"})");
    const std::string plain =
        Line("event_msg", R"({"type":"user_message","message":"hi","kind":"plain"})");
    CHECK(Only(ReadLines({MetaLine(), injected, plain})).prompts.size() == 1);
  }

  TEST_CASE("a subagent's prompts are its parent's, and it names the root's turn") {
    const std::string started = Line(
        "event_msg",
        R"({"type":"task_started","turn_id":"own","turn_attribution":{"root_turn_id":"root-turn"}})");
    const std::string meta = MetaLine(
        R"(,"session_id":"root","source":{"subagent":{"thread_spawn":{"parent_thread_id":"parent","depth":2,"agent_role":"explorer"}}})");
    const MergedStore store =
        ReadLines({meta, started, ItemLine("task"), ShellLine("c1", "cat " + std::string(kSkill)),
                   ExitLine("c1", 0)},
                  Reading::kLineByLine);
    const MergedSession& got = Only(store);
    CHECK(got.facts.kind == SessionKind::kSubagent);
    CHECK(got.facts.links.parent_id == "parent");
    CHECK(got.facts.links.root_id == "root");
    CHECK(got.facts.links.prompt_native_id == "root-turn");
    CHECK(got.facts.depth == 2);
    CHECK(got.facts.agent_type == "explorer");
    CHECK(got.prompts.at(0).kind == PromptKind::kAgent);
    CHECK(!got.skills.at("c1").prompt_seq.has_value());
    CHECK(got.skills.at("c1").requested_by == RequestedBy::kModel);
    // A thread of the host itself, without a parent it names.
    CHECK(Only(ReadLines({MetaLine(R"(,"source":{"subagent":"review"})"), ItemLine("x")}))
              .prompts.at(0)
              .kind == PromptKind::kAgent);
  }

  TEST_CASE("a call that started agents says which") {
    const std::string call =
        Line("response_item",
             R"({"type":"function_call","name":"spawn_agent","call_id":"s1","arguments":"{}"})");
    const std::string spawned = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"s1","tool":"spawn_agent","receiver_thread_ids":["kid"]}})");
    const std::string waited = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"w1","tool":"wait","receiver_thread_ids":["kid"]}})");
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("a"), PromptLine("b"), call, spawned, waited},
                  Reading::kLineByLine);
    REQUIRE(Only(store).facts.spawns.size() == 1);
    CHECK(Only(store).facts.spawns[0].child_id == "kid");
    CHECK(Only(store).facts.spawns[0].call_id == "s1");
    CHECK(Only(store).facts.spawns[0].prompt_seq == 1);
  }

  TEST_CASE("a started agent is also found in the call's output") {
    const std::string call =
        Line("response_item",
             R"({"type":"function_call","name":"spawn_agent","call_id":"s1","arguments":"{}"})");
    const std::string output = OutputLine("s1", R"({\"agent_id\":\"kid\",\"nickname\":\"Locke\"})");
    const std::string item = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"s1","tool":"spawn_agent","receiver_thread_ids":["kid"]}})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore old = ReadLines({MetaLine(), PromptLine("a"), call, output}, reading);
      REQUIRE(Only(old).facts.spawns.size() == 1);
      CHECK(Only(old).facts.spawns[0].child_id == "kid");
      CHECK(Only(ReadLines({MetaLine(), PromptLine("a"), call, item, output}, reading))
                .facts.spawns.size() == 1);
    }
  }

  TEST_CASE("how a call failed is read from its text and from its item") {
    struct Case {
      const char* output;
      int64_t errors, denied, exits;
    };
    const std::vector<Case> cases = {
        {R"(unsupported call: x)", 1, 0, 0},
        {R"(failed to parse function arguments: x)", 1, 0, 0},
        {R"(Command blocked by PreToolUse hook: no. Command: x)", 1, 1, 0},
        {R"(exec command rejected by user)", 1, 1, 0},
        {R"(rejected by user)", 1, 1, 0},
        {R"(aborted by user after 3.1s)", 1, 0, 0},
        {R"(Wall time: 1.0 seconds\naborted by user)", 1, 0, 0},
        {R"(error: IoError)", 1, 0, 0},
        {R"(Exit code: 3\nWall time: 1 seconds\nOutput:\nx)", 1, 0, 1},
        {R"(Plan updated)", 0, 0, 0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.output);
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", c.output)});
      const ingest::ToolDelta& tool = Only(store).facts.metrics.tools[0];
      CHECK(tool.errors == c.errors);
      CHECK(tool.denied == c.denied);
      CHECK(tool.nonzero_exits == c.exits);
      CHECK(tool.unfinished == 0);
    }
    for (
        const char* payload :
        {R"({"type":"mcp_tool_call_end","call_id":"c1","result":{"Err":"x"}})",
         R"({"type":"mcp_tool_call_end","call_id":"c1","result":{"Ok":{"is_error":true}}})",
         R"({"type":"patch_apply_end","call_id":"c1","success":false})",
         R"({"type":"item_completed","item":{"type":"McpToolCall","id":"c1","status":"failed"}})"}) {
      CAPTURE(payload);
      const MergedStore store = ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"),
                                           Line("event_msg", payload), OutputLine("c1", "x")},
                                          Reading::kLineByLine);
      CHECK(Only(store).facts.metrics.tools[0].errors == 1);
    }
  }

  TEST_CASE("what an editor puts before a prompt is taken off") {
    const MergedStore store = ReadLines(
        {MetaLine(),
         PromptLine(
             R"(# Context from my IDE setup:\n\n## Active file: a.ts\n\n## My request for Codex:\nfix it\n)"),
         PromptLine("# Context from my IDE setup: what is that?")});
    CHECK(Only(store).prompts.at(0).text == "fix it");
    CHECK(Only(store).prompts.at(0).raw_text.starts_with("# Context"));
    CHECK(Only(store).prompts.at(1).text == "# Context from my IDE setup: what is that?");
    CHECK(Only(store).prompts.at(1).raw_text.empty());
  }

  TEST_CASE("a change is of the same file also when one path is relative") {
    const MergedStore store = ReadLines(
        {Line("session_meta", R"({"id":"the-id"})"), PromptLine("fix"),
         ShellLine("c1", "cat ~/.codex/skills/pdf/SKILL.md"), ExitLine("c1", 0),
         ShellLine("c2", "sed -i s/a/b/ /home/dev/.codex/skills/pdf/SKILL.md"), ExitLine("c2", 0)});
    REQUIRE(Only(store).skills.size() == 1);
    CHECK(Only(store).skills.at("c1").outcome == Outcome::kReadOnly);
  }
}

}  // namespace selftune
