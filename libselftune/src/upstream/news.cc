#include "upstream/news.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"

namespace selftune::upstream {
namespace {

using store::ImportLedger;
using store::ImportNews;

constexpr std::string_view kAnd = "; ";
// Before what was told of a row that the source has no more.
constexpr std::string_view kGone = "gone at the source; was: ";

bool WasTaken(ImportVerdict verdict) {
  return verdict == ImportVerdict::kImported || verdict == ImportVerdict::kMerged;
}

}  // namespace

std::string TextOf(const Why& why) {
  const bool both = !why.reason.empty() && !why.standing.empty();
  return why.reason + std::string(both ? kAnd : "") + why.standing;
}

Why WhyOf(std::string_view text) {
  if (text.starts_with(kNotInUse)) return {.standing = std::string(text)};
  const size_t at = text.rfind(std::string(kAnd) + std::string(kNotInUse));
  if (at == text.npos) return {.reason = std::string(text)};
  return {.reason = std::string(text.substr(0, at)),
          .standing = std::string(text.substr(at + kAnd.size()))};
}

Status Tell(ImportLedger& ledger, std::string_view table, std::string_view id, const Why& why) {
  if (!why.reason.empty()) {
    ST_RETURN_IF_ERROR(ledger.ToTell(table, id, ImportNews::kPartly, why.reason));
  }
  if (why.standing.empty()) return absl::OkStatus();
  return ledger.ToTell(table, id, ImportNews::kUnused, why.standing);
}

StatusOr<bool> TellNotInUse(store::Db& db, const store::ImportRowKey& row,
                            std::string_view standing) {
  ImportLedger ledger(db, row.origin);
  ST_ASSIGN_OR_RETURN(const std::optional<store::KnownImport> known,
                      ledger.Find(row.table, row.id));
  if (!known.has_value()) return false;
  const bool gone = known->reason.starts_with(kGone);
  const std::string_view before = std::string_view(known->reason).substr(gone ? kGone.size() : 0);
  const Why why{.reason = WhyOf(before).reason, .standing = std::string(standing)};
  ST_RETURN_IF_ERROR(
      ledger.Reword(row.table, row.id, std::string(gone ? kGone : "") + TextOf(why)));
  if (gone) return false;
  ST_RETURN_IF_ERROR(ledger.ToTell(row.table, row.id, ImportNews::kUnused, standing));
  return true;
}

StatusOr<News> News::Open(ImportLedger& ledger) {
  News out;
  ST_ASSIGN_OR_RETURN(out.told_, ledger.Told());
  return out;
}

void News::See(const SourceRow& row) {
  const bool was_told = !told_.empty() && told_.erase({row.table, row.id}) > 0;
  if (!row.known.has_value() || !WasTaken(row.known->verdict)) return;
  const std::string& text = row.known->reason;
  if (text.empty() || (was_told && !text.starts_with(kGone))) return;
  untold_.push_back({row.table, row.id, text});
}

StatusOr<bool> News::Settle(Engine& engine) {
  ImportLedger& ledger = engine.ledger();
  for (const Untold& row : untold_) {
    ST_RETURN_IF_ERROR(engine.Begin());
    std::string_view text = row.text;
    if (text.starts_with(kGone)) {
      text.remove_prefix(kGone.size());
      ST_RETURN_IF_ERROR(ledger.Reword(row.table, row.id, text));
    }
    ST_RETURN_IF_ERROR(Tell(ledger, row.table, row.id, WhyOf(text)));
    ST_RETURN_IF_ERROR(engine.Commit(false));
  }
  for (const auto& [table, id] : told_) {
    ST_RETURN_IF_ERROR(engine.Begin());
    ST_RETURN_IF_ERROR(ledger.NothingToTell(table, id));
    ST_ASSIGN_OR_RETURN(const std::optional<store::KnownImport> known, ledger.Find(table, id));
    if (known.has_value() && !known->reason.starts_with(kGone)) {
      ST_RETURN_IF_ERROR(ledger.Reword(table, id, std::string(kGone) + known->reason));
    }
    ST_RETURN_IF_ERROR(engine.Commit(false));
  }
  ST_RETURN_IF_ERROR(engine.Commit(true));
  return !untold_.empty() || !told_.empty();
}

}  // namespace selftune::upstream
