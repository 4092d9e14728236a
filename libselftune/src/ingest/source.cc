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

StatusOr<std::unique_ptr<ByteStream>> Source::OpenBytes(const SourceFile& file,
                                                        uint64_t size) const {
  return OpenPlain(file.path, size);
}

}  // namespace selftune::ingest
