#include "upstream/source_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/db.h"

namespace selftune::upstream {
namespace {

constexpr size_t kChunk = size_t{1} << 20;
constexpr int kTries = 20;
// Time stamps of files move in steps of a few milliseconds.
constexpr auto kSettled = std::chrono::milliseconds(25);
constexpr size_t kLogHead = 32;
constexpr size_t kHeader = 100;
constexpr size_t kMarkAt = 68;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr int kMostReferences = 100;

// The beginning of a file, "" when there is none.
std::string Head(const std::string& path, size_t size) {
  const auto file = base::OpenRead(path);
  if (!file.ok()) return {};
  std::string head(size, '\0');
  const auto got = base::ReadAt(file->fd(), 0, head.data(), size, path);
  head.resize(got.ok() ? *got : 0);
  return head;
}

std::string StampOfFile(const std::string& path) {
  const auto info = base::Stat(path);
  if (!info.ok()) return "-";
  return fmt::format("{}:{}:{}:{}", info->dev, info->inode, info->size, info->mtime_ns);
}

Status CopyFile(const std::string& from, const std::string& to, const base::Cancel* cancel) {
  ST_ASSIGN_OR_RETURN(const base::FileHandle in, base::OpenRead(from));
  const base::FileHandle out(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!out.valid()) return Fail(kWriteFailed, "making {}: {}", to, std::strerror(errno));
  std::string chunk(kChunk, '\0');
  for (uint64_t at = 0;;) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(in.fd(), at, chunk.data(), chunk.size(), from));
    if (got == 0) return absl::OkStatus();
    ST_RETURN_IF_ERROR(base::WriteAll(out.fd(), std::string_view(chunk.data(), got), to));
    at += got;
  }
}

// The parts that a database may consist of; the index of a log is made anew.
constexpr std::string_view kParts[] = {"", "-wal", "-journal"};

// What may grow while the copy holds together: the log behind what was copied.
std::string Fixed(const std::string& path) {
  return StampOfFile(path) + "|" + StampOfFile(path + "-journal") + "|" +
         base::Hex(Head(path + "-wal", kLogHead));
}

}  // namespace

StatusOr<SourceStamp> StampOf(const std::string& path) {
  ST_RETURN_IF_ERROR(base::Stat(path).status());
  std::string text;
  for (const std::string_view part : kParts) text += StampOfFile(path + std::string(part)) + "|";
  return SourceStamp{std::move(text)};
}

namespace {

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out = (out << 8) | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

// The newest first page in the log of a database, whose mark has not reached the file
// itself yet; "" when there is none.
std::string FirstPageInLog(const std::string& path) {
  constexpr size_t kFrameHead = 24;
  constexpr int kMostFrames = 100'000;
  const std::string head = Head(path + "-wal", kLogHead);
  const auto log = base::OpenRead(path + "-wal");
  if (head.size() < kLogHead || !log.ok()) return {};
  const uint32_t page_size = BigEndian(head, 8);
  std::string frame(kFrameHead + kHeader, '\0'), found, waiting;
  uint64_t at = kLogHead;
  for (int i = 0; i < kMostFrames; ++i, at += kFrameHead + page_size) {
    const auto got = base::ReadAt(log->fd(), at, frame.data(), frame.size(), path);
    if (!got.ok() || *got < frame.size()) break;
    // Frames of a former round have another salt.
    if (std::string_view(frame).substr(8, 8) != std::string_view(head).substr(16, 8)) break;
    if (BigEndian(frame, 0) == 1) waiting = frame.substr(kFrameHead);
    if (BigEndian(frame, 4) != 0 && !waiting.empty()) found = waiting;  // committed
  }
  return found;
}

}  // namespace

StatusOr<bool> IsForeignDatabase(const std::string& path) {
  ST_RETURN_IF_ERROR(base::OpenRead(path).status());
  const std::string head = Head(path, kHeader);
  if (head.size() < kHeader || !head.starts_with(kMagic)) return false;
  const std::string newer = FirstPageInLog(path);
  const uint32_t mark = BigEndian(newer.empty() ? head : newer, kMarkAt);
  return mark != static_cast<uint32_t>(store::kApplicationId);
}

bool IsOpenElsewhere(const std::string& path) {
  // Who has a database with a log open holds this byte of its index.
  constexpr off_t kAliveByte = 128;
  const std::string index = path + "-shm";
  const base::FileHandle file(::open(index.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kAliveByte;
  lock.l_len = 1;
  return ::fcntl(file.fd(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::vector<std::string> FindDatabases(const base::Environment& env,
                                       const std::string& store_path) {
  std::vector<std::string> places = {store_path, store_path + ".reference"};
  for (int i = 2; i <= kMostReferences; ++i) {
    std::string more = fmt::format("{}.reference-{}", store_path, i);
    if (!base::Exists(more)) break;
    places.push_back(std::move(more));
  }
  // There its own variables put it.
  if (const auto home = env.Get("SELFTUNE_HOME")) {
    places.push_back(base::JoinPath(*home, ".selftune/selftune.db"));
  }
  if (const auto config = env.Get("SELFTUNE_CONFIG_DIR")) {
    places.push_back(base::JoinPath(*config, "selftune.db"));
  }
  std::vector<std::string> out;
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  for (const std::string& place : places) {
    const auto foreign = IsForeignDatabase(place);
    const auto info = base::Stat(place);
    if (!foreign.ok() || !*foreign || !info.ok()) continue;
    const std::pair file(info->dev, info->inode);
    std::string path = base::RealPath(place).value_or(place);
    const auto known = std::ranges::find(seen, file);
    if (known == seen.end()) {
      seen.push_back(file);
      out.push_back(std::move(path));
    } else if (base::Exists(path + "-wal")) {
      // Two names in the middle of a change of places: the log is beside one of them.
      out[static_cast<size_t>(known - seen.begin())] = std::move(path);
    }
  }
  return out;
}

StatusOr<SourceStamp> CopyDatabase(const std::string& path, const std::string& to,
                                   const base::Cancel* cancel) {
  for (int i = 0; i < kTries; ++i) {
    ST_ASSIGN_OR_RETURN(SourceStamp stamp, StampOf(path));
    const std::string before = Fixed(path);
    std::this_thread::sleep_for(kSettled);
    if (Fixed(path) != before) continue;
    for (const std::string_view part : kParts) {
      const std::string from = path + std::string(part), into = to + std::string(part);
      ST_RETURN_IF_ERROR(base::RemoveFile(into));
      if (part.empty() || base::Exists(from)) ST_RETURN_IF_ERROR(CopyFile(from, into, cancel));
    }
    if (Fixed(path) == before) return stamp;
  }
  return WithSuggestion(Fail(kStoreBusy, "copying {}: its program writes to it all the time", path),
                        "end the reference's programs (its dashboard, its timers) and try again",
                        "");
}

}  // namespace selftune::upstream
