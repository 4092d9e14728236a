#include "hosts/common/zstd_text.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/thrown.h"

namespace selftune::hosts {
namespace {

struct FreeStream {
  void operator()(ZSTD_DCtx* stream) const { ZSTD_freeDCtx(stream); }
};

constexpr size_t kFirst = size_t{64} << 10;

}  // namespace

StatusOr<std::string> ExpandZstd(std::string_view bytes, size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, FreeStream> stream(ZSTD_createDCtx());
  if (stream == nullptr) base::ThrowNoMemory();
  std::string out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t used = 0;
  size_t left = 1;  // of the frame at hand; 0 = it is complete
  while (in.pos < in.size || left != 0) {
    if (used == out.size()) {
      if (used >= max_bytes) {
        return Fail(kStoreCorrupt, "expanding a compressed value: more than {} bytes", max_bytes);
      }
      out.resize(std::min(max_bytes, std::max(kFirst, used * 2)));
    }
    ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(left) != 0) {
      return Fail(kStoreCorrupt, "expanding a compressed value: {}", ZSTD_getErrorName(left));
    }
    used += to.pos;
    if (to.pos == 0 && in.pos == before && left != 0) {
      return Fail(kStoreCorrupt, "expanding a compressed value: it is cut off");
    }
  }
  out.resize(used);
  return out;
}

}  // namespace selftune::hosts
