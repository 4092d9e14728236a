#include "store/arrow_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <new>
#include <string>

#include "base/status_macros.h"
#include "base/thrown.h"
#include "store/arrow_column.h"

namespace selftune::store {
namespace {

struct Stream {
  std::unique_ptr<UserQuery> query;  // nullptr once all rows are read
  std::vector<ArrowColumn> columns;
  std::deque<ArrowArray> ready;  // read while opening; handed out first
  const pid_t owner = ::getpid();
  Status failed;
  std::string last_error;

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    for (ArrowArray& batch : ready) {
      if (batch.release != nullptr) batch.release(&batch);
    }
  }
};

int ErrnoOf(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return ECANCELED;
    case absl::StatusCode::kDeadlineExceeded:
      return ETIMEDOUT;
    case absl::StatusCode::kInvalidArgument:
      return EINVAL;
    case absl::StatusCode::kResourceExhausted:
      return ENOMEM;
    case absl::StatusCode::kUnavailable:
      return EAGAIN;
    default:
      return EIO;
  }
}

bool Full(const std::vector<ArrowColumn>& columns, int64_t rows) {
  return rows >= kArrowBatchRows ||
         std::any_of(columns.begin(), columns.end(), [](const ArrowColumn& column) {
           return column.text_bytes() >= kArrowBatchTextBytes;
         });
}

// The next batch; `out->release` stays nullptr when there are no more rows.
Status ReadBatch(Stream& stream, ArrowArray* out) {
  int64_t rows = 0;
  while (stream.query != nullptr && !Full(stream.columns, rows)) {
    ST_ASSIGN_OR_RETURN(const bool more, stream.query->Next());
    if (!more) {
      stream.query.reset();  // the snapshot is free
      break;
    }
    for (size_t i = 0; i < stream.columns.size(); ++i) {
      ST_RETURN_IF_ERROR(stream.columns[i].Append(stream.query->Cell(static_cast<int>(i))));
    }
    ++rows;
  }
  for (ArrowColumn& column : stream.columns) column.Freeze();
  if (rows > 0) MakeBatch(stream.columns, rows, out);
  return absl::OkStatus();
}

// Runs the body of a callback: no exception of the memory allocator may leave
// it, and what failed once keeps failing the same way.
template <typename Body>
int Guarded(ArrowArrayStream* self, Body&& body) noexcept {
  auto& stream = *static_cast<Stream*>(self->private_data);
  try {
    stream.last_error.clear();
    if (stream.owner != ::getpid()) {
      stream.last_error = "reading a stream in a forked process: open one in the child";
      return EINVAL;
    }
    if (stream.failed.ok()) stream.failed = body(stream);
    if (stream.failed.ok()) return 0;
    stream.query.reset();
    stream.last_error = fmt::format("{}: {}", CodeOf(stream.failed).name, Message(stream.failed));
    const std::string suggestion = Suggestion(stream.failed);
    if (!suggestion.empty()) stream.last_error += "; " + suggestion;
    return ErrnoOf(stream.failed);
  } catch (const std::bad_alloc&) {
    // A batch may be half made: there is no going on.
    stream.failed = base::OutOfMemory();
    stream.query.reset();
    return ENOMEM;
  }
}

int GetSchema(ArrowArrayStream* self, ArrowSchema* out) {
  return Guarded(self, [&](Stream& stream) {
    DescribeBatch(stream.columns, out);
    return absl::OkStatus();
  });
}

int GetNext(ArrowArrayStream* self, ArrowArray* out) {
  return Guarded(self, [&](Stream& stream) -> Status {
    *out = {};
    if (stream.ready.empty()) return ReadBatch(stream, out);
    *out = stream.ready.front();
    stream.ready.pop_front();
    return absl::OkStatus();
  });
}

const char* GetLastError(ArrowArrayStream* self) {
  const auto& stream = *static_cast<Stream*>(self->private_data);
  return stream.last_error.empty() ? nullptr : stream.last_error.c_str();
}

void Release(ArrowArrayStream* self) {
  if (self == nullptr || self->release == nullptr) return;
  auto* stream = static_cast<Stream*>(self->private_data);
  // The connection belongs to the parent of a fork; closing it would not.
  if (stream->owner != ::getpid()) (void)stream->query.release();
  delete stream;
  self->private_data = nullptr;
  self->release = nullptr;
}

// `kinds`: what is known of columns already, kUnknown or shorter where nothing is.
Status MakeColumns(const ArrowQuery& query, const std::vector<ColumnKind>& kinds, Stream& stream) {
  for (int i = 0; i < stream.query->columns(); ++i) {
    const std::string name(stream.query->Name(i));
    const auto wanted = std::find_if(query.types.begin(), query.types.end(),
                                     [&](const auto& type) { return type.first == name; });
    const bool fixed = wanted != query.types.end();
    ColumnKind kind = fixed ? wanted->second : stream.query->Kind(i);
    const auto at = static_cast<size_t>(i);
    if (at < kinds.size() && kinds[at] != ColumnKind::kUnknown) kind = kinds[at];
    stream.columns.emplace_back(name, kind, fixed);
  }
  for (const auto& [name, kind] : query.types) {
    const bool known = std::any_of(stream.columns.begin(), stream.columns.end(),
                                   [&](const ArrowColumn& c) { return c.name() == name; });
    if (!known) return Fail(kInvalidRequest, "types: the query has no column \"{}\"", name);
  }
  return absl::OkStatus();
}

// The next batch, kept for later.
Status ReadAhead(Stream& stream) {
  ArrowArray& batch = stream.ready.emplace_back();
  const Status read = ReadBatch(stream, &batch);
  if (batch.release == nullptr) stream.ready.pop_back();
  return read;
}

// After a value that did not fit: looks at that row and all behind it. The kinds
// that hold everything; empty when there are none.
StatusOr<std::vector<ColumnKind>> KindsOfAll(Stream& stream) {
  const auto wider = [](const ArrowColumn& column) { return column.wider(); };
  std::vector<ColumnKind> kinds(stream.columns.size(), ColumnKind::kUnknown);
  std::transform(stream.columns.begin(), stream.columns.end(), kinds.begin(), wider);
  if (std::count(kinds.begin(), kinds.end(), ColumnKind::kUnknown) == std::ssize(kinds)) {
    return std::vector<ColumnKind>();
  }
  for (bool more = true; more;) {
    for (size_t i = 0; i < stream.columns.size(); ++i) {
      stream.columns[i].Note(stream.query->Cell(static_cast<int>(i)));
    }
    ST_ASSIGN_OR_RETURN(more, stream.query->Next());
  }
  std::transform(stream.columns.begin(), stream.columns.end(), kinds.begin(), wider);
  return kinds;
}

Status ReadAll(Stream& stream) {
  while (stream.query != nullptr) ST_RETURN_IF_ERROR(ReadAhead(stream));
  return absl::OkStatus();
}

// Reads all rows; when the first batch said too little of the kinds, a second
// time and of the same snapshot.
StatusOr<std::unique_ptr<Stream>> ReadWhole(const ArrowQuery& query,
                                            std::unique_ptr<Stream> stream) {
  ST_RETURN_IF_ERROR(stream->query->HoldSnapshot());
  ST_RETURN_IF_ERROR(MakeColumns(query, {}, *stream));
  const Status read = ReadAll(*stream);
  if (read.ok()) return stream;
  if (stream->query == nullptr || CodeOf(read).name != kQueryRefused.name) return read;
  ST_ASSIGN_OR_RETURN(const std::vector<ColumnKind> kinds, KindsOfAll(*stream));
  if (kinds.empty()) return read;
  auto again = std::make_unique<Stream>();
  again->query = std::move(stream->query);
  stream.reset();
  again->query->Restart();
  ST_RETURN_IF_ERROR(MakeColumns(query, kinds, *again));
  ST_RETURN_IF_ERROR(ReadAll(*again));
  return again;
}

StatusOr<std::unique_ptr<Stream>> OpenStream(const std::string& store_path, const ArrowQuery& query,
                                             const Interrupt& interrupt) {
  auto stream = std::make_unique<Stream>();
  ST_ASSIGN_OR_RETURN(stream->query, UserQuery::Open(store_path, query.sql, query.args, interrupt));
  if (query.whole) return ReadWhole(query, std::move(stream));
  ST_RETURN_IF_ERROR(MakeColumns(query, {}, *stream));
  ST_RETURN_IF_ERROR(ReadAhead(*stream));
  if (stream->query != nullptr) stream->query->ForgetStop();
  return stream;
}

}  // namespace

Status ExportArrow(const std::string& store_path, const ArrowQuery& query,
                   const Interrupt& interrupt, ArrowArrayStream* out) {
  ST_ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, OpenStream(store_path, query, interrupt));
  *out = {.get_schema = GetSchema,
          .get_next = GetNext,
          .get_last_error = GetLastError,
          .release = Release,
          .private_data = stream.release()};
  return absl::OkStatus();
}

}  // namespace selftune::store
