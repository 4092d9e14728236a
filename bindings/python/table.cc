#include "table.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "locked.h"

namespace py = pybind11;

namespace selftune::python {
namespace {

bool IsValid(const ArrowArray& array, int64_t row) {
  const auto* bits = static_cast<const uint8_t*>(array.buffers[0]);
  const int64_t at = array.offset + row;
  return bits == nullptr || (bits[at / 8] >> (at % 8) & 1) != 0;
}

py::str TextAt(const ArrowArray& array, int64_t row) {
  const auto* ends = static_cast<const int32_t*>(array.buffers[1]) + array.offset;
  const auto* chars = static_cast<const char*>(array.buffers[2]);
  PyObject* made = PyUnicode_DecodeUTF8(chars + ends[row], ends[row + 1] - ends[row], "replace");
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(made);
}

// A value as int, float, bool, str or None; times are milliseconds.
py::object ValueAt(const ArrowSchema& type, const ArrowArray& array, int64_t row) {
  if (!IsValid(array, row)) return py::none();
  const int64_t at = array.offset + row;
  switch (type.format[0]) {
    case 'b': {
      const auto* bits = static_cast<const uint8_t*>(array.buffers[1]);
      return py::bool_((bits[at / 8] >> (at % 8) & 1) != 0);
    }
    case 'g':
      return py::float_(static_cast<const double*>(array.buffers[1])[at]);
    case 'i':
      return TextAt(*array.dictionary, static_cast<const int32_t*>(array.buffers[1])[at]);
    case 'u':
      return TextAt(array, row);
    default:  // "l", "tsm:UTC"
      return py::int_(static_cast<const int64_t*>(array.buffers[1])[at]);
  }
}

// Bytes of buffer `i`; the layouts that selftune_export_arrow makes.
int64_t BufferBytes(const ArrowSchema& type, const ArrowArray& array, int64_t i) {
  if (array.buffers[i] == nullptr) return 0;
  if (i == 0) return (array.length + 7) / 8;
  switch (type.format[0]) {
    case 'b':
      return (array.length + 7) / 8;
    case 'i':
      return array.length * 4;
    case 'u': {
      const auto* ends = static_cast<const int32_t*>(array.buffers[1]);
      return i == 1 ? (array.length + 1) * 4 : ends[array.length];
    }
    default:
      return array.length * 8;
  }
}

int64_t ArrayBytes(const ArrowSchema& type, const ArrowArray& array) {
  int64_t sum = 0;
  for (int64_t i = 0; i < array.n_buffers; ++i) sum += BufferBytes(type, array, i);
  if (array.dictionary != nullptr) sum += ArrayBytes(*type.dictionary, *array.dictionary);
  return sum;
}

// ------------------------------------------------- second owners of one thing

struct SchemaCopy {
  std::string format, name;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
  ArrowSchema dictionary{};

  SchemaCopy() = default;
  SchemaCopy(const SchemaCopy&) = delete;
  SchemaCopy& operator=(const SchemaCopy&) = delete;
  ~SchemaCopy() {
    for (ArrowSchema& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
    if (dictionary.release != nullptr) dictionary.release(&dictionary);
  }
};

void ReleaseSchemaCopy(ArrowSchema* schema) {
  if (schema == nullptr || schema->release == nullptr) return;
  delete static_cast<SchemaCopy*>(schema->private_data);
  schema->release = nullptr;
}

void CopySchema(const ArrowSchema& from, ArrowSchema* out) {
  auto copy = std::make_unique<SchemaCopy>();
  copy->format = from.format;
  copy->name = from.name != nullptr ? from.name : "";
  copy->children.resize(static_cast<size_t>(from.n_children));
  for (size_t i = 0; i < copy->children.size(); ++i) {
    CopySchema(*from.children[i], &copy->children[i]);
    copy->pointers.push_back(&copy->children[i]);
  }
  *out = {};
  if (from.dictionary != nullptr) {
    CopySchema(*from.dictionary, &copy->dictionary);
    out->dictionary = &copy->dictionary;
  }
  out->format = copy->format.c_str();
  out->name = copy->name.c_str();
  out->flags = from.flags;
  out->n_children = from.n_children;
  out->children = copy->pointers.data();
  out->release = ReleaseSchemaCopy;
  out->private_data = copy.release();
}

struct ArrayShare {
  std::shared_ptr<const void> keep;  // what the buffers belong to
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
  ArrowArray dictionary{};

  ArrayShare() = default;
  ArrayShare(const ArrayShare&) = delete;
  ArrayShare& operator=(const ArrayShare&) = delete;
  ~ArrayShare() {
    for (ArrowArray& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
    if (dictionary.release != nullptr) dictionary.release(&dictionary);
  }
};

void ReleaseShare(ArrowArray* array) {
  if (array == nullptr || array->release == nullptr) return;
  delete static_cast<ArrayShare*>(array->private_data);
  array->release = nullptr;
}

// The same buffers under an owner of its own.
void ShareArray(const ArrowArray& from, const std::shared_ptr<const void>& keep, ArrowArray* out) {
  auto share = std::make_unique<ArrayShare>();
  share->keep = keep;
  share->children.resize(static_cast<size_t>(from.n_children));
  for (size_t i = 0; i < share->children.size(); ++i) {
    ShareArray(*from.children[i], keep, &share->children[i]);
    share->pointers.push_back(&share->children[i]);
  }
  *out = from;
  out->dictionary = nullptr;
  out->release = nullptr;
  if (from.dictionary != nullptr) {
    ShareArray(*from.dictionary, keep, &share->dictionary);
    out->dictionary = &share->dictionary;
  }
  out->children = share->pointers.data();
  out->release = ReleaseShare;
  out->private_data = share.release();
}

// --------------------------------------------------------------- the capsules

constexpr char kStreamName[] = "arrow_array_stream";
constexpr char kSchemaName[] = "arrow_schema";

template <typename T>
void DestroyCapsule(PyObject* capsule, const char* name) {
  auto* held = static_cast<T*>(PyCapsule_GetPointer(capsule, name));
  if (held == nullptr) {
    PyErr_Clear();
    return;
  }
  if (held->release != nullptr) held->release(held);
  delete held;
}
void DestroyStream(PyObject* capsule) { DestroyCapsule<ArrowArrayStream>(capsule, kStreamName); }
void DestroySchema(PyObject* capsule) { DestroyCapsule<ArrowSchema>(capsule, kSchemaName); }

template <typename T>
py::capsule MakeCapsule(std::unique_ptr<T> held, const char* name, PyCapsule_Destructor destroy) {
  PyObject* made = PyCapsule_New(held.get(), name, destroy);
  if (made == nullptr) {
    if (held->release != nullptr) held->release(held.get());
    throw py::error_already_set();
  }
  (void)held.release();
  return py::reinterpret_steal<py::capsule>(made);
}

// Throws what the stream says about its last failure.
[[noreturn]] void RaiseStream(int code, const std::string& text) {
  const py::object type = py::module_::import("selftune.errors").attr("SelftuneError");
  const py::object made = type.attr("from_stream")(code, text);
  PyErr_SetObject(type.ptr(), made.ptr());
  throw py::error_already_set();
}

}  // namespace

py::capsule StreamCapsule(std::unique_ptr<ArrowArrayStream> stream) {
  return MakeCapsule(std::move(stream), kStreamName, DestroyStream);
}

struct Table::Data {
  ArrowSchema schema{};
  std::vector<ArrowArray> batches;
  int64_t rows = 0;

  Data() = default;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() {
    for (ArrowArray& batch : batches) batch.release(&batch);
    if (schema.release != nullptr) schema.release(&schema);
  }

  // 0 or an errno value.
  int Fill(ArrowArrayStream* stream) {
    int code = stream->get_schema(stream, &schema);
    while (code == 0) {
      ArrowArray batch{};
      code = stream->get_next(stream, &batch);
      if (code != 0 || batch.release == nullptr) break;
      rows += batch.length;
      batches.push_back(batch);
    }
    return code;
  }
};

// A stream over a table: the position, nothing else.
struct Table::Reader {
  std::shared_ptr<const Data> data;
  size_t next = 0;

  static int GetSchema(ArrowArrayStream* self, ArrowSchema* out) {
    try {
      CopySchema(static_cast<Reader*>(self->private_data)->data->schema, out);
      return 0;
    } catch (const std::bad_alloc&) {
      return ENOMEM;
    }
  }
  static int GetNext(ArrowArrayStream* self, ArrowArray* out) {
    auto& reader = *static_cast<Reader*>(self->private_data);
    *out = {};
    if (reader.next >= reader.data->batches.size()) return 0;
    try {
      ShareArray(reader.data->batches[reader.next], reader.data, out);
    } catch (const std::bad_alloc&) {
      return ENOMEM;
    }
    ++reader.next;
    return 0;
  }
  static const char* GetLastError(ArrowArrayStream* /*self*/) { return nullptr; }
  static void Release(ArrowArrayStream* self) {
    if (self == nullptr || self->release == nullptr) return;
    delete static_cast<Reader*>(self->private_data);
    self->release = nullptr;
  }
};

Table::Table(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

std::unique_ptr<Table> Table::Read(ArrowArrayStream* stream) {
  auto data = std::make_shared<Data>();
  int code = 0;
  std::string text;
  {
    const Released unlocked;
    code = data->Fill(stream);
    const char* last = code != 0 ? stream->get_last_error(stream) : nullptr;
    text = last != nullptr ? last : std::strerror(code);
    stream->release(stream);
  }
  if (code != 0) RaiseStream(code, text);
  return std::unique_ptr<Table>(new Table(std::move(data)));
}

int64_t Table::rows() const { return data_->rows; }

int64_t Table::nbytes() const {
  int64_t sum = 0;
  for (const ArrowArray& batch : data_->batches) {
    for (int64_t i = 0; i < batch.n_children; ++i) {
      sum += ArrayBytes(*data_->schema.children[i], *batch.children[i]);
    }
  }
  return sum;
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> out;
  for (int64_t i = 0; i < data_->schema.n_children; ++i) {
    out.emplace_back(data_->schema.children[i]->name);
  }
  return out;
}

std::vector<std::string> Table::formats() const {
  std::vector<std::string> out;
  for (int64_t i = 0; i < data_->schema.n_children; ++i) {
    out.emplace_back(data_->schema.children[i]->format);
  }
  return out;
}

py::capsule Table::Stream() const {
  auto stream = std::make_unique<ArrowArrayStream>();
  *stream = {};
  stream->private_data = new Reader{data_};
  stream->get_schema = Reader::GetSchema;
  stream->get_next = Reader::GetNext;
  stream->get_last_error = Reader::GetLastError;
  stream->release = Reader::Release;
  return StreamCapsule(std::move(stream));
}

py::capsule Table::Schema() const {
  auto schema = std::make_unique<ArrowSchema>();
  CopySchema(data_->schema, schema.get());
  return MakeCapsule(std::move(schema), kSchemaName, DestroySchema);
}

// Values of the rows from `start` up to `stop`.
py::list Table::Column(size_t column, int64_t start, int64_t stop) const {
  if (column >= static_cast<size_t>(data_->schema.n_children)) throw py::index_error();
  py::list out;
  int64_t before = 0;
  for (const ArrowArray& batch : data_->batches) {
    const ArrowArray& array = *batch.children[column];
    const int64_t first = std::max<int64_t>(start - before, 0);
    const int64_t last = std::min(stop - before, array.length);
    for (int64_t row = first; row < last; ++row) {
      out.append(ValueAt(*data_->schema.children[column], array, row));
    }
    before += array.length;
  }
  return out;
}

// Of each batch the addresses of the column's buffers, 0 for one that is absent.
py::list Table::Addresses(size_t column) const {
  if (column >= static_cast<size_t>(data_->schema.n_children)) throw py::index_error();
  py::list out;
  for (const ArrowArray& batch : data_->batches) {
    const ArrowArray& array = *batch.children[column];
    py::list buffers;
    for (int64_t i = 0; i < array.n_buffers; ++i) {
      buffers.append(py::int_(reinterpret_cast<uintptr_t>(array.buffers[i])));
    }
    out.append(buffers);
  }
  return out;
}

void Table::Define(py::module_& m) {
  py::class_<Table>(m, "Table")
      .def_property_readonly("num_rows", &Table::rows)
      .def_property_readonly("nbytes", &Table::nbytes)
      .def_property_readonly("names", &Table::names)
      .def_property_readonly("formats", &Table::formats)
      .def("stream", &Table::Stream)
      .def("schema", &Table::Schema)
      .def("column", &Table::Column, py::arg("column"), py::arg("start"), py::arg("stop"))
      .def("addresses", &Table::Addresses, py::arg("column"));
}

}  // namespace selftune::python
