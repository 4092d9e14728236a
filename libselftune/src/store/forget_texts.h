// Texts that lose what said them: gone when nothing else says them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// What an entry of an eval set may have of a prompt, where that is not the text itself:
// trimmed, and cut as we do it or as the reference does.
[[nodiscard]] std::vector<std::string> QueriesOf(std::string_view text);

// Keys under which a store remembers to have forgotten a query that no session said.
struct ForgottenQuery {
  std::string session_key, text_key;  // of the table `forgotten`
};
[[nodiscard]] ForgottenQuery KeysOfQuery(std::string_view query);

// Entries that came with an import: nobody may have said them here.
struct ImportedEntries {
  std::optional<UtcMillis> before;  // when they were made
  std::string_view match;           // words, whatever their case
  std::string_view skill;           // all that are given must hold
  bool by_time = false;  // the rule of time alone chose them, and knows them when they come again
  // Those with one of these keys (of ForgottenQuery), nullptr = any.
  const std::set<std::string>* keys = nullptr;
};

// A text is marked when a row that said it is erased, and looked at when all of them are:
// marks last, so what one run left the next one finds. Inside a WriteTxn, but Prepare().
class ForgetTexts {
 public:
  explicit ForgetTexts(Db& db) : db_(db) {}

  // Makes what the others need. In no transaction.
  [[nodiscard]] Status Prepare();
  [[nodiscard]] Status Mark(int64_t body, UtcMillis now);
  // Their queries, which are remembered unless `by_time`; and what an import keeps of sets
  // from who knows when.
  [[nodiscard]] Status MarkImported(const ImportedEntries& which, UtcMillis now);

  struct Dropped {
    int64_t texts = 0;         // gone, or empty where rows of an evaluation still need them
    int64_t eval_entries = 0;  // made of them, that are out of their set now
    bool more = false;         // texts are marked that this batch had no room for
  };
  // The next batch of those that are marked.
  [[nodiscard]] StatusOr<Dropped> DropBatch(UtcMillis now);

 private:
  [[nodiscard]] Status EraseSets();
  [[nodiscard]] Status EmptyTexts(UtcMillis now);

  Db& db_;
  int64_t last_ = 0;
};

}  // namespace selftune::store
