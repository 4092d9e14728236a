// Values of one result column, gathered into Arrow arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/string_map.h"
#include "selftune/arrow_c_data.h"
#include "store/arrow_buffer.h"
#include "store/relations.h"
#include "store/user_query.h"

namespace selftune::store {

// Texts one after the other, as Arrow's utf8 wants them.
struct TextBuffers {
  TextBuffers() { ends.Push(0); }
  void Add(std::string_view text);  // made valid UTF-8

  ArrowBuffer<int32_t> ends;  // of the texts, after a 0
  ArrowBuffer<char> chars;
};

// Takes one value a row. A column whose kind is not fixed changes it for a
// value that does not fit, until Freeze(): bool to int64 to float64, anything
// to utf8; what was taken before is converted, and is the same number then: an
// integer that no double is makes utf8 of the two.
class ArrowColumn {
 public:
  ArrowColumn(std::string name, ColumnKind kind, bool fixed);

  // QUERY_REFUSED: the value does not fit and the kind may not change.
  [[nodiscard]] Status Append(const CellView& cell);
  // Looks at a value without taking it: wider() is the kind for this one, too.
  void Note(const CellView& cell);
  // From now on the kind stays; one that is unknown becomes utf8, and takes no
  // numbers.
  void Freeze();

  [[nodiscard]] ColumnKind kind() const { return kind_; }
  // After a refusal or notes: the kind that would hold all values. kUnknown: there was
  // none, or the kind was asked for.
  [[nodiscard]] ColumnKind wider() const { return wider_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] size_t text_bytes() const { return texts_.chars.size(); }

  // The values since the last call, whose memory now belongs to `out`.
  void Finish(ArrowArray* out);
  // The type; frozen columns only.
  void Describe(ArrowSchema* out) const;

 private:
  [[nodiscard]] static bool Fits(ColumnKind kind, const CellView& cell, int64_t& millis);
  [[nodiscard]] Status Misfit(const CellView& cell);
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
  const bool asked_;           // for this kind
  bool only_nulls_ = false;    // utf8 because no value was seen
  bool big_integers_ = false;  // some have been seen of which no double is
  ColumnKind wider_ = ColumnKind::kUnknown;
  int64_t rows_before_ = 0;  // in arrays already finished
  size_t length_ = 0;
  int64_t nulls_ = 0;
  ArrowBuffer<uint8_t> validity_;
  ArrowBuffer<int64_t> integers_;  // int64, time; bool until it is finished
  ArrowBuffer<double> reals_;
  TextBuffers texts_;
  size_t chars_expected_ = 0;
  ArrowBuffer<int32_t> codes_;  // into the dictionary, which only grows
  base::StringMap<int32_t> code_of_;
  TextBuffers dictionary_;
};

// A batch of rows out of one array a column, which it takes over.
void MakeBatch(std::vector<ArrowColumn>& columns, int64_t rows, ArrowArray* out);
// The type of such batches.
void DescribeBatch(const std::vector<ArrowColumn>& columns, ArrowSchema* out);

}  // namespace selftune::store
