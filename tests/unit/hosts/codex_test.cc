#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "base/env.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/codex/source.h"
#include "unit/hosts/codex_merged.h"

namespace selftune {
namespace {

using base::JsonValue;
using testing::MergedSession;
using testing::MergedStore;
using testing::Reading;

std::string DataFolder() {
  const char* tests = std::getenv("SELFTUNE_TESTS");
  REQUIRE(tests != nullptr);
  return std::string(tests) + "/data/hosts/codex";
}

std::string ReadWhole(const std::string& path) {
  auto text = base::ReadFile(path, uint64_t{64} << 20);
  REQUIRE(text.ok());
  return *std::move(text);
}

base::Environment HomeEnvironment(const std::string& home) {
  base::Environment env;
  env.Set("HOME", home);
  return env;
}

MergedStore ReadStore(const std::string& home, Reading reading) {
  const ingest::Source& source = hosts::CodexSource();
  std::vector<std::string> problems;
  MergedStore store;
  for (const ingest::SourceFile& file : source.Discover(HomeEnvironment(home), problems)) {
    testing::ReadText(source, file, ReadWhole(file.path), reading, nullptr, store);
  }
  CHECK(problems.empty());
  return store;
}

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

// ------------------------------------------------ comparison with EXPECTED.json

// The prompt of the root that a session's skill uses belong to.
std::optional<int32_t> RootPrompt(const MergedStore& store, const MergedSession& session,
                                  const ingest::SkillFact& skill) {
  if (session.facts.kind != SessionKind::kSubagent) return skill.prompt_seq;
  // Simple resolution of the links: the parent's spawn names the child.
  const auto parent = store.sessions.find(session.facts.links.parent_id);
  if (parent == store.sessions.end()) return std::nullopt;
  for (const ingest::SpawnFact& spawn : parent->second.facts.spawns) {
    if (spawn.child_id == session.facts.id) return spawn.prompt_seq;
  }
  return std::nullopt;
}

std::vector<std::string> SkillLines(const MergedStore& store, const MergedSession& session) {
  std::vector<std::string> lines;
  for (const auto& [key, skill] : session.skills) {
    lines.push_back(fmt::format("{} {} {} {} {} prompt {} {}", skill.skill, Word(skill.level),
                                Word(skill.route), Word(skill.outcome), Word(skill.requested_by),
                                RootPrompt(store, session, skill).value_or(-1), skill.path));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> SkillLines(const JsonValue& session) {
  std::vector<std::string> lines;
  for (const JsonValue& skill : session["skills"].items()) {
    lines.push_back(fmt::format("{} {} {} {} {} prompt {} {}", skill["name"].AsString(),
                                skill["level"].AsString(), skill["route"].AsString(),
                                skill["outcome"].AsString(), skill["requested_by"].AsString(),
                                skill["prompt_index"].AsInt(-1), skill["path"].AsString()));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void ComparePrompts(const JsonValue& want, const MergedSession& got) {
  std::vector<std::string> user;
  for (const auto& [seq, prompt] : got.prompts) {
    CHECK(prompt.active);
    CHECK(prompt.kind ==
          (got.facts.kind == SessionKind::kMain ? PromptKind::kUser : PromptKind::kAgent));
    if (prompt.kind == PromptKind::kUser) user.push_back(prompt.text);
  }
  std::vector<std::string> expected;
  for (const JsonValue& prompt : want["prompts"].items()) {
    CHECK(!prompt.Has("match"));
    expected.push_back(prompt["text"].AsString());
  }
  CHECK(user == expected);
}

bool Matches(const JsonValue& injected, const std::string& text) {
  const std::string& part = injected["text"].AsString();
  const std::string& how = injected["match"].AsString();
  if (how == "contains") return text.find(part) != std::string::npos;
  return how == "prefix" ? text.starts_with(part) : text == part;
}

void CompareInjected(const JsonValue& want, const MergedSession& got) {
  for (const JsonValue& injected : want["injected"].items()) {
    const bool task = injected["kind"].AsString() == "subagent_task";
    bool found = false;
    for (const auto& [seq, prompt] : got.prompts) {
      const bool hit = Matches(injected, prompt.text);
      CHECK(!(hit && prompt.kind == PromptKind::kUser));
      found = found || (hit && prompt.kind == PromptKind::kAgent);
    }
    CHECK(found == task);
  }
}

void CompareCalls(const JsonValue& want, const MergedSession& got) {
  std::map<std::string, int64_t> calls, expected;
  int64_t errors = 0, exits = 0, denied = 0, unfinished = 0;
  for (const ingest::ToolDelta& tool : got.facts.metrics.tools) {
    calls[tool.name] = tool.calls;
    errors += tool.errors;
    exits += tool.nonzero_exits;
    denied += tool.denied;
    unfinished += tool.unfinished;
  }
  for (const auto& [name, count] : want["tool_calls"].members()) expected[name] = count.AsInt();
  CHECK(calls == expected);
  CHECK(errors == want["tool_errors"].AsInt());
  CHECK(exits == want["nonzero_exits"].AsInt());
  CHECK(denied == want["denied"].AsInt());
  CHECK(unfinished == want["unfinished_calls"].AsInt());
}

void CompareTurns(const JsonValue& want, const MergedSession& got) {
  const ingest::MetricDelta& metrics = got.facts.metrics;
  CHECK(metrics.failed_turns == want["failed_turns"].AsInt());
  CHECK(metrics.interruptions == want["interruptions"].AsInt());
  CHECK(metrics.compactions == want["compactions"].AsInt());
  CHECK(metrics.known_answers);
  CHECK(metrics.answers == want["answers"].AsInt());
  REQUIRE(got.facts.completion.has_value());
  CHECK(Word(*got.facts.completion) == want["outcome"].AsString());
}

void CompareTokens(const JsonValue& want, const MergedSession& got) {
  const ingest::TokenDelta& tokens = got.facts.metrics.tokens;
  const JsonValue& expected = want["tokens"];
  CHECK(tokens.known_input == expected.is_object());
  CHECK(tokens.input_uncached == expected["input_uncached"].AsInt());
  CHECK(tokens.cache_read == expected["cache_read"].AsInt());
  CHECK(tokens.output == expected["output"].AsInt());
  CHECK(tokens.reasoning == expected["reasoning"].AsInt());
  const JsonValue& overhead = want["tokens_overhead"];
  CHECK(tokens.known_overhead == overhead.is_object());
  CHECK(tokens.overhead_input ==
        overhead["input_uncached"].AsInt() + overhead["cache_read"].AsInt());
  CHECK(tokens.overhead_output == overhead["output"].AsInt());
}

void CompareMeta(const JsonValue& want, const MergedStore& store, const MergedSession& got) {
  const ingest::SessionFacts& facts = got.facts;
  CHECK(Word(facts.kind) == want["kind"].AsString());
  CHECK(facts.links.parent_id == want["parent_session_id"].AsString());
  CHECK(facts.links.forked_from == want["forked_from"].AsString());
  const bool subagent = facts.kind == SessionKind::kSubagent;
  CHECK(facts.links.root_id == (subagent ? want["root_session_id"].AsString() : ""));
  CHECK(facts.host_version == want["host_version"].AsString());
  CHECK(facts.cwd == want["cwd"].AsString());
  CHECK(facts.branch == want["git_branch"].AsString());
  CHECK(facts.agent_type == want["agent_type"].AsString());
  CHECK(facts.archived == want["archived"].AsBool());
  CHECK(facts.agent_cli == "codex");
  CHECK(!facts.model.empty());
  CHECK(!facts.internal);
  if (!subagent) return;
  // Both ways to the prompt in whose turn it was started agree.
  const MergedSession& root = store.sessions.at(facts.links.root_id);
  for (const auto& [seq, prompt] : root.prompts) {
    if (prompt.native_id == facts.links.prompt_native_id) {
      CHECK(seq == want["parent_prompt_index"].AsInt(-1));
    }
  }
}

void CompareListing(const JsonValue& want, const ingest::Listing& got) {
  REQUIRE(got.entries.size() == want["skills"].items().size());
  for (size_t i = 0; i < got.entries.size(); ++i) {
    const JsonValue& skill = want["skills"].items()[i];
    const ingest::ListingEntry& entry = got.entries[i];
    CHECK(entry.name == skill["name"].AsString());
    CHECK(entry.path == skill["path"].AsString());
    CHECK(base::Sha256Hex(entry.description) == skill["description_sha256"].AsString());
    CHECK(entry.state == ExposureState::kFull);
  }
}

void CompareExposures(const JsonValue& expected, const JsonValue& want, const MergedStore& store,
                      const MergedSession& got) {
  // A fork begins with what its parent showed before the branching point.
  std::vector<ingest::ExposureFact> facts;
  if (got.facts.links.fork_end_offset.has_value()) {
    for (const auto& fact : store.sessions.at(got.facts.links.forked_from).facts.exposures) {
      if (fact.origin.offset < *got.facts.links.fork_end_offset) facts.push_back(fact);
    }
  }
  const size_t inherited = facts.size();
  facts.insert(facts.end(), got.facts.exposures.begin(), got.facts.exposures.end());
  const std::vector<JsonValue>& rows = want["exposures"].items();
  REQUIRE(facts.size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i >= inherited) {
      CHECK(facts[i].prompt_seq.value_or(-1) == rows[i]["from_prompt"].AsInt(-1));
      CHECK(static_cast<int64_t>(facts[i].origin.line_no) == rows[i]["line"].AsInt());
    }
    CHECK(facts[i].cause == ExposureCause::kListing);
    REQUIRE(facts[i].listing != nullptr);
    CompareListing(expected["listings"][rows[i]["listing"].AsString()], *facts[i].listing);
  }
}

JsonValue Expected() {
  auto expected = JsonValue::Parse(ReadWhole(DataFolder() + "/EXPECTED.json"));
  REQUIRE(expected.ok());
  return *std::move(expected);
}

// --------------------------------------------------------- lines made by hand

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

TEST_SUITE("hosts/codex") {
  TEST_CASE("the recordings give what was typed and done") {
    const JsonValue expected = Expected();
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadStore(DataFolder() + "/home", reading);
      CHECK(store.bad_lines.empty());
      CHECK(store.unknown == 0);
      CHECK(store.sessions.size() == expected["sessions"].items().size());
      for (const JsonValue& want : expected["sessions"].items()) {
        CAPTURE(want["scenario"].AsString());
        CAPTURE(want["session_id"].AsString());
        const auto found = store.sessions.find(want["session_id"].AsString());
        REQUIRE(found != store.sessions.end());
        const MergedSession& got = found->second;
        CHECK(got.path.ends_with(want["file"].AsString()));
        CompareMeta(want, store, got);
        ComparePrompts(want, got);
        CompareInjected(want, got);
        CHECK(SkillLines(store, got) == SkillLines(want));
        CompareCalls(want, got);
        CompareTurns(want, got);
        CompareTokens(want, got);
        CompareExposures(expected, want, store, got);
      }
    }
  }

  TEST_CASE("reading in pieces gives the same facts as at once") {
    const std::string home = DataFolder() + "/home";
    CHECK(testing::Dump(ReadStore(home, Reading::kAtOnce)) ==
          testing::Dump(ReadStore(home, Reading::kLineByLine)));
  }

  TEST_CASE("the state stays small") {
    const ingest::Source& source = hosts::CodexSource();
    std::vector<std::string> problems;
    for (const auto& file : source.Discover(HomeEnvironment(DataFolder() + "/home"), problems)) {
      ingest::ReaderOptions options;
      options.file = &file;
      auto reader = source.Open(options);
      REQUIRE(reader.ok());
      base::LineParser parser;
      ingest::Batch batch;
      std::string text = ReadWhole(file.path);
      text.append(64, '\0');
      size_t begin = 0;
      for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const ingest::Line line{std::string_view(text).substr(begin, end - begin), begin, 1};
        CHECK((*reader)->ReadLine(line, parser, batch).ok());
      }
      CHECK((*reader)->SaveState().size() < 4096);
    }
  }

  TEST_CASE("rollouts are found in both folders, and where CODEX_HOME says") {
    const ingest::Source& source = hosts::CodexSource();
    std::vector<std::string> problems;
    base::Environment env = HomeEnvironment(DataFolder() + "/home");
    CHECK(source.Available(env));
    const auto files = source.Discover(env, problems);
    CHECK(files.size() == 41);
    CHECK(std::count_if(files.begin(), files.end(), [](const auto& f) { return f.archived; }) == 1);
    CHECK(std::is_sorted(files.begin(), files.end(),
                         [](const auto& a, const auto& b) { return a.path < b.path; }));
    env.Set("CODEX_HOME", DataFolder() + "/home/.agents");
    CHECK(!source.Available(env));
    CHECK(source.Discover(env, problems).empty());
    env.Set("CODEX_HOME", DataFolder() + "/home/.codex");
    CHECK(source.Discover(env, problems).size() == 41);
    CHECK(problems.empty());
  }

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
}

}  // namespace selftune
