#include "store/forget_quotes.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/audit_chain.h"

namespace selftune::store {
namespace {

constexpr char kProposalTexts[] = R"sql(
  SELECT proposal_id, coalesce(rationale,''), coalesce(evidence,'') FROM proposal)sql";
constexpr char kSetProposalTexts[] =
    R"sql(UPDATE proposal SET rationale=?2, evidence=?3 WHERE proposal_id=?1)sql";
constexpr char kReplayTexts[] = R"sql(
  SELECT json_array(proposal_id,run_id,phase,entry_no,rep), evidence, '' FROM replay_result WHERE evidence IS NOT NULL)sql";
constexpr char kSetReplayTexts[] = R"sql(
  UPDATE replay_result SET evidence=?2 WHERE ?3 IS NULL AND proposal_id=json_extract(?1,'$[0]') AND run_id=json_extract(?1,'$[1]')
    AND phase=json_extract(?1,'$[2]') AND entry_no=json_extract(?1,'$[3]') AND rep=json_extract(?1,'$[4]'))sql";

constexpr char kHasNotes[] =
    R"sql(SELECT 1 FROM sqlite_schema WHERE type='table' AND name='import_map')sql";
constexpr char kMakeSessions[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_session(id TEXT PRIMARY KEY); "
    "DELETE FROM temp.forget_session";
constexpr char kChooseSession[] = R"sql(INSERT OR IGNORE INTO temp.forget_session VALUES(?1))sql";
constexpr char kEraseNotes[] = R"sql(
  UPDATE import_map SET note=NULL WHERE note IS NOT NULL AND (
    (?1 IS NOT NULL AND instr(lower(note),lower(?1))>0)
    OR EXISTS(SELECT 1 FROM temp.forget_session f WHERE instr(note,f.id)>0 OR instr(src_id,f.id)>0)))sql";
constexpr char kClearSessions[] = R"sql(DELETE FROM temp.forget_session)sql";

// `read`: a number of the row and two texts. Returns how many rows changed.
StatusOr<int64_t> EraseFrom(Db& db, const char* read, const char* write, const Quotes& quotes) {
  struct Row {
    std::string key, one, two;
  };
  std::vector<Row> changed;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(read));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      Row row{rows.String(0), quotes.Without(rows.Text(1)), quotes.Without(rows.Text(2))};
      if (row.one != rows.Text(1) || row.two != rows.Text(2)) changed.push_back(std::move(row));
    }
  }
  for (const Row& row : changed) {
    ST_RETURN_IF_ERROR(db.Run(write, row.key, OrNull{row.one}, OrNull{row.two}));
  }
  return std::ssize(changed);
}

}  // namespace

StatusOr<ErasedQuotes> EraseQuotes(Db& db, const Quotes& quotes) {
  ErasedQuotes out;
  if (quotes.empty()) return out;
  ST_ASSIGN_OR_RETURN(out.audit_steps, EraseFromAudit(db, quotes));
  ST_ASSIGN_OR_RETURN(const int64_t proposals,
                      EraseFrom(db, kProposalTexts, kSetProposalTexts, quotes));
  ST_ASSIGN_OR_RETURN(const int64_t replays, EraseFrom(db, kReplayTexts, kSetReplayTexts, quotes));
  out.rows = proposals + replays;
  return out;
}

StatusOr<bool> HasImportNotes(Db& db) {
  ST_ASSIGN_OR_RETURN(const int64_t has, db.QueryInt(kHasNotes, 0));
  return has != 0;
}

Status ForgetNotes::Prepare() { return db_.Execute(kMakeSessions); }

Status ForgetNotes::Choose(std::string_view session_id) {
  return db_.Run(kChooseSession, session_id);
}

Status ForgetNotes::Erase(std::string_view words) {
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db_));
  if (!imported) return absl::OkStatus();
  ST_RETURN_IF_ERROR(db_.Run(kEraseNotes, OrNull{words}));
  return db_.Run(kClearSessions);
}

}  // namespace selftune::store
