#include "sync/joined.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "store/session_parts.h"

namespace selftune::sync {
namespace {

constexpr size_t kCompared = size_t{64} << 10;

// The first records tell when a file begins; few have no time.
constexpr int kLooked = 50;

StatusOr<std::optional<UtcMillis>> Begins(const WorkItem& item) {
  ST_ASSIGN_OR_RETURN(const auto bytes, item.source->OpenBytes(item.file, item.info.size));
  ST_ASSIGN_OR_RETURN(
      const auto reader,
      item.source->Open({.file = &item.file, .saved_state = {}, .copied = nullptr}));
  std::optional<UtcMillis> begins;
  int looked = 0;
  base::Cancel enough;
  ingest::PumpOptions options;
  options.max_rows = 1;
  options.cancel = &enough;
  ingest::PumpBuffer buffer;
  const auto pumped = ingest::PumpLines(
      *bytes, options, *reader, buffer, [&](const ingest::Batch& batch, const ingest::Cursor&) {
        for (const ingest::SessionFacts& facts : batch.sessions) {
          if (facts.born.has_value()) begins = std::min(begins.value_or(*facts.born), *facts.born);
        }
        if (begins.has_value() || ++looked == kLooked) enough.Request();
        return absl::OkStatus();
      });
  if (!pumped.ok() && !enough.requested()) return pumped.status();
  return begins;
}

// Fills `out` as far as the stream goes.
StatusOr<size_t> Fill(ingest::ByteStream& bytes, uint64_t offset, std::vector<char>& out) {
  size_t filled = 0;
  while (filled < out.size()) {
    ST_ASSIGN_OR_RETURN(const size_t got,
                        bytes.ReadAt(offset + filled, out.data() + filled, out.size() - filled));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

// Behind the last line that both begin with.
StatusOr<ingest::Cursor> CommonLines(const WorkItem& a, const WorkItem& b) {
  ST_ASSIGN_OR_RETURN(const auto left, a.source->OpenBytes(a.file, a.info.size));
  ST_ASSIGN_OR_RETURN(const auto right, b.source->OpenBytes(b.file, b.info.size));
  std::vector<char> x(kCompared), y(kCompared);
  ingest::Cursor common;
  for (uint64_t offset = 0;; offset += kCompared) {
    ST_ASSIGN_OR_RETURN(const size_t got_x, Fill(*left, offset, x));
    ST_ASSIGN_OR_RETURN(const size_t got_y, Fill(*right, offset, y));
    const size_t both = std::min(got_x, got_y);
    const auto same = static_cast<size_t>(
        std::mismatch(x.begin(), x.begin() + static_cast<ptrdiff_t>(both), y.begin()).first -
        x.begin());
    for (size_t i = 0; i < same; ++i) {
      if (x[i] != '\n') continue;
      common.offset = offset + i + 1;
      ++common.line_no;
    }
    if (same < kCompared) return common;
  }
}

// Each part is read from behind what an earlier one holds.
Status SkipCommon(std::vector<JoinPart>& parts) {
  for (size_t i = 1; i < parts.size(); ++i) {
    for (size_t earlier = 0; earlier < i; ++earlier) {
      ST_ASSIGN_OR_RETURN(const ingest::Cursor common,
                          CommonLines(parts[earlier].item, parts[i].item));
      if (common.offset > parts[i].start.offset) parts[i].start = common;
    }
  }
  return absl::OkStatus();
}

// Is there a file that holds all that was read of the one that is gone?
StatusOr<bool> HasFollower(const ingest::Source& source, const std::vector<JoinPart>& there,
                           const store::SourceState& gone) {
  const std::string identity = source.Identity(gone.path);
  for (const JoinPart& part : there) {
    if (source.Identity(part.item.file.path) == identity) return true;
    ST_ASSIGN_OR_RETURN(const bool begins,
                        BeginsWith(source, part.item.file, part.item.info.size, gone));
    if (begins) return true;
  }
  return false;
}

// Sorts the files that are gone into the kept and the former ones.
Status AddGone(store::Db& db, const ingest::Source& source,
               const std::vector<store::SourceState>& gone, Join& join) {
  // What its reader knew at its end helps only when all before it is gone too: it
  // knew the parts that are read again now, and would take them for copies.
  int32_t first = INT32_MAX;
  for (const JoinPart& part : join.parts) {
    ST_ASSIGN_OR_RETURN(const int32_t begins, store::FirstPromptOf(db, part.item.state().id));
    first = std::min(first, begins);
  }
  int32_t last = -1;
  for (const store::SourceState& state : gone) {
    ST_ASSIGN_OR_RETURN(const bool followed, HasFollower(source, join.parts, state));
    (followed ? join.former : join.kept).push_back(state.id);
    if (followed) continue;
    ST_ASSIGN_OR_RETURN(const std::vector<uint64_t> keys, store::SourceKeys(db, state.id));
    join.known.insert(keys.begin(), keys.end());
    ST_ASSIGN_OR_RETURN(const int32_t seq, store::LastPromptOf(db, state.id));
    if (seq >= first) join.confused.push_back(state.id);
    if (seq < last) continue;
    last = seq;
    const bool usable = seq < first && state.parser == source.parser_name() &&
                        state.parser_version == source.parser_version();
    join.reader_state = usable ? state.parser_state : std::string();
  }
  return absl::OkStatus();
}

bool Earlier(const JoinPart& a, const JoinPart& b) {
  const UtcMillis never{INT64_MAX};
  const UtcMillis begins_a = a.begins.value_or(never);
  const UtcMillis begins_b = b.begins.value_or(never);
  if (begins_a != begins_b) return begins_a < begins_b;
  return a.item.file.path < b.item.file.path;
}

}  // namespace

StatusOr<Join> LoadParts(store::Db& db, const ingest::Source& source, store::SourceId id,
                         const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::SourceId> ids, store::FilesTogether(db, id));
  Join join;
  std::vector<store::SourceState> gone;
  for (const store::SourceId one : ids) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    JoinPart part;
    ST_ASSIGN_OR_RETURN(store::SourceState state, store::LoadSourceState(db, one));
    part.item.known = std::make_shared<const store::SourceState>(std::move(state));
    join.generation = std::max(join.generation, part.item.state().generation + 1);
    part.item.source = &source;
    part.item.file = source.Describe(part.item.state().path);
    part.item.change = Change::kReplaced;
    part.item.together = ids;
    const StatusOr<base::FileInfo> info = source.Look(part.item.file);
    if (!info.ok() && CodeOf(info.status()).name == kFileNotFound.name) {
      gone.push_back(part.item.state());
      continue;
    }
    ST_RETURN_IF_ERROR(info.status());
    part.item.info = *info;
    ST_ASSIGN_OR_RETURN(part.begins, Begins(part.item));
    join.parts.push_back(std::move(part));
  }
  std::vector<JoinPart>& parts = join.parts;
  ST_RETURN_IF_ERROR(AddGone(db, source, gone, join));
  for (JoinPart& part : parts) {
    part.item.behind_kept = !join.kept.empty();
    part.item.anew = join.reader_state.empty();
  }
  std::sort(parts.begin(), parts.end(), Earlier);
  ST_RETURN_IF_ERROR(SkipCommon(parts));
  return join;
}

}  // namespace selftune::sync
