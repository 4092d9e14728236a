// The transcripts of OpenClaw before July 2026: a file of lines a session.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "hosts/openclaw/session_info.h"
#include "ingest/source.h"

namespace selftune::hosts::openclaw {

// What sessions.json beside the transcripts says, by session id. Remembers the
// file that was read last: many transcripts lie beside one. Thread-safe.
class SessionIndex {
 public:
  using Entries = std::map<std::string, SessionInfo, std::less<>>;
  // Of the folder of `transcript`; empty when there is no such file or it is damaged.
  [[nodiscard]] std::shared_ptr<const Entries> Of(const std::string& transcript) const;
  // What it says of the session of `transcript`, as a digest (SourceFile::beside); "" =
  // nothing. Goes on when the text of the listing that it names is there.
  [[nodiscard]] std::string DigestOf(const std::string& transcript) const;
  // Why the file in `folder` tells nothing though it is there; "" = it does, or is not there.
  [[nodiscard]] std::string Damage(const std::string& folder) const;

 private:
  mutable std::mutex mutex_;
  mutable std::string path_;
  mutable uint64_t size_ = 0;
  mutable int64_t mtime_ns_ = 0;
  mutable std::shared_ptr<const Entries> entries_;
  mutable std::string damage_;
};

inline constexpr int kReaderVersion = 1;

[[nodiscard]] StatusOr<std::unique_ptr<ingest::LineReader>> OpenTranscript(
    const ingest::ReaderOptions& options, const SessionIndex& index);

}  // namespace selftune::hosts::openclaw
