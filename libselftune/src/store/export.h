// The whole store in files that other programs read, and a manifest that says
// what they hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/queries/page.h"

namespace selftune::store {

enum class ExportFormat { kJsonl, kSqlite };

struct ExportOptions {
  ExportFormat format = ExportFormat::kJsonl;
  std::vector<std::string> tables;  // empty = every one
  // Rows that belong to a session: only of sessions that started then. All
  // other tables are written whole.
  TimeWindow window;
  const base::Cancel* cancel = nullptr;
};

struct ExportFile {
  std::string table;  // "" = the whole store
  std::string path;   // absolute
  int64_t rows = 0;
  std::string sha256;  // hex
};

struct ExportReport {
  std::vector<ExportFile> files;
  std::string manifest;  // JSON text, as written to manifest.json
};

// Tables and the rows each file would have; writes nothing.
[[nodiscard]] StatusOr<ExportReport> PlanExport(Db& db, const std::string& dir,
                                                const ExportOptions& options);

// One consistent snapshot into `dir`, which must be new or empty (FILE_EXISTS
// otherwise). Rows are JSON objects by column; blobs are {"hex":"..."}, texts
// that are no UTF-8 {"text_hex":"..."}. A file beside them has a sum for each
// row (archive.h). The manifest comes last: a folder without one is not complete.
[[nodiscard]] StatusOr<ExportReport> ExportStore(Db& db, const std::string& dir,
                                                 const ExportOptions& options, UtcMillis now);

}  // namespace selftune::store
