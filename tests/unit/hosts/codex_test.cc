#include <algorithm>
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
#include "ingest/line_pump.h"
#include "support/temp_dir.h"
#include "support/test_files.h"
#include "support/zstd_frame.h"
#include "unit/hosts/merged_store.h"

namespace selftune {
namespace {

using base::JsonValue;
using testing::DataPath;
using testing::MergedSession;
using testing::MergedStore;
using testing::Reading;
using testing::ReadWhole;

base::Environment HomeEnvironment(const std::string& home) {
  base::Environment env;
  env.Set("HOME", home);
  return env;
}

// All files but the history of prompts, which says the same of some of their sessions.
std::vector<ingest::SourceFile> Rollouts(const std::string& home,
                                         std::vector<std::string>& problems) {
  auto files = hosts::CodexSource().Discover(HomeEnvironment(home), problems);
  std::erase_if(files, [](const auto& file) { return file.kind != "rollout"; });
  return files;
}

MergedStore ReadStore(const std::string& home, Reading reading) {
  const ingest::Source& source = hosts::CodexSource();
  std::vector<std::string> problems;
  MergedStore store;
  for (const ingest::SourceFile& file : Rollouts(home, problems)) {
    testing::ReadText(source, file, ReadWhole(file.path), reading, nullptr, store);
  }
  CHECK(problems.empty());
  return store;
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

}  // namespace

TEST_SUITE("hosts/codex") {
  TEST_CASE("the recordings give what was typed and done") {
    const JsonValue expected = testing::ReadJson("hosts/codex/EXPECTED.json");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadStore(DataPath("hosts/codex/home"), reading);
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
    const std::string home = DataPath("hosts/codex/home");
    CHECK(testing::Dump(ReadStore(home, Reading::kAtOnce)) ==
          testing::Dump(ReadStore(home, Reading::kLineByLine)));
  }

  TEST_CASE("the state stays small") {
    const ingest::Source& source = hosts::CodexSource();
    std::vector<std::string> problems;
    for (const auto& file : Rollouts(DataPath("hosts/codex/home"), problems)) {
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

  TEST_CASE("rollouts are found in both folders, and where config.json says") {
    const ingest::Source& source = hosts::CodexSource();
    std::vector<std::string> problems;
    base::Environment env = HomeEnvironment(DataPath("hosts/codex/home"));
    CHECK(source.Available(env));
    const auto files = source.Discover(env, problems);
    CHECK(files.size() == 42);  // 41 rollouts and the history of prompts
    CHECK(files.front().kind == "rollout");
    CHECK(files[1].kind == "history");
    CHECK(std::count_if(files.begin(), files.end(), [](const auto& f) { return f.archived; }) == 1);
    CHECK(std::is_sorted(files.begin(), files.end(),
                         [](const auto& a, const auto& b) { return a.path < b.path; }));
    env.Set("CODEX_HOME", DataPath("hosts/codex/home") + "/.agents");
    CHECK(source.Discover(env, problems).size() == 42);
    env.SetHostHome("codex", DataPath("hosts/codex/home") + "/.agents");
    CHECK(!source.Available(env));
    CHECK(source.Discover(env, problems).empty());
    env.SetHostHome("codex", DataPath("hosts/codex/home") + "/.codex");
    CHECK(source.Discover(env, problems).size() == 42);
    CHECK(!source.Available(base::Environment()));
    CHECK(problems.empty());
  }

  TEST_CASE("a compressed rollout is found unless the plain file is there") {
    const testing::TempDir home;
    for (const char* name :
         {"sessions/2026/11/22/rollout-a.jsonl.zst", "sessions/2026/11/22/rollout-b.jsonl.zst",
          "sessions/2026/11/22/rollout-b.jsonl", "archived_sessions/rollout-c.jsonl.zst",
          "sessions/2026/11/22/other.jsonl.zst", "sessions/2026/11/22/.rollout-d.jsonl.zst.tmp"}) {
      home.Write(std::string(".codex/") + name, "x");
    }
    const ingest::Source& source = hosts::CodexSource();
    std::vector<std::string> problems;
    const auto files = source.Discover(HomeEnvironment(home.path()), problems);
    CHECK(problems.empty());
    std::vector<std::string> seen;
    for (const ingest::SourceFile& file : files) {
      seen.push_back(
          fmt::format("{} {} {}", base::BaseName(file.path), file.archived, file.replaced_whole));
      const ingest::SourceFile described = source.Describe(file.path);
      CHECK(described.path == file.path);
      CHECK(described.kind == file.kind);
      CHECK(described.archived == file.archived);
      CHECK(described.replaced_whole == file.replaced_whole);
    }
    CHECK(seen == std::vector<std::string>{"rollout-c.jsonl.zst true true",
                                           "rollout-a.jsonl.zst false true",
                                           "rollout-b.jsonl false false"});
  }

  TEST_CASE("a compressed copy of every recording gives the same facts at the same places") {
    const ingest::Source& source = hosts::CodexSource();
    const testing::TempDir dir;
    std::vector<std::string> problems;
    MergedStore plain, compressed;
    ingest::PumpBuffer buffer;
    for (const auto& file : Rollouts(DataPath("hosts/codex/home"), problems)) {
      const std::string text = ReadWhole(file.path);
      const std::string frame = testing::ZstdFrame(text);
      const std::string name = std::string(base::BaseName(file.path)) + ".zst";
      ingest::SourceFile packed = source.Describe(dir.Write(name, frame));
      packed.archived = file.archived;
      for (const bool zst : {false, true}) {
        const ingest::SourceFile& read = zst ? packed : file;
        auto reader = source.Open({.file = &read, .saved_state = "", .copied = nullptr});
        auto bytes = source.OpenBytes(read, zst ? frame.size() : text.size());
        REQUIRE((reader.ok() && bytes.ok()));
        const auto flush = [&](const ingest::Batch& batch, const ingest::Cursor& at) {
          (zst ? compressed : plain).Add(batch, file.path);
          CHECK(at.offset <= text.size());
          return absl::OkStatus();
        };
        const auto pumped = ingest::PumpLines(**bytes, {}, **reader, buffer, flush);
        REQUIRE(pumped.ok());
        CHECK(pumped->pending == 0);
        CHECK(pumped->damage.empty());
      }
    }
    CHECK(plain.sessions.size() == 41);
    CHECK(testing::Dump(compressed) == testing::Dump(plain));
  }
}

}  // namespace selftune
