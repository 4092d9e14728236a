// The folder in which an import keeps its copies.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace selftune::upstream {

// Private, under a name of its own; gone with the object.
class WorkDir {
 public:
  // Beside the store.
  [[nodiscard]] static StatusOr<WorkDir> Make(const std::string& parent);
  // Of a dry run, among what is temporary: a later import leaves it alone.
  [[nodiscard]] static StatusOr<WorkDir> MakeTemporary(const std::string& parent);
  // Removes those that Make() left of imports that were killed. Only folders that hold nothing
  // else.
  [[nodiscard]] static Status RemoveOld(const std::string& parent);

  WorkDir(WorkDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;
  WorkDir& operator=(WorkDir&&) = delete;
  ~WorkDir();

  // Where a file of that name is in it.
  [[nodiscard]] std::string operator/(std::string_view name) const;

 private:
  explicit WorkDir(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty: it moved
};

}  // namespace selftune::upstream
