// skill.parse, skill.replace_description: one SKILL.md, no store.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "skillfs/description_edit.h"
#include "skillfs/frontmatter.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr uint64_t kMaxSkillBytes = 16 << 20;

void WriteSpan(JsonWriter& out, const std::optional<skillfs::ByteSpan>& span) {
  if (!span.has_value()) {
    out.Null();
    return;
  }
  out.BeginArray()
      .Int(static_cast<int64_t>(span->begin))
      .Int(static_cast<int64_t>(span->end))
      .EndArray();
}

template <typename Texts>
void WriteTexts(JsonWriter& out, std::string_view key, const Texts& texts) {
  out.Key(key).BeginArray();
  for (const auto& text : texts) out.String(text);
  out.EndArray();
}

std::string NameOfFolder(const std::string& path) {
  return std::string(base::BaseName(base::DirName(path)));
}

// Puts the result where it was asked for; a file that is there stays.
Status WriteResult(const std::string& path, const std::string& output_path,
                   std::string_view bytes) {
  Status status = base::WriteFileNew(output_path, bytes, 0644);
  if (CodeOf(status).name == kFileNotFound.name) {
    return WithSuggestion(
        std::move(status), "make the folder first, or name another",
        base::JoinCommand({"mkdir", "-p", std::string(base::DirName(output_path))}));
  }
  if (CodeOf(status).name != kFileExists.name) return status;
  const StatusOr<std::string> same = base::RealPath(output_path);
  const StatusOr<std::string> source = base::RealPath(path);
  if (same.ok() && source.ok() && *same == *source) {
    return WithSuggestion(std::move(status), "an installed SKILL.md is only changed by a deploy",
                          "selftune help evolve");
  }
  return WithSuggestion(std::move(status), "name a path where nothing is yet", "");
}

}  // namespace

StatusOr<std::string> SkillParse(Context&, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const std::string bytes,
                      base::ReadFile(params["path"].AsString(), kMaxSkillBytes));
  const skillfs::Frontmatter parsed = skillfs::ParseFrontmatter(bytes);
  JsonWriter out;
  out.BeginObject()
      .Field("name", parsed.name)
      .Field("description", parsed.description)
      .Field("description_style", skillfs::Name(parsed.description_style));
  out.Key("description_span");
  WriteSpan(out, parsed.description_span);
  out.Field("version", parsed.version);
  WriteTexts(out, "top_level_keys", parsed.top_level_keys);
  out.Field("title", parsed.title).Field("body_offset", static_cast<int64_t>(parsed.body_offset));
  WriteTexts(out, "warnings", parsed.warnings);
  WriteTexts(out, "errors", parsed.errors);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SkillReplaceDescription(Context& context, const JsonValue& params) {
  const std::string& path = params["path"].AsString();
  const std::string& output_path = params["output_path"].AsString();
  const std::string& given_name = params["directory_name"].AsString();
  ST_ASSIGN_OR_RETURN(const std::string before, base::ReadFile(path, kMaxSkillBytes));
  ST_ASSIGN_OR_RETURN(
      const skillfs::EditResult edit,
      skillfs::ReplaceDescription(before, params["description"].AsString(),
                                  given_name.empty() ? NameOfFolder(path) : given_name));
  const std::string sha256_before = base::Sha256Hex(before);
  const std::string sha256_after = base::Sha256Hex(edit.bytes);
  if (!output_path.empty() && !context.dry_run()) {
    ST_RETURN_IF_ERROR(WriteResult(path, output_path, edit.bytes));
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject()
      .Field("changed", edit.changed(before))
      .Field("sha256_before", sha256_before)
      .Field("sha256_after", sha256_after);
  out.Key("span");
  WriteSpan(out, skillfs::ParseFrontmatter(edit.bytes).description_span);
  if (output_path.empty()) {
    out.NullField("output_path").Field("content_base64", base::Base64(edit.bytes));
    out.NullField("receipt");
  } else {
    out.Field("output_path", output_path).NullField("content_base64").Key("receipt");
    WriteReceipt(out, {.operation = context.op(),
                       .targets = {output_path},
                       .sha256_before = {},
                       .sha256_after = sha256_after,
                       .backup_path = {},
                       .undo = {"rm", output_path}});
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
