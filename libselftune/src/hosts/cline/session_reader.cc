#include "hosts/cline/session_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hosts/cline/message.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/raw_text.h"

namespace selftune::hosts::cline {
namespace {

using base::JsonField;
using ingest::Batch;

constexpr size_t kOutputBytes = 2048;
constexpr std::array<ToolRow, 5> kTools = {{{"skills", ToolKind::kSkill},
                                            {"read_files", ToolKind::kRead},
                                            {"run_commands", ToolKind::kShell},
                                            {"editor", ToolKind::kChange},
                                            {"spawn_agent", ToolKind::kSpawn}}};

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

// One of the two documents.
struct Document {
  // Manifest.
  bool manifest = false;
  RawText status, cwd, model, provider, branch;
  // Messages.
  bool has_messages = false;
  RawText session_id, mode, version, parent, source;
  std::vector<Message> messages;
};

void ReadOrigin(JsonField& value, Document& document) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "mode") {
      document.mode = Token(field);
    } else if (key == "version") {
      document.version = Token(field);
    } else if (key == "parentThreadId") {
      document.parent = Token(field);
    } else if (key == "source") {
      document.source = Token(field);
    }
  });
}

void ReadMetadata(JsonField& value, Document& document) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "sessionHistoryOrigin") {
      ReadOrigin(field, document);
    } else if (key == "git") {
      field.ForEachField([&](std::string_view name, JsonField& part) {
        if (name == "branch") document.branch = Token(part);
      });
    }
  });
}

void ReadField(std::string_view key, JsonField& value, Document& document) {
  if (key == "session_id") {
    document.manifest = true;
    document.session_id = Token(value);
  } else if (key == "sessionId") {
    document.session_id = Token(value);
  } else if (key == "status") {
    document.status = Token(value);
  } else if (key == "cwd") {
    document.cwd = Token(value);
  } else if (key == "model") {
    document.model = Token(value);
  } else if (key == "provider") {
    document.provider = Token(value);
  } else if (key == "metadata") {
    ReadMetadata(value, document);
  } else if (key == "origin") {
    ReadOrigin(value, document);
  } else if (key == "messages" && value.type() == JsonField::Type::kArray) {
    document.has_messages = true;
    value.ForEachItem(
        [&](JsonField& item) { ReadMessage(item, document.messages.emplace_back()); });
  }
}

// Sessions that no person started.
bool IsScheduler(const RawText& source) {
  const std::string name = source.ToString();
  for (const std::string_view word : {"schedul", "cron", "connector"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

class Reader final : public ingest::LineReader {
 public:
  explicit Reader(const ingest::ReaderOptions& options) {
    std::string_view name = base::BaseName(options.file->path);
    constexpr std::string_view kEnd = ".messages.json";
    if (name.ends_with(kEnd)) name.remove_suffix(kEnd.size());
    dialogue_.who().id = base::ToValidUtf8(name);
    dialogue_.who().agent_cli = "cline";
    dialogue_.set_known({.reasoning = false});
  }

  Status ReadLine(const ingest::Line& line, base::LineParser& parser, Batch& batch) override {
    Document document;
    ST_RETURN_IF_ERROR(parser.ForEachField(line.text, [&](std::string_view key, JsonField& value) {
      ReadField(key, value, document);
    }));
    if (document.manifest) {
      ++batch.records_seen;
      ++batch.records_used;
      OnManifest(document);
    }
    if (!document.has_messages) {
      if (!document.manifest) ++batch.records_unknown;
      return absl::OkStatus();
    }
    OnSession(document);
    for (const Message& message : document.messages) OnMessage(message, line, batch);
    OnEnd(batch);
    return absl::OkStatus();
  }

  // The documents are always read together.
  std::string SaveState() const override { return "{}"; }

 private:
  void OnManifest(const Document& document);
  void OnSession(const Document& document);
  void OnMessage(const Message& message, const ingest::Line& line, Batch& batch);
  void OnUser(const Message& message, const Dialogue::Moment& now, Batch& batch);
  void OnAssistant(const Message& message, const Dialogue::Moment& now, Batch& batch);
  void OnResult(const Block& block, const Dialogue::Moment& now, Batch& batch);
  void OnEnd(Batch& batch);

  Dialogue dialogue_;
  std::string status_;
  Dialogue::Moment last_;
};

void Reader::OnManifest(const Document& document) {
  DialogueIdentity& who = dialogue_.who();
  who.cwd = document.cwd.ToString();
  who.branch = document.branch.ToString();
  who.provider = document.provider.ToString();
  who.host_version = document.version.ToString();
  status_ = document.status.ToString();
}

void Reader::OnSession(const Document& document) {
  DialogueIdentity& who = dialogue_.who();
  if (!document.session_id.empty()) who.id = document.session_id.ToString();
  if (!document.version.empty()) who.host_version = document.version.ToString();
  if (document.mode.Is("subagent") || !document.parent.empty()) {
    who.kind = SessionKind::kSubagent;
    who.links.parent_id = document.parent.ToString();
    who.depth = 1;
    status_.clear();  // the manifest is that of the parent
  } else if ((!document.mode.empty() && !document.mode.Is("user")) ||
             IsScheduler(document.source)) {
    who.kind = SessionKind::kAutomation;
  }
}

void Reader::OnMessage(const Message& message, const ingest::Line& line, Batch& batch) {
  ++batch.records_seen;
  const Dialogue::Moment now{
      .origin = {.offset = line.offset, .line_no = line.line_no, .record = message.id.ToString()},
      .at = message.at};
  last_ = now;
  const bool from_user = message.role.Is("user");
  const bool known = from_user || message.role.Is("assistant");
  ++(known ? batch.records_used : batch.records_unknown);
  if (from_user) {
    OnUser(message, now, batch);
  } else if (known) {
    OnAssistant(message, now, batch);
  }
  dialogue_.Finish(now.at, batch);
}

void Reader::OnUser(const Message& message, const Dialogue::Moment& now, Batch& batch) {
  if (message.display_only) return;
  bool results = false;
  std::string text;
  for (const Block& block : message.blocks) {
    if (block.kind == Block::Kind::kToolResult) {
      results = true;
      OnResult(block, now, batch);
    } else if (block.kind == Block::Kind::kText) {
      if (!text.empty()) text.push_back('\n');
      text.append(block.text.ToString());
    }
  }
  if (results || text.empty()) return;
  Dialogue::Prompt prompt;
  prompt.text = Unwrap(text);
  if (base::Trim(prompt.text).empty()) return;
  prompt.raw_text = std::move(text);
  prompt.native_id = now.origin.record;
  dialogue_.AddPrompt(now, std::move(prompt), batch);
}

void Reader::OnAssistant(const Message& message, const Dialogue::Moment& now, Batch& batch) {
  const std::string text =
      message.blocks.empty() ? std::string() : message.blocks.front().text.Prefix(200);
  if (message.display_role.Is("error")) return dialogue_.AddApiError(now, text, batch);
  if (message.display_only) return;
  DialogueIdentity& who = dialogue_.who();
  if (who.model.empty()) who.model = message.model.ToString();
  if (who.provider.empty()) who.provider = message.provider.ToString();
  dialogue_.AddAnswer(batch);
  if (message.metrics.present) {
    const Metrics& metrics = message.metrics;
    ingest::TokenDelta tokens;
    tokens.input_uncached = std::max<int64_t>(0, metrics.input - metrics.cache_read);
    tokens.cache_read = metrics.cache_read;
    tokens.cache_write = metrics.cache_write;
    tokens.output = metrics.output;
    dialogue_.AddTokens(tokens, batch);
  }
  for (const Block& block : message.blocks) {
    if (block.kind != Block::Kind::kToolUse) continue;
    const std::string name = block.name.ToString();
    const ShellPlace place{.cwd = who.cwd, .home = HomeAbove(who.cwd)};
    static_cast<void>(dialogue_.AddCall(now, block.id.ToString(), name,
                                        MakeIntent(FindTool(kTools, name), block.args, place),
                                        batch));
  }
}

void Reader::OnResult(const Block& block, const Dialogue::Moment& now, Batch& batch) {
  Dialogue::CallEnd end;
  std::string output;
  bool failed = false, nonzero = false;
  for (const PartResult& part : block.parts) {
    end.parts_ok.push_back(!part.failed);
    const RawText& text = part.failed && part.error.present() ? part.error : part.result;
    const std::string words = text.Prefix(kOutputBytes);
    failed = failed || part.failed;
    nonzero = nonzero || (part.failed && ExitCodeIn(words) > 0);
    if (output.empty() || part.failed) output = WithoutNumbers(words);
  }
  const bool skill = block.name.Is("skills");
  if (skill) {
    failed = !output.starts_with("<command-name>");
    end.parts_ok.clear();
  }
  if (failed) {
    end.result = Dialogue::Result::kError;
    if (block.name.Is("run_commands") && nonzero) end.result = Dialogue::Result::kNonzeroExit;
  }
  // Said in one text, instead of the results.
  const bool plain = block.parts.size() == 1 && !block.parts.front().error.present();
  if (plain && !skill && SaysDenied(std::string_view(output).substr(0, 200))) {
    end.result = Dialogue::Result::kDenied;
    end.parts_ok.clear();
  }
  end.output = output;
  static_cast<void>(dialogue_.EndCall(now, block.id.ToString(), end, batch));
}

// What only the manifest tells about the last turn.
void Reader::OnEnd(Batch& batch) {
  if (!dialogue_.begun()) return;
  const Dialogue::TurnState state = dialogue_.state();
  if (status_ == "cancelled" && state != Dialogue::TurnState::kFailed) {
    dialogue_.Interrupt(last_, batch);
  } else if (status_ == "failed" && state != Dialogue::TurnState::kFailed) {
    dialogue_.FailTurn(last_, "session failed", batch);
  }
  dialogue_.Finish(std::nullopt, batch);
}

}  // namespace

std::unique_ptr<ingest::LineReader> OpenSession(const ingest::ReaderOptions& options) {
  return std::make_unique<Reader>(options);
}

}  // namespace selftune::hosts::cline
