// Puts the facts of all batches of a store together, as sync does, without a
// database.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::testing {

struct MergedSession {
  ingest::SessionFacts facts;  // identity, links, sums of the metrics, events, spawns
  std::map<int32_t, ingest::PromptFact> prompts;
  std::map<std::string, ingest::SkillFact> skills;  // by key, the retracted ones removed
  std::string path;
};

struct MergedStore {
  std::map<std::string, MergedSession> sessions;
  std::vector<ingest::BadLine> bad_lines;
  int64_t seen = 0, used = 0, unknown = 0;

  void Add(const ingest::Batch& batch, const std::string& path);
};

// Everything as text, to compare two ways of reading.
[[nodiscard]] std::string Dump(const MergedStore& store);

// How a file is handed to its reader.
enum class Reading {
  kAtOnce,
  kLineByLine,  // a new reader from the saved state for every line
};

// Reads one text as a file of `source`.
void ReadText(const ingest::Source& source, const ingest::SourceFile& file, std::string_view text,
              Reading reading, const ingest::KeySet* copied, MergedStore& store);

}  // namespace selftune::testing
