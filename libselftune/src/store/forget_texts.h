// Texts that lose what said them: gone when nothing else says them.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// A text is marked when a row that said it is erased, and looked at when all of them are:
// marks last, so what one run left the next one finds. Inside a WriteTxn, but Prepare().
class ForgetTexts {
 public:
  explicit ForgetTexts(Db& db) : db_(db) {}

  // Makes what the others need. In no transaction.
  [[nodiscard]] Status Prepare();
  [[nodiscard]] Status Mark(int64_t body, UtcMillis now);

  struct Dropped {
    int64_t texts = 0;         // gone, or empty where rows of an evaluation still need them
    int64_t eval_entries = 0;  // made of them, that are out of their set now
    bool more = false;         // texts are marked that this batch had no room for
  };
  // The next batch of those that are marked.
  [[nodiscard]] StatusOr<Dropped> DropBatch(UtcMillis now);

 private:
  [[nodiscard]] Status EraseSets();

  Db& db_;
  int64_t last_ = 0;
};

}  // namespace selftune::store
