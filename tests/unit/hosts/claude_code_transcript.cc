#include "unit/hosts/claude_code_transcript.h"

#include <set>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/strings.h"
#include "hosts/claude_code/source.h"

namespace selftune::testing::claude_code {

MergedStore ReadStore(const Transcript& t, const ingest::KeySet* copied) {
  const ingest::SourceFile file{.path = fmt::format("/p/{}.jsonl", kSession)};
  MergedStore whole, pieces;
  ReadText(hosts::claude_code::TranscriptSource(), file, t.text(), Reading::kAtOnce, copied, whole);
  ReadText(hosts::claude_code::TranscriptSource(), file, t.text(), Reading::kLineByLine, copied,
           pieces);
  CHECK(Dump(whole) == Dump(pieces));
  return whole;
}

MergedSession Read(const Transcript& t) {
  MergedStore store = ReadStore(t);
  REQUIRE(store.sessions.contains(std::string(kSession)));
  return store.sessions[std::string(kSession)];
}

std::string Prompts(const MergedSession& session) {
  std::string out;
  for (const auto& [seq, prompt] : session.prompts) {
    out += fmt::format("{}[{}]", Word(prompt.command_kind), prompt.text);
  }
  return out;
}

std::string Skills(const MergedSession& session) {
  std::multiset<std::string> all;
  for (const auto& [key, s] : session.skills) {
    all.insert(fmt::format("{} {} {} p{} {}", s.skill, Word(s.outcome), Word(s.level),
                           s.prompt_seq.value_or(-1), Word(s.requested_by)));
  }
  return base::Join({all.begin(), all.end()}, "; ");
}

std::string Counts(const MergedSession& session) {
  ingest::ToolDelta sum;
  for (const ingest::ToolDelta& tool : session.facts.metrics.tools) {
    sum.calls += tool.calls;
    sum.errors += tool.errors;
    sum.nonzero_exits += tool.nonzero_exits;
    sum.denied += tool.denied;
    sum.unfinished += tool.unfinished;
  }
  return fmt::format("calls {} errors {} exits {} denied {} open {}", sum.calls, sum.errors,
                     sum.nonzero_exits, sum.denied, sum.unfinished);
}

std::string Ending(const MergedSession& session) {
  return std::string(Word(session.facts.completion.value_or(Completion::kUnknown)));
}

std::string Exposures(const MergedSession& session) {
  std::string out;
  for (const ingest::ExposureFact& fact : session.facts.exposures) {
    out += fmt::format("[{} {}", Word(fact.cause), fact.prompt_seq.value_or(-1));
    if (fact.listing != nullptr) {
      for (const auto& e : fact.listing->entries)
        out += fmt::format(" {}:{}", e.name, Word(e.state));
    }
    out += "]";
  }
  return out;
}

}  // namespace selftune::testing::claude_code
