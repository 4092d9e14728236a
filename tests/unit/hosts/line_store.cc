#include "unit/hosts/line_store.h"

#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/strings.h"

namespace selftune::testing {

MergedStore ReadBothWays(const ingest::Source& source, const ingest::SourceFile& file,
                         std::string_view text, const ingest::KeySet* copied) {
  MergedStore whole, pieces;
  ReadText(source, file, text, Reading::kAtOnce, copied, whole);
  ReadText(source, file, text, Reading::kLineByLine, copied, pieces);
  CHECK(Dump(whole) == Dump(pieces));
  return whole;
}

const MergedSession& OnlySession(const MergedStore& store) {
  REQUIRE(store.sessions.size() == 1);
  return store.sessions.begin()->second;
}

std::string Prompts(const MergedSession& session) {
  std::vector<std::string> all;
  for (const auto& [seq, prompt] : session.prompts) {
    std::string text = prompt.active ? prompt.text : "-" + prompt.text;
    if (prompt.command_kind != CommandKind::kNone) {
      text = fmt::format("/{}/{}", Word(prompt.command_kind), text);
    }
    all.push_back(std::move(text));
  }
  return base::Join(all, "; ");
}

std::string Skills(const MergedSession& session) {
  std::multiset<std::string> all;
  for (const auto& [key, s] : session.skills) {
    all.insert(fmt::format("{} {} {} {} p{} {}", s.skill, Word(s.outcome), Word(s.level),
                           Word(s.route), s.prompt_seq.value_or(-1), Word(s.requested_by)));
  }
  return base::Join({all.begin(), all.end()}, "; ");
}

std::string Calls(const MergedSession& session) {
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

std::string Turns(const MergedSession& session) {
  const ingest::MetricDelta& m = session.facts.metrics;
  return fmt::format("answers {} failed {} cut {} compacted {} api {} {}", m.answers,
                     m.failed_turns, m.interruptions, m.compactions, m.api_errors,
                     Word(session.facts.completion.value_or(Completion::kUnknown)));
}

std::string Tokens(const MergedSession& session) {
  const ingest::TokenDelta& t = session.facts.metrics.tokens;
  return fmt::format("{}/{}/{}/{}/{} over {}/{}", t.input_uncached, t.cache_read, t.cache_write,
                     t.output, t.reasoning, t.overhead_input, t.overhead_output);
}

std::string Exposures(const MergedSession& session) {
  std::string out;
  for (const ingest::ExposureFact& fact : session.facts.exposures) {
    out += fmt::format("[{}", fact.prompt_seq.value_or(-1));
    if (fact.listing != nullptr) {
      for (const ingest::ListingEntry& entry : fact.listing->entries) {
        out += fmt::format(" {}:{}", entry.name, Word(entry.state));
      }
    }
    out += "]";
  }
  return out;
}

}  // namespace selftune::testing
