#include "store/arrow_column.h"

#include <sqlite3.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "base/utf8.h"

namespace selftune::store {
namespace {

// Owns what an ArrowArray points to. Each array has its own, so that a reader
// may move columns out of a batch and give them back in any order.
struct ArrayOwner {
  ArrowBuffer<uint8_t> validity;
  ArrowBuffer<uint8_t> bits;
  ArrowBuffer<int64_t> integers;
  ArrowBuffer<double> reals;
  ArrowBuffer<int32_t> codes;
  TextBuffers texts;
  std::array<const void*, 3> buffers{};
  ArrowArray dictionary{};
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;

  ArrayOwner() = default;
  ArrayOwner(const ArrayOwner&) = delete;
  ArrayOwner& operator=(const ArrayOwner&) = delete;
  ~ArrayOwner() {
    // What a reader moved out is marked as released.
    for (ArrowArray& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
    if (dictionary.release != nullptr) dictionary.release(&dictionary);
  }
};

void ReleaseArray(ArrowArray* array) {
  if (array == nullptr || array->release == nullptr) return;
  delete static_cast<ArrayOwner*>(array->private_data);
  array->private_data = nullptr;
  array->release = nullptr;
}

struct SchemaOwner {
  std::string name;
  ArrowSchema dictionary{};
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> child_pointers;

  SchemaOwner() = default;
  SchemaOwner(const SchemaOwner&) = delete;
  SchemaOwner& operator=(const SchemaOwner&) = delete;
  ~SchemaOwner() {
    for (ArrowSchema& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
    if (dictionary.release != nullptr) dictionary.release(&dictionary);
  }
};

void ReleaseSchema(ArrowSchema* schema) {
  if (schema == nullptr || schema->release == nullptr) return;
  delete static_cast<SchemaOwner*>(schema->private_data);
  schema->private_data = nullptr;
  schema->release = nullptr;
}

void SetTexts(ArrayOwner& owner) {
  owner.buffers[1] = owner.texts.ends.Settle();
  owner.buffers[2] = owner.texts.chars.Settle();
}

void MakeDictionary(const TextBuffers& values, ArrowArray* out) {
  auto owner = std::make_unique<ArrayOwner>();
  owner->texts.ends.Clear();
  owner->texts.ends.Append(values.ends.data(), values.ends.size());
  owner->texts.chars.Append(values.chars.data(), values.chars.size());
  SetTexts(*owner);
  *out = {.length = static_cast<int64_t>(values.ends.size()) - 1,
          .n_buffers = 3,
          .buffers = owner->buffers.data(),
          .release = ReleaseArray,
          .private_data = owner.get()};
  (void)owner.release();
}

const char* FormatOf(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kBool:
      return "b";
    case ColumnKind::kInt64:
      return "l";
    case ColumnKind::kFloat64:
      return "g";
    case ColumnKind::kTimestamp:
      return "tsm:UTC";
    case ColumnKind::kDictionary:
      return "i";  // of the codes
    case ColumnKind::kUtf8:
    case ColumnKind::kUnknown:
      break;
  }
  return "u";
}

// As the database library would print it.
std::string RealText(double value) {
  std::array<char, 64> text{};
  sqlite3_snprintf(static_cast<int>(text.size()), text.data(), "%!.15g", value);
  return text.data();
}

std::string CellText(const CellView& cell) {
  switch (cell.type) {
    case CellType::kInt:
      return std::to_string(cell.integer);
    case CellType::kReal:
      return RealText(cell.real);
    case CellType::kBlob:
      return base::Hex(cell.bytes);
    default:
      return std::string(cell.bytes);
  }
}

// The same number as a double.
bool IsExactAsReal(int64_t value) {
  constexpr double kEnd = 9223372036854775808.0;  // of int64
  const auto real = static_cast<double>(value);
  return real < kEnd && static_cast<int64_t>(real) == value;
}

// The kind that holds a value and all that `kind` holds; `big_integers`: some of
// which no double is.
ColumnKind Widened(ColumnKind kind, CellType type, bool big_integers) {
  const bool number = type == CellType::kInt || type == CellType::kReal;
  if (!number || (type == CellType::kReal && big_integers)) return ColumnKind::kUtf8;
  switch (kind) {
    case ColumnKind::kUnknown:
      return type == CellType::kInt ? ColumnKind::kInt64 : ColumnKind::kFloat64;
    case ColumnKind::kBool:
      return type == CellType::kInt ? ColumnKind::kInt64 : ColumnKind::kFloat64;
    case ColumnKind::kInt64:
      return ColumnKind::kFloat64;
    default:
      return ColumnKind::kUtf8;
  }
}

std::string_view TypeName(const CellView& cell) {
  switch (cell.type) {
    case CellType::kInt:
      return IsExactAsReal(cell.integer) ? "an integer" : "an integer of more than 53 bits";
    case CellType::kReal:
      return "a real number";
    case CellType::kBlob:
      return "a blob";
    default:
      return "a text";
  }
}

}  // namespace

void TextBuffers::Add(std::string_view text) {
  if (base::IsValidUtf8(text)) {
    chars.Append(text.data(), text.size());
  } else {
    const std::string valid = base::ToShownText(text);
    chars.Append(valid.data(), valid.size());
  }
  ends.Push(static_cast<int32_t>(chars.size()));
}

ArrowColumn::ArrowColumn(std::string name, ColumnKind kind, bool fixed)
    : name_(std::move(name)), kind_(kind), fixed_(fixed), asked_(fixed) {}

Status ArrowColumn::Append(const CellView& cell) {
  if (cell.type == CellType::kNull) {
    AppendNull();
    return absl::OkStatus();
  }
  int64_t millis = 0;
  const bool number = cell.type == CellType::kInt || cell.type == CellType::kReal;
  if (!Fits(kind_, cell, millis) || (only_nulls_ && number)) {
    if (fixed_) return Misfit(cell);
    ConvertTo(Widened(kind_, cell.type, big_integers_));
  }
  only_nulls_ = false;
  Put(cell, millis);
  return absl::OkStatus();
}

void ArrowColumn::Note(const CellView& cell) {
  if (cell.type == CellType::kNull || asked_) return;
  if (cell.type == CellType::kInt && !IsExactAsReal(cell.integer)) big_integers_ = true;
  const ColumnKind frozen = only_nulls_ ? ColumnKind::kUnknown : kind_;
  const ColumnKind kind = wider_ != ColumnKind::kUnknown ? wider_ : frozen;
  int64_t millis = 0;
  if (!Fits(kind, cell, millis)) wider_ = Widened(kind, cell.type, big_integers_);
}

void ArrowColumn::Freeze() {
  if (kind_ == ColumnKind::kUnknown) {
    ConvertTo(ColumnKind::kUtf8);
    only_nulls_ = true;
  }
  fixed_ = true;
}

bool ArrowColumn::Fits(ColumnKind kind, const CellView& cell, int64_t& millis) {
  switch (kind) {
    case ColumnKind::kUnknown:
      return false;
    case ColumnKind::kBool:
      return cell.type == CellType::kInt && (cell.integer == 0 || cell.integer == 1);
    case ColumnKind::kInt64:
      return cell.type == CellType::kInt;
    case ColumnKind::kFloat64:
      return cell.type == CellType::kReal ||
             (cell.type == CellType::kInt && IsExactAsReal(cell.integer));
    case ColumnKind::kTimestamp: {
      const auto time = cell.type == CellType::kText ? ParseRfc3339(cell.bytes) : std::nullopt;
      if (time.has_value()) millis = time->value;
      return time.has_value();
    }
    case ColumnKind::kUtf8:
    case ColumnKind::kDictionary:
      return true;
  }
  return false;
}

Status ArrowColumn::Misfit(const CellView& cell) {
  const ColumnKind wider =
      Widened(only_nulls_ ? ColumnKind::kUnknown : kind_, cell.type, big_integers_);
  if (!asked_) wider_ = wider;
  return WithSuggestion(
      Fail(kQueryRefused, "reading column \"{}\": row {} holds {}, the column is {}", name_,
           rows_before_ + static_cast<int64_t>(length_) + 1, TypeName(cell), KindName(kind_)),
      fmt::format("say its type in the request: \"types\":{{\"{}\":\"{}\"}}", name_,
                  KindName(wider)),
      "");
}

void ArrowColumn::MarkValid(bool valid) {
  if (length_ % 8 == 0) validity_.Push(0);
  if (valid) {
    validity_.back() = static_cast<uint8_t>(validity_.back() | (1U << (length_ % 8)));
  } else {
    ++nulls_;
  }
  ++length_;
}

bool ArrowColumn::IsValid(size_t row) const { return (validity_[row / 8] >> (row % 8) & 1U) != 0; }

void ArrowColumn::AppendNull() {
  switch (kind_) {
    case ColumnKind::kUnknown:
      break;
    case ColumnKind::kBool:
    case ColumnKind::kInt64:
    case ColumnKind::kTimestamp:
      integers_.Push(0);
      break;
    case ColumnKind::kFloat64:
      reals_.Push(0);
      break;
    case ColumnKind::kUtf8:
      texts_.Add({});
      break;
    case ColumnKind::kDictionary:
      codes_.Push(0);
      break;
  }
  MarkValid(false);
}

void ArrowColumn::Put(const CellView& cell, int64_t millis) {
  switch (kind_) {
    case ColumnKind::kUnknown:
      break;  // Append gave it a kind
    case ColumnKind::kBool:
    case ColumnKind::kInt64:
      integers_.Push(cell.integer);
      if (!IsExactAsReal(cell.integer)) big_integers_ = true;
      break;
    case ColumnKind::kTimestamp:
      integers_.Push(millis);
      break;
    case ColumnKind::kFloat64:
      reals_.Push(cell.type == CellType::kInt ? static_cast<double>(cell.integer) : cell.real);
      break;
    case ColumnKind::kUtf8:
    case ColumnKind::kDictionary:
      if (cell.type == CellType::kText) {
        PutText(cell.bytes);
      } else {
        PutText(CellText(cell));
      }
      break;
  }
  MarkValid(true);
}

void ArrowColumn::PutText(std::string_view text) {
  if (kind_ == ColumnKind::kUtf8) {
    if (texts_.chars.empty()) texts_.chars.Reserve(chars_expected_);
    texts_.Add(text);
    return;
  }
  const auto it = code_of_.find(text);
  if (it != code_of_.end()) {
    codes_.Push(it->second);
    return;
  }
  const auto code = static_cast<int32_t>(code_of_.size());
  code_of_.emplace(std::string(text), code);
  dictionary_.Add(text);
  codes_.Push(code);
}

std::string ArrowColumn::Rendered(size_t row) const {
  switch (kind_) {
    case ColumnKind::kBool:
    case ColumnKind::kInt64:
      return std::to_string(integers_[row]);
    case ColumnKind::kTimestamp:
      return FormatRfc3339(UtcMillis{integers_[row]});
    case ColumnKind::kFloat64:
      return RealText(reals_[row]);
    default:
      return {};
  }
}

// Only ever to a wider kind, within the first batch.
void ArrowColumn::ConvertTo(ColumnKind kind) {
  if (kind == ColumnKind::kUtf8) {
    for (size_t row = 0; row < length_; ++row) {
      texts_.Add(IsValid(row) ? Rendered(row) : std::string());
    }
    integers_.Clear();
    reals_.Clear();
  } else if (kind == ColumnKind::kFloat64) {
    reals_.Resize(length_);
    for (size_t row = 0; row < integers_.size(); ++row) {
      reals_[row] = static_cast<double>(integers_[row]);
    }
    integers_.Clear();
  } else {
    integers_.Resize(length_);
  }
  kind_ = kind;
}

void ArrowColumn::Finish(ArrowArray* out) {
  auto owner = std::make_unique<ArrayOwner>();
  *out = {.length = static_cast<int64_t>(length_), .null_count = nulls_, .n_buffers = 2};
  if (nulls_ > 0) {
    owner->validity = std::exchange(validity_, {});
    owner->buffers[0] = owner->validity.Settle();
  }
  switch (kind_) {
    case ColumnKind::kBool:
      owner->bits.Resize((length_ + 7) / 8);
      for (size_t row = 0; row < length_; ++row) {
        owner->bits[row / 8] = static_cast<uint8_t>(
            owner->bits[row / 8] | static_cast<uint8_t>(integers_[row] != 0) << (row % 8));
      }
      owner->buffers[1] = owner->bits.Settle();
      break;
    case ColumnKind::kInt64:
    case ColumnKind::kTimestamp:
      owner->integers = std::exchange(integers_, {});
      owner->buffers[1] = owner->integers.Settle();
      break;
    case ColumnKind::kFloat64:
      owner->reals = std::exchange(reals_, {});
      owner->buffers[1] = owner->reals.Settle();
      break;
    case ColumnKind::kDictionary:
      owner->codes = std::exchange(codes_, {});
      owner->buffers[1] = owner->codes.Settle();
      MakeDictionary(dictionary_, &owner->dictionary);
      out->dictionary = &owner->dictionary;
      break;
    case ColumnKind::kUnknown:
    case ColumnKind::kUtf8:
      owner->texts = std::exchange(texts_, {});
      chars_expected_ = owner->texts.chars.size();  // the next batch is much alike
      SetTexts(*owner);
      out->n_buffers = 3;
      break;
  }
  integers_.Clear();
  validity_.Clear();
  rows_before_ += static_cast<int64_t>(std::exchange(length_, 0));
  nulls_ = 0;
  out->buffers = owner->buffers.data();
  out->release = ReleaseArray;
  out->private_data = owner.release();
}

void ArrowColumn::Describe(ArrowSchema* out) const {
  auto owner = std::make_unique<SchemaOwner>();
  owner->name = name_;
  *out = {.format = FormatOf(kind_), .name = owner->name.c_str(), .flags = ARROW_FLAG_NULLABLE};
  if (kind_ == ColumnKind::kDictionary) {
    owner->dictionary = {
        .format = "u", .name = "", .release = ReleaseSchema, .private_data = nullptr};
    out->dictionary = &owner->dictionary;
  }
  out->release = ReleaseSchema;
  out->private_data = owner.release();
}

void MakeBatch(std::vector<ArrowColumn>& columns, int64_t rows, ArrowArray* out) {
  auto owner = std::make_unique<ArrayOwner>();
  owner->children.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i].Finish(&owner->children[i]);
    owner->child_pointers.push_back(&owner->children[i]);
  }
  *out = {.length = rows,
          .n_buffers = 1,
          .n_children = static_cast<int64_t>(columns.size()),
          .buffers = owner->buffers.data(),
          .children = owner->child_pointers.data(),
          .release = ReleaseArray,
          .private_data = owner.get()};
  (void)owner.release();
}

void DescribeBatch(const std::vector<ArrowColumn>& columns, ArrowSchema* out) {
  auto owner = std::make_unique<SchemaOwner>();
  owner->children.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i].Describe(&owner->children[i]);
    owner->child_pointers.push_back(&owner->children[i]);
  }
  *out = {.format = "+s",
          .name = "",
          .n_children = static_cast<int64_t>(columns.size()),
          .children = owner->child_pointers.data(),
          .release = ReleaseSchema,
          .private_data = owner.get()};
  (void)owner.release();
}

}  // namespace selftune::store
