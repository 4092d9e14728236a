// A SQLite file whose tables are not ours: any names, any columns, any values.
// For private copies of other programs' databases and for scratch files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/any_value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace selftune::store {

// A row by the names of its columns; a name that is not there is NULL.
class LooseRow {
 public:
  LooseRow() = default;
  LooseRow(std::shared_ptr<const std::vector<std::string>> names, std::vector<LooseValue> values)
      : names_(std::move(names)), values_(std::move(values)) {}

  [[nodiscard]] const LooseValue& operator[](std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] std::string Text(std::string_view name) const { return (*this)[name].AsText(); }
  [[nodiscard]] size_t size() const { return values_.size(); }
  [[nodiscard]] const std::string& name(size_t i) const { return (*names_)[i]; }
  [[nodiscard]] const LooseValue& value(size_t i) const { return values_[i]; }

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<LooseValue> values_;
};

// A prepared statement. Must not outlive its LooseDb.
class LooseQuery {
 public:
  LooseQuery(LooseQuery&& other) noexcept
      : stmt_(std::exchange(other.stmt_, nullptr)), names_(std::move(other.names_)) {}
  LooseQuery& operator=(LooseQuery&&) = delete;
  ~LooseQuery();

  // Back to the start, with other values.
  [[nodiscard]] Status Bind(const std::vector<LooseValue>& values);
  [[nodiscard]] StatusOr<bool> Next();
  [[nodiscard]] LooseRow Row() const;
  // Of a statement that gives no rows: once with these values, which are not copied.
  [[nodiscard]] Status Run(const std::vector<LooseValue>& values);

 private:
  friend class LooseDb;
  [[nodiscard]] Status BindAll(const std::vector<LooseValue>& values, bool copy);
  explicit LooseQuery(sqlite3_stmt* stmt) : stmt_(stmt) {}
  sqlite3_stmt* stmt_;
  std::shared_ptr<const std::vector<std::string>> names_;
};

struct LooseTable {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::string> key;  // columns of the primary key, in order
  bool has_rowid = true;
};

class LooseDb {
 public:
  // Opens or makes the file, which nobody else uses.
  [[nodiscard]] static StatusOr<std::unique_ptr<LooseDb>> Open(const std::string& path);
  ~LooseDb();
  LooseDb(const LooseDb&) = delete;
  LooseDb& operator=(const LooseDb&) = delete;

  // Tables with rows of their own, by name; no indexes, views or SQLite's own.
  [[nodiscard]] StatusOr<std::vector<LooseTable>> Tables();
  [[nodiscard]] StatusOr<LooseQuery> Query(const std::string& sql);
  [[nodiscard]] Status Execute(const std::string& sql);
  // First column of the first row; 0 when there is none.
  [[nodiscard]] StatusOr<int64_t> Int(const std::string& sql);
  // "ok", or what is wrong with the pages.
  [[nodiscard]] StatusOr<std::string> QuickCheck();

 private:
  explicit LooseDb(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Status Error(int code, std::string_view doing) const;
  std::string path_;
  sqlite3* db_ = nullptr;
};

// `name` as SQL writes it: in double quotes.
[[nodiscard]] inline std::string QuoteName(std::string_view name) { return internal::Quoted(name); }

}  // namespace selftune::store
