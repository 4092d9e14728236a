// Zstandard frames as a host writes them.
#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <zstd.h>

namespace selftune::testing {

// One frame, without its size and a checksum unless asked for, as a stream
// writer makes it.
inline std::string ZstdFrame(std::string_view text, int level = 3, int window_log = 0,
                             bool checksum = false) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  REQUIRE(context != nullptr);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  if (window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // A writer that flushes now and then leaves several blocks.
  while (in.pos < text.size()) {
    REQUIRE(ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue)) == 0);
  }
  REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

}  // namespace selftune::testing
