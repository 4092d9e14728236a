#include "store/archive.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/db.h"
#include "store/migrate.h"

namespace selftune::store {
namespace {

using base::JsonValue;
using internal::AnyValue;

constexpr uint64_t kMaxManifest = 16 << 20;
constexpr size_t kChunk = 1 << 20;
constexpr size_t kMaxLine = size_t{1} << 30;
constexpr size_t kSumDigits = 16;

Status Damaged(const Status& status) {
  return WithSuggestion(status, "nothing was changed; make the archive anew",
                        "selftune export ./evidence");
}

Status NoArchive(const std::string& dir, std::string_view why) {
  return WithSuggestion(Fail(kInvalidRequest, "reading the archive {}: {}", dir, why),
                        "name a folder that selftune export has written",
                        "selftune export ./evidence");
}

StatusOr<JsonValue> ReadManifest(const std::string& dir) {
  const std::string path = base::JoinPath(dir, std::string(kManifestName));
  if (!base::Exists(path)) {
    return WithSuggestion(
        Fail(kNotFound, "reading the archive {}: there is no {}", dir, kManifestName),
        "name a folder that selftune export has finished", "selftune export ./evidence");
  }
  ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxManifest));
  StatusOr<JsonValue> manifest = JsonValue::Parse(text);
  if (!manifest.ok()) return NoArchive(dir, "its manifest is no JSON");
  return manifest;
}

Status CheckVersions(const std::string& dir, const JsonValue& manifest) {
  const int64_t schema = manifest["schema_version"].AsInt();
  if (manifest["format_version"].AsInt() > kArchiveFormat || schema > kSchemaVersion) {
    return WithSuggestion(Fail(kSchemaNewer,
                               "reading the archive {}: it has schema version {}, this program "
                               "knows {}",
                               dir, schema, kSchemaVersion),
                          "install that version of selftune or a newer one", "selftune version");
  }
  if (manifest["format_version"].AsInt() < 1 || schema < kSchemaVersion) {
    return NoArchive(dir, "it was written by a version of selftune that could not read it back");
  }
  if (!manifest["since"].is_null() || !manifest["until"].is_null()) {
    return NoArchive(dir, "it holds only the rows of a time; export without --since and --until");
  }
  return absl::OkStatus();
}

StatusOr<ArchiveFile> FileOf(const std::string& dir, const JsonValue& entry) {
  const std::string& name = entry["path"].AsString();
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
    return NoArchive(dir, "its manifest names a file that is not in it: " + name);
  }
  if (!entry["rows"].is_int() || entry["rows"].AsInt() < 0 || !entry["sha256"].is_string()) {
    return NoArchive(dir, "its manifest says no rows or sha256 of " + name);
  }
  return ArchiveFile{.table = entry["table"].AsString(),
                     .path = base::JoinPath(dir, name),
                     .rows = entry["rows"].AsInt(),
                     .sha256 = entry["sha256"].AsString()};
}

// Every table once, or one database.
Status CheckComplete(const Archive& archive) {
  if (archive.database) {
    if (archive.files.size() == 1 && archive.files.front().table.empty()) return absl::OkStatus();
    return NoArchive(archive.dir, "its manifest names no single database");
  }
  std::vector<std::string> named;
  for (const ArchiveFile& file : archive.files) named.push_back(file.table);
  std::sort(named.begin(), named.end());
  const std::vector<std::string> all = SchemaTables();
  if (named == all) return absl::OkStatus();
  std::vector<std::string> missing;
  std::set_difference(all.begin(), all.end(), named.begin(), named.end(),
                      std::back_inserter(missing));
  return NoArchive(archive.dir, missing.empty() ? "it holds tables that are not of this schema"
                                                : "it lacks tables: " + base::Join(missing, ", ") +
                                                      "; export without --tables");
}

// Which row of the file is not as it was written: the first whose sum differs.
StatusOr<int64_t> FirstBadRow(const Archive& archive, const ArchiveFile& file) {
  const std::string sums_path = base::JoinPath(archive.dir, std::string(kRowSums));
  ST_ASSIGN_OR_RETURN(const base::FileHandle sums, base::OpenRead(sums_path));
  LineFile lines(file.path);
  ST_RETURN_IF_ERROR(lines.Open());
  std::string sum(kSumDigits + 1, '\0');
  for (;;) {
    std::string_view line;
    ST_ASSIGN_OR_RETURN(const bool more, lines.Next(line));
    if (!more) return lines.number() + 1;
    const auto at = static_cast<uint64_t>(file.rows_before + lines.number() - 1) * sum.size();
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(sums.fd(), at, sum.data(), sum.size(), sums_path));
    const bool listed = lines.number() <= file.rows && got == sum.size();
    if (!listed || RowSum(line) != sum) return lines.number();
  }
}

StatusOr<AnyValue> RealOf(const JsonValue& json) {
  AnyValue out{.type = AnyValue::Type::kReal, .bytes = {}};
  if (json.is_number()) {
    out.real = json.AsDouble();
  } else if (json["real"].AsString() == "inf" || json["real"].AsString() == "-inf") {
    const double infinity = std::numeric_limits<double>::infinity();
    out.real = json["real"].AsString() == "inf" ? infinity : -infinity;
  } else {
    return Fail(kStoreCorrupt, "a number was expected");
  }
  return out;
}

StatusOr<AnyValue> BytesOf(const JsonValue& json, std::string_view key, AnyValue::Type type) {
  const std::optional<std::string> bytes = base::FromHex(json[key].AsString());
  if (!json[key].is_string() || !bytes.has_value()) {
    return Fail(kStoreCorrupt, "an object with {} was expected", key);
  }
  return AnyValue{.type = type, .bytes = *bytes};
}

StatusOr<AnyValue> ValueOf(const JsonValue& json, ColumnShape::Type type) {
  if (json.is_null()) return AnyValue{};
  switch (type) {
    case ColumnShape::Type::kInteger:
      if (!json.is_int()) return Fail(kStoreCorrupt, "an integer was expected");
      return AnyValue{.type = AnyValue::Type::kInt, .integer = json.AsInt(), .bytes = {}};
    case ColumnShape::Type::kReal:
      return RealOf(json);
    case ColumnShape::Type::kBlob:
      return BytesOf(json, "hex", AnyValue::Type::kBlob);
    case ColumnShape::Type::kText:
      break;
  }
  if (json.is_string()) return AnyValue{.type = AnyValue::Type::kText, .bytes = json.AsString()};
  return BytesOf(json, "text_hex", AnyValue::Type::kText);
}

}  // namespace

std::string RowSum(std::string_view row) {
  return base::Sha256Hex(row).substr(0, kSumDigits) + "\n";
}

StatusOr<std::string> FileSha256(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const base::OpenedFile opened, base::OpenRegular(path));
  base::Sha256Stream stream;
  std::string chunk(kChunk, '\0');
  for (uint64_t offset = 0;;) {
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(opened.file.fd(), offset, chunk.data(), chunk.size(), path));
    if (got == 0) return base::Hex(stream.Bytes());
    stream.Add(std::string_view(chunk).substr(0, got));
    offset += got;
  }
}

StatusOr<Archive> ReadArchive(const std::string& dir) {
  ST_ASSIGN_OR_RETURN(const JsonValue manifest, ReadManifest(dir));
  const std::string& format = manifest["format"].AsString();
  if (format != "jsonl" && format != "sqlite") return NoArchive(dir, "its format is not known");
  ST_RETURN_IF_ERROR(CheckVersions(dir, manifest));
  Archive archive{.dir = dir, .database = format == "sqlite", .files = {}};
  int64_t rows = 0;
  for (const JsonValue& entry : manifest["files"].items()) {
    ST_ASSIGN_OR_RETURN(ArchiveFile file, FileOf(dir, entry));
    file.rows_before = rows;
    rows += file.rows;
    archive.files.push_back(std::move(file));
  }
  ST_RETURN_IF_ERROR(CheckComplete(archive));
  return archive;
}

Status VerifyArchive(const Archive& archive, const base::Cancel* cancel) {
  for (const ArchiveFile& file : archive.files) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    if (!base::Exists(file.path)) {
      return Damaged(Fail(kStoreCorrupt, "reading the archive {}: {} is gone", archive.dir,
                          base::BaseName(file.path)));
    }
    for (const char* const beside : {"-wal", "-journal"}) {
      if (!archive.database || !base::Exists(file.path + beside)) continue;
      return Damaged(Fail(kStoreCorrupt, "reading the archive {}: {}{} does not belong there",
                          archive.dir, base::BaseName(file.path), beside));
    }
    ST_ASSIGN_OR_RETURN(const std::string sha256, FileSha256(file.path));
    if (sha256 == file.sha256) continue;
    const StatusOr<int64_t> row =
        archive.database ? StatusOr<int64_t>(0) : FirstBadRow(archive, file);
    const std::string where = row.ok() && *row > 0 ? fmt::format(" line {}", *row) : "";
    return Damaged(Fail(kStoreCorrupt, "reading the archive {}: {}{} is not as it was written",
                        archive.dir, base::BaseName(file.path), where));
  }
  return absl::OkStatus();
}

Status LineFile::Open() {
  ST_ASSIGN_OR_RETURN(base::OpenedFile opened, base::OpenRegular(path_));
  file_ = std::move(opened.file);
  return absl::OkStatus();
}

StatusOr<bool> LineFile::Next(std::string_view& line) {
  size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos) {
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t had = buffer_.size();
    if (had > kMaxLine) {
      return Fail(kFileTooLarge, "reading {}: line {} does not end", path_, number_ + 1);
    }
    buffer_.resize(had + kChunk);
    ST_ASSIGN_OR_RETURN(const size_t got,
                        base::ReadAt(file_.fd(), offset_, buffer_.data() + had, kChunk, path_));
    buffer_.resize(had + got);
    offset_ += got;
    if (got == 0 && had == 0) return false;
    end = got == 0 ? had - 1 : buffer_.find('\n', had);
  }
  line = std::string_view(buffer_).substr(at_, end + 1 - at_);
  at_ = end + 1;
  ++number_;
  return true;
}

std::string ArchiveRows::Where() const {
  return fmt::format("{} line {}", base::BaseName(lines_.path()), lines_.number());
}

Status ArchiveRows::Parse(std::string_view line, std::vector<AnyValue>& row) const {
  ST_ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(line));
  if (json.members().size() != table_.columns.size()) {
    return Fail(kStoreCorrupt, "{} columns were expected", table_.columns.size());
  }
  row.clear();
  for (const ColumnShape& column : table_.columns) {
    if (!json.Has(column.name)) return Fail(kStoreCorrupt, "there is no {}", column.name);
    StatusOr<AnyValue> value = ValueOf(json[column.name], column.type);
    if (!value.ok()) return Fail(kStoreCorrupt, "{}: {}", column.name, Message(value.status()));
    row.push_back(*std::move(value));
  }
  return absl::OkStatus();
}

StatusOr<bool> ArchiveRows::Next(std::vector<AnyValue>& row) {
  std::string_view line;
  ST_ASSIGN_OR_RETURN(const bool more, lines_.Next(line));
  if (!more) return false;
  const Status parsed =
      line.ends_with('\n') ? Parse(line, row) : Fail(kStoreCorrupt, "it is cut off");
  if (parsed.ok()) return true;
  return Damaged(Fail(kStoreCorrupt, "reading the archive: {}: {}", Where(), Message(parsed)));
}

}  // namespace selftune::store
