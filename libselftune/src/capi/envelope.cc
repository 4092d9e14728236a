#include "capi/envelope.h"

#include "base/error_next.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "capi/version.h"

namespace selftune::capi {
namespace {

using base::JsonWriter;

void WriteText(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

// `status` with the step of its code where it names none of its own.
Status WithStep(const Status& status) {
  const ErrorNext next = FindErrorNext(CodeOf(status).name);
  return WithSuggestion(status, Suggestion(status).empty() ? next.text : "",
                        NextCommand(status).empty() ? next.command : "");
}

void WriteErrorFields(JsonWriter& out, const Status& status) {
  const ErrorCode& code = CodeOf(status);
  out.Field("code", code.name).Field("message", Message(status));
  WriteText(out, "suggestion", Suggestion(status));
  out.Field("retryable", code.retryable).Field("exit_code", code.exit_code);
  const std::string details = DetailsJson(status);
  out.Key("details");
  if (details.empty()) {
    out.Null();
  } else {
    out.Raw(details);
  }
}

void WriteCommand(JsonWriter& out, const std::vector<std::string>& argv) {
  out.Field("command", JoinCommand(argv)).Key("argv").BeginArray();
  for (const std::string& word : argv) out.String(word);
  out.EndArray();
}

void WriteNext(JsonWriter& out, const std::vector<NextStep>& steps) {
  out.Key("next");
  if (steps.empty()) {
    out.Null();
    return;
  }
  out.BeginObject();
  WriteCommand(out, steps[0].argv);
  out.Field("reason", steps[0].reason).Field("blocking", steps[0].blocking);
  out.Key("alternatives").BeginArray();
  for (size_t i = 1; i < steps.size(); ++i) {
    out.BeginObject();
    WriteCommand(out, steps[i].argv);
    out.Field("reason", steps[i].reason).EndObject();
  }
  out.EndArray().EndObject();
}

// The steps of the context, else what the verdict suggests.
std::vector<NextStep> StepsOf(const Context& context) {
  if (!context.next().empty()) return context.next();
  if (context.verdict().ok()) return {};
  const Status verdict = WithStep(context.verdict());
  const std::string command = NextCommand(verdict);
  if (command.empty()) return {};
  NextStep step;
  step.argv = SplitCommand(command);
  step.reason = Suggestion(verdict);
  return {step};
}

}  // namespace

std::string ErrorObject(const Status& status) {
  JsonWriter out;
  out.BeginObject();
  WriteErrorFields(out, WithStep(status));
  out.EndObject();
  return std::move(out).Take();
}

std::string ErrorObjectWithNext(const Status& bare) {
  const Status status = WithStep(bare);
  JsonWriter out;
  out.BeginObject();
  WriteErrorFields(out, status);
  const std::string command = NextCommand(status);
  out.Key("next");
  if (command.empty()) {
    out.Null();
  } else {
    out.BeginObject();
    WriteCommand(out, SplitCommand(command));
    out.EndObject();
  }
  out.EndObject();
  return std::move(out).Take();
}

std::string SuccessEnvelope(const RequestDoc& request, const Context& context,
                            std::string_view data_json) {
  const bool ok = context.verdict().ok();
  JsonWriter out;
  out.BeginObject()
      .Field("schema", request.op->schema)
      .Field("ok", ok)
      .Field("command", request.command)
      .Field("selftune_version", kVersion)
      .Field("generated_at", context.now())
      .Field("dry_run", context.dry_run())
      .Field("changed", context.changed() && !context.dry_run());
  out.Key("data").Raw(data_json);
  out.Key("warnings").BeginArray();
  for (const Context::Warning& warning : context.warnings()) {
    out.BeginObject().Field("code", warning.code).Field("message", warning.message).EndObject();
  }
  out.EndArray();
  WriteNext(out, StepsOf(context));
  out.Key("error");
  if (ok) {
    out.Null();
  } else {
    out.Raw(ErrorObject(context.verdict()));
  }
  out.EndObject();
  return std::move(out).Take();
}

std::vector<std::string> SplitCommand(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, perhaps empty ('')
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && i + 1 < command.size()) {
        word += command[++i];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (base::IsSpace(c)) {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      if (c == '\\' && i + 1 < command.size()) ++i;
      word += command[i];
      open = true;
    }
  }
  if (open) words.push_back(std::move(word));
  return words;
}

}  // namespace selftune::capi
