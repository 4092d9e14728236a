#include "hosts/gemini/source.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/common/folders.h"
#include "hosts/common/json_document.h"
#include "hosts/gemini/project.h"
#include "hosts/gemini/reader.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kLines = ".jsonl", kDocument = ".json";

std::string TempFolder(const base::Environment& env) {
  const std::string config = ConfigDir(kGeminiRow, env);
  return config.empty() ? config : base::JoinPath(config, "tmp");
}

// Old releases keep a session as one document, which they write anew.
ingest::SourceFile DescribeFile(std::string path) {
  const bool document = path.ends_with(kDocument);
  return {.path = std::move(path),
          .kind = document ? "json" : "transcript",
          .replaced_whole = document};
}

// `chats/session-*.jsonl`, and `chats/<session>/<agent>.jsonl` of subagents.
void AddChats(const std::string& chats, std::string_view prefix, int depth,
              std::vector<ingest::SourceFile>& files, std::vector<std::string>& problems) {
  for (const base::DirEntry& entry : EntriesOf(chats, problems)) {
    const std::string path = base::JoinPath(chats, entry.name);
    const bool named = entry.name.starts_with(prefix);
    if (entry.maybe_file && named && entry.name.ends_with(kLines)) {
      files.push_back(DescribeFile(path));
    } else if (entry.maybe_file && named && entry.name.ends_with(kDocument)) {
      // A session that was resumed goes on in the new form, which holds all of it.
      if (!base::Exists(path + "l")) files.push_back(DescribeFile(path));
    } else if (entry.maybe_dir && depth == 0) {
      AddChats(path, "", depth + 1, files, problems);
    }
  }
}

class Gemini final : public ingest::Source {
 public:
  std::string_view platform() const override { return "gemini"; }
  std::string_view parser_name() const override { return "gemini/jsonl"; }
  int parser_version() const override { return gemini::kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    const std::string folder = TempFolder(env);
    return !folder.empty() && base::Exists(folder);
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    const std::string folder = TempFolder(env);
    if (folder.empty()) return files;
    for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
      if (!entry.maybe_dir) continue;
      const std::string slug = base::JoinPath(folder, entry.name);
      const size_t before = files.size();
      AddChats(base::JoinPath(slug, "chats"), "session-", 0, files, problems);
      if (files.size() == before) continue;
      const std::string beside = gemini::ProjectDigest(files.back().path);
      for (size_t i = before; i < files.size(); ++i) files[i].beside = beside;
    }
    return Sorted(std::move(files));
  }

  ingest::SourceFile Describe(std::string path) const override {
    std::string beside = gemini::ProjectDigest(path);
    ingest::SourceFile file = DescribeFile(std::move(path));
    file.beside = std::move(beside);
    return file;
  }

  std::string Identity(const std::string& path) const override {
    return path.ends_with(kDocument) ? path + "l" : path;
  }

  StatusOr<std::unique_ptr<ingest::ByteStream>> OpenBytes(const ingest::SourceFile& file,
                                                          uint64_t size) const override {
    if (file.path.ends_with(kDocument)) return OpenDocuments({file.path});
    return ingest::OpenPlain(file.path, size);
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return gemini::OpenSession(options);
  }
};

}  // namespace

const ingest::Source& GeminiSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Gemini& source = *new const Gemini;
  return source;
}

}  // namespace selftune::hosts
