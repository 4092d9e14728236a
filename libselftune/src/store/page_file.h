// The pages of a database file as they lie on the disk, for a file that the
// database library does not open any more, or not whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "store/any_statement.h"

namespace selftune::store {

// Pages count from 1. What committed transactions left in the log counts.
class PageFile {
 public:
  [[nodiscard]] static StatusOr<PageFile> Open(const std::string& path);

  [[nodiscard]] uint32_t page_size() const { return page_size_; }
  [[nodiscard]] uint32_t usable() const { return usable_; }
  // Also of pages that the log only has.
  [[nodiscard]] uint32_t page_count() const { return page_count_; }
  // Pages of the log that cannot be used though commits stand behind them.
  [[nodiscard]] int64_t lost_frames() const { return lost_frames_; }
  // Page 1 begins like that of a database.
  [[nodiscard]] bool has_header() const { return has_header_; }
  [[nodiscard]] std::string_view header() const { return header_; }
  // False when the file ends before it.
  [[nodiscard]] StatusOr<bool> Read(uint32_t number, std::string& page) const;

 private:
  PageFile() = default;
  [[nodiscard]] Status ReadLog();
  [[nodiscard]] Status TakeHeader();

  std::string path_, log_path_;
  base::FileHandle file_, log_;
  uint64_t size_ = 0;
  uint32_t page_size_ = 4096, usable_ = 4096, page_count_ = 0;
  bool has_header_ = false;
  int64_t lost_frames_ = 0;
  std::string header_;                             // first 100 bytes
  std::unordered_map<uint32_t, uint64_t> logged_;  // page: its bytes in the log
};

// One entry of a tree.
struct TreeCell {
  uint32_t left_child = 0;  // of inner pages
  int64_t rowid = 0;        // of tables with one
  bool has_record = false;
  std::vector<internal::AnyValue> record;
};

struct TreePage {
  bool inner = false;
  bool index = false;  // an index, or a table without rowids
  std::vector<TreeCell> cells;
  uint32_t right_child = 0;
  int64_t bad_cells = 0;  // that cannot be decoded
};

// Decodes a page and the records that begin on it; nullopt when it is no page of a tree.
class PageDecoder {
 public:
  explicit PageDecoder(const PageFile& file) : file_(file) {}
  [[nodiscard]] StatusOr<std::optional<TreePage>> Decode(uint32_t number);
  // Pages that continued records of the decoded page.
  [[nodiscard]] const std::vector<uint32_t>& overflow() const { return overflow_; }

 private:
  [[nodiscard]] StatusOr<bool> Cell(std::string_view page, size_t at, const TreePage& kind,
                                    TreeCell& cell);
  [[nodiscard]] StatusOr<bool> Payload(std::string_view page, size_t at, uint64_t size, bool index,
                                       std::string& out);

  const PageFile& file_;
  std::string page_, next_;
  std::vector<uint32_t> overflow_;
};

// Values of a record; nullopt when it is none.
[[nodiscard]] std::optional<std::vector<internal::AnyValue>> ParseRecord(std::string_view payload);

}  // namespace selftune::store
