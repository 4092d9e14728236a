// The recordings of real Claude Code sessions, read and compared with what was
// scripted: every prompt, skill, call, token and listing.
#include <algorithm>
#include <map>
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
#include "hosts/claude_code/source.h"
#include "ingest/line_pump.h"
#include "support/test_files.h"
#include "unit/hosts/merged_store.h"

namespace selftune {
namespace {

using base::JsonValue;
using testing::MergedSession;
using testing::MergedStore;
using testing::Reading;

std::vector<ingest::SourceFile> Files() {
  base::Environment env;
  env.Set("HOME", testing::DataPath("hosts/claude-code/home"));
  std::vector<std::string> problems;
  auto files = hosts::claude_code::TranscriptSource().Discover(env, problems);
  CHECK(problems.empty());
  // Of a session with a transcript it says the same.
  std::erase_if(files, [](const auto& file) { return file.kind == "history"; });
  return files;
}

// Reads all files as sync would: those whose answers name another session's
// request a second time, without what that session counts already.
MergedStore ReadAll(Reading reading) {
  const ingest::Source& source = hosts::claude_code::TranscriptSource();
  MergedStore store;
  const std::vector<ingest::SourceFile> files = Files();
  std::map<std::string, MergedStore> parts;
  for (const ingest::SourceFile& file : files) {
    testing::ReadText(source, file, testing::ReadWhole(file.path), reading, nullptr,
                      parts[file.path]);
  }
  std::map<std::string, ingest::KeySet> keys;
  for (auto& [path, part] : parts) {
    for (const auto& [id, session] : part.sessions) {
      keys[id].insert(session.facts.record_keys.begin(), session.facts.record_keys.end());
    }
  }
  for (auto& [path, part] : parts) {
    std::string origin;
    for (const auto& [id, session] : part.sessions) origin += session.facts.links.forked_from;
    if (!origin.empty()) {
      REQUIRE(keys.contains(origin));
      part = MergedStore();
      const auto file =
          std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.path == path; });
      testing::ReadText(source, *file, testing::ReadWhole(path), reading, &keys[origin], part);
    }
    for (const auto& [id, session] : part.sessions) {
      CAPTURE(id);
      CHECK_FALSE(store.sessions.contains(id));
      store.sessions[id] = session;
    }
    store.seen += part.seen;
    store.used += part.used;
    store.unknown += part.unknown;
  }
  return store;
}

// Reads a file `step` bytes further each time, as if it grew between two runs.
MergedStore ReadGrowing(const ingest::Source& source, const ingest::SourceFile& file,
                        uint64_t step) {
  MergedStore store;
  const uint64_t size = testing::ReadWhole(file.path).size();
  ingest::PumpBuffer buffer;
  ingest::PumpOptions options;
  std::string state;
  for (uint64_t end = 0; end < size;) {
    end = std::min(end + step, size);
    auto reader = source.Open({.file = &file, .saved_state = state, .copied = nullptr});
    REQUIRE(reader.ok());
    auto bytes = source.OpenBytes(file, end);
    REQUIRE(bytes.ok());
    ingest::Cursor cursor = options.start;
    const auto flush = [&](const ingest::Batch& batch, const ingest::Cursor& at) {
      store.Add(batch, file.path);
      cursor = at;
      return absl::OkStatus();
    };
    REQUIRE(ingest::PumpLines(**bytes, options, **reader, buffer, flush).ok());
    options.start = cursor;
    state = (*reader)->SaveState();
  }
  return store;
}

// Who started an agent, found as sync finds it.
struct Parent {
  std::string session;
  std::optional<int32_t> prompt;  // index in the root
};

Parent ParentOf(const MergedStore& store, const MergedSession& child) {
  const ingest::SessionLinks& links = child.facts.links;
  for (const auto& [id, session] : store.sessions) {
    for (const ingest::SpawnFact& spawn : session.facts.spawns) {
      const bool by_call = !links.spawn_call_id.empty() && spawn.call_id == links.spawn_call_id;
      if (!by_call && spawn.child_id != child.facts.id) continue;
      return {.session = id, .prompt = spawn.prompt_seq};
    }
  }
  // A command that runs in an agent of its own makes no call.
  Parent parent{.session = links.root_id, .prompt = std::nullopt};
  const auto root = store.sessions.find(links.root_id);
  if (root == store.sessions.end()) return parent;
  for (const auto& [seq, prompt] : root->second.prompts) {
    if (prompt.native_id == links.prompt_native_id) parent.prompt = seq;
  }
  return parent;
}

// The index among the user's prompts of the one with this seq.
int64_t IndexOf(const MergedSession& session, std::optional<int32_t> seq) {
  if (!seq.has_value()) return -1;
  int64_t index = 0;
  for (const auto& [n, prompt] : session.prompts) {
    if (n == *seq) return index;
    if (prompt.kind == PromptKind::kUser) ++index;
  }
  return -1;
}

bool Matches(const JsonValue& item, const std::string& text) {
  const std::string& want = item["text"].AsString();
  const std::string& how = item["match"].AsString();
  if (how == "contains") return text.find(want) != std::string::npos;
  if (how == "prefix") return text.starts_with(want);
  if (how == "whitespace") return base::CollapseSpace(text) == base::CollapseSpace(want);
  return text == want;
}

void ComparePrompts(const JsonValue& want, const MergedSession& got) {
  std::vector<const ingest::PromptFact*> users;
  for (const auto& [seq, prompt] : got.prompts) {
    if (prompt.kind == PromptKind::kUser) users.push_back(&prompt);
  }
  const auto& prompts = want["prompts"].items();
  REQUIRE(users.size() == prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    CAPTURE(users[i]->text);
    CHECK(Matches(prompts[i], users[i]->text));
    const JsonValue& command = prompts[i]["command"];
    CHECK(users[i]->command_name == command["name"].AsString());
    CHECK(users[i]->command_args == command["args"].AsString());
    CHECK(Word(users[i]->command_kind) == command["kind"].AsString());
    CHECK(users[i]->active == prompts[i]["active"].AsBool(true));
  }
  for (const JsonValue& injected : want["injected"].items()) {
    for (const ingest::PromptFact* user : users) CHECK_FALSE(Matches(injected, user->text));
    if (injected["kind"].AsString() != "subagent_task") continue;
    REQUIRE(got.prompts.size() == 1);
    CHECK(got.prompts.begin()->second.kind == PromptKind::kAgent);
    CHECK(Matches(injected, got.prompts.begin()->second.text));
  }
}

void CompareSkills(const JsonValue& want, const MergedStore& store, const MergedSession& got) {
  std::multiset<std::string> wanted, found;
  for (const JsonValue& s : want["skills"].items()) {
    wanted.insert(fmt::format("{} {} {} {} {} prompt {} path {} args {} forked {}",
                              s["name"].AsString(), s["outcome"].AsString(), s["level"].AsString(),
                              s["route"].AsString(), s["requested_by"].AsString(),
                              s["prompt_index"].AsInt(-1),
                              s["forked"].AsBool() ? "" : s["path"].AsString(),
                              s["args"].AsString(), s["forked"].AsBool()));
  }
  const bool sub = got.facts.kind == SessionKind::kSubagent;
  for (const auto& [key, s] : got.skills) {
    const int64_t index =
        sub ? ParentOf(store, got).prompt.value_or(-1) : IndexOf(got, s.prompt_seq);
    found.insert(fmt::format("{} {} {} {} {} prompt {} path {} args {} forked {}", s.skill,
                             Word(s.outcome), Word(s.level), Word(s.route), Word(s.requested_by),
                             index, s.path, s.args, s.forked));
  }
  CHECK(wanted == found);
}

void CompareCounts(const JsonValue& want, const ingest::SessionFacts& got) {
  const ingest::MetricDelta& m = got.metrics;
  ingest::ToolDelta sum;
  std::map<std::string, int64_t> wanted, found;
  for (const auto& [name, calls] : want["tool_calls"].members()) wanted[name] = calls.AsInt();
  for (const ingest::ToolDelta& tool : m.tools) {
    found[tool.name] = tool.calls;
    sum.errors += tool.errors;
    sum.nonzero_exits += tool.nonzero_exits;
    sum.denied += tool.denied;
    sum.unfinished += tool.unfinished;
  }
  CHECK(wanted == found);
  CHECK(sum.errors == want["tool_errors"].AsInt());
  CHECK(sum.nonzero_exits == want["nonzero_exits"].AsInt());
  CHECK(sum.denied == want["denied"].AsInt());
  CHECK(sum.unfinished == want["unfinished_calls"].AsInt());
  CHECK(m.failed_turns == want["failed_turns"].AsInt());
  CHECK(m.interruptions == want["interruptions"].AsInt());
  CHECK(m.compactions == want["compactions"].AsInt());
  if (!want["answers"].is_null()) CHECK(m.answers == want["answers"].AsInt());
  const JsonValue& tokens = want["tokens"];
  if (tokens.is_null()) return;
  CHECK(m.tokens.input_uncached == tokens["input_uncached"].AsInt());
  CHECK(m.tokens.cache_read == tokens["cache_read"].AsInt());
  CHECK(m.tokens.cache_write == tokens["cache_write"].AsInt());
  CHECK(m.tokens.output == tokens["output"].AsInt());
  if (!tokens["reasoning"].is_null()) CHECK(m.tokens.reasoning == tokens["reasoning"].AsInt());
}

using Shown = std::map<std::string, ingest::ListingEntry>;

void Take(const ingest::ExposureFact& fact, Shown& shown) {
  if (fact.cause != ExposureCause::kDelta) shown.clear();
  if (fact.listing == nullptr) return;
  for (const ingest::ListingEntry& entry : fact.listing->entries) {
    if (entry.state == ExposureState::kAbsent) {
      shown.erase(entry.name);
    } else {
      shown[entry.name] = entry;
    }
  }
}

void CompareListing(const JsonValue& want, const Shown& shown) {
  CHECK(shown.size() == want["skills"].items().size());
  for (const JsonValue& skill : want["skills"].items()) {
    CAPTURE(skill["name"].AsString());
    const auto found = shown.find(skill["name"].AsString());
    REQUIRE(found != shown.end());
    if (!skill["state"].is_null()) CHECK(Word(found->second.state) == skill["state"].AsString());
    if (skill["description_sha256"].is_null()) continue;
    CHECK(base::Sha256Hex(found->second.description) == skill["description_sha256"].AsString());
  }
}

void CompareExposures(const JsonValue& doc, const JsonValue& want, const MergedSession& got) {
  const auto& entries = want["exposures"].items();
  std::multiset<int64_t> wanted_lines, lines;
  for (const JsonValue& entry : entries) wanted_lines.insert(entry["line"].AsInt());
  for (const ingest::ExposureFact& fact : got.facts.exposures) {
    lines.insert(static_cast<int64_t>(fact.origin.line_no));
  }
  CHECK(wanted_lines == lines);
  const auto prompts = static_cast<int64_t>(want["prompts"].items().size());
  for (int64_t point = 0; point < std::max<int64_t>(prompts, 1); ++point) {
    std::string listing;
    for (const JsonValue& entry : entries) {
      if (entry["from_prompt"].AsInt(0) <= point) listing = entry["listing"].AsString();
    }
    if (listing.empty()) continue;
    Shown shown;
    for (const ingest::ExposureFact& fact : got.facts.exposures) {
      if (IndexOf(got, fact.prompt_seq) <= point) Take(fact, shown);
    }
    CAPTURE(point);
    CompareListing(doc["listings"][listing], shown);
  }
}

void CompareSession(const JsonValue& doc, const JsonValue& want, const MergedStore& store) {
  CAPTURE(want["scenario"].AsString());
  CAPTURE(want["session_id"].AsString());
  const auto found = store.sessions.find(want["session_id"].AsString());
  if (found == store.sessions.end()) {
    CHECK(want["optional"].AsBool());
    return;
  }
  const MergedSession& got = found->second;
  const ingest::SessionFacts& facts = got.facts;
  CHECK(Word(facts.kind) == want["kind"].AsString());
  CHECK(facts.links.forked_from == want["forked_from"].AsString());
  CHECK(facts.host_version == want["host_version"].AsString());
  CHECK(facts.cwd == want["cwd"].AsString());
  CHECK(facts.branch == want["git_branch"].AsString());
  CHECK(facts.completion.has_value());
  CHECK(Word(facts.completion.value_or(Completion::kUnknown)) == want["outcome"].AsString());
  if (facts.kind == SessionKind::kSubagent) {
    CHECK(facts.links.root_id == want["root_session_id"].AsString());
    const Parent parent = ParentOf(store, got);
    CHECK(parent.session == want["parent_session_id"].AsString());
    CHECK(parent.prompt.value_or(-1) == want["parent_prompt_index"].AsInt());
    if (!want["agent_type"].is_null()) CHECK(facts.agent_type == want["agent_type"].AsString());
  }
  ComparePrompts(want, got);
  CompareSkills(want, store, got);
  CompareCounts(want, facts);
  CompareExposures(doc, want, got);
}

}  // namespace

TEST_SUITE("hosts/claude_code") {
  TEST_CASE("the recordings are read as they were scripted") {
    const JsonValue doc = testing::ReadJson("hosts/claude-code/EXPECTED.json");
    const MergedStore store = ReadAll(Reading::kAtOnce);
    std::set<std::string> known;
    for (const JsonValue& want : doc["sessions"].items()) {
      known.insert(want["session_id"].AsString());
      CompareSession(doc, want, store);
    }
    for (const auto& [id, session] : store.sessions) {
      CAPTURE(id);
      CHECK(known.contains(id));
    }
    CHECK(store.unknown == 0);
    CHECK(store.bad_lines.empty());
  }

  TEST_CASE("a file read line by line, its state saved in between, gives the same facts") {
    const MergedStore whole = ReadAll(Reading::kAtOnce);
    const MergedStore pieces = ReadAll(Reading::kLineByLine);
    CHECK(testing::Dump(whole) == testing::Dump(pieces));
  }

  TEST_CASE("a file that grows by any number of bytes gives the same facts") {
    const ingest::Source& source = hosts::claude_code::TranscriptSource();
    for (const ingest::SourceFile& file : Files()) {
      if (file.path.find("-0017-") == std::string::npos &&
          file.path.find("-0031-") == std::string::npos) {
        continue;
      }
      CAPTURE(file.path);
      MergedStore whole;
      testing::ReadText(source, file, testing::ReadWhole(file.path), Reading::kAtOnce, nullptr,
                        whole);
      for (const uint64_t step : {1000u, 7919u, 20011u}) {
        CHECK(testing::Dump(whole) == testing::Dump(ReadGrowing(source, file, step)));
      }
    }
  }

  TEST_CASE("the state of an ordinary session is small") {
    const ingest::Source& source = hosts::claude_code::TranscriptSource();
    for (const ingest::SourceFile& file : Files()) {
      CAPTURE(file.path);
      const std::string text = testing::ReadWhole(file.path) + std::string(64, ' ');
      auto reader = source.Open({.file = &file, .saved_state = "", .copied = nullptr});
      REQUIRE(reader.ok());
      base::LineParser parser;
      ingest::Batch batch;
      uint64_t offset = 0, line_no = 0;
      size_t largest = 0;
      for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', offset)) {
        const std::string_view line = std::string_view(text).substr(offset, end - offset);
        REQUIRE((*reader)->ReadLine({line, offset, ++line_no}, parser, batch).ok());
        offset = end + 1;
        largest = std::max(largest, (*reader)->SaveState().size());
      }
      CHECK(largest < 12000);
    }
  }
}

}  // namespace selftune
