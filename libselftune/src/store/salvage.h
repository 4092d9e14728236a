// Every row that can still be read of a damaged store, page by page: along the
// trees as far as those are whole, then from pages that nothing leads to.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/page_file.h"
#include "store/table_shape.h"

namespace selftune::store {

struct SalvagedTable {
  std::string name;
  int64_t rows = 0;     // handed out
  int64_t adopted = 0;  // of these, from pages that nothing leads to
  int64_t unreadable =
      0;  // rows that stand on a page and cannot be decoded, or are not of this table
  int64_t lost_pages = 0;  // that the tree names and that are no pages of it
  // Rows that a whole index of the table names.
  std::optional<int64_t> indexed;
  [[nodiscard]] bool damaged() const { return lost_pages > 0 || unreadable > 0; }
};

using RowFn =
    absl::FunctionRef<Status(const TableShape& table, std::vector<internal::AnyValue>& row)>;

class Salvage {
 public:
  // STORE_FOREIGN when the file is another program's database or no database at
  // all; SCHEMA_NEWER.
  [[nodiscard]] static StatusOr<Salvage> Open(const std::string& path,
                                              const base::Cancel* cancel = nullptr);

  // Calls `fn` for every row of every table that is not computed from others;
  // a row may come twice.
  [[nodiscard]] Status Run(RowFn fn);

  // After Run: the same order as SchemaShapes().
  [[nodiscard]] const std::vector<SalvagedTable>& tables() const { return tables_; }
  [[nodiscard]] bool damaged() const;
  // The list of tables was lost; their places were found by what lies there.
  [[nodiscard]] bool catalogue_lost() const { return catalogue_lost_; }
  [[nodiscard]] int64_t damaged_indices() const { return damaged_indices_; }
  [[nodiscard]] int64_t lost_frames() const { return file_.lost_frames(); }

 private:
  struct Tree {
    std::string name, table;
    uint32_t root = 0;
    bool is_index = false, partial = false;
  };
  struct Walked {
    int64_t lost_pages = 0, bad_cells = 0;
  };
  using CellFn = absl::FunctionRef<Status(TreeCell& cell)>;

  Salvage(PageFile file, const base::Cancel* cancel) : file_(std::move(file)), cancel_(cancel) {}
  [[nodiscard]] Status CheckMark() const;
  [[nodiscard]] Status CheckTables(const std::string& path) const;
  static void AddTree(const std::vector<internal::AnyValue>& row, std::vector<Tree>& trees);
  [[nodiscard]] StatusOr<std::vector<Tree>> Catalogue();
  [[nodiscard]] Status FindCatalogue(std::vector<Tree>& trees);
  [[nodiscard]] StatusOr<int64_t> Fits(const TableShape& table, uint32_t root);
  [[nodiscard]] StatusOr<std::vector<Tree>> TreesByPlace();
  [[nodiscard]] StatusOr<Walked> Walk(uint32_t root, bool index, CellFn fn);
  [[nodiscard]] Status WalkTable(const Tree& tree, size_t at, RowFn fn);
  [[nodiscard]] Status WalkIndex(const Tree& tree);
  [[nodiscard]] Status ClaimFree();
  [[nodiscard]] Status Adopt(RowFn fn);
  [[nodiscard]] std::optional<size_t> OwnerOf(const TreePage& page) const;
  void Claim(uint32_t page) {
    if (page < claimed_.size()) claimed_[page] = true;
  }

  PageFile file_;
  const base::Cancel* cancel_;
  std::vector<TableShape> shapes_;
  std::vector<Tree> trees_;
  std::vector<SalvagedTable> tables_;
  std::vector<bool> claimed_;  // by page
  bool catalogue_lost_ = false;
  int64_t damaged_indices_ = 0;
};

// The record as a row of the table; nullopt when it is none of it.
[[nodiscard]] std::optional<std::vector<internal::AnyValue>> RowOf(const TableShape& table,
                                                                   const TreeCell& cell);

}  // namespace selftune::store
