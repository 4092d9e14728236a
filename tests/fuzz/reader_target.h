// The property that the targets of line readers share: any bytes can be read,
// and in pieces they give the same counts.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/source.h"
#include "input.h"

namespace selftune::fuzz {

struct Counts {
  int64_t calls = 0, errors = 0, unfinished = 0, answers = 0, tokens = 0, prompts = 0;
  int64_t failed_turns = 0;

  void Add(const ingest::Batch& batch) {
    for (const ingest::SessionFacts& session : batch.sessions) {
      answers += session.metrics.answers;
      failed_turns += session.metrics.failed_turns;
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
inline Counts Read(const ingest::Source& source, const ingest::SourceFile& file,
                   const std::vector<std::string_view>& lines, bool pieces) {
  static base::LineParser parser;  // its buffers are kept from input to input
  std::string saved;
  ingest::ReaderOptions options{.file = &file, .saved_state = saved};
  auto reader = source.Open(options);
  Counts counts;
  uint64_t offset = 0;
  uint64_t line_no = 0;
  ingest::Batch batch;
  for (const std::string_view line : lines) {
    const Input padded(line);
    const Status status = (*reader)->ReadLine({padded.text(), offset, ++line_no}, parser, batch);
    offset += line.size() + 1;
    if (!pieces) continue;
    counts.Add(std::exchange(batch, ingest::Batch()));
    saved = (*reader)->SaveState();
    options.saved_state = saved;
    reader = source.Open(options);
    Require(reader.ok(), "a saved state is read again");
    (void)status;  // a bad line leaves the state as it was
  }
  counts.Add(batch);
  Require(counts.errors <= counts.calls, "an error belongs to a call");
  Require(counts.unfinished >= 0, "a call ends once");
  Require(counts.failed_turns >= 0, "a turn fails before that is taken back");
  return counts;
}

// `in_pieces`: the file grows line by line; false for documents, which are read whole.
inline int ReadAnything(const ingest::Source& source, const ingest::SourceFile& file,
                        std::string_view text, bool in_pieces = true) {
  const std::vector<std::string_view> lines = Lines(text);
  const Counts whole = Read(source, file, lines, /*pieces=*/false);
  if (in_pieces) {
    Require(whole == Read(source, file, lines, /*pieces=*/true), "pieces give the same counts");
  }
  return 0;
}

}  // namespace selftune::fuzz
