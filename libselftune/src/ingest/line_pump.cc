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
#include "ingest/long_line.h"

namespace selftune::ingest {
namespace {

constexpr size_t kPadding = 64;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // left by some editors
constexpr size_t kOrdinaryCapacity = size_t{2} << 20;
constexpr size_t kMarkBytes = 4;  // of a parser for each token
constexpr std::string_view kTooLong = "too_long";

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
    out.pending = Used() + skipped_;
    ST_RETURN_IF_ERROR(flush_(std::move(batch_), cursor_));
    return out;
  }

 private:
  // Bytes of the stream that the buffered ones stand for.
  [[nodiscard]] uint64_t Used() const { return used_ + long_line_.removed(); }

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
                        bytes_.ReadAt(cursor_.offset + Used(), data + used_, options_.chunk_bytes));
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
        return HandlePart();
      }
      const auto length = static_cast<size_t>(newline - data);
      if (skipping_) {
        EndSkip(length + 1);
      } else if (length + long_line_.removed() > options_.max_line_bytes) {
        AddBad(kTooLong, {data, length});
        Advance(length + 1);
      } else {
        ST_RETURN_IF_ERROR(HandleLine(Held(length)));
        Advance(length + 1);
      }
      if (batch_.row_count() >= options_.max_rows) {
        ST_RETURN_IF_ERROR(flush_(std::exchange(batch_, Batch()), cursor_));
      }
      if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
    }
    return absl::OkStatus();
  }

  // A line whose end is not here yet.
  Status HandlePart() {
    if (skipping_ || Used() > options_.max_line_bytes) return SkipStart(kTooLong);
    if (used_ > options_.whole_line_bytes) {
      used_ = long_line_.Squeeze(buffer_.data() + begin_, used_);
      if (!long_line_.may_be_object()) {
        return SkipStart(ReasonFor(WithoutPart({buffer_.data() + begin_, used_})));
      }
      if (used_ + kMarkBytes * long_line_.tokens() > options_.max_held_bytes) {
        return SkipStart(kTooLong);
      }
    }
    searched_ = used_;
    return absl::OkStatus();
  }

  // The line whose first bytes are buffered, without the middles of its strings
  // when it is long.
  std::string_view Held(size_t length) {
    char* const data = buffer_.data() + begin_;
    if (length + long_line_.removed() <= options_.whole_line_bytes) return {data, length};
    LongLine whole = long_line_;  // which goes on counting what is not in the buffer
    return {data, whole.Squeeze(data, length)};
  }

  Status HandleLine(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (cursor_.offset == 0 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
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

  // Without the bytes of a character that may go on.
  static std::string_view WithoutPart(std::string_view text) {
    constexpr size_t kLongestPart = 3;
    constexpr unsigned char kFirstOfMany = 0xC0;
    for (size_t back = 1; back <= std::min(kLongestPart, text.size()); ++back) {
      const auto byte = static_cast<unsigned char>(text[text.size() - back]);
      if (byte >= kFirstOfMany) return text.substr(0, text.size() - back);
    }
    return text;
  }

  void AddBad(std::string_view reason, std::string_view text) {
    batch_.bad_lines.push_back(
        {cursor_.offset, cursor_.line_no + 1, std::string(reason), Excerpt(text)});
  }

  // A line above the limit, or one that is no record whatever follows, is dropped as
  // it is read, so memory stays bounded; the cursor stays at its begin until its end
  // is seen.
  Status SkipStart(std::string_view reason) {
    if (!skipping_) {
      skipping_ = true;
      skip_reason_ = reason;
      excerpt_.assign(buffer_.data() + begin_, std::min(used_, kExcerptBytes));
    }
    skipped_ += Used();
    begin_ = 0;
    cursor_.offset += Used();  // position of the next read; restored by EndSkip
    used_ = searched_ = 0;
    long_line_.Reset();
    return absl::OkStatus();
  }

  void EndSkip(size_t consumed) {
    const bool too_long = skipped_ + consumed - 1 > options_.max_line_bytes;
    cursor_.offset -= skipped_;
    AddBad(too_long ? kTooLong : skip_reason_, excerpt_);
    cursor_.offset += skipped_;
    skipping_ = false;
    skipped_ = 0;
    Advance(consumed);
  }

  void Advance(size_t bytes) {
    begin_ += bytes;
    used_ -= bytes;
    searched_ = 0;
    cursor_.offset += bytes + long_line_.removed();
    long_line_.Reset();
    ++cursor_.line_no;
  }

  // What stands behind the last line end: usually a line being written.
  Status HandleTail() {
    if (skipping_) {  // an endless line: try again when it has grown
      cursor_.offset -= skipped_;
      return absl::OkStatus();
    }
    if (used_ == 0 || !options_.accept_tail) return absl::OkStatus();
    const std::string_view text = Held(used_);
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
    if (Used() > 0) Advance(used_);
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
  LongLine long_line_;   // the first of them, when they are a part of one
  bool skipping_ = false;
  std::string_view skip_reason_;
  uint64_t skipped_ = 0;
  std::string excerpt_;
};

}  // namespace

// Room for ordinary lines at once: a parser that grows with each longer line leaves
// holes behind, and what is not used of it costs no memory.
PumpBuffer::PumpBuffer() { parser_.Reserve(kOrdinaryCapacity); }

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
  parser_.Reserve(kOrdinaryCapacity);
}

StatusOr<Pumped> PumpLines(ByteStream& bytes, const PumpOptions& options, LineReader& reader,
                           PumpBuffer& buffer, FlushFn flush) {
  return Pump(bytes, options, reader, buffer, flush).Run();
}

}  // namespace selftune::ingest
