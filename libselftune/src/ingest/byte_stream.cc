#include "ingest/byte_stream.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::ingest {
namespace {

class PlainBytes final : public ByteStream {
 public:
  PlainBytes(base::FileHandle file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= size_) return size_t{0};
    const auto want = static_cast<size_t>(std::min<uint64_t>(size, size_ - offset));
    return base::ReadAt(file_.fd(), offset, out, want, path_);
  }

 private:
  const base::FileHandle file_;
  const std::string path_;
  const uint64_t size_;
};

}  // namespace

StatusOr<std::unique_ptr<ByteStream>> OpenPlain(const std::string& path, uint64_t size) {
  ST_ASSIGN_OR_RETURN(base::FileHandle file, base::OpenRead(path));
  return std::unique_ptr<ByteStream>(std::make_unique<PlainBytes>(std::move(file), path, size));
}

}  // namespace selftune::ingest
