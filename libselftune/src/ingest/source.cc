#include "ingest/source.h"

#include <memory>
#include <string>
#include <utility>

namespace selftune::ingest {

SourceFile Source::Describe(std::string path) const { return {.path = std::move(path)}; }

std::string Source::Identity(const std::string& path) const { return path; }

StatusOr<base::FileInfo> Source::Look(const SourceFile& file) const {
  return base::Stat(file.path);
}

StatusOr<std::unique_ptr<LineReader>> Source::Open(const ReaderOptions& options) const {
  return Fail(kInternal, "reading {}: it has no lines", options.file->path);
}

StatusOr<std::unique_ptr<StoreReader>> Source::OpenStore(const StoreOptions& options) const {
  return Fail(kInternal, "reading {}: it is no store of rows", options.file->path);
}

std::string Source::PromptHistory(const base::Environment&) const { return {}; }

StatusOr<std::vector<HostCount>> Source::CountedUses(const base::Environment&) const {
  return std::vector<HostCount>();
}

std::vector<PendingChange> Source::PendingChanges(const base::Environment&,
                                                  std::vector<std::string>&) const {
  return {};
}

HookRunsOf Source::hook_runs() const { return nullptr; }

StatusOr<std::unique_ptr<ByteStream>> Source::OpenBytes(const SourceFile& file,
                                                        uint64_t size) const {
  return OpenPlain(file.path, size);
}

}  // namespace selftune::ingest
