// The skill decisions of one session.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/import_rows.h"
#include "upstream/engine.h"
#include "upstream/session_prompts.h"
#include "upstream/session_rows.h"

namespace selftune::upstream {

// The reference stores one decision up to four times: by its hook, by its replay,
// by its repair, and as a row of its old table. The best of those that a session has
// of a skill stands for the others, which are merged into it.
class SessionUses {
 public:
  SessionUses(Engine& engine, const store::ImportSession& session, const SessionRows& rows,
              SessionPrompts& prompts)
      : engine_(engine), session_(session), rows_(rows), prompts_(prompts) {}

  [[nodiscard]] Status Import();

 private:
  struct Use {
    const RowAt* row = nullptr;
    std::string skill;
    bool triggered = false;
    int rank = 0;  // which kind of row: more is better
  };
  using Kind = std::pair<std::string, bool>;  // skill in lower case, triggered

  // Rows of the old table that have words.
  struct Worded {
    const RowAt* first = nullptr;
    std::vector<std::pair<int64_t, const RowAt*>> timed;  // in order of time
  };

  [[nodiscard]] Status TakeUses();
  [[nodiscard]] Status Take(const RowAt& at);
  void FindMisattributed();
  [[nodiscard]] Status WriteKind(const Kind& kind, std::vector<Use>& uses);
  [[nodiscard]] StatusOr<store::WrittenUse> Write(const Use& use, const SourceRow& row);
  [[nodiscard]] StatusOr<std::string> QueryOf(const Use& use, const SourceRow& row);
  [[nodiscard]] Status FindWords();
  [[nodiscard]] static const RowAt* Nearest(const Worded& worded,
                                            const std::optional<UtcMillis>& at);
  [[nodiscard]] Status TakeUsage(const SourceRow& row);
  [[nodiscard]] Status DropFormer(const SourceRow& row);
  [[nodiscard]] StatusOr<bool> Counts(const std::string& skill);

  Engine& engine_;
  const store::ImportSession& session_;
  const SessionRows& rows_;
  SessionPrompts& prompts_;
  std::map<Kind, std::vector<Use>> uses_;
  std::set<std::string> replayed_words_, replayed_prompts_;  // hashes and ids
  // By skill in lower case; looked for on first need.
  std::optional<std::map<std::string, Worded>> worded_;
  std::map<Kind, int64_t> best_;        // our row
  std::map<Kind, int64_t> repaired_;    // of the old table's repaired rows
  std::map<std::string, bool> counts_;  // by skill: nobody else tells of it
  bool misattributed_ = false;
};

}  // namespace selftune::upstream
