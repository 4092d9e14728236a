// Which files of a store are transcripts, and what is beside them.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/strings.h"
#include "hosts/claude_code/source.h"
#include "support/temp_dir.h"
#include "unit/hosts/merged_store.h"

namespace selftune {

using testing::MergedSession;
using testing::MergedStore;

TEST_SUITE("hosts/claude_code/source") {
  TEST_CASE("every transcript of a store is found and the history of prompts, nothing else") {
    const testing::TempDir dir;
    const std::string& root = dir.path();
    const std::string config = root + "/conf";
    for (const std::string_view name :
         {"projects/-a/s1.jsonl", "projects/-a/agent-1.jsonl",
          "projects/-a/s1/subagents/agent-2.jsonl", "projects/-a/s1/subagents/agent-2.meta.json",
          "projects/-a/s1/subagents/notes.jsonl", "projects/-a/s1/tool-results/x.jsonl",
          "projects/-a/memory/subagents/agent-3.jsonl", "projects/-b/s2.jsonl",
          "projects/-b/s2.jsonl.bak", "projects/loose.jsonl", "todos/x.jsonl", "history.jsonl"}) {
      const std::string path = config + "/" + std::string(name);
      std::filesystem::create_directories(std::filesystem::path(path).parent_path());
      std::ofstream(path) << "{}\n";
    }
    base::Environment env;
    env.Set("HOME", root + "/home");
    std::vector<std::string> problems;
    const ingest::Source& source = hosts::claude_code::TranscriptSource();
    CHECK_FALSE(source.Available(env));
    CHECK(source.Discover(env, problems).empty());
    env.Set("CLAUDE_CONFIG_DIR", config);
    CHECK_FALSE(source.Available(env));
    CHECK_FALSE(source.Available(base::Environment()));
    env.SetHostHome("claude_code", config);
    CHECK(source.Available(env));
    std::vector<std::string> found;
    for (const ingest::SourceFile& file : source.Discover(env, problems)) {
      found.push_back(file.path.substr(config.size() + 1));
    }
    CHECK(found == std::vector<std::string>{
                       "history.jsonl", "projects/-a/agent-1.jsonl", "projects/-a/s1.jsonl",
                       "projects/-a/s1/subagents/agent-2.jsonl", "projects/-b/s2.jsonl"});
    CHECK(problems.empty());
  }

  TEST_CASE("an agent's file takes its links from the side file, whenever that appears") {
    const testing::TempDir dir;
    const std::string& root = dir.path();
    const ingest::SourceFile file{.path = root + "/agent-77.jsonl"};
    const std::string first =
        R"({"parentUuid":null,"isSidechain":true,"agentId":"77","type":"user","promptId":"p","message":{"content":"task"},"uuid":"a","sessionId":"s"})";
    const std::string second =
        R"({"parentUuid":"a","isSidechain":true,"type":"assistant","message":{"id":"m","model":"x","content":[]},"uuid":"b","sessionId":"s"})";
    const ingest::Source& source = hosts::claude_code::TranscriptSource();
    base::LineParser parser;
    MergedStore store;
    ingest::Batch batch;
    auto reader = source.Open({.file = &file, .saved_state = "", .copied = nullptr});
    REQUIRE(reader.ok());
    const std::string padded = first + std::string(64, ' ');
    REQUIRE((*reader)
                ->ReadLine({std::string_view(padded).substr(0, first.size()), 0, 1}, parser, batch)
                .ok());
    store.Add(std::exchange(batch, ingest::Batch()), file.path);
    const MergedSession& s = store.sessions.at("s:agent:77");
    CHECK(s.facts.links.root_id == "s");
    CHECK(s.facts.links.parent_id == "");  // an agent may have started it
    CHECK(s.facts.links.prompt_native_id == "p");
    CHECK(s.facts.links.spawn_call_id == "");
    std::ofstream(root + "/agent-77.meta.json")
        << R"({"agentType":"Explore","toolUseId":"call9","spawnDepth":2})";
    const std::string state = (*reader)->SaveState();
    reader = source.Open({.file = &file, .saved_state = state, .copied = nullptr});
    REQUIRE(reader.ok());
    const std::string padded2 = second + std::string(64, ' ');
    REQUIRE(
        (*reader)
            ->ReadLine({std::string_view(padded2).substr(0, second.size()), 200, 2}, parser, batch)
            .ok());
    store.Add(batch, file.path);
    CHECK(s.facts.links.spawn_call_id == "call9");
    CHECK(s.facts.agent_type == "Explore");
    CHECK(s.facts.depth == 2);
    // A failure whose place nobody knows is not taken back.
    std::string failed = (*reader)->SaveState();
    const size_t main = failed.find(R"("main":{)");
    REQUIRE(main != std::string::npos);
    failed.insert(main + 8, R"("failed":true,)");
    reader = source.Open({.file = &file, .saved_state = failed, .copied = nullptr});
    REQUIRE(reader.ok());
    ingest::Batch more;
    const std::string padded3 =
        base::ReplaceAll(second, R"("uuid":"b")", R"("uuid":"c")") + std::string(64, ' ');
    REQUIRE(
        (*reader)
            ->ReadLine({std::string_view(padded3).substr(0, second.size()), 400, 3}, parser, more)
            .ok());
    REQUIRE(more.sessions.size() == 1);
    CHECK(more.sessions[0].metrics.answers == 0);  // one more part of m
    CHECK(more.sessions[0].metrics.failed_turns == 0);
    CHECK(more.sessions[0].events.empty());
    CHECK_FALSE(source.Open({.file = &file, .saved_state = "{}", .copied = nullptr}).ok());
    CHECK_FALSE(source.Open({.file = &file, .saved_state = "nonsense", .copied = nullptr}).ok());
  }
}

}  // namespace selftune
