#include "ingest/line_pump.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "base/thrown.h"
#include "base/utf8.h"

namespace selftune::ingest {
namespace {

constexpr size_t kPadding = 64;
constexpr size_t kOrdinaryCapacity = size_t{4} << 20;

// One stream on its way through a reader.
class Pump {
 public:
  Pump(ByteStream& bytes, const PumpOptions& options, LineReader& reader, PumpBuffer& buffer,
       FlushFn flush)
      : bytes_(bytes),
        options_(options),
        reader_(reader),
        buffer_(buffer),
        flush_(flush),
        cursor_(options.start) {}

  StatusOr<Pumped> Run() {
    while (true) {
      if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
      ST_ASSIGN_OR_RETURN(const bool more, Fill());
      ST_RETURN_IF_ERROR(HandleCompleteLines());
      if (!more) break;
    }
    Pumped out;
    if (const Damage* damage = bytes_.damage(); damage != nullptr) {
      out.damage = damage->detail;
      HandleDamage(damage->reason);
    } else {
      ST_RETURN_IF_ERROR(HandleTail());
    }
    out.pending = used_ + skipped_;
    ST_RETURN_IF_ERROR(flush_(std::move(batch_), cursor_));
    return out;
  }

 private:
  // Reads the next chunk behind what is buffered; false at the end.
  StatusOr<bool> Fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, used_);
      begin_ = 0;
    }
    buffer_.Shrink(used_ + options_.chunk_bytes);
    // No line grows beyond the limit, so neither does the buffer.
    const size_t most = options_.max_line_bytes + options_.chunk_bytes;
    char* data = buffer_.Reserve(used_ + options_.chunk_bytes, most);
    ST_ASSIGN_OR_RETURN(const size_t got,
                        bytes_.ReadAt(cursor_.offset + used_, data + used_, options_.chunk_bytes));
    used_ += got;
    return got > 0;
  }

  Status HandleCompleteLines() {
    while (used_ > 0) {
      const char* data = buffer_.data() + begin_;
      const char* from = data + std::min(searched_, used_);
      const auto* newline =
          static_cast<const char*>(std::memchr(from, '\n', used_ - (from - data)));
      if (newline == nullptr) {
        searched_ = used_;
        return skipping_ || used_ > options_.max_line_bytes ? SkipStart() : absl::OkStatus();
      }
      const auto length = static_cast<size_t>(newline - data);
      if (skipping_) {
        EndSkip(length + 1);
      } else if (length > options_.max_line_bytes) {
        AddBad("too_long", {data, length});
        Advance(length + 1);
      } else {
        ST_RETURN_IF_ERROR(HandleLine({data, length}));
        Advance(length + 1);
      }
      if (batch_.row_count() >= options_.max_rows) {
        ST_RETURN_IF_ERROR(flush_(std::exchange(batch_, Batch()), cursor_));
      }
      if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
    }
    return absl::OkStatus();
  }

  Status HandleLine(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (IsBlank(text)) return absl::OkStatus();
    const Line line{text, cursor_.offset, cursor_.line_no + 1};
    const Status status = reader_.ReadLine(line, buffer_.parser(), batch_);
    if (!status.ok()) AddBad(ReasonFor(text), text);
    return absl::OkStatus();
  }

  static bool IsBlank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
  }

  static std::string_view ReasonFor(std::string_view text) {
    if (!base::IsValidUtf8(text)) return "not_utf8";
    const size_t first = text.find_first_not_of(" \t");
    return text[first] == '{' ? "not_json" : "wrong_shape";
  }

  void AddBad(std::string_view reason, std::string_view text) {
    batch_.bad_lines.push_back(
        {cursor_.offset, cursor_.line_no + 1, std::string(reason), Excerpt(text)});
  }

  // A line above the limit is dropped as it is read, so memory stays bounded;
  // the cursor stays at its begin until its end is seen.
  Status SkipStart() {
    if (!skipping_) {
      skipping_ = true;
      excerpt_.assign(buffer_.data() + begin_, std::min(used_, kExcerptBytes));
    }
    skipped_ += used_;
    begin_ = 0;
    cursor_.offset += used_;  // position of the next read; restored by EndSkip
    used_ = searched_ = 0;
    return absl::OkStatus();
  }

  void EndSkip(size_t consumed) {
    cursor_.offset -= skipped_;
    AddBad("too_long", excerpt_);
    cursor_.offset += skipped_;
    skipping_ = false;
    skipped_ = 0;
    Advance(consumed);
  }

  void Advance(size_t bytes) {
    begin_ += bytes;
    used_ -= bytes;
    searched_ = 0;
    cursor_.offset += bytes;
    ++cursor_.line_no;
  }

  // What stands behind the last line end: usually a line being written.
  Status HandleTail() {
    if (skipping_) {  // an endless line: try again when it has grown
      cursor_.offset -= skipped_;
      return absl::OkStatus();
    }
    if (used_ == 0 || !options_.accept_tail) return absl::OkStatus();
    const std::string_view text(buffer_.data() + begin_, used_);
    if (IsBlank(text)) return absl::OkStatus();
    const Line line{text, cursor_.offset, cursor_.line_no + 1};
    if (reader_.ReadLine(line, buffer_.parser(), batch_).ok()) Advance(used_);
    return absl::OkStatus();
  }

  // A line cut off by damage is one that nobody will ever complete.
  void HandleDamage(std::string_view reason) {
    if (skipping_) {
      cursor_.offset -= skipped_;
      AddBad(reason, excerpt_);
      cursor_.offset += skipped_;
      skipping_ = false;
      skipped_ = 0;
    } else {
      AddBad(reason, {buffer_.data() + begin_, used_});
    }
    if (used_ > 0) Advance(used_);
  }

  ByteStream& bytes_;
  const PumpOptions& options_;
  LineReader& reader_;
  PumpBuffer& buffer_;
  FlushFn flush_;
  Batch batch_;
  Cursor cursor_;
  size_t begin_ = 0;     // of the unread bytes in the buffer
  size_t used_ = 0;      // their number
  size_t searched_ = 0;  // of them known to hold no line end
  bool skipping_ = false;
  uint64_t skipped_ = 0;
  std::string excerpt_;
};

}  // namespace

void PumpBuffer::Resize(size_t capacity) {
  // Uninitialised, because zero-filling would cost more than reading; and large
  // ones are moved by the kernel, where a copy would need both at once.
  void* moved = std::realloc(data_.get(), capacity + kPadding);
  if (moved == nullptr) base::ThrowNoMemory();
  static_cast<void>(data_.release());
  data_.reset(static_cast<char*>(moved));
  capacity_ = capacity;
}

char* PumpBuffer::Reserve(size_t bytes, size_t most) {
  if (bytes > capacity_) Resize(std::max(bytes, std::min(capacity_ * 2, most)));
  return data_.get();
}

void PumpBuffer::Shrink(size_t bytes) {
  if (capacity_ <= kOrdinaryCapacity || bytes > kOrdinaryCapacity) return;
  Resize(kOrdinaryCapacity);
  parser_ = base::LineParser();
}

StatusOr<Pumped> PumpLines(ByteStream& bytes, const PumpOptions& options, LineReader& reader,
                           PumpBuffer& buffer, FlushFn flush) {
  return Pump(bytes, options, reader, buffer, flush).Run();
}

}  // namespace selftune::ingest
