#include "store/forget_texts.h"

#include <algorithm>
#include <cstdint>
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

namespace selftune::store {
namespace {

constexpr int64_t kTexts = 20'000;  // each look at them reads all references once

constexpr char kMakeChosen[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_text(body_id INTEGER PRIMARY KEY,erased_id INTEGER); "
    "DELETE FROM temp.forget_text";
// Marked as erased while its words are still there: to be looked at when the rows that
// said it are done, also by the next forget when this one is cut off.
constexpr char kMarkText[] =
    R"sql(UPDATE body SET erased_ms=?2 WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kMarkQuery[] =
    R"sql(UPDATE body SET erased_ms=?2 WHERE sha256=?1 AND text IS NOT NULL)sql";
constexpr char kTextOf[] = R"sql(SELECT text FROM body WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kChooseTexts[] = R"sql(
  INSERT INTO temp.forget_text SELECT body_id,NULL FROM body WHERE body_id>?1 AND erased_ms IS NOT NULL AND text IS NOT NULL
  ORDER BY body_id LIMIT ?2)sql";
constexpr char kLastText[] = R"sql(SELECT max(body_id) FROM temp.forget_text)sql";
constexpr char kUnmarkTexts[] = R"sql(
  UPDATE body SET erased_ms=NULL WHERE text IS NOT NULL AND body_id IN (SELECT body_id FROM temp.forget_text))sql";
constexpr char kClearTexts[] = R"sql(DELETE FROM temp.forget_text)sql";
// Somebody else said it, or it is no prompt.
constexpr char kStillSaid[] = R"sql(
  DELETE FROM temp.forget_text WHERE body_id IN (
    SELECT body_id FROM prompt UNION ALL SELECT raw_body_id FROM prompt WHERE raw_body_id IS NOT NULL
    UNION ALL SELECT query_body_id FROM observation WHERE query_body_id IS NOT NULL
    UNION ALL SELECT description_body FROM skill_location WHERE description_body IS NOT NULL
    UNION ALL SELECT description_body FROM skill_version WHERE description_body IS NOT NULL
    UNION ALL SELECT description_body FROM listing_entry WHERE description_body IS NOT NULL
    UNION ALL SELECT original_body FROM proposal WHERE original_body IS NOT NULL
    UNION ALL SELECT proposed_body FROM proposal WHERE proposed_body IS NOT NULL))sql";
constexpr char kDropEntries[] = R"sql(
  UPDATE eval_entry SET active=0, extra=NULL
  WHERE query_body IN (SELECT body_id FROM temp.forget_text) AND active=1)sql";
// Rows of an evaluation stay, and their words go: under another key, so that the same words
// said later have a text of their own.
constexpr char kNeeded[] = R"sql(
  SELECT b.body_id,b.sha256 FROM temp.forget_text t JOIN body b ON b.body_id=t.body_id
  WHERE t.body_id IN (SELECT query_body FROM eval_entry UNION ALL SELECT query_body FROM replay_result))sql";
constexpr char kEmptied[] = R"sql(UPDATE temp.forget_text SET erased_id=?2 WHERE body_id=?1)sql";
constexpr char kPointEntries[] = R"sql(
  UPDATE eval_entry SET query_body=(SELECT erased_id FROM temp.forget_text WHERE body_id=query_body)
  WHERE query_body IN (SELECT body_id FROM temp.forget_text WHERE erased_id IS NOT NULL))sql";
constexpr char kPointReplays[] = R"sql(
  UPDATE replay_result SET query_body=(SELECT erased_id FROM temp.forget_text WHERE body_id=query_body)
  WHERE query_body IN (SELECT body_id FROM temp.forget_text WHERE erased_id IS NOT NULL))sql";
constexpr char kDropTexts[] = R"sql(
  DELETE FROM body WHERE body_id IN (SELECT body_id FROM temp.forget_text))sql";
// An import keeps a set whole beside the entries that it made of it, and so the words of
// what it left out, of which nothing else tells whether they are among those.
constexpr char kEraseSets[] = R"sql(
  UPDATE import_map SET note=NULL WHERE note IS NOT NULL AND tbl='canonical_eval_sets' AND (
    dst_pk IS NULL OR reason IS NOT NULL OR dst_pk IN (SELECT skill_id FROM eval_entry WHERE query_body IN (SELECT body_id FROM temp.forget_text))))sql";

constexpr char kEraseUntold[] = R"sql(
  UPDATE import_map SET note=NULL WHERE note IS NOT NULL AND tbl='canonical_eval_sets' AND (dst_pk IS NULL OR reason IS NOT NULL))sql";
constexpr char kImported[] = R"sql(
  SELECT DISTINCT b.body_id,b.text FROM eval_entry e JOIN skill k ON k.skill_id=e.skill_id JOIN body b ON b.body_id=e.query_body
  WHERE b.text IS NOT NULL AND json_extract(e.extra,'$.reason')='imported' AND (?1 IS NULL OR e.first_ms<?1)
    AND (?2 IS NULL OR instr(lower(b.text),lower(?2))>0) AND (?3 IS NULL OR k.name_key=?3))sql";
constexpr char kRemember[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING)sql";

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

Status ForgetTexts::Prepare() { return db_.Execute(kMakeChosen); }

Status ForgetTexts::Mark(int64_t body, UtcMillis now) {
  std::vector<std::string> queries;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kTextOf, body));
    ST_ASSIGN_OR_RETURN(const bool there, row.Next());
    if (there) queries = QueriesOf(row.Text(0));
  }
  for (const std::string& query : queries) {
    ST_RETURN_IF_ERROR(db_.Run(kMarkQuery, Blob{base::Sha256Bytes(query)}, now));
  }
  return db_.Run(kMarkText, body, now);
}

Status ForgetTexts::MarkImported(const ImportedEntries& which, UtcMillis now) {
  struct Query {
    int64_t body = 0;
    ForgottenQuery keys;
  };
  std::vector<Query> queries;
  {
    ST_ASSIGN_OR_RETURN(
        Cursor rows, db_.Query(kImported, which.before, OrNull{which.match}, OrNull{which.skill}));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      Query query{.body = rows.Int(0), .keys = KeysOfQuery(rows.Text(1))};
      if (which.keys != nullptr && !which.keys->contains(query.keys.text_key)) continue;
      queries.push_back(std::move(query));
    }
  }
  for (const Query& query : queries) {
    ST_RETURN_IF_ERROR(db_.Run(kMarkText, query.body, now));
    if (which.by_time) continue;
    ST_RETURN_IF_ERROR(
        db_.Run(kRemember, Blob{query.keys.session_key}, Blob{query.keys.text_key}, now));
  }
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db_));
  return imported && which.before.has_value() ? db_.Run(kEraseUntold) : absl::OkStatus();
}

StatusOr<ForgetTexts::Dropped> ForgetTexts::DropBatch(UtcMillis now) {
  Dropped out;
  ST_RETURN_IF_ERROR(db_.Run(kClearTexts));
  ST_RETURN_IF_ERROR(db_.Run(kChooseTexts, last_, kTexts));
  out.more = db_.changes() == kTexts;
  ST_ASSIGN_OR_RETURN(last_, db_.QueryInt(kLastText, 0));
  if (last_ == 0) return out;
  ST_RETURN_IF_ERROR(db_.Run(kUnmarkTexts));
  ST_RETURN_IF_ERROR(db_.Run(kStillSaid));
  ST_RETURN_IF_ERROR(EraseSets());
  ST_RETURN_IF_ERROR(db_.Run(kDropEntries));
  out.eval_entries = db_.changes();
  ST_RETURN_IF_ERROR(EmptyTexts(now));
  ST_RETURN_IF_ERROR(db_.Run(kDropTexts));
  out.texts = db_.changes();
  return out;
}

Status ForgetTexts::EmptyTexts(UtcMillis now) {
  std::vector<std::pair<int64_t, std::string>> needed;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kNeeded));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      needed.emplace_back(rows.Int(0), rows.Bytes(1));
    }
  }
  if (needed.empty()) return absl::OkStatus();
  for (const auto& [body, sha256] : needed) {
    ST_ASSIGN_OR_RETURN(const BodyId erased, ErasedBody(db_, sha256, now));
    ST_RETURN_IF_ERROR(db_.Run(kEmptied, body, erased));
  }
  ST_RETURN_IF_ERROR(db_.Run(kPointEntries));
  return db_.Run(kPointReplays);
}

Status ForgetTexts::EraseSets() {
  ST_ASSIGN_OR_RETURN(const bool imported, HasImportNotes(db_));
  return imported ? db_.Run(kEraseSets) : absl::OkStatus();
}

}  // namespace selftune::store
