#include "store/forget_texts.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "store/eval_rows.h"
#include "store/forget.h"
#include "store/forget_quotes.h"
#include "store/identity.h"
#include "store/import_ledger.h"
#include "store/imported_entry.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

constexpr int64_t kTexts = 20'000;    // each look at them reads all references once
constexpr int64_t kPieceTexts = 200;  // of a transaction: they may be long
constexpr int kLooks = 3;             // that nobody waits for; then with the lock held

constexpr char kMakeChosen[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_text(body_id INTEGER PRIMARY KEY,said INTEGER,needed "
    "INTEGER); "
    "CREATE TEMP TABLE IF NOT EXISTS forget_piece(body_id INTEGER PRIMARY KEY,erased_id INTEGER); "
    "DELETE FROM temp.forget_text; DELETE FROM temp.forget_piece";
// Marked as erased while its words are still there: to be looked at when the rows that
// said it are done, also by the next forget when this one is cut off.
constexpr char kMarkText[] =
    R"sql(UPDATE body SET erased_ms=?2 WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kMarkQuery[] =
    R"sql(UPDATE body SET erased_ms=?2 WHERE sha256=?1 AND text IS NOT NULL)sql";
constexpr char kTextOf[] = R"sql(SELECT text FROM body WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kChooseTexts[] = R"sql(
  INSERT INTO temp.forget_text(body_id) SELECT body_id FROM body WHERE body_id>?1 AND erased_ms IS NOT NULL AND text IS NOT NULL
  ORDER BY body_id LIMIT ?2)sql";
constexpr char kLastText[] = R"sql(SELECT max(body_id) FROM temp.forget_text)sql";
// Somebody else said it, or it is no prompt. With rows of an evaluation these are all that may
// refer to a text (forget_test.cc asks the schema).
constexpr char kLook[] = R"sql(
  UPDATE temp.forget_text SET said=body_id IN (
      SELECT body_id FROM prompt UNION ALL SELECT raw_body_id FROM prompt WHERE raw_body_id IS NOT NULL
      UNION ALL SELECT query_body_id FROM observation WHERE query_body_id IS NOT NULL
      UNION ALL SELECT description_body FROM skill_location WHERE description_body IS NOT NULL
      UNION ALL SELECT description_body FROM skill_version WHERE description_body IS NOT NULL
      UNION ALL SELECT description_body FROM listing_entry WHERE description_body IS NOT NULL
      UNION ALL SELECT original_body FROM proposal WHERE original_body IS NOT NULL
      UNION ALL SELECT proposed_body FROM proposal WHERE proposed_body IS NOT NULL),
    needed=body_id IN (SELECT query_body FROM eval_entry UNION ALL SELECT query_body FROM replay_result))sql";
constexpr char kPiece[] = R"sql(
  SELECT t.body_id,b.sha256,t.said,t.needed,b.erased_ms=0 FROM temp.forget_text t JOIN body b ON b.body_id=t.body_id
  WHERE t.body_id>?2 ORDER BY t.body_id LIMIT ?1)sql";
// Somebody came to use it since it was marked.
constexpr char kAnyUsed[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM temp.forget_text t JOIN body b ON b.body_id=t.body_id WHERE b.erased_ms=0))sql";
constexpr char kMarkAgain[] = R"sql(
  UPDATE body SET erased_ms=?1 WHERE erased_ms=0 AND body_id IN (SELECT body_id FROM temp.forget_text))sql";
constexpr char kAnyUnsaid[] = R"sql(SELECT EXISTS(SELECT 1 FROM temp.forget_text WHERE said=0))sql";
constexpr char kUnmarkText[] =
    R"sql(UPDATE body SET erased_ms=NULL WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kDoneText[] = R"sql(DELETE FROM temp.forget_text WHERE body_id=?1)sql";

// Rows of an evaluation stay, and their words go: under another key, so that the same words
// said later have a text of their own.
constexpr char kTakeInPiece[] =
    R"sql(INSERT INTO temp.forget_piece(body_id,erased_id) VALUES(?1,?2))sql";
constexpr char kClearPiece[] = R"sql(DELETE FROM temp.forget_piece)sql";
constexpr char kDropEntries[] = R"sql(
  UPDATE eval_entry SET active=0, extra=NULL, query_body=(SELECT erased_id FROM temp.forget_piece WHERE body_id=query_body)
  WHERE query_body IN (SELECT body_id FROM temp.forget_piece))sql";
constexpr char kPointReplays[] = R"sql(
  UPDATE replay_result SET query_body=(SELECT erased_id FROM temp.forget_piece WHERE body_id=query_body)
  WHERE query_body IN (SELECT body_id FROM temp.forget_piece))sql";
constexpr char kDropText[] = R"sql(DELETE FROM body WHERE body_id=?1)sql";
// An import keeps a set whole beside the entries that it made of it, and so the words of
// what it left out, of which nothing else tells whether they are among those.
constexpr char kSetsOf[] = R"sql(
  SELECT origin,tbl,src_id FROM import_map WHERE note IS NOT NULL AND tbl='canonical_eval_sets' AND (
    dst_pk IS NULL OR reason IS NOT NULL
    OR dst_pk IN (SELECT skill_id FROM eval_entry WHERE query_body IN (SELECT body_id FROM temp.forget_text WHERE said=0))))sql";
constexpr char kUntold[] = R"sql(
  SELECT origin,tbl,src_id FROM import_map WHERE note IS NOT NULL AND tbl='canonical_eval_sets' AND (dst_pk IS NULL OR reason IS NOT NULL))sql";
constexpr char kImported[] = R"sql(
  SELECT DISTINCT b.body_id,b.text FROM eval_entry e JOIN skill k ON k.skill_id=e.skill_id JOIN body b ON b.body_id=e.query_body
  WHERE b.text IS NOT NULL AND )sql" ST_ENTRY_IS_IMPORTED R"sql( AND (?1 IS NULL OR e.first_ms<?1)
    AND (?2 IS NULL OR instr(lower(b.text),lower(?2))>0) AND (?3 IS NULL OR k.name_key=?3))sql";

// What a prompt said that is gone, or says otherwise by now: its transcript was written anew.
// A row of an evaluation has words of its own.
constexpr char kLeftWith[] = R"sql(
  SELECT body_id FROM body WHERE text IS NOT NULL AND instr(lower(text),lower(?1))>0
    AND body_id NOT IN (SELECT query_body FROM eval_entry UNION ALL SELECT query_body FROM replay_result))sql";
constexpr char kMarkWith[] = R"sql(
  UPDATE body SET erased_ms=?2 WHERE body_id=?1 AND text IS NOT NULL AND instr(lower(text),lower(?3))>0)sql";

// How many UTF-16 units of a text the reference takes for a query.
constexpr size_t kReferenceUnits = 500;
constexpr uint32_t kFirstPair = 0x10000;  // from here on a code point has two

// Cut through a pair, its half is no character any more.
std::string CutAsReference(std::string_view text) {
  size_t units = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    units += base::NextCodePoint(text, pos) >= kFirstPair ? 2 : 1;
    if (units == kReferenceUnits) return std::string(text.substr(0, pos));
    if (units > kReferenceUnits) return std::string(text.substr(0, begin)) + "\ufffd";
  }
  return std::string(text);
}

}  // namespace

std::vector<std::string> QueriesOf(std::string_view text) {
  const std::string_view trimmed = base::Trim(text);
  const std::string_view cut = base::FirstCodePoints(trimmed, kMaxQueryCodePoints);
  const std::string theirs = CutAsReference(trimmed);
  std::vector<std::string> out;
  for (const std::string_view query : {cut, base::Trim(cut), base::Trim(theirs)}) {
    if (query == text || query.empty()) continue;
    if (std::ranges::find(out, query) == out.end()) out.emplace_back(query);
  }
  return out;
}

ForgottenQuery KeysOfQuery(std::string_view query) {
  return {.session_key = ForgottenSessionKey("", ""), .text_key = ForgottenTextKey("", "", query)};
}

StatusOr<std::vector<ImportedQuery>> FindImported(Db& db, const ImportedEntries& which) {
  ST_ASSIGN_OR_RETURN(Cursor rows,
                      db.Query(kImported, which.before, OrNull{which.match}, OrNull{which.skill}));
  std::vector<ImportedQuery> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    ImportedQuery query{.body = rows.Int(0),
                        .begin = std::string(rows.Text(1).substr(0, kQuotedBytes)),
                        .keys = KeysOfQuery(rows.Text(1))};
    if (which.keys != nullptr && !which.keys->contains(query.keys.text_key)) continue;
    out.push_back(std::move(query));
  }
}

Status ForgetTexts::Prepare() { return db_.Execute(kMakeChosen); }

Status ForgetTexts::Mark(int64_t body) {
  std::vector<std::string> queries;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kTextOf, body));
    ST_ASSIGN_OR_RETURN(const bool there, row.Next());
    if (there) queries = QueriesOf(row.Text(0));
  }
  for (const std::string& query : queries) {
    ST_RETURN_IF_ERROR(db_.Run(kMarkQuery, Blob{base::Sha256Bytes(query)}, now_));
  }
  return db_.Run(kMarkText, body, now_);
}

StatusOr<bool> ForgetTexts::IsStill(const ImportedQuery& query) {
  ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kTextOf, query.body));
  ST_ASSIGN_OR_RETURN(const bool there, row.Next());
  return there && KeysOfQuery(row.Text(0)).text_key == query.keys.text_key;
}

Status ForgetTexts::MarkLeft(std::string_view words) {
  std::vector<int64_t> bodies;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kLeftWith, words));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      bodies.push_back(rows.Int(0));
    }
  }
  return WriteInPieces(db_, cancel_, bodies.size(),
                       [&](size_t i) { return db_.Run(kMarkWith, bodies[i], now_, words); });
}

StatusOr<ForgetTexts::Dropped> ForgetTexts::DropMarked() {
  // Nothing indexes who refers to a text, so that the database would read all tables for each
  // text that goes. Here they were read for all of them.
  ST_RETURN_IF_ERROR(db_.Execute("PRAGMA foreign_keys=OFF"));
  Dropped out;
  Status done;
  for (bool more = true; more && done.ok();) {
    done = db_.Run(kChooseTexts, last_, kTexts);
    more = db_.changes() == kTexts;
    if (done.ok()) done = DropChosen(out);
  }
  ST_RETURN_IF_ERROR(db_.Execute("PRAGMA foreign_keys=ON"));
  ST_RETURN_IF_ERROR(done);
  return out;
}

Status ForgetTexts::DropChosen(Dropped& out) {
  for (int looks = 0; looks < kLooks; ++looks) {
    ST_ASSIGN_OR_RETURN(const int64_t left, DropUnused(out));
    if (left == 0) return absl::OkStatus();
  }
  // Used again and again: whether anybody says these is asked with the lock held.
  for (;;) {
    ST_ASSIGN_OR_RETURN(WriteTurn turn, WriteTurn::Begin(db_, cancel_));
    ST_RETURN_IF_ERROR(db_.Run(kLook));
    ST_ASSIGN_OR_RETURN(const std::vector<Text> piece, Piece(0));
    ST_RETURN_IF_ERROR(DropPiece(piece, out));
    const bool more = std::ssize(piece) == kPieceTexts;
    ST_RETURN_IF_ERROR(turn.End(more));
    if (!more) return absl::OkStatus();
  }
}

StatusOr<int64_t> ForgetTexts::DropUnused(Dropped& out) {
  ST_ASSIGN_OR_RETURN(const int64_t used, db_.QueryInt(kAnyUsed, 0));
  if (used != 0) {
    ST_RETURN_IF_ERROR(
        WriteInPieces(db_, cancel_, 1, [&](size_t) { return db_.Run(kMarkAgain, now_); }));
  }
  ST_RETURN_IF_ERROR(db_.Run(kLook));
  ST_RETURN_IF_ERROR(EraseSets());
  int64_t left = 0, last = 0;
  for (bool more = true; more;) {
    ST_ASSIGN_OR_RETURN(WriteTurn turn, WriteTurn::Begin(db_, cancel_));
    do {
      ST_ASSIGN_OR_RETURN(std::vector<Text> piece, Piece(last));
      more = std::ssize(piece) == kPieceTexts;
      if (!piece.empty()) last = piece.back().body;
      left += static_cast<int64_t>(std::erase_if(piece, [](const Text& t) { return t.used; }));
      ST_RETURN_IF_ERROR(DropPiece(piece, out));
    } while (more && turn.is_long() && !turn.Over());
    ST_RETURN_IF_ERROR(turn.End(more));
  }
  return left;
}

StatusOr<std::vector<ForgetTexts::Text>> ForgetTexts::Piece(int64_t after) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kPiece, kPieceTexts, after));
  std::vector<Text> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({.body = rows.Int(0),
                   .sha256 = std::string(rows.Bytes(1)),
                   .said = rows.Bool(2),
                   .needed = rows.Bool(3),
                   .used = rows.Bool(4)});
  }
}

Status ForgetTexts::DropPiece(const std::vector<Text>& piece, Dropped& out) {
  bool any_needed = false;
  for (const Text& text : piece) {
    ST_RETURN_IF_ERROR(db_.Run(kUnmarkText, text.body));
    ST_RETURN_IF_ERROR(db_.Run(kDoneText, text.body));
    if (text.said || !text.needed) continue;
    any_needed = true;
    ST_ASSIGN_OR_RETURN(const BodyId erased, ErasedBody(db_, text.sha256, now_));
    ST_RETURN_IF_ERROR(db_.Run(kTakeInPiece, text.body, erased));
  }
  if (any_needed) {
    ST_RETURN_IF_ERROR(db_.Run(kDropEntries));
    out.eval_entries += db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kPointReplays));
    ST_RETURN_IF_ERROR(db_.Run(kClearPiece));
  }
  for (const Text& text : piece) {
    if (text.said) continue;
    ST_RETURN_IF_ERROR(db_.Run(kDropText, text.body));
    ++out.texts;
  }
  return absl::OkStatus();
}

Status ForgetTexts::EraseSets() {
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db_));
  ST_ASSIGN_OR_RETURN(const int64_t unsaid, db_.QueryInt(kAnyUnsaid, 0));
  if (!imported || unsaid == 0) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<ImportRowKey> sets, ReadImportRowKeys(db_.Query(kSetsOf)));
  return WriteInPieces(db_, cancel_, sets.size(),
                       [&](size_t i) { return EraseImportNote(db_, sets[i]); });
}

Status EraseUntoldSets(Db& db, const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db));
  if (!imported) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<ImportRowKey> sets, ReadImportRowKeys(db.Query(kUntold)));
  return WriteInPieces(db, cancel, sets.size(),
                       [&](size_t i) { return EraseImportNote(db, sets[i]); });
}

}  // namespace selftune::store
