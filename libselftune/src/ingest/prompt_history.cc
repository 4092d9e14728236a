#include "ingest/prompt_history.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "store/vocabulary.h"

namespace selftune::ingest {
namespace {

constexpr int kVersion = 1;
constexpr std::string_view kInternalMark = "[selftune:internal";

class Reader final : public LineReader {
 public:
  explicit Reader(ReadHistoryFn read) : read_(read) {}

  Status ReadLine(const Line& line, base::LineParser& parser, Batch& batch) override {
    HistoryEntry entry;
    ST_RETURN_IF_ERROR(read_(line.text, parser, entry));
    ++batch.records_seen;
    // Old versions do not say the session: such a prompt may be told by any transcript.
    if (entry.session.empty() || base::IsBlank(entry.text)) return absl::OkStatus();
    ++batch.records_used;
    if (!entry.typed_for_model || entry.text.starts_with(kInternalMark)) return absl::OkStatus();
    Add(std::move(entry), line, batch);
    return absl::OkStatus();
  }

  std::string SaveState() const override {
    base::JsonWriter w;
    w.BeginObject().Field("reader", "history").Field("version", kVersion);
    w.Key("prompts").BeginObject();
    for (const auto& [session, prompts] : prompts_) w.Field(session, prompts);
    return std::move(w.EndObject().EndObject()).Take();
  }

  Status Restore(std::string_view saved) {
    ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(saved));
    if (state["reader"].AsString() != "history" || state["version"].AsInt() != kVersion) {
      return Fail(kInvalidRequest,
                  "reading a history of prompts: the saved state is of another reader");
    }
    for (const auto& [session, prompts] : state["prompts"].members()) {
      prompts_.emplace(session, static_cast<int32_t>(prompts.AsInt()));
    }
    return absl::OkStatus();
  }

 private:
  void Add(HistoryEntry entry, const Line& line, Batch& batch) {
    SessionFacts& facts = batch.Session(entry.session);
    if (entry.at.has_value()) {
      facts.started = std::min(facts.started.value_or(*entry.at), *entry.at);
      facts.ended = std::max(facts.ended.value_or(*entry.at), *entry.at);
    }
    if (facts.cwd.empty()) facts.cwd = std::move(entry.cwd);
    PromptFact& prompt = facts.prompts.emplace_back();
    prompt.seq = prompts_[entry.session]++;
    prompt.text = std::move(entry.text);
    prompt.at = entry.at;
    prompt.origin = {.offset = line.offset, .line_no = line.line_no, .record = ""};
    if (entry.command.empty()) return;
    prompt.command_kind = CommandKind::kCustom;
    prompt.command_name = entry.command;
    prompt.command_args = entry.args;
    // The host loads a skill that is asked for so; whether it is one, its file tells.
    SkillFact& skill = facts.skills.emplace_back();
    skill.key = fmt::format("p{}:{}:{}", prompt.seq, entry.command, Word(Route::kSlashCommand));
    skill.if_installed = true;
    skill.skill = std::move(entry.command);
    skill.level = Level::kExplicit;
    skill.route = Route::kSlashCommand;
    skill.requested_by = RequestedBy::kUser;
    skill.prompt_seq = prompt.seq;
    skill.has_args = !entry.args.empty();
    skill.args = std::move(entry.args);
    skill.at = prompt.at;
    skill.origin = prompt.origin;
  }

  const ReadHistoryFn read_;
  std::map<std::string, int32_t, std::less<>> prompts_;  // of each session so far
};

}  // namespace

std::string ParserOf(const Source& source, const SourceFile& file) {
  if (file.kind != kPromptHistory) return std::string(source.parser_name());
  return fmt::format("{}/{}", source.platform(), kPromptHistory);
}

StatusOr<std::unique_ptr<LineReader>> OpenPromptHistory(const ReaderOptions& options,
                                                        ReadHistoryFn read) {
  auto reader = std::make_unique<Reader>(read);
  if (!options.saved_state.empty()) ST_RETURN_IF_ERROR(reader->Restore(options.saved_state));
  return std::unique_ptr<LineReader>(std::move(reader));
}

}  // namespace selftune::ingest
