#include "store/forget_quotes.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "store/audit_chain.h"
#include "store/import_ledger.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

// What is written is of the texts that were read (?4, ?5): others write meanwhile.
constexpr char kProposalTexts[] = R"sql(
  SELECT proposal_id, coalesce(rationale,''), coalesce(evidence,'') FROM proposal)sql";
constexpr char kSetProposalTexts[] =
    R"sql(UPDATE proposal SET rationale=?2, evidence=?3 WHERE proposal_id=?1 AND coalesce(rationale,'')=?4 AND coalesce(evidence,'')=?5)sql";
constexpr char kReplayTexts[] = R"sql(
  SELECT json_array(proposal_id,run_id,phase,entry_no,rep), evidence, '' FROM replay_result WHERE evidence IS NOT NULL)sql";
constexpr char kSetReplayTexts[] = R"sql(
  UPDATE replay_result SET evidence=?2 WHERE ?3 IS NULL AND proposal_id=json_extract(?1,'$[0]') AND run_id=json_extract(?1,'$[1]')
    AND phase=json_extract(?1,'$[2]') AND entry_no=json_extract(?1,'$[3]') AND rep=json_extract(?1,'$[4]') AND evidence=?4 AND ?5='')sql";
constexpr char kLabelTexts[] =
    R"sql(SELECT label_pk, detail, '' FROM label WHERE detail IS NOT NULL)sql";
constexpr char kSetLabelTexts[] =
    R"sql(UPDATE label SET detail=?2 WHERE ?3 IS NULL AND label_pk=CAST(?1 AS INTEGER) AND detail=?4 AND ?5='')sql";

constexpr char kActionTexts[] = R"sql(
  SELECT json_array(run_id,ord), coalesce(reason,''), coalesce(alert,'') FROM job_action)sql";
constexpr char kSetActionTexts[] = R"sql(
  UPDATE job_action SET reason=?2, alert=?3 WHERE run_id=json_extract(?1,'$[0]') AND ord=json_extract(?1,'$[1]')
    AND coalesce(reason,'')=?4 AND coalesce(alert,'')=?5)sql";
constexpr char kRunTexts[] =
    R"sql(SELECT run_id, coalesce(params,''), coalesce(error,'') FROM job_run)sql";
constexpr char kSetRunTexts[] =
    R"sql(UPDATE job_run SET params=?2, error=?3 WHERE run_id=?1 AND coalesce(params,'')=?4 AND coalesce(error,'')=?5)sql";
constexpr char kDeployTexts[] =
    R"sql(SELECT deploy_id, reason, '' FROM deploy WHERE reason IS NOT NULL)sql";
constexpr char kSetDeployTexts[] =
    R"sql(UPDATE deploy SET reason=?2 WHERE ?3 IS NULL AND deploy_id=?1 AND reason=?4 AND ?5='')sql";
constexpr char kWatchTexts[] =
    R"sql(SELECT deploy_id, reason, '' FROM watch WHERE reason IS NOT NULL)sql";
constexpr char kSetWatchTexts[] =
    R"sql(UPDATE watch SET reason=?2 WHERE ?3 IS NULL AND deploy_id=?1 AND reason=?4 AND ?5='')sql";
constexpr char kStateTexts[] =
    R"sql(SELECT skill_id, reason, '' FROM skill_state WHERE reason IS NOT NULL)sql";
constexpr char kSetStateTexts[] =
    R"sql(UPDATE skill_state SET reason=?2 WHERE ?3 IS NULL AND skill_id=CAST(?1 AS INTEGER) AND reason=?4 AND ?5='')sql";
constexpr char kEntryTexts[] = R"sql(
  SELECT json_array(skill_id,entry_id), extra, '' FROM eval_entry WHERE extra IS NOT NULL)sql";
constexpr char kSetEntryTexts[] = R"sql(
  UPDATE eval_entry SET extra=?2 WHERE ?3 IS NULL AND skill_id=json_extract(?1,'$[0]') AND entry_id=json_extract(?1,'$[1]')
    AND extra=?4 AND ?5='')sql";

constexpr char kNotes[] =
    R"sql(SELECT origin,tbl,src_id,note FROM import_map WHERE note IS NOT NULL)sql";
constexpr char kMakeSessions[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_session(id TEXT PRIMARY KEY); "
    "DELETE FROM temp.forget_session";
constexpr char kChooseSession[] = R"sql(INSERT OR IGNORE INTO temp.forget_session VALUES(?1))sql";
constexpr char kNotesOf[] = R"sql(
  SELECT origin,tbl,src_id FROM import_map WHERE note IS NOT NULL
    AND EXISTS(SELECT 1 FROM temp.forget_session f WHERE instr(note,f.id)>0 OR instr(src_id,f.id)>0))sql";
// ?2: the words as they stand in JSON, which most have as they are.
constexpr char kNotesWith[] = R"sql(
  SELECT origin,tbl,src_id,note FROM import_map WHERE note IS NOT NULL
    AND (instr(lower(note),lower(?1))>0 OR (?2<>?1 AND instr(lower(note),lower(?2))>0)))sql";
// One that an import wrote anew meanwhile goes.
constexpr char kSetNote[] = R"sql(
  UPDATE import_map SET note=CASE WHEN note=?4 THEN ?5 END WHERE origin=?1 AND tbl=?2 AND src_id=?3)sql";
constexpr char kClearSessions[] = R"sql(DELETE FROM temp.forget_session)sql";

struct Place {
  const char* read;  // a number of the row and two texts
  const char* write;
  std::span<const std::string_view> codes;  // of what is JSON there, and ours
};
// By it an entry is known to have come with an import.
constexpr std::string_view kEntryCodes[] = {"reason"};
constexpr Place kPlaces[] = {
    {kProposalTexts, kSetProposalTexts, {}},
    {kReplayTexts, kSetReplayTexts, {}},
    {kLabelTexts, kSetLabelTexts, {}},
    {kActionTexts, kSetActionTexts, {}},
    {kRunTexts, kSetRunTexts, {}},
    {kDeployTexts, kSetDeployTexts, {}},
    {kWatchTexts, kSetWatchTexts, {}},
    {kStateTexts, kSetStateTexts, {}},
    {kEntryTexts, kSetEntryTexts, kEntryCodes},
};

Status EraseFrom(Db& db, const Place& place, const Quotes& quotes, const base::Cancel* cancel,
                 ErasedQuotes& out) {
  struct Row {
    std::string key, one, two;
    std::string were_one, were_two;
  };
  std::vector<Row> changed;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(place.read));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      Row row{.key = rows.String(0),
              .one = quotes.Without(rows.Text(1), place.codes),
              .two = quotes.Without(rows.Text(2), place.codes),
              .were_one = rows.String(1),
              .were_two = rows.String(2)};
      if (row.one != row.were_one || row.two != row.were_two) changed.push_back(std::move(row));
    }
  }
  return WriteInPieces(db, cancel, changed.size(), [&](size_t i) -> Status {
    const Row& row = changed[i];
    ST_RETURN_IF_ERROR(
        db.Run(place.write, row.key, OrNull{row.one}, OrNull{row.two}, row.were_one, row.were_two));
    out.overtaken = out.overtaken || db.changes() == 0;
    out.rows += db.changes();
    return absl::OkStatus();
  });
}

// As notes are written, without the marks around.
std::string InJson(std::string_view words) {
  const std::string quoted = base::JsonQuote(words);
  return quoted.substr(1, quoted.size() - 2);
}

// Their texts and numbers go with the words; identifiers, names of columns and all else stay.
Status CleanNotesWith(Db& db, std::string_view words, const base::Cancel* cancel) {
  Quotes quotes;
  quotes.AddWords(words);
  quotes.AddNumbers();
  quotes.Seal();
  const std::string in_json = InJson(words);
  struct Note {
    ImportRowKey key;
    std::string was, is;
  };
  std::vector<Note> changed;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kNotesWith, words, in_json));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      std::string is = quotes.Without(rows.Text(3));
      if (is == rows.Text(3)) continue;
      if (!is.starts_with('{')) is.clear();  // it was no JSON, and is to be none
      changed.push_back({.key = {rows.String(0), rows.String(1), rows.String(2)},
                         .was = rows.String(3),
                         .is = std::move(is)});
    }
  }
  return WriteInPieces(db, cancel, changed.size(), [&](size_t i) {
    const auto& [key, was, is] = changed[i];
    return db.Run(kSetNote, key.origin, key.table, key.id, was, OrNull{is});
  });
}

Status EraseNotes(Db& db, const std::vector<ImportRowKey>& notes, const base::Cancel* cancel) {
  return WriteInPieces(db, cancel, notes.size(),
                       [&](size_t i) { return EraseImportNote(db, notes[i]); });
}

}  // namespace

StatusOr<ErasedQuotes> EraseQuotes(Db& db, const Quotes& quotes, const base::Cancel* cancel) {
  ErasedQuotes out;
  if (quotes.empty()) return out;
  ST_ASSIGN_OR_RETURN(out.audit_steps, EraseFromAudit(db, quotes, cancel));
  for (const Place& place : kPlaces) {
    ST_RETURN_IF_ERROR(EraseFrom(db, place, quotes, cancel, out));
  }
  return out;
}

Status EraseNotesWith(Db& db, const Quotes& quotes, const base::Cancel* cancel) {
  if (quotes.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db));
  if (!imported) return absl::OkStatus();
  std::vector<ImportRowKey> found;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kNotes));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      if (quotes.Without(rows.Text(3)) == rows.Text(3)) continue;
      found.push_back({rows.String(0), rows.String(1), rows.String(2)});
    }
  }
  return EraseNotes(db, found, cancel);
}

StatusOr<bool> HasImportNotes(Db& db) { return db.Has("import_map"); }

Status ForgetNotes::Prepare() { return db_.Execute(kMakeSessions); }

Status ForgetNotes::Choose(std::string_view session_id) {
  return db_.Run(kChooseSession, session_id);
}

Status ForgetNotes::Erase(std::string_view words) {
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db_));
  if (!imported) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<ImportRowKey> found,
                      ReadImportRowKeys(db_.Query(kNotesOf)));
  ST_RETURN_IF_ERROR(EraseNotes(db_, found, cancel_));
  if (!words.empty()) {
    ST_RETURN_IF_ERROR(CleanNotesWith(db_, words, cancel_));
    // A text of a row may be JSON itself.
    const std::string within = InJson(words);
    if (within != words) ST_RETURN_IF_ERROR(CleanNotesWith(db_, within, cancel_));
  }
  return db_.Run(kClearSessions);
}

}  // namespace selftune::store
