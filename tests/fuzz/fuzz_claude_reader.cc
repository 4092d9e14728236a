// Any bytes can be read as a transcript; counts stay possible, and in pieces
// they come out the same.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hosts/claude_code/source.h"
#include "input.h"

namespace selftune {
namespace {

struct Session {
  std::map<std::string, ingest::ToolDelta> tools;
  std::map<int32_t, std::string> prompts;
  std::map<std::string, int> skills;
  ingest::TokenDelta tokens;
  int64_t answers = 0, failed = 0, interruptions = 0, compactions = 0, exposures = 0, spawns = 0;
  int completion = -1;
  std::vector<uint64_t> keys, anchors;
};

using Sessions = std::map<std::string, Session>;

void Add(const ingest::SessionFacts& facts, Session& session) {
  for (const ingest::ToolDelta& tool : facts.metrics.tools) {
    ingest::ToolDelta& sum = session.tools[tool.name];
    sum.calls += tool.calls;
    sum.errors += tool.errors;
    sum.nonzero_exits += tool.nonzero_exits;
    sum.denied += tool.denied;
    sum.unfinished += tool.unfinished;
  }
  for (const ingest::PromptFact& prompt : facts.prompts) session.prompts[prompt.seq] = prompt.text;
  for (const ingest::SkillFact& skill : facts.skills) {
    session.skills[skill.key] = skill.retracted ? -1 : static_cast<int>(skill.outcome);
  }
  session.tokens.input_uncached += facts.metrics.tokens.input_uncached;
  session.tokens.output += facts.metrics.tokens.output;
  session.tokens.reasoning += facts.metrics.tokens.reasoning;
  session.answers += facts.metrics.answers;
  session.failed += facts.metrics.failed_turns;
  session.interruptions += facts.metrics.interruptions;
  session.compactions += facts.metrics.compactions;
  session.exposures += static_cast<int64_t>(facts.exposures.size());
  session.spawns += static_cast<int64_t>(facts.spawns.size());
  if (facts.completion.has_value()) session.completion = static_cast<int>(*facts.completion);
  session.keys.insert(session.keys.end(), facts.record_keys.begin(), facts.record_keys.end());
  session.anchors.insert(session.anchors.end(), facts.anchors.begin(), facts.anchors.end());
}

bool Same(const Session& a, const Session& b) {
  const auto same_tool = [](const auto& x, const auto& y) {
    const ingest::ToolDelta &s = x.second, &t = y.second;
    return x.first == y.first && s.calls == t.calls && s.errors == t.errors &&
           s.nonzero_exits == t.nonzero_exits && s.denied == t.denied &&
           s.unfinished == t.unfinished;
  };
  return std::equal(a.tools.begin(), a.tools.end(), b.tools.begin(), b.tools.end(), same_tool) &&
         a.prompts == b.prompts && a.skills == b.skills &&
         a.tokens.input_uncached == b.tokens.input_uncached && a.tokens.output == b.tokens.output &&
         a.tokens.reasoning == b.tokens.reasoning && a.answers == b.answers &&
         a.failed == b.failed && a.interruptions == b.interruptions &&
         a.compactions == b.compactions && a.exposures == b.exposures && a.spawns == b.spawns &&
         a.completion == b.completion && a.keys == b.keys && a.anchors == b.anchors;
}

void CheckPossible(const Session& session) {
  for (const auto& [name, tool] : session.tools) {
    fuzz::Require(tool.calls >= 1 && tool.errors <= tool.calls, "an error belongs to a call");
    fuzz::Require(tool.nonzero_exits + tool.denied <= tool.errors, "these are errors");
    fuzz::Require(tool.unfinished >= 0 && tool.unfinished <= tool.calls, "a call ends once");
  }
  int32_t next = 0;
  for (const auto& [seq, text] : session.prompts) fuzz::Require(seq == next++, "no seq is skipped");
}

// With `pieces` each line has a reader of its own, from the saved state.
Sessions Read(const std::vector<std::string_view>& lines, const ingest::SourceFile& file,
              bool pieces) {
  const ingest::Source& source = hosts::claude_code::TranscriptSource();
  base::LineParser parser;
  std::string saved;
  ingest::ReaderOptions options{.file = &file, .saved_state = saved, .copied = nullptr};
  auto reader = source.Open(options);
  Sessions sessions;
  ingest::Batch batch;
  uint64_t offset = 0, line_no = 0;
  for (const std::string_view line : lines) {
    const fuzz::Input padded(line);
    // A bad line leaves the state as it was.
    (*reader)->ReadLine({padded.text(), offset, ++line_no}, parser, batch).IgnoreError();
    offset += line.size() + 1;
    if (!pieces) continue;
    for (const auto& facts : batch.sessions) Add(facts, sessions[facts.id]);
    batch = ingest::Batch();
    saved = (*reader)->SaveState();
    options.saved_state = saved;
    reader = source.Open(options);
    fuzz::Require(reader.ok(), "a saved state is read again");
  }
  for (const auto& facts : batch.sessions) Add(facts, sessions[facts.id]);
  return sessions;
}

}  // namespace
}  // namespace selftune

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const auto lines = fuzz::Lines(fuzz::AsText(data, size));
  // The first byte chooses between a session's file and an agent's.
  const bool agent = size > 0 && data[0] == ' ';
  const ingest::SourceFile file{.path = agent ? "/p/agent-1.jsonl" : "/p/s.jsonl"};
  const Sessions whole = Read(lines, file, /*pieces=*/false);
  const Sessions pieces = Read(lines, file, /*pieces=*/true);
  fuzz::Require(whole.size() == pieces.size(), "pieces give the same sessions");
  for (const auto& [id, session] : whole) {
    CheckPossible(session);
    const auto found = pieces.find(id);
    fuzz::Require(found != pieces.end() && Same(session, found->second),
                  "pieces give the same facts");
  }
  return 0;
}
