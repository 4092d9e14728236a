// A folder that `export` made: what its manifest says, and its rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "store/any_statement.h"
#include "store/table_shape.h"

namespace selftune::store {

inline constexpr int kArchiveFormat = 1;
inline constexpr std::string_view kManifestName = "manifest.json";
// A line a row, in the order of the manifest's files: tells which row of a file
// is not as it was written.
inline constexpr std::string_view kRowSums = "rows.sums";

// The line of `row`, itself a line with its end.
[[nodiscard]] std::string RowSum(std::string_view row);
// SHA-256 of a file in hex.
[[nodiscard]] StatusOr<std::string> FileSha256(const std::string& path);

struct ArchiveFile {
  std::string table;  // "" = a database with all of them
  std::string path;   // absolute
  int64_t rows = 0;
  std::string sha256;
  int64_t rows_before = 0;  // in the files listed before it
};

struct Archive {
  std::string dir;
  bool database = false;  // format sqlite
  std::vector<ArchiveFile> files;
};

// The manifest. Refused: a part of a store (tables, since, until), another
// schema version (SCHEMA_NEWER), names that lead out of the folder, and a folder
// without a manifest (NOT_FOUND).
[[nodiscard]] StatusOr<Archive> ReadArchive(const std::string& dir);

// Compares every file with its digest. STORE_CORRUPT names the file and the row.
[[nodiscard]] Status VerifyArchive(const Archive& archive, const base::Cancel* cancel);

// The lines of a file, read in pieces.
class LineFile {
 public:
  explicit LineFile(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Status Open();
  // With its end; without one when the file is cut off. False behind the last.
  // The view is valid until the next call.
  [[nodiscard]] StatusOr<bool> Next(std::string_view& line);
  [[nodiscard]] int64_t number() const { return number_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  base::FileHandle file_;
  std::string buffer_;
  size_t at_ = 0;        // in the buffer
  uint64_t offset_ = 0;  // of the bytes behind the buffer
  int64_t number_ = 0;
};

// The rows of one table of an archive, in the order they were written.
class ArchiveRows {
 public:
  ArchiveRows(const ArchiveFile& file, const TableShape& table)
      : lines_(file.path), table_(table) {}

  [[nodiscard]] Status Open() { return lines_.Open(); }
  // False at the end. A row that does not fit the table is named by its line.
  [[nodiscard]] StatusOr<bool> Next(std::vector<internal::AnyValue>& row);
  // "prompt.jsonl line 12"
  [[nodiscard]] std::string Where() const;

 private:
  [[nodiscard]] Status Parse(std::string_view line, std::vector<internal::AnyValue>& row) const;

  LineFile lines_;
  const TableShape& table_;
};

}  // namespace selftune::store
