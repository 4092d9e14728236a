// A SELECT of the user, read only, on the public views, row by row.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/db.h"
#include "store/relations.h"

struct sqlite3_stmt;

namespace selftune::store {

// NULL, INTEGER, REAL or TEXT.
using SqlCell = std::variant<std::monostate, int64_t, double, std::string>;

enum class CellType : uint8_t { kNull, kInt, kReal, kText, kBlob };

// A value of the present row; `bytes` until the next Next().
struct CellView {
  CellType type = CellType::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string_view bytes = {};
};

// What ends a query early. Looked at every few milliseconds.
struct Interrupt {
  const base::Cancel* cancel = nullptr;
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  // Other than 0: enough.
  int32_t (*stop)(void* user) = nullptr;
  void* user = nullptr;

  [[nodiscard]] bool late() const;
  [[nodiscard]] bool requested() const;
};

// Runs one SELECT over the views of docs/sql-views.md. Anything else (other
// tables, PRAGMA, ATTACH, writing, several statements) fails with
// QUERY_REFUSED; so do syntax errors. Has a connection of its own, so that the
// limits bind nobody else; all rows are of one snapshot, which begins with the
// first Next(). One thread at a time.
class UserQuery {
 public:
  // `args` are bound to ?1, ?2, ...
  [[nodiscard]] static StatusOr<std::unique_ptr<UserQuery>> Open(const std::string& store_path,
                                                                 std::string_view sql,
                                                                 std::span<const SqlCell> args,
                                                                 const Interrupt& interrupt);
  ~UserQuery();
  UserQuery(const UserQuery&) = delete;
  UserQuery& operator=(const UserQuery&) = delete;

  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view Name(int column) const;
  // Of the view's column that this one is; kUnknown for anything computed.
  [[nodiscard]] ColumnKind Kind(int column) const { return kinds_[static_cast<size_t>(column)]; }

  // False at the end, and ever after. CANCELLED, DEADLINE.
  [[nodiscard]] StatusOr<bool> Next();
  [[nodiscard]] CellView Cell(int column) const;
  // Before the first row: all rows are of one snapshot even after a Restart().
  [[nodiscard]] Status HoldSnapshot();
  // The next row is the first one again.
  void Restart();
  // Who gave the interrupt's `stop` is gone.
  void ForgetStop() { interrupt_.stop = nullptr; }

  // For user_query.cc. What one connection of a query may do: the database
  // library asks for every part of a statement while preparing it.
  struct Rules {
    bool only_views = false;  // reads of anything but public views are refused
    std::string refused;      // the first thing that was
    bool no_memory = false;   // to say what was refused
    bool may_begin = false;   // a transaction: we do
  };
  struct Finalize {
    void operator()(sqlite3_stmt* stmt) const;
  };

 private:
  UserQuery(std::unique_ptr<Db> db, const Interrupt& interrupt);

  const std::unique_ptr<Db> db_;
  Interrupt interrupt_;
  Rules rules_;
  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;  // goes before db_
  std::vector<ColumnKind> kinds_;
  bool done_ = false;
};

}  // namespace selftune::store
