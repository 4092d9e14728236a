#include "store/forget_words.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "store/forget_quotes.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

// ?1: words.
constexpr char kCommands[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE command_args IS NOT NULL AND instr(lower(command_args),lower(?1))>0)sql";
constexpr char kUses[] = R"sql(
  SELECT obs_pk FROM observation WHERE (args IS NOT NULL OR extra IS NOT NULL)
    AND (instr(lower(coalesce(args,'')),lower(?1))>0 OR instr(lower(coalesce(extra,'')),lower(?1))>0))sql";
constexpr char kMentions[] =
    R"sql(SELECT signal_pk FROM improvement_signal WHERE instr(lower(mention),lower(?1))>0)sql";
constexpr char kEvents[] = R"sql(
  SELECT DISTINCT session_pk FROM session_event WHERE detail IS NOT NULL AND instr(lower(detail),lower(?1))>0)sql";
constexpr char kTitles[] = R"sql(
  SELECT DISTINCT session_pk FROM vcs_commit WHERE title IS NOT NULL AND instr(lower(title),lower(?1))>0)sql";
constexpr char kExcerpts[] = R"sql(
  SELECT DISTINCT source_id FROM bad_line WHERE excerpt IS NOT NULL AND instr(lower(excerpt),lower(?1))>0)sql";
constexpr char kErrors[] = R"sql(
  SELECT source_id FROM source_file WHERE last_error IS NOT NULL AND instr(lower(last_error),lower(?1))>0)sql";
constexpr char kProblems[] = R"sql(
  SELECT session_pk FROM commit_due WHERE problem IS NOT NULL AND instr(lower(problem),lower(?1))>0)sql";
constexpr char kReasons[] = R"sql(
  SELECT json_array(origin,tbl,src_id) FROM import_map WHERE reason IS NOT NULL AND instr(lower(reason),lower(?1))>0)sql";
constexpr char kUntold[] = R"sql(
  SELECT json_array(kind,tbl,src_id,origin) FROM import_untold WHERE instr(lower(reason),lower(?1))>0)sql";

// ?1: what the above gave; ?2: the words, as the row may be another one by now.
constexpr char kEraseCommand[] = R"sql(
  UPDATE prompt SET command_args=NULL, rev=rev+1 WHERE prompt_pk=?1 AND instr(lower(command_args),lower(?2))>0)sql";
constexpr char kEraseUse[] = R"sql(
  UPDATE observation SET args=NULL, extra=NULL, rev=rev+1 WHERE obs_pk=?1
    AND (instr(lower(coalesce(args,'')),lower(?2))>0 OR instr(lower(coalesce(extra,'')),lower(?2))>0))sql";
constexpr char kEraseMention[] = R"sql(
  UPDATE improvement_signal SET mention='[forgotten '||signal_pk||']' WHERE signal_pk=?1 AND instr(lower(mention),lower(?2))>0)sql";
constexpr char kEraseEvents[] = R"sql(
  UPDATE session_event SET detail=NULL WHERE session_pk=?1 AND instr(lower(detail),lower(?2))>0)sql";
constexpr char kEraseTitles[] = R"sql(
  UPDATE vcs_commit SET title=NULL WHERE session_pk=?1 AND instr(lower(title),lower(?2))>0)sql";
constexpr char kEraseExcerpts[] = R"sql(
  UPDATE bad_line SET excerpt=NULL WHERE source_id=?1 AND instr(lower(excerpt),lower(?2))>0)sql";
constexpr char kEraseError[] = R"sql(
  UPDATE source_file SET last_error='[forgotten]' WHERE source_id=?1 AND instr(lower(last_error),lower(?2))>0)sql";
constexpr char kEraseProblem[] = R"sql(
  UPDATE commit_due SET problem='[forgotten]' WHERE session_pk=?1 AND instr(lower(problem),lower(?2))>0)sql";
constexpr char kEraseReason[] = R"sql(
  UPDATE import_map SET reason='[forgotten]' WHERE origin=json_extract(?1,'$[0]') AND tbl=json_extract(?1,'$[1]')
    AND src_id=json_extract(?1,'$[2]') AND instr(lower(reason),lower(?2))>0)sql";
constexpr char kEraseUntold[] = R"sql(
  UPDATE import_untold SET reason='[forgotten]' WHERE kind=json_extract(?1,'$[0]') AND tbl=json_extract(?1,'$[1]')
    AND src_id=json_extract(?1,'$[2]') AND origin=json_extract(?1,'$[3]') AND instr(lower(reason),lower(?2))>0)sql";

struct Place {
  const char* find;
  const char* erase;
  std::string_view table = {};  // that may not be there
};
constexpr Place kPlaces[] = {{kCommands, kEraseCommand},
                             {kUses, kEraseUse},
                             {kMentions, kEraseMention},
                             {kEvents, kEraseEvents},
                             {kExcerpts, kEraseExcerpts},
                             {kErrors, kEraseError},
                             {kTitles, kEraseTitles, "vcs_commit"},
                             {kProblems, kEraseProblem, "commit_due"},
                             {kReasons, kEraseReason, "import_map"},
                             {kUntold, kEraseUntold, "import_untold"}};

StatusOr<std::vector<std::string>> Keys(Db& db, const char* find, std::string_view words) {
  std::vector<std::string> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(find, words));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.String(0));
  }
}

}  // namespace

StatusOr<int64_t> EraseWords(Db& db, std::string_view words, const base::Cancel* cancel) {
  int64_t changed = 0;
  for (const Place& place : kPlaces) {
    if (!place.table.empty()) {
      ST_ASSIGN_OR_RETURN(const bool there, db.Has(place.table));
      if (!there) continue;
    }
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> keys, Keys(db, place.find, words));
    ST_RETURN_IF_ERROR(WriteInPieces(db, cancel, keys.size(), [&](size_t i) -> Status {
      ST_RETURN_IF_ERROR(db.Run(place.erase, keys[i], words));
      changed += db.changes();
      return absl::OkStatus();
    }));
  }
  return changed;
}

}  // namespace selftune::store
