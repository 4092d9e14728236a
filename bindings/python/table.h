// A table in memory whose buffers are shared with every reader.
#pragma once

#include <pybind11/pybind11.h>
#include <selftune/arrow_c_data.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace selftune::python {

// Capsules of the Arrow PyCapsule protocol; one that nobody takes over releases
// what it holds.
[[nodiscard]] pybind11::capsule StreamCapsule(std::unique_ptr<ArrowArrayStream> stream);

// Immutable. The batches live until the table and all streams and arrays made
// from it are gone.
class Table {
 public:
  // Reads a stream to its end and releases it. Called with the lock, which is
  // free while rows are read.
  [[nodiscard]] static std::unique_ptr<Table> Read(ArrowArrayStream* stream);
  static void Define(pybind11::module_& m);

 private:
  struct Data;
  struct Reader;
  explicit Table(std::shared_ptr<const Data> data);

  [[nodiscard]] int64_t rows() const;
  [[nodiscard]] int64_t nbytes() const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> formats() const;
  [[nodiscard]] pybind11::capsule Stream() const;
  [[nodiscard]] pybind11::capsule Schema() const;
  [[nodiscard]] pybind11::list Column(size_t column, int64_t start, int64_t stop) const;
  [[nodiscard]] pybind11::list Addresses(size_t column) const;

  std::shared_ptr<const Data> data_;
};

}  // namespace selftune::python
