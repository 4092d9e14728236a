// Turns the lines of one rollout into facts.
#pragma once

#include <string>

#include "base/error.h"
#include "hosts/codex/inner_json.h"
#include "hosts/codex/record.h"
#include "hosts/codex/state.h"
#include "ingest/source.h"

namespace selftune::hosts::codex {

class Reader : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options) : options_(options) {}

  // Fails when options.saved_state is not of this reader.
  [[nodiscard]] Status Restore();

  [[nodiscard]] Status ReadLine(const ingest::Line& line, base::LineParser& parser,
                                ingest::Batch& batch) override;
  [[nodiscard]] std::string SaveState() const override { return SaveJson(state_); }

 private:
  void Identify();
  void NoteTime(ingest::SessionFacts& out);

  ingest::ReaderOptions options_;
  State state_;
  RecordDecoder decoder_;
  Record record_;
  InnerJson inner_;
};

}  // namespace selftune::hosts::codex
