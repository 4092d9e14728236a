#include "hosts/opencode/tree.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hosts/common/raw_text.h"
#include "hosts/opencode/record.h"
#include "hosts/opencode/session.h"

namespace selftune::hosts::opencode {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kInternalTitle = "selftune: ";
constexpr uint64_t kMaxFile = uint64_t{64} << 20;
constexpr size_t kPadding = 64;
constexpr size_t kExcerptBytes = 200;

bool IsAbsent(const Status& status) { return CodeOf(status).name == kFileNotFound.name; }

// Names of the JSON files in a folder; none when it does not exist.
StatusOr<std::vector<std::string>> JsonFiles(const std::string& folder) {
  std::vector<std::string> paths;
  const auto entries = base::ListDir(folder);
  if (!entries.ok()) {
    if (IsAbsent(entries.status())) return paths;
    return entries.status();
  }
  for (const base::DirEntry& entry : *entries) {
    if (entry.maybe_file && entry.name.ends_with(kSuffix)) {
      paths.push_back(base::JoinPath(folder, entry.name));
    }
  }
  return paths;
}

std::string IdOf(std::string_view path) {
  std::string_view name = base::BaseName(path);
  name.remove_suffix(std::min(name.size(), kSuffix.size()));
  return std::string(name);
}

// The folder `storage` above storage/session/<project>/<session>.json.
std::string StorageOf(std::string_view session_file) {
  return std::string(base::DirName(base::DirName(base::DirName(session_file))));
}

class Tree final : public ingest::StoreReader {
 public:
  explicit Tree(const ingest::StoreOptions& options)
      : options_(options), storage_(StorageOf(options.file->path)) {}

  Status Read(ingest::StoreFlushFn flush) override;
  std::string SaveState() const override { return ""; }

 private:
  // The file's text, followed by what the parser may read; nullopt: it is gone.
  [[nodiscard]] StatusOr<std::optional<std::string>> Load(const std::string& path);
  void AddBad(const std::string& record, std::string_view text);
  void Count(bool understood);
  [[nodiscard]] StatusOr<std::vector<MessageRow>> ReadMessages(const std::string& session);
  [[nodiscard]] StatusOr<std::vector<Part>> ReadParts(const MessageRow& message);
  [[nodiscard]] bool IsInternal(const SessionRow& row);
  [[nodiscard]] StatusOr<std::optional<SessionRow>> ReadRow(const std::string& path);

  const ingest::StoreOptions options_;
  const std::string storage_;
  ingest::Batch batch_;
  base::LineParser parser_;
};

std::string_view TextOf(const std::string& padded) {
  return std::string_view(padded).substr(0, padded.size() - kPadding);
}

StatusOr<std::optional<std::string>> Tree::Load(const std::string& path) {
  if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
  auto text = base::ReadFile(path, kMaxFile);
  if (!text.ok()) {
    if (IsAbsent(text.status())) return std::optional<std::string>();
    return text.status();
  }
  text->append(kPadding, ' ');
  return std::optional<std::string>(*std::move(text));
}

void Tree::AddBad(const std::string& record, std::string_view text) {
  ingest::BadLine& bad = batch_.bad_lines.emplace_back();
  bad.offset = RecordKey(record) >> 11;
  bad.reason = !base::IsValidUtf8(text)                            ? "not_utf8"
               : base::Trim(text).starts_with('{') || text.empty() ? "not_json"
                                                                   : "wrong_shape";
  bad.excerpt = base::EscapeControls(
      base::ToValidUtf8(record + ": " + std::string(text.substr(0, kExcerptBytes))));
}

void Tree::Count(bool understood) {
  ++batch_.records_seen;
  ++(understood ? batch_.records_used : batch_.records_unknown);
}

StatusOr<std::optional<SessionRow>> Tree::ReadRow(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> text, Load(path));
  if (!text.has_value()) return std::optional<SessionRow>();
  SessionRow row;
  if (!ParseSession(TextOf(*text), parser_, row).ok()) {
    AddBad("session/" + IdOf(path), TextOf(*text));
    return std::optional<SessionRow>();
  }
  row.id = IdOf(path);
  if (row.project.empty()) row.project = base::BaseName(base::DirName(path));
  return std::optional<SessionRow>(std::move(row));
}

StatusOr<std::vector<MessageRow>> Tree::ReadMessages(const std::string& session) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                      JsonFiles(base::JoinPath(base::JoinPath(storage_, "message"), session)));
  std::vector<MessageRow> messages;
  for (const std::string& path : paths) {
    ST_ASSIGN_OR_RETURN(const std::optional<std::string> text, Load(path));
    if (!text.has_value()) continue;
    MessageRow message;
    const Status parsed = ParseMessage(TextOf(*text), parser_, message);
    message.id = IdOf(path);
    if (!parsed.ok()) {
      AddBad("message/" + message.id, TextOf(*text));
      continue;
    }
    Count(message.role != Role::kUnknown);
    messages.push_back(std::move(message));
  }
  std::sort(messages.begin(), messages.end(), [](const MessageRow& a, const MessageRow& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return messages;
}

StatusOr<std::vector<Part>> Tree::ReadParts(const MessageRow& message) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                      JsonFiles(base::JoinPath(base::JoinPath(storage_, "part"), message.id)));
  std::vector<Part> parts;
  for (const std::string& path : paths) {
    ST_ASSIGN_OR_RETURN(const std::optional<std::string> text, Load(path));
    if (!text.has_value()) continue;
    Part part;
    const Status parsed =
        ParsePart(TextOf(*text), {.text = message.role == Role::kUser}, parser_, part);
    part.id = IdOf(path);
    if (!parsed.ok()) {
      AddBad("part/" + part.id, TextOf(*text));
      continue;
    }
    Count(part.type != PartType::kUnknown);
    parts.push_back(std::move(part));
  }
  return parts;
}

bool Tree::IsInternal(const SessionRow& row) {
  if (row.title.starts_with(kInternalTitle)) return true;
  if (row.parent.empty()) return false;
  const std::string above =
      base::JoinPath(base::DirName(options_.file->path), row.parent + std::string(kSuffix));
  const auto text = Load(above);
  if (!text.ok() || !text->has_value()) return false;
  SessionRow parent;
  return ParseSession(TextOf(**text), parser_, parent).ok() &&
         parent.title.starts_with(kInternalTitle);
}

Status Tree::Read(ingest::StoreFlushFn flush) {
  batch_ = ingest::Batch();
  const auto version = base::ReadFile(base::JoinPath(storage_, "migration"), 64);
  batch_.host_schema = "json";
  if (version.ok()) batch_.host_schema.append(" ").append(base::ToValidUtf8(base::Trim(*version)));
  ST_ASSIGN_OR_RETURN(std::optional<SessionRow> row, ReadRow(options_.file->path));
  if (!row.has_value()) return flush(std::move(batch_));
  // What every release has written of a session.
  Count(row->created.has_value() || !row->directory.empty());
  const bool internal = IsInternal(*row);
  Session session(*std::move(row), internal, options_.copied);
  ST_ASSIGN_OR_RETURN(const std::vector<MessageRow> messages, ReadMessages(session.id()));
  for (const MessageRow& message : messages) {
    ST_ASSIGN_OR_RETURN(const std::vector<Part> parts, ReadParts(message));
    session.Add(message, parts, batch_);
    if (batch_.row_count() < options_.max_rows) continue;
    ST_RETURN_IF_ERROR(flush(std::exchange(batch_, ingest::Batch())));
  }
  if (!messages.empty()) session.Finish(batch_);
  return flush(std::move(batch_));
}

}  // namespace

std::vector<std::string> FindSessionFiles(const std::string& storage,
                                          std::vector<std::string>& problems) {
  std::vector<std::string> found;
  const std::string sessions = base::JoinPath(storage, "session");
  const auto projects = base::ListDir(sessions);
  if (!projects.ok()) {
    if (!IsAbsent(projects.status())) problems.emplace_back(Message(projects.status()));
    return found;
  }
  for (const base::DirEntry& project : *projects) {
    if (!project.maybe_dir) continue;
    const auto files = JsonFiles(base::JoinPath(sessions, project.name));
    if (files.ok()) {
      found.insert(found.end(), files->begin(), files->end());
    } else {
      problems.emplace_back(Message(files.status()));
    }
  }
  return found;
}

namespace {

void AddTo(base::FileInfo& sum, const std::string& path) {
  const auto info = base::Stat(path);
  if (!info.ok()) return;  // gone since the folder was listed
  sum.size += info->size;
  sum.mtime_ns = std::max(sum.mtime_ns, info->mtime_ns);
}

}  // namespace

StatusOr<base::FileInfo> LookAtSession(const std::string& session_file) {
  ST_ASSIGN_OR_RETURN(base::FileInfo sum, base::Stat(session_file));
  const std::string storage = StorageOf(session_file);
  ST_ASSIGN_OR_RETURN(
      const std::vector<std::string> messages,
      JsonFiles(base::JoinPath(base::JoinPath(storage, "message"), IdOf(session_file))));
  const std::string parts = base::JoinPath(storage, "part");
  for (const std::string& message : messages) {
    AddTo(sum, message);
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                        JsonFiles(base::JoinPath(parts, IdOf(message))));
    for (const std::string& file : files) AddTo(sum, file);
  }
  return sum;
}

std::unique_ptr<ingest::StoreReader> MakeTreeReader(const ingest::StoreOptions& options) {
  return std::make_unique<Tree>(options);
}

}  // namespace selftune::hosts::opencode
