#include "store/page_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

using internal::AnyValue;

// https://www.sqlite.org/fileformat2.html
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr size_t kHeaderSize = 100;
constexpr size_t kLogHeader = 32, kFrameHeader = 24;
constexpr uint32_t kLogMagic = 0x377f0682;
constexpr uint8_t kInnerIndex = 2, kInnerTable = 5, kLeafIndex = 10, kLeafTable = 13;
constexpr uint64_t kMaxPayload = uint64_t{1} << 30;

uint64_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

uint32_t Word(std::string_view bytes, size_t at) {
  return static_cast<uint32_t>(BigEndian(bytes, at, 4));
}

// Moves `at` behind the number; false when the text ends in it.
bool Varint(std::string_view bytes, size_t& at, uint64_t& value) {
  value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= bytes.size()) return false;
    const auto byte = static_cast<uint8_t>(bytes[at++]);
    if (i == 8) {
      value = value << 8 | byte;
      return true;
    }
    value = value << 7 | (byte & 0x7fU);
    if (byte < 0x80) return true;
  }
  return true;
}

bool IsPageSize(uint64_t size) { return size >= 512 && size <= 65536 && std::has_single_bit(size); }

// The running checksum of a log.
class LogSum {
 public:
  explicit LogSum(bool big_endian) : big_endian_(big_endian) {}
  void Add(std::string_view bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a_ += Value(bytes, at) + b_;
      b_ += Value(bytes, at + 4) + a_;
    }
  }
  [[nodiscard]] bool Is(std::string_view bytes, size_t at) const {
    return Word(bytes, at) == a_ && Word(bytes, at + 4) == b_;
  }

 private:
  [[nodiscard]] uint32_t Value(std::string_view bytes, size_t at) const {
    const uint32_t big = Word(bytes, at);
    return big_endian_ ? big : __builtin_bswap32(big);
  }
  bool big_endian_;
  uint32_t a_ = 0, b_ = 0;
};

// One byte over and over, the number of the next page as well.
bool IsWiped(std::string_view page) {
  return page.find_first_not_of(page.front()) == std::string_view::npos;
}

size_t SizeOf(uint64_t serial) {
  constexpr size_t kSizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return serial < 12 ? kSizes[serial] : static_cast<size_t>((serial - 12) / 2);
}

int64_t Signed(uint64_t value, size_t size) {
  if (size == 0) return 0;
  const auto shift = 64 - 8 * size;
  return static_cast<int64_t>(value << shift) >> shift;
}

AnyValue ValueOf(std::string_view payload, size_t at, uint64_t serial) {
  const size_t size = SizeOf(serial);
  if (serial == 0) return {};
  if (serial == 7) {
    return {.type = AnyValue::Type::kReal,
            .real = std::bit_cast<double>(BigEndian(payload, at, 8)),
            .bytes = {}};
  }
  if (serial < 12) {
    const int64_t value =
        serial >= 8 ? static_cast<int64_t>(serial - 8) : Signed(BigEndian(payload, at, size), size);
    return {.type = AnyValue::Type::kInt, .integer = value, .bytes = {}};
  }
  return {.type = serial % 2 == 0 ? AnyValue::Type::kBlob : AnyValue::Type::kText,
          .bytes = std::string(payload.substr(at, size))};
}

}  // namespace

StatusOr<PageFile> PageFile::Open(const std::string& path) {
  PageFile out;
  out.path_ = path;
  out.log_path_ = path + "-wal";
  std::string head(kHeaderSize, '\0');
  size_t got = 0;
  if (base::Exists(path)) {  // else there is only a log
    ST_ASSIGN_OR_RETURN(out.file_, base::OpenRead(path));
    ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(path));
    out.size_ = info.size;
    ST_ASSIGN_OR_RETURN(got, base::ReadAt(out.file_.fd(), 0, head.data(), head.size(), path));
  }
  const uint64_t stored = BigEndian(head, 16, 2);
  const uint64_t size = stored == 1 ? 65536 : stored;
  if (got == kHeaderSize && head.starts_with(kMagic) && IsPageSize(size)) {
    out.page_size_ = static_cast<uint32_t>(size);
  }
  if (base::Exists(out.log_path_)) ST_RETURN_IF_ERROR(out.ReadLog());
  ST_RETURN_IF_ERROR(out.TakeHeader());
  return out;
}

// The header as the newest commit left it.
Status PageFile::TakeHeader() {
  page_count_ = static_cast<uint32_t>((size_ + page_size_ - 1) / page_size_);
  for (const auto& [number, at] : logged_) page_count_ = std::max(page_count_, number);
  usable_ = page_size_;
  std::string page;
  ST_ASSIGN_OR_RETURN(const bool found, Read(1, page));
  if (!found) return absl::OkStatus();
  header_ = page.substr(0, kHeaderSize);
  has_header_ = header_.starts_with(kMagic);
  const auto reserved = static_cast<uint8_t>(header_[20]);
  if (has_header_ && reserved < page_size_ - 480) usable_ = page_size_ - reserved;
  return absl::OkStatus();
}

Status PageFile::ReadLog() {
  ST_ASSIGN_OR_RETURN(log_, base::OpenRead(log_path_));
  std::string head(kLogHeader, '\0');
  ST_ASSIGN_OR_RETURN(const size_t got,
                      base::ReadAt(log_.fd(), 0, head.data(), head.size(), log_path_));
  if (got == 0) return absl::OkStatus();
  const bool known =
      got == kLogHeader && (Word(head, 0) & ~1U) == kLogMagic && IsPageSize(Word(head, 8));
  LogSum sum(known && (Word(head, 0) & 1U) != 0);
  if (known) sum.Add(std::string_view(head).substr(0, 24));
  if (!known || !sum.Is(head, 24)) {
    ST_ASSIGN_OR_RETURN(const base::FileInfo log, base::Stat(log_path_));
    lost_frames_ = static_cast<int64_t>(log.size / (page_size_ + kFrameHeader));
    return absl::OkStatus();
  }
  page_size_ = Word(head, 8);
  std::unordered_map<uint32_t, uint64_t> open;  // of the transaction being read
  std::string frame(kFrameHeader + page_size_, '\0');
  int64_t bad = 0;
  for (uint64_t at = kLogHeader;; at += frame.size()) {
    ST_ASSIGN_OR_RETURN(const size_t n,
                        base::ReadAt(log_.fd(), at, frame.data(), frame.size(), log_path_));
    if (n < frame.size()) break;
    const bool same_log = frame.compare(8, 8, head, 16, 8) == 0;
    sum.Add(std::string_view(frame).substr(0, 8));
    sum.Add(std::string_view(frame).substr(kFrameHeader));
    if (bad > 0 || !same_log || !sum.Is(frame, 16)) {
      // Commits behind a broken frame are lost; without any it is what a crash leaves.
      ++bad;
      if (same_log && Word(frame, 4) != 0) lost_frames_ = bad;
      continue;
    }
    open[Word(frame, 0)] = at + kFrameHeader;
    if (Word(frame, 4) == 0) continue;
    for (const auto& [number, where] : open) logged_[number] = where;
    open.clear();
  }
  return absl::OkStatus();
}

StatusOr<bool> PageFile::Read(uint32_t number, std::string& page) const {
  if (number == 0) return false;
  page.resize(page_size_);
  const auto logged = logged_.find(number);
  const bool in_log = logged != logged_.end();
  if (!in_log && !file_.valid()) return false;
  const uint64_t at = in_log ? logged->second : uint64_t{number - 1} * page_size_;
  ST_ASSIGN_OR_RETURN(const size_t got,
                      base::ReadAt(in_log ? log_.fd() : file_.fd(), at, page.data(), page.size(),
                                   in_log ? log_path_ : path_));
  return got == page.size();
}

std::optional<std::vector<AnyValue>> ParseRecord(std::string_view payload) {
  size_t at = 0;
  uint64_t header = 0;
  if (!Varint(payload, at, header) || header > payload.size() || header < at) return std::nullopt;
  size_t body = header;
  std::vector<AnyValue> out;
  while (at < header) {
    uint64_t serial = 0;
    if (!Varint(payload.substr(0, header), at, serial)) return std::nullopt;
    if (serial == 10 || serial == 11 || serial > 2 * kMaxPayload) return std::nullopt;
    const size_t size = SizeOf(serial);
    if (size > payload.size() - body) return std::nullopt;
    out.push_back(ValueOf(payload, body, serial));
    body += size;
  }
  if (body != payload.size() || out.empty()) return std::nullopt;
  return out;
}

StatusOr<bool> PageDecoder::Payload(std::string_view page, size_t at, uint64_t size, bool index,
                                    std::string& out) {
  const uint64_t usable = file_.usable();
  const uint64_t most = index ? (usable - 12) * 64 / 255 - 23 : usable - 35;
  const uint64_t least = (usable - 12) * 32 / 255 - 23;
  uint64_t local = size;
  if (size > most) {
    const uint64_t rest = least + (size - least) % (usable - 4);
    local = rest <= most ? rest : least;
  }
  if (size > kMaxPayload || at + local + (local < size ? 4 : 0) > page.size()) return false;
  out.assign(page.substr(at, local));
  uint32_t next = local < size ? Word(page, at + local) : 0;
  while (out.size() < size) {
    if (next < 2 || next > file_.page_count()) return false;
    ST_ASSIGN_OR_RETURN(const bool found, file_.Read(next, next_));
    if (!found || IsWiped(next_)) return false;
    overflow_.push_back(next);
    if (overflow_.size() > file_.page_count()) return false;  // they go round
    out.append(next_, 4, std::min<uint64_t>(size - out.size(), usable - 4));
    next = Word(next_, 0);
  }
  return true;
}

StatusOr<bool> PageDecoder::Cell(std::string_view page, size_t at, const TreePage& kind,
                                 TreeCell& cell) {
  if (kind.inner) {
    if (at + 4 > page.size()) return false;
    cell.left_child = Word(page, at);
    at += 4;
    if (!kind.index) return true;  // only a key to find the child by
  }
  uint64_t size = 0, rowid = 0;
  if (!Varint(page, at, size)) return false;
  if (!kind.index && !Varint(page, at, rowid)) return false;
  cell.rowid = static_cast<int64_t>(rowid);
  std::string payload;
  ST_ASSIGN_OR_RETURN(const bool whole, Payload(page, at, size, kind.index, payload));
  if (!whole) return false;
  auto record = ParseRecord(payload);
  if (!record.has_value()) return false;
  cell.has_record = true;
  cell.record = *std::move(record);
  return true;
}

StatusOr<std::optional<TreePage>> PageDecoder::Decode(uint32_t number) {
  overflow_.clear();
  ST_ASSIGN_OR_RETURN(const bool found, file_.Read(number, page_));
  if (!found) return std::nullopt;
  const size_t head = number == 1 ? kHeaderSize : 0;
  const auto type = static_cast<uint8_t>(page_[head]);
  TreePage out;
  out.inner = type == kInnerIndex || type == kInnerTable;
  out.index = type == kInnerIndex || type == kLeafIndex;
  if (!out.inner && !out.index && type != kLeafTable) return std::nullopt;
  const uint64_t cells = BigEndian(page_, head + 3, 2);
  const size_t pointers = head + (out.inner ? 12 : 8);
  if (pointers + 2 * cells > file_.usable()) return std::nullopt;
  if (out.inner) out.right_child = Word(page_, head + 8);
  const std::string_view page = std::string_view(page_).substr(0, file_.usable());
  for (uint64_t i = 0; i < cells; ++i) {
    const auto at = static_cast<size_t>(BigEndian(page, pointers + 2 * i, 2));
    TreeCell cell;
    ST_ASSIGN_OR_RETURN(const bool good, at < pointers + 2 * cells ? StatusOr<bool>(false)
                                                                   : Cell(page, at, out, cell));
    // The child of a broken entry may be whole.
    if (good || cell.left_child != 0) out.cells.push_back(std::move(cell));
    if (!good) ++out.bad_cells;
  }
  return out;
}

}  // namespace selftune::store
