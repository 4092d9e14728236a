// Sources that are no files of lines: a database or a folder in which the host
// keeps sessions as rows, adds rows and changes them in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "ingest/facts.h"

namespace selftune::ingest {

struct SourceFile;

struct StoreOptions {
  const SourceFile* file = nullptr;  // outlives the reader
  // From SaveState() of an earlier read of the same store; "" = from the start.
  std::string_view saved_state = {};
  // Only this session, as a whole; SaveState() stays what it was. "" = all that changed.
  std::string_view only_session = {};
  // Records that sessions own which `only_session` was copied from; nullptr = none.
  const std::unordered_set<uint64_t>* copied = nullptr;
  size_t max_rows = 2000;  // facts in a batch before it is flushed
  const base::Cancel* cancel = nullptr;
};

// Takes a batch; the reader's SaveState() at that moment belongs to it.
using StoreFlushFn = absl::FunctionRef<Status(Batch batch)>;

// Turns the rows of one store into facts.
//
// The unit is a session: one whose rows changed is read from its first row, and
// its facts come with SessionFacts::whole in the first batch and ::finished in
// the last; what the store said before is replaced. So a row that changed in
// place counts as it is now, whatever it was.
//
// SaveState() says which rows are known. It moves on only over sessions that are
// finished: a read that breaks off goes on there. The reader hands out nothing
// that was read while the host wrote over it.
//
// A row that cannot be understood becomes a bad line of the batch (its `record`
// names it) and the others are read. A store whose tables are not known makes
// Read fail. Not thread-safe.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  // The last flush may hold no facts.
  [[nodiscard]] virtual Status Read(StoreFlushFn flush) = 0;
  [[nodiscard]] virtual std::string SaveState() const = 0;
};

}  // namespace selftune::ingest
