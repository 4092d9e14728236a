// Texts that lose what said them: gone when nothing else says them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
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
  // Those with one of these keys (of ForgottenQuery), nullptr = any.
  const std::set<std::string>* keys = nullptr;
};
struct ImportedQuery {
  int64_t body = 0;
  std::string begin;  // as much of it as a quote is found by
  ForgottenQuery keys;
};
[[nodiscard]] StatusOr<std::vector<ImportedQuery>> FindImported(Db& db,
                                                                const ImportedEntries& which);
// What an import keeps of sets from who knows when goes. In transactions of its own.
[[nodiscard]] Status EraseUntoldSets(Db& db, const base::Cancel* cancel);
inline constexpr size_t kQuotedBytes = 256;  // of a text, to find quotes of it

// A text is marked when a row that said it is erased, and looked at when all of them are:
// marks last, so what one run left the next one finds. Whoever comes to use a marked text
// changes its mark (IngestWriter::InternBody is the only way to one), so that a look holds for
// all the others however much is written meanwhile.
class ForgetTexts {
 public:
  ForgetTexts(Db& db, const base::Cancel* cancel, UtcMillis now)
      : db_(db), cancel_(cancel), now_(now) {}

  // Makes what the others need. In no transaction.
  [[nodiscard]] Status Prepare();
  // Inside a WriteTxn.
  [[nodiscard]] Status Mark(int64_t body);
  // Those with such words, whatever their case, that no row of an evaluation needs; who else
  // says one keeps it. In transactions of its own.
  [[nodiscard]] Status MarkLeft(std::string_view words);
  // Inside one: has that number still this text?
  [[nodiscard]] StatusOr<bool> IsStill(const ImportedQuery& query);

  struct Dropped {
    int64_t texts = 0;         // gone, or empty where rows of an evaluation still need them
    int64_t eval_entries = 0;  // made of them, whether they were in their set or not
  };
  // All that are marked, in transactions of its own. Who says what is looked for while others
  // write; what they came to use meanwhile is looked at again.
  [[nodiscard]] StatusOr<Dropped> DropMarked();

 private:
  struct Text {
    int64_t body = 0;
    std::string sha256;
    bool said = false;    // by somebody else
    bool needed = false;  // by a row of an evaluation
    bool used = false;    // by somebody since the look
  };
  // One look and what it found; how many texts were used meanwhile and are left.
  [[nodiscard]] StatusOr<int64_t> DropUnused(Dropped& out);
  [[nodiscard]] Status DropChosen(Dropped& out);
  [[nodiscard]] Status EraseSets();
  [[nodiscard]] StatusOr<std::vector<Text>> Piece(int64_t after);
  [[nodiscard]] Status DropPiece(const std::vector<Text>& piece, Dropped& out);

  Db& db_;
  const base::Cancel* cancel_;
  const UtcMillis now_;
  int64_t last_ = 0;
};

}  // namespace selftune::store
