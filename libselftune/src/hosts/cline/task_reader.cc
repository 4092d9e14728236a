// A task is three documents. The interface messages say what a person typed and
// what went wrong, with times; the conversation says what the model answered
// and called. Both are merged by time.
#include "hosts/cline/task_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hosts/cline/message.h"
#include "hosts/cline/task_text.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/raw_text.h"

namespace selftune::hosts::cline {
namespace {

using base::JsonField;
using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr std::array<ToolRow, 5> kTools = {{{"use_skill", ToolKind::kSkill},
                                            {"read_file", ToolKind::kRead},
                                            {"execute_command", ToolKind::kShell},
                                            {"write_to_file", ToolKind::kChange},
                                            {"replace_in_file", ToolKind::kChange}}};

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

// A message of the interface, as far as it matters.
struct Notice {
  std::string what;  // the word of `say` or `ask`
  std::string text;  // begin of it; all of it when a person typed it
  bool cancelled = false, streaming_failed = false;
  std::optional<UtcMillis> at;
};

Notice ReadNotice(JsonField& item) {
  RawText what, text;
  Notice notice;
  item.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "say" || key == "ask") {
      what = Token(field);
    } else if (key == "text") {
      text = Token(field);
    } else if (key == "ts") {
      if (const auto ms = field.Int()) notice.at = UtcMillis{*ms};
    }
  });
  notice.what = what.ToString();
  const bool typed = notice.what == "task" || notice.what == "user_feedback";
  notice.text = typed ? text.ToString() : text.Prefix(200);
  const std::string_view raw = text.escaped();
  notice.cancelled = raw.find(R"(\"cancelReason\":\"user_cancelled\")") != raw.npos;
  notice.streaming_failed = raw.find(R"(\"cancelReason\":\"streaming_failed\")") != raw.npos;
  return notice;
}

// The documents in the order in which they are read.
enum class Part : uint64_t { kMetadata = 1, kNotices = 2, kConversation = 3 };

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options) {
    DialogueIdentity& who = dialogue_.who();
    who.id = base::ToValidUtf8(base::BaseName(base::DirName(options.file->path)));
    who.agent_cli = "cline";
    dialogue_.set_known({.cache_write = false, .reasoning = false});
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override {
    switch (static_cast<Part>(line.line_no)) {
      case Part::kMetadata:
        return OnMetadata(line, parser);
      case Part::kNotices:
        return OnNotices(line, parser, batch);
      case Part::kConversation:
        return OnConversation(line, parser, batch);
    }
    return absl::OkStatus();
  }

  // The documents are always read together.
  std::string SaveState() const override { return "{}"; }

 private:
  [[nodiscard]] Status OnMetadata(const ingest::Line& line, base::LineParser& parser);
  [[nodiscard]] Status OnNotices(const ingest::Line& line, base::LineParser& parser, Batch& batch);
  [[nodiscard]] Status OnConversation(const ingest::Line& line, base::LineParser& parser,
                                      Batch& batch);
  void OnNotice(const Notice& notice, Batch& batch);
  void OnMessage(const Message& message, size_t index, std::optional<UtcMillis> at, Batch& batch);
  void OnUser(const Message& message, const Dialogue::Moment& now, Batch& batch);
  void OnAnswer(const Message& message, const Dialogue::Moment& now, Batch& batch);
  void AddCall(const Dialogue::Moment& now, const std::string& id, std::string_view tool,
               const ToolArgs& args, Batch& batch);
  void OnXmlCall(const std::string& text, const Dialogue::Moment& now, Batch& batch);
  void EndCall(const std::string& id, std::string_view tool, const std::string& text,
               const Dialogue::Moment& now, Batch& batch);
  void AddPrompt(std::string text, const Dialogue::Moment& now, Batch& batch);

  Dialogue dialogue_;
  std::vector<Notice> notices_;
  std::string open_id_, open_tool_;  // the call in a text that waits for its result
};

Status Reader::OnMetadata(const ingest::Line& line, base::LineParser& parser) {
  RawText host, host_version, cline_version;
  bool any = false;
  ST_RETURN_IF_ERROR(parser.ForEachField(line.text, [&](std::string_view key, JsonField& value) {
    if (key != "environment_history") return;
    value.ForEachItem([&](JsonField& item) {
      if (std::exchange(any, true)) return;  // the first tells with what it began
      item.ForEachField([&](std::string_view name, JsonField& field) {
        if (name == "host_name") host = Token(field);
        if (name == "host_version") host_version = Token(field);
        if (name == "cline_version") cline_version = Token(field);
      });
    });
  }));
  const bool command_line = host.StartsWith("Cline CLI");
  dialogue_.who().host_version = (command_line ? host_version : cline_version).ToString();
  return absl::OkStatus();
}

Status Reader::OnNotices(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  std::vector<Notice> notices;
  ST_RETURN_IF_ERROR(parser.ForEachField(line.text, [&](std::string_view key, JsonField& value) {
    if (key != "items") return;
    value.ForEachItem([&](JsonField& item) { notices.push_back(ReadNotice(item)); });
  }));
  batch.records_seen += static_cast<int64_t>(notices.size());
  batch.records_used += static_cast<int64_t>(notices.size());
  notices_ = std::move(notices);
  return absl::OkStatus();
}

Status Reader::OnConversation(const ingest::Line& line, base::LineParser& parser, Batch& batch) {
  std::vector<Message> messages;
  ST_RETURN_IF_ERROR(parser.ForEachField(line.text, [&](std::string_view key, JsonField& value) {
    if (key != "items") return;
    value.ForEachItem([&](JsonField& item) { ReadMessage(item, messages.emplace_back()); });
  }));
  batch.records_seen += static_cast<int64_t>(messages.size());
  size_t next = 0;
  std::optional<UtcMillis> at;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].at.has_value()) at = messages[i].at;
    while (next < notices_.size() && at.has_value() &&
           notices_[next].at.value_or(UtcMillis{0}) <= *at) {
      OnNotice(notices_[next++], batch);
    }
    OnMessage(messages[i], i, at, batch);
  }
  while (next < notices_.size()) OnNotice(notices_[next++], batch);
  return absl::OkStatus();
}

void Reader::OnNotice(const Notice& notice, Batch& batch) {
  const std::string record =
      notice.at.has_value() ? std::to_string(notice.at->value) : std::string();
  const Dialogue::Moment now{.origin = {.offset = 0, .line_no = 0, .record = record},
                             .at = notice.at};
  if (notice.what == "task" || notice.what == "user_feedback") {
    AddPrompt(notice.text, now, batch);
  } else if (notice.what == "error_retry") {
    dialogue_.AddApiError(now, notice.text, batch);
  } else if (notice.what == "api_req_failed" || notice.streaming_failed) {
    dialogue_.FailTurn(now, notice.text, batch);
  } else if (notice.cancelled) {
    dialogue_.Interrupt(now, batch);
  } else if (notice.what == "completion_result" && dialogue_.begun()) {
    // The last answer is missing in the conversation.
    dialogue_.Settle(batch);
  }
  dialogue_.Finish(notice.at, batch);
}

void Reader::AddPrompt(std::string text, const Dialogue::Moment& now, Batch& batch) {
  Dialogue::Prompt prompt;
  prompt.text = std::move(text);
  prompt.native_id = now.origin.record;
  dialogue_.AddPrompt(now, std::move(prompt), batch);
}

void Reader::OnMessage(const Message& message, size_t index, std::optional<UtcMillis> at,
                       Batch& batch) {
  const Dialogue::Moment now{
      .origin = {.offset = 0, .line_no = 0, .record = "message " + std::to_string(index)},
      .at = at};
  const bool from_user = message.role.Is("user");
  const bool known = from_user || message.role.Is("assistant");
  ++(known ? batch.records_used : batch.records_unknown);
  if (from_user) {
    OnUser(message, now, batch);
  } else if (known) {
    OnAnswer(message, now, batch);
  }
  dialogue_.Finish(at, batch);
}

void Reader::OnUser(const Message& message, const Dialogue::Moment& now, Batch& batch) {
  std::string result;
  bool in_result = false;
  for (const Block& block : message.blocks) {
    if (block.kind == Block::Kind::kToolResult) {
      const std::string text =
          block.parts.empty() ? std::string() : block.parts.front().result.Prefix(kOutputBytes);
      EndCall(block.id.ToString(), block.name.ToString(), text, now, batch);
      continue;
    }
    if (block.kind != Block::Kind::kText) continue;
    const std::string text = block.text.ToString();
    if (dialogue_.who().cwd.empty()) {
      dialogue_.who().cwd = std::string(WorkingDirectory(text));
    }
    if (const auto found = ResultText(text)) {
      result = *found;
      in_result = found->empty();  // the text itself is the next block
    } else if (std::exchange(in_result, false)) {
      result = text;
    } else if (notices_.empty()) {
      // Without the interface messages this is all that tells of prompts.
      if (const auto typed = TypedInside(text)) AddPrompt(std::string(*typed), now, batch);
      continue;
    } else {
      continue;
    }
    if (!in_result && !open_id_.empty()) {
      EndCall(std::exchange(open_id_, {}), open_tool_, result, now, batch);
    }
  }
}

void Reader::OnAnswer(const Message& message, const Dialogue::Moment& now, Batch& batch) {
  DialogueIdentity& who = dialogue_.who();
  if (who.model.empty()) who.model = message.model.ToString();
  if (who.provider.empty()) who.provider = message.provider.ToString();
  dialogue_.AddAnswer(batch);
  if (message.metrics.present) {
    const Metrics& metrics = message.metrics;
    ingest::TokenDelta tokens;
    tokens.input_uncached = std::max<int64_t>(0, metrics.input - metrics.cache_read);
    tokens.cache_read = metrics.cache_read;
    tokens.output = metrics.output;
    dialogue_.AddTokens(tokens, batch);
  }
  bool native = false;
  std::string text;
  for (const Block& block : message.blocks) {
    if (block.kind == Block::Kind::kToolUse) {
      native = true;
      AddCall(now, block.id.ToString(), block.name.ToString(), block.args, batch);
    } else if (block.kind == Block::Kind::kText) {
      text.append(block.text.ToString()).push_back('\n');
    }
  }
  if (!native) OnXmlCall(text, now, batch);
}

void Reader::OnXmlCall(const std::string& text, const Dialogue::Moment& now, Batch& batch) {
  const auto call = FindXmlCall(text);
  if (!call.has_value()) return;
  // As arguments of a call, so that there is one way to understand them.
  const auto quoted = [&](std::string_view name) {
    return base::JsonQuote(Parameter(call->inside, name));
  };
  const std::string path = quoted("path"), command = quoted("command");
  const std::string skill = quoted("skill_name");
  ToolArgs args;
  args.path = RawText(path);
  args.command = RawText(command);
  args.skill = RawText(skill);
  open_id_ = now.origin.record;
  open_tool_ = call->tool;
  AddCall(now, open_id_, call->tool, args, batch);
}

void Reader::AddCall(const Dialogue::Moment& now, const std::string& id, std::string_view tool,
                     const ToolArgs& args, Batch& batch) {
  const std::string& cwd = dialogue_.who().cwd;
  static_cast<void>(dialogue_.AddCall(
      now, id, tool, MakeIntent(FindTool(kTools, tool), args, {.cwd = cwd, .home = HomeAbove(cwd)}),
      batch));
}

void Reader::EndCall(const std::string& id, std::string_view tool, const std::string& text,
                     const Dialogue::Moment& now, Batch& batch) {
  constexpr std::string_view kFailed = "The tool execution failed with the following error:";
  constexpr std::string_view kFolder = "other files in the skill directory at: ";
  std::string_view words = text;
  if (const auto inside = ResultText(text)) words = *inside;
  const std::string_view head = words.substr(0, 300);
  Dialogue::CallEnd end;
  const std::string output = WithoutNumbers(std::string(words.substr(0, kOutputBytes)));
  end.output = output;
  const bool skill = words.find("\" is now active") != std::string_view::npos;
  if (SaysDenied(head)) {
    end.result = Dialogue::Result::kDenied;
  } else if (head.starts_with(kFailed) || (tool == "use_skill" && !skill)) {
    end.result = Dialogue::Result::kError;
  } else if (tool == "execute_command" && ExitCodeIn(head) > 0) {
    end.result = Dialogue::Result::kNonzeroExit;
  }
  if (const size_t at = words.rfind(kFolder); skill && at != std::string_view::npos) {
    const std::string_view folder = words.substr(at + kFolder.size());
    end.path = base::JoinPath(base::Trim(folder.substr(0, folder.find('\n'))), "SKILL.md");
  }
  static_cast<void>(dialogue_.EndCall(now, id, end, batch));
}

}  // namespace

std::unique_ptr<ingest::LineReader> OpenTask(const ingest::ReaderOptions& options) {
  return std::make_unique<Reader>(options);
}

}  // namespace selftune::hosts::cline
