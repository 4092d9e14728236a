// Values of one result column, gathered into Arrow arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/string_map.h"
#include "selftune/arrow_c_data.h"
#include "store/relations.h"
#include "store/user_query.h"

namespace selftune::store {

// Memory as Arrow recommends it: so aligned that readers need no copy.
template <typename T>
struct ArrowAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  ArrowAllocator() = default;
  template <typename U>
  ArrowAllocator(const ArrowAllocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* memory, size_t /*n*/) { ::operator delete(memory, kAlignment); }
  friend bool operator==(const ArrowAllocator&, const ArrowAllocator&) { return true; }
};
template <typename T>
using ArrowBuffer = std::vector<T, ArrowAllocator<T>>;

// Texts one after the other, as Arrow's utf8 wants them.
class TextBuffers {
 public:
  TextBuffers() { Clear(); }
  void Add(std::string_view text);  // made valid UTF-8
  void Clear();
  [[nodiscard]] size_t bytes() const { return chars_.size(); }
  [[nodiscard]] std::string_view At(size_t index) const;

  ArrowBuffer<int32_t> offsets_;
  ArrowBuffer<char> chars_;
};

// Takes one value a row. A column whose kind is not fixed changes it for a
// value that does not fit, until Freeze(): bool to int64 to float64, anything
// to utf8; what was taken before is converted.
class ArrowColumn {
 public:
  ArrowColumn(std::string name, ColumnKind kind, bool fixed);

  // QUERY_REFUSED: the value does not fit and the kind may not change.
  [[nodiscard]] Status Append(const CellView& cell);
  // From now on the kind stays; one that is unknown becomes utf8.
  void Freeze();

  [[nodiscard]] ColumnKind kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] size_t text_bytes() const { return texts_.bytes(); }

  // The values since the last call, whose memory now belongs to `out`.
  void Finish(ArrowArray* out);
  // The type; frozen columns only.
  void Describe(ArrowSchema* out) const;

 private:
  [[nodiscard]] bool Fits(const CellView& cell, int64_t& millis) const;
  [[nodiscard]] Status Misfit(const CellView& cell) const;
  void AppendNull();
  void Put(const CellView& cell, int64_t millis);
  void PutText(std::string_view text);
  void MarkValid(bool valid);
  void ConvertTo(ColumnKind kind);
  [[nodiscard]] bool IsValid(size_t row) const;
  [[nodiscard]] std::string Rendered(size_t row) const;

  const std::string name_;
  ColumnKind kind_;
  bool fixed_;
  int64_t rows_before_ = 0;  // in arrays already finished
  size_t length_ = 0;
  int64_t nulls_ = 0;
  ArrowBuffer<uint8_t> validity_;
  ArrowBuffer<int64_t> integers_;  // int64, time; bool until it is finished
  ArrowBuffer<double> reals_;
  TextBuffers texts_;
  ArrowBuffer<int32_t> codes_;  // into the dictionary, which only grows
  base::StringMap<int32_t> code_of_;
  TextBuffers dictionary_;
};

// A batch of rows out of one array a column, which it takes over.
void MakeBatch(std::vector<ArrowColumn>& columns, int64_t rows, ArrowArray* out);
// The type of such batches.
void DescribeBatch(const std::vector<ArrowColumn>& columns, ArrowSchema* out);

}  // namespace selftune::store
