#include "hosts/common/json_document.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::hosts {
namespace {

constexpr size_t kChunk = size_t{256} << 10;
constexpr std::string_view kWrapOpen = "{\"items\":";
constexpr std::string_view kWrapClose = "}";

// Is the text whole, as far as its brackets and strings tell?
class Balance {
 public:
  void Add(std::string_view text) {
    for (const char c : text) {
      if (in_string_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"') {
          in_string_ = false;
        }
        continue;
      }
      if (first_ == 0 && c > ' ') first_ = c;
      if (c == '"') in_string_ = true;
      if (c == '{' || c == '[') ++depth_;
      if (c == '}' || c == ']') --depth_;
    }
  }
  [[nodiscard]] bool whole() const { return !in_string_ && depth_ == 0 && first_ != 0; }
  [[nodiscard]] char first() const { return first_; }

 private:
  bool in_string_ = false, escaped_ = false;
  int64_t depth_ = 0;
  char first_ = 0;
};

struct Document {
  std::string path;
  base::FileHandle file;
  uint64_t size = 0;
  bool wrapped = false;

  // Bytes of the line, its end included.
  [[nodiscard]] uint64_t length() const {
    const uint64_t around = wrapped ? kWrapOpen.size() + kWrapClose.size() : 0;
    return size + around + 1;
  }
};

class Documents final : public ingest::ByteStream {
 public:
  explicit Documents(std::vector<Document> documents) : documents_(std::move(documents)) {}

  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    for (const Document& document : documents_) {
      if (offset < document.length()) return ReadLine(document, offset, out, size);
      offset -= document.length();
    }
    return size_t{0};
  }

 private:
  static size_t Copy(std::string_view from, uint64_t offset, char* out, size_t size) {
    const size_t count = std::min(size, from.size() - static_cast<size_t>(offset));
    std::memcpy(out, from.data() + offset, count);
    return count;
  }

  static StatusOr<size_t> ReadLine(const Document& document, uint64_t offset, char* out,
                                   size_t size) {
    if (document.wrapped) {
      if (offset < kWrapOpen.size()) return Copy(kWrapOpen, offset, out, size);
      offset -= kWrapOpen.size();
    }
    if (offset >= document.size) {
      const std::string_view end = document.wrapped ? std::string_view("}\n") : "\n";
      return Copy(end, offset - document.size, out, size);
    }
    const auto want = static_cast<size_t>(std::min<uint64_t>(size, document.size - offset));
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(document.file.fd(), offset, out, want, document.path));
    if (got == 0)
      return Fail(kFileUnreadable, "{}: it became shorter while it was read", document.path);
    std::replace(out, out + got, '\n', ' ');
    return got;
  }

  std::vector<Document> documents_;
};

StatusOr<Document> Open(std::string path) {
  Document document;
  document.path = std::move(path);
  auto file = base::OpenRead(document.path);
  if (!file.ok()) {
    if (CodeOf(file.status()).name == kFileNotFound.name) return document;
    return file.status();
  }
  document.file = *std::move(file);
  Balance balance;
  std::string chunk(kChunk, '\0');
  while (true) {
    ST_ASSIGN_OR_RETURN(const size_t got, base::ReadAt(document.file.fd(), document.size,
                                                       chunk.data(), kChunk, document.path));
    if (got == 0) break;
    balance.Add(std::string_view(chunk).substr(0, got));
    document.size += got;
  }
  if (!balance.whole()) {
    return Fail(kFileUnreadable, "{}: the document is not whole; it is read at the next sync",
                document.path);
  }
  document.wrapped = balance.first() != '{';
  return document;
}

}  // namespace

StatusOr<std::unique_ptr<ingest::ByteStream>> OpenDocuments(std::vector<std::string> paths) {
  std::vector<Document> documents;
  for (std::string& path : paths) {
    ST_ASSIGN_OR_RETURN(Document document, Open(std::move(path)));
    documents.push_back(std::move(document));
  }
  return std::unique_ptr<ingest::ByteStream>(std::make_unique<Documents>(std::move(documents)));
}

}  // namespace selftune::hosts
