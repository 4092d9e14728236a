// Sources: what was read, how far, and what could not be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

// Everything sync must know about the sources of a platform, one query.
[[nodiscard]] StatusOr<std::vector<SourceState>> LoadSources(Db& db, std::string_view platform);

struct SourceItem {
  SourceId id;
  std::string platform, kind, path, state, parser, host_schema, last_error;
  int64_t size = 0, offset = 0, pending_bytes = 0, generation = 1;
  UtcMillis mtime;
  std::optional<UtcMillis> last_read;
  int64_t records_seen = 0, records_used = 0, records_unknown = 0, bad_lines = 0;
};
struct SourceRequest {
  std::string platform = {}, state = {};  // "" = any
  int64_t limit = INT64_MAX;
  SourceId behind = {};  // the last one of the page before; 0 = from the start
};
// By platform and path.
[[nodiscard]] StatusOr<std::vector<SourceItem>> ListSources(Db& db, const SourceRequest& request);

struct BadLineItem {
  SourceId source;
  std::string platform, path, reason, excerpt;
  int64_t generation = 1, offset = 0;
  std::optional<int64_t> line_no;
  UtcMillis seen;
};
struct BadLinePage {
  std::vector<BadLineItem> items;
  std::string next;
};
[[nodiscard]] StatusOr<BadLinePage> ListBadLines(Db& db, std::optional<SourceId> source,
                                                 const PageRequest& page);

// Sessions that a history of prompts alone tells; 0 when the file is none, or not known.
struct HistoryOnly {
  int64_t sessions = 0, prompts = 0;
};
[[nodiscard]] StatusOr<HistoryOnly> KnownByHistoryAlone(Db& db, std::string_view platform,
                                                        std::string_view path);

// Newest record time and newest read, a row per platform.
struct PlatformFreshness {
  std::string platform;
  int64_t sources = 0, sessions = 0;
  std::optional<UtcMillis> newest_mtime, newest_read, newest_session;
  int64_t bad_lines = 0, errors = 0;
};
[[nodiscard]] StatusOr<std::vector<PlatformFreshness>> ReadFreshness(Db& db);

}  // namespace selftune::store
