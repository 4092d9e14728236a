// Model answers and their tokens. An answer is written as several records, one
// a content block, each with the usage again: the last one counts.
#pragma once

#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/claude_code/record.h"
#include "ingest/facts.h"

namespace selftune::hosts::claude_code {

class Answers {
 public:
  // Adds the change that `record`, an answer of a model, makes.
  void Add(const Record& record, ingest::MetricDelta& metrics);

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static Answers Load(const base::JsonValue& value);

 private:
  struct Open {
    uint64_t message = 0;  // key of message.id
    Usage usage;
  };
  // Answers whose records may still come, newest last. Blocks of an answer
  // stand close together, with results or another agent's records in between.
  std::vector<Open> open_;
};

}  // namespace selftune::hosts::claude_code
