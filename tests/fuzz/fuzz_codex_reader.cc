// Any bytes can be read as a rollout, and in pieces they give the same counts.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hosts/codex/source.h"
#include "input.h"

namespace selftune {
namespace {

struct Counts {
  int64_t calls = 0, errors = 0, unfinished = 0, answers = 0, tokens = 0, prompts = 0;

  void Add(const ingest::Batch& batch) {
    for (const ingest::SessionFacts& session : batch.sessions) {
      answers += session.metrics.answers;
      tokens += session.metrics.tokens.input_uncached + session.metrics.tokens.output;
      for (const ingest::ToolDelta& tool : session.metrics.tools) {
        calls += tool.calls;
        errors += tool.errors;
        unfinished += tool.unfinished;
      }
      for (const ingest::PromptFact& prompt : session.prompts) {
        prompts = std::max<int64_t>(prompts, prompt.seq + 1);
      }
    }
  }
  friend bool operator==(const Counts&, const Counts&) = default;
};

// With `pieces` each line has a reader of its own, from the saved state.
Counts Read(const std::vector<std::string_view>& lines, bool pieces) {
  const ingest::Source& source = hosts::CodexSource();
  const ingest::SourceFile file{"/s/rollout-2026-11-22T09-54-22-id.jsonl", "rollout", false};
  base::LineParser parser;
  std::string saved;
  ingest::ReaderOptions options{.file = &file, .saved_state = saved};
  auto reader = source.Open(options);
  Counts counts;
  uint64_t offset = 0;
  uint64_t line_no = 0;
  ingest::Batch batch;
  for (const std::string_view line : lines) {
    const fuzz::Input padded(line);
    const Status status = (*reader)->ReadLine({padded.text(), offset, ++line_no}, parser, batch);
    offset += line.size() + 1;
    if (!pieces) continue;
    counts.Add(std::exchange(batch, ingest::Batch()));
    saved = (*reader)->SaveState();
    options.saved_state = saved;
    reader = source.Open(options);
    fuzz::Require(reader.ok(), "a saved state is read again");
    (void)status;  // a bad line leaves the state as it was
  }
  counts.Add(batch);
  fuzz::Require(counts.errors <= counts.calls, "an error belongs to a call");
  fuzz::Require(counts.unfinished >= 0, "a call ends once");
  return counts;
}

}  // namespace
}  // namespace selftune

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const auto lines = fuzz::Lines(fuzz::AsText(data, size));
  fuzz::Require(Read(lines, /*pieces=*/false) == Read(lines, /*pieces=*/true),
                "pieces give the same counts");
  return 0;
}
