#include "hosts/common/zstd_bytes.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>

#include "base/status_macros.h"
#include "base/thrown.h"

namespace selftune::hosts {
namespace {

constexpr int kMaxWindowLog = 23;
constexpr uint64_t kFreeBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxRatio = 1000;
constexpr size_t kBlockHeader = 3;
constexpr uint64_t kLeastRoom = 4096;  // for what is read of the file at once

// Bytes that nobody needs to be zero.
struct Room {
  explicit Room(size_t bytes) : size(bytes), held(std::make_unique_for_overwrite<char[]>(bytes)) {}
  [[nodiscard]] char* data() const { return held.get(); }
  const size_t size;
  const std::unique_ptr<char[]> held;
};

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Context = std::unique_ptr<ZSTD_DCtx, FreeContext>;

class ZstdBytes final : public ingest::ByteStream {
 public:
  ZstdBytes(std::unique_ptr<ingest::ByteStream> packed, std::string path, uint64_t size,
            Context context)
      : packed_(std::move(packed)),
        path_(std::move(path)),
        size_(size),
        context_(std::move(context)),
        in_(std::clamp<uint64_t>(size, kLeastRoom, ZSTD_DStreamInSize())),
        out_(ZSTD_DStreamOutSize()) {}

  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset < produced_ - Ready()) {
      return Fail(kInternal, "reading {}: a compressed file is not read backwards", path_);
    }
    while (offset >= produced_) {
      ST_ASSIGN_OR_RETURN(const bool more, Expand());
      if (!more) return size_t{0};
    }
    out_begin_ = out_end_ - static_cast<size_t>(produced_ - offset);
    const size_t given = std::min(size, Ready());
    std::memcpy(out, out_.data() + out_begin_, given);
    out_begin_ += given;
    return given;
  }

  const ingest::Damage* damage() const override {
    return damage_.has_value() ? &*damage_ : nullptr;
  }

 private:
  [[nodiscard]] size_t Ready() const { return out_end_ - out_begin_; }
  [[nodiscard]] uint64_t Consumed() const { return fetched_ - (in_end_ - in_begin_); }

  // Replaces the block at hand by the next; false at the end or at damage.
  StatusOr<bool> Expand() {
    out_begin_ = out_end_ = 0;
    while (out_end_ == 0) {
      if (damage_.has_value()) return false;
      if (in_begin_ == in_end_) {
        ST_ASSIGN_OR_RETURN(const bool more, Fetch());
        if (!more) {
          if (in_frame_) Break("truncated", "the file ends inside a frame");
          return false;
        }
      }
      Step();
    }
    produced_ += out_end_;
    if (produced_ > kFreeBytes && produced_ > Consumed() * kMaxRatio) {
      Break("decompression", fmt::format("expands to more than {} times its size", kMaxRatio));
    }
    return true;
  }

  StatusOr<bool> Fetch() {
    ST_ASSIGN_OR_RETURN(const size_t got, packed_->ReadAt(fetched_, in_.data(), in_.size));
    fetched_ += got;
    in_begin_ = 0;
    in_end_ = got;
    return got > 0;
  }

  // Hands over no more than the piece that the decoder waits for: on an error
  // it forgets what the same call gave, so a call may hold one block only.
  void Step() {
    const size_t piece = wanted_ > kBlockHeader ? wanted_ - kBlockHeader : wanted_;
    const size_t size = std::min(std::max<size_t>(piece, 1), in_end_ - in_begin_);
    ZSTD_inBuffer in{in_.data() + in_begin_, size, 0};
    ZSTD_outBuffer out{out_.data(), out_.size, 0};
    const size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(result) != 0) {
      Break("decompression", ZSTD_getErrorName(result));
      return;
    }
    in_begin_ += in.pos;
    out_end_ = out.pos;
    in_frame_ = result != 0;
    wanted_ = in_frame_ ? result : kFrameStart;
  }

  void Break(std::string_view reason, std::string_view what) {
    damage_ = {
        .reason = reason,
        .detail = fmt::format("expanding {}: byte {} of {}: {}", path_, Consumed(), size_, what)};
  }

  static constexpr size_t kFrameStart = 5;  // magic number and descriptor

  const std::unique_ptr<ingest::ByteStream> packed_;
  const std::string path_;
  const uint64_t size_;
  const Context context_;
  const Room in_, out_;
  size_t in_begin_ = 0, in_end_ = 0;    // of the fetched bytes that wait
  size_t out_begin_ = 0, out_end_ = 0;  // of the expanded bytes that wait
  size_t wanted_ = kFrameStart;         // by the decoder
  bool in_frame_ = false;
  uint64_t fetched_ = 0;   // bytes read from the file
  uint64_t produced_ = 0;  // bytes expanded, those that wait included
  std::optional<ingest::Damage> damage_;
};

}  // namespace

StatusOr<std::unique_ptr<ingest::ByteStream>> OpenZstd(const std::string& path, uint64_t size) {
  ST_ASSIGN_OR_RETURN(std::unique_ptr<ingest::ByteStream> packed, ingest::OpenPlain(path, size));
  return OpenZstd(std::move(packed), path, size);
}

StatusOr<std::unique_ptr<ingest::ByteStream>> OpenZstd(std::unique_ptr<ingest::ByteStream> packed,
                                                       const std::string& name, uint64_t size) {
  Context context(ZSTD_createDCtx());
  if (context == nullptr || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax,
                                                                kMaxWindowLog)) != 0) {
    base::ThrowNoMemory();
  }
  return std::unique_ptr<ingest::ByteStream>(
      std::make_unique<ZstdBytes>(std::move(packed), name, size, std::move(context)));
}

}  // namespace selftune::hosts
