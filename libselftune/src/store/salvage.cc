#include "store/salvage.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/stored_text.h"

namespace selftune::store {
namespace {

using internal::AnyValue;
using Row = std::vector<AnyValue>;

constexpr size_t kUserVersionAt = 60, kApplicationIdAt = 68, kFreeTrunkAt = 32;
// An index of ours has fewer columns than this; a page of entries with more is
// one of a table without rowids.
constexpr size_t kTellingColumns = 4;
constexpr uint32_t kPagesPerCheck = 1000;

uint32_t Word(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Converts what the file format stores otherwise; false when it does not fit.
bool FitsColumn(const ColumnShape& column, AnyValue& value) {
  if (value.type == AnyValue::Type::kNull) return !column.not_null;
  switch (column.type) {
    case ColumnShape::Type::kInteger:
      return value.type == AnyValue::Type::kInt;
    case ColumnShape::Type::kReal:
      if (value.type == AnyValue::Type::kInt) {  // whole numbers are stored short
        value = {
            .type = AnyValue::Type::kReal, .real = static_cast<double>(value.integer), .bytes = {}};
      }
      return value.type == AnyValue::Type::kReal;
    case ColumnShape::Type::kText:
      return value.type == AnyValue::Type::kText;
    case ColumnShape::Type::kBlob:
      return value.type == AnyValue::Type::kBlob;
  }
  return false;
}

// Columns in the order in which a record has them.
std::vector<int> StoredOrder(const TableShape& table) {
  std::vector<int> order;
  if (table.without_rowid) order = table.key;
  for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
    if (!table.without_rowid || table.columns[static_cast<size_t>(i)].key == 0) order.push_back(i);
  }
  return order;
}

// Texts are good or the row is lost; those of body have a digest that says so.
bool HasBrokenText(const TableShape& table, const Row& row) {
  if (table.name == "body") return false;
  return std::any_of(row.begin(), row.end(), [](const AnyValue& value) {
    return value.type == AnyValue::Type::kText && IsBrokenText(value.bytes);
  });
}

bool IsSalvaged(const TableShape& table) { return !IsDerived(table.name); }

// One byte over and over, as a crash or an erased disk leaves a file.
StatusOr<bool> IsWiped(const std::string& path, const base::Cancel* cancel) {
  if (!base::Exists(path)) return true;  // all there is is a log
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(path));
  std::string block(size_t{1} << 16, '\0');
  std::optional<char> byte;
  for (uint64_t at = 0;; at += block.size()) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(file.fd(), at, block.data(), block.size(), path));
    const std::string_view part = std::string_view(block).substr(0, got);
    if (got > 0 && !byte.has_value()) byte = part.front();
    if (got > 0 && part.find_first_not_of(*byte) != std::string_view::npos) return false;
    if (got < block.size()) return true;
  }
}

}  // namespace

std::optional<Row> RowOf(const TableShape& table, const TreeCell& cell) {
  if (!cell.has_record || cell.record.size() > table.columns.size()) return std::nullopt;
  const std::vector<int> order = StoredOrder(table);
  Row row(table.columns.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto column = static_cast<size_t>(order[i]);
    if (i < cell.record.size()) row[column] = cell.record[i];
    if (order[i] == table.rowid_column) {
      if (row[column].type != AnyValue::Type::kNull) return std::nullopt;
      row[column] = {.type = AnyValue::Type::kInt, .integer = cell.rowid, .bytes = {}};
    } else if (!FitsColumn(table.columns[column], row[column])) {
      return std::nullopt;
    }
  }
  return row;
}

StatusOr<Salvage> Salvage::Open(const std::string& path, const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(PageFile file, PageFile::Open(path));
  Salvage out(std::move(file), cancel);
  ST_RETURN_IF_ERROR(out.CheckMark());
  ST_ASSIGN_OR_RETURN(out.shapes_, SchemaShapes());
  for (const TableShape& table : out.shapes_) out.tables_.push_back({.name = table.name});
  out.claimed_.assign(size_t{out.file_.page_count()} + 1, false);
  ST_ASSIGN_OR_RETURN(out.trees_, out.Catalogue());
  ST_RETURN_IF_ERROR(out.CheckTables(path));
  return out;
}

Status Salvage::CheckMark() const {
  if (!file_.has_header()) return absl::OkStatus();  // whose it was is lost
  const uint32_t mark = Word(file_.header(), kApplicationIdAt);
  const uint32_t version = Word(file_.header(), kUserVersionAt);
  if (mark != kApplicationId && (mark != 0 || version != 0)) {
    return Fail(kStoreForeign,
                "reading a damaged store: the file is a database that selftune did "
                "not make");
  }
  if (mark == kApplicationId && version > kSchemaVersion) {
    return Fail(kSchemaNewer,
                "reading a damaged store: it has schema version {}, this program knows {}", version,
                kSchemaVersion);
  }
  return absl::OkStatus();
}

// Without our mark the tables tell whose the file is: most programs set none.
Status Salvage::CheckTables(const std::string& path) const {
  if (file_.has_header() && Word(file_.header(), kApplicationIdAt) == kApplicationId) {
    return absl::OkStatus();
  }
  size_t named = 0, ours = 0;
  for (const Tree& tree : trees_) {
    if (tree.is_index || tree.name.starts_with("sqlite_")) continue;
    ++named;
    ours += std::any_of(shapes_.begin(), shapes_.end(),
                        [&](const TableShape& shape) { return shape.name == tree.name; })
                ? 1
                : 0;
  }
  if (ours * 2 > named) return absl::OkStatus();
  if (named == 0) {
    // Nothing was made in it yet, or everything is gone.
    if (file_.has_header() && !catalogue_lost_) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const bool wiped, IsWiped(path, cancel_));
    if (wiped) return absl::OkStatus();
  }
  if (named > 0) return ForeignStore(path);
  return WithSuggestion(
      Fail(kStoreForeign,
           "reading a damaged store: nothing in the file shows that selftune made it"),
      "it stays as it is; move it away, then a sync makes a store in its place", "selftune sync");
}

void Salvage::AddTree(const Row& row, std::vector<Tree>& trees) {
  if (row.size() != 5 || row[3].type != AnyValue::Type::kInt || row[3].integer < 2) return;
  const bool is_index = row[0].bytes == "index";
  if (!is_index && row[0].bytes != "table") return;
  const bool known = std::any_of(trees.begin(), trees.end(), [&](const Tree& tree) {
    return tree.is_index == is_index && tree.name == row[1].bytes;
  });
  if (known) return;
  trees.push_back({.name = row[1].bytes,
                   .table = row[2].bytes,
                   .root = static_cast<uint32_t>(row[3].integer),
                   .is_index = is_index,
                   .partial = row[4].bytes.find(" WHERE ") != std::string::npos});
}

// The list of tables: from its tree, else from its pages, else from where a
// file of ours has its tables.
StatusOr<std::vector<Salvage::Tree>> Salvage::Catalogue() {
  std::vector<Tree> trees;
  ST_ASSIGN_OR_RETURN(const Walked walked, Walk(1, /*index=*/false, [&](TreeCell& cell) {
                        AddTree(cell.record, trees);
                        return absl::OkStatus();
                      }));
  catalogue_lost_ = walked.lost_pages > 0 || walked.bad_cells > 0;
  if (!catalogue_lost_) return trees;
  ST_RETURN_IF_ERROR(FindCatalogue(trees));
  ST_ASSIGN_OR_RETURN(std::vector<Tree> placed, TreesByPlace());
  for (Tree& tree : placed) {
    const bool known = std::any_of(trees.begin(), trees.end(), [&](const Tree& t) {
      return !t.is_index && t.name == tree.name;
    });
    if (!known) trees.push_back(std::move(tree));
  }
  return trees;
}

// Pages that hold nothing but descriptions of tables.
Status Salvage::FindCatalogue(std::vector<Tree>& trees) {
  constexpr std::string_view kKinds[] = {"table", "index", "view", "trigger"};
  PageDecoder decoder(file_);
  for (uint32_t number = 2; number < claimed_.size(); ++number) {
    if (number % kPagesPerCheck == 0 && cancel_ != nullptr) ST_RETURN_IF_ERROR(cancel_->Check());
    ST_ASSIGN_OR_RETURN(const auto page, decoder.Decode(number));
    if (!page.has_value() || page->inner || page->index || page->cells.empty()) continue;
    const bool all = std::all_of(page->cells.begin(), page->cells.end(), [&](const TreeCell& cell) {
      return cell.record.size() == 5 && cell.record[3].type == AnyValue::Type::kInt &&
             std::find(std::begin(kKinds), std::end(kKinds), cell.record[0].bytes) !=
                 std::end(kKinds);
    });
    if (!all) continue;
    Claim(number);
    for (const TreeCell& cell : page->cells) AddTree(cell.record, trees);
  }
  return absl::OkStatus();
}

// How many rows of the table begin at this page, or -1: it is not its root.
StatusOr<int64_t> Salvage::Fits(const TableShape& table, uint32_t root) {
  PageDecoder decoder(file_);
  ST_ASSIGN_OR_RETURN(const auto page, decoder.Decode(root));
  if (!page.has_value() || page->index != table.without_rowid || page->bad_cells > 0) return -1;
  int64_t rows = page->inner ? 1 : 0;
  for (const TreeCell& cell : page->cells) {
    if (!cell.has_record) continue;
    if (!RowOf(table, cell).has_value()) return -1;
    ++rows;
  }
  return rows;
}

// A file of ours has its tables in one of two places: where they were made, or
// where the last vacuum put them.
StatusOr<std::vector<Salvage::Tree>> Salvage::TreesByPlace() {
  std::vector<Tree> made, vacuumed;
  int64_t made_rows = 0, vacuumed_rows = 0;
  for (const TableShape& table : shapes_) {
    const auto add = [&](uint32_t root, std::vector<Tree>& trees, int64_t& sum) -> Status {
      ST_ASSIGN_OR_RETURN(const int64_t rows, Fits(table, root));
      if (rows < 0) return absl::OkStatus();
      trees.push_back({.name = table.name, .table = table.name, .root = root});
      sum += rows + 1;
      return absl::OkStatus();
    };
    ST_RETURN_IF_ERROR(add(static_cast<uint32_t>(table.root), made, made_rows));
    ST_RETURN_IF_ERROR(add(static_cast<uint32_t>(table.vacuumed_root), vacuumed, vacuumed_rows));
  }
  return made_rows >= vacuumed_rows ? made : vacuumed;
}

StatusOr<Salvage::Walked> Salvage::Walk(uint32_t root, bool index, CellFn fn) {
  Walked out;
  PageDecoder decoder(file_);
  std::vector<uint32_t> todo = {root};
  while (!todo.empty()) {
    const uint32_t number = todo.back();
    todo.pop_back();
    if (cancel_ != nullptr) ST_RETURN_IF_ERROR(cancel_->Check());
    const bool taken = number < claimed_.size() && claimed_[number];
    ST_ASSIGN_OR_RETURN(auto page, taken ? StatusOr<std::optional<TreePage>>(std::nullopt)
                                         : decoder.Decode(number));
    if (!page.has_value() || page->index != index) {
      ++out.lost_pages;
      continue;
    }
    Claim(number);
    for (const uint32_t more : decoder.overflow()) Claim(more);
    out.bad_cells += page->bad_cells;
    if (page->inner) todo.push_back(page->right_child);
    for (TreeCell& cell : page->cells) {
      if (page->inner && cell.left_child != 0) todo.push_back(cell.left_child);
      if (cell.has_record) ST_RETURN_IF_ERROR(fn(cell));
    }
  }
  return out;
}

Status Salvage::WalkTable(const Tree& tree, size_t at, RowFn fn) {
  const TableShape& shape = shapes_[at];
  SalvagedTable& table = tables_[at];
  ST_ASSIGN_OR_RETURN(const Walked walked,
                      Walk(tree.root, shape.without_rowid, [&](TreeCell& cell) -> Status {
                        std::optional<Row> row = RowOf(shape, cell);
                        if (!row.has_value() || HasBrokenText(shape, *row)) {
                          ++table.unreadable;
                          return absl::OkStatus();
                        }
                        ++table.rows;
                        return IsSalvaged(shape) ? fn(shape, *row) : absl::OkStatus();
                      }));
  table.unreadable += walked.bad_cells;
  table.lost_pages += walked.lost_pages;
  return absl::OkStatus();
}

Status Salvage::WalkIndex(const Tree& tree) {
  int64_t entries = 0;
  ST_ASSIGN_OR_RETURN(const Walked walked, Walk(tree.root, /*index=*/true, [&entries](TreeCell&) {
                        ++entries;
                        return absl::OkStatus();
                      }));
  if (walked.lost_pages > 0 || walked.bad_cells > 0) {
    ++damaged_indices_;
    return absl::OkStatus();
  }
  if (tree.partial) return absl::OkStatus();
  for (SalvagedTable& table : tables_) {
    if (table.name == tree.table) table.indexed = std::max(table.indexed.value_or(0), entries);
  }
  return absl::OkStatus();
}

// Pages that were given back hold nothing any more.
Status Salvage::ClaimFree() {
  if (!file_.has_header()) return absl::OkStatus();
  uint32_t trunk = Word(file_.header(), kFreeTrunkAt);
  std::string page;
  while (trunk != 0 && trunk < claimed_.size() && !claimed_[trunk]) {
    ST_ASSIGN_OR_RETURN(const bool found, file_.Read(trunk, page));
    if (!found) return absl::OkStatus();
    Claim(trunk);
    const uint32_t leaves = Word(page, 4);
    for (uint32_t i = 0; i < leaves && 8 + 4 * size_t{i} + 4 <= page.size(); ++i) {
      Claim(Word(page, 8 + 4 * size_t{i}));
    }
    trunk = Word(page, 0);
  }
  return absl::OkStatus();
}

// The one damaged table whose rows all entries of the page are.
std::optional<size_t> Salvage::OwnerOf(const TreePage& page) const {
  if (page.cells.empty() || page.bad_cells > 0 || (page.inner && !page.index)) return std::nullopt;
  std::optional<size_t> owner;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const TableShape& shape = shapes_[i];
    if (tables_[i].lost_pages == 0 || shape.without_rowid != page.index) continue;
    if (!IsSalvaged(shape) || IsHousekeeping(shape.name)) continue;
    if (page.index && shape.columns.size() < kTellingColumns) continue;
    const bool all = std::all_of(page.cells.begin(), page.cells.end(), [&](const TreeCell& cell) {
      return RowOf(shape, cell).has_value();
    });
    if (!all) continue;
    if (owner.has_value()) return std::nullopt;  // it may be of either
    owner = i;
  }
  return owner;
}

Status Salvage::Adopt(RowFn fn) {
  ST_RETURN_IF_ERROR(ClaimFree());
  PageDecoder decoder(file_);
  for (uint32_t number = 2; number < claimed_.size(); ++number) {
    if (claimed_[number]) continue;
    if (number % kPagesPerCheck == 0 && cancel_ != nullptr) ST_RETURN_IF_ERROR(cancel_->Check());
    ST_ASSIGN_OR_RETURN(const auto page, decoder.Decode(number));
    if (!page.has_value()) continue;
    const std::optional<size_t> owner = OwnerOf(*page);
    if (!owner.has_value()) continue;
    for (const TreeCell& cell : page->cells) {
      std::optional<Row> row = RowOf(shapes_[*owner], cell);
      if (!row.has_value()) continue;
      if (HasBrokenText(shapes_[*owner], *row)) {
        ++tables_[*owner].unreadable;
        continue;
      }
      ++tables_[*owner].rows;
      ++tables_[*owner].adopted;
      ST_RETURN_IF_ERROR(fn(shapes_[*owner], *row));
    }
  }
  return absl::OkStatus();
}

Status Salvage::Run(RowFn fn) {
  std::vector<bool> found(shapes_.size(), false);
  for (const Tree& tree : trees_) {
    if (tree.is_index) continue;
    for (size_t i = 0; i < shapes_.size(); ++i) {
      if (shapes_[i].name != tree.name || found[i]) continue;
      found[i] = true;
      ST_RETURN_IF_ERROR(WalkTable(tree, i, fn));
    }
  }
  for (const Tree& tree : trees_) {
    if (tree.is_index) ST_RETURN_IF_ERROR(WalkIndex(tree));
  }
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (!found[i] && catalogue_lost_) ++tables_[i].lost_pages;  // at least its first
  }
  const bool lost = std::any_of(tables_.begin(), tables_.end(),
                                [](const SalvagedTable& table) { return table.lost_pages > 0; });
  return lost ? Adopt(fn) : absl::OkStatus();
}

bool Salvage::damaged() const {
  return catalogue_lost_ || damaged_indices_ > 0 || !file_.has_header() || lost_frames() > 0 ||
         std::any_of(tables_.begin(), tables_.end(),
                     [](const SalvagedTable& table) { return table.damaged(); });
}

}  // namespace selftune::store
