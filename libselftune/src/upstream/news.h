// What an import tells of rows that it took over: that not all of it came, or that it is not in
// use. It is told by each import as long as it is so, and the source still has the row.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/import_ledger.h"
#include "upstream/engine.h"

namespace selftune::upstream {

// Why a row that was taken over is not wholly so.
struct Why {
  std::string reason = {};    // of a part that was not taken
  std::string standing = {};  // begins with kNotInUse
};
inline constexpr std::string_view kNotInUse = "inactive: ";
// As the ledger has both, and back.
[[nodiscard]] std::string TextOf(const Why& why);
[[nodiscard]] Why WhyOf(std::string_view text);
// In a transaction of the caller's.
[[nodiscard]] Status Tell(store::ImportLedger& ledger, std::string_view table, std::string_view id,
                          const Why& why);
// Another one stands before a row that was in use. The same. Returns whether that is news: its
// source has the row still.
[[nodiscard]] StatusOr<bool> TellNotInUse(store::Db& db, const store::ImportRowKey& row,
                                          std::string_view standing);

// Compares what is told of a source with the rows that it has.
class News {
 public:
  [[nodiscard]] static StatusOr<News> Open(store::ImportLedger& ledger);
  // All rows of the source are shown to it, then Settle is called.
  void See(const SourceRow& row);
  // What is told of rows that are gone is told no more, and the ledger says why; a row that is
  // there again, or of which an older version told only once, is told of. Returns whether
  // anything changed.
  [[nodiscard]] StatusOr<bool> Settle(Engine& engine);

 private:
  struct Untold {
    std::string table, id, text;
  };
  std::set<std::pair<std::string, std::string>> told_;  // that were not seen yet: table, id
  std::vector<Untold> untold_;
};

}  // namespace selftune::upstream
