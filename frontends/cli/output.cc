#include "cli/output.h"

#include <optional>
#include <string>

#include "cli/fold.h"
#include "cli/render.h"
#include "cli/screen.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kNegative = 3;
constexpr int kNoEvidence = 6;

// The second member of every reply.
bool SaysOk(std::string_view envelope) {
  constexpr std::string_view kBegin = R"({"schema":")";
  if (!envelope.starts_with(kBegin)) return false;
  const size_t end = envelope.find('"', kBegin.size());
  return end != envelope.npos && envelope.substr(end).starts_with(R"(","ok":true,)");
}

}  // namespace

int NotWritten() {
  WriteErr("selftune: WRITE_FAILED: writing to stdout\n");
  return kFailed;
}

std::string Explained(const Json& envelope) {
  const Json& error = envelope["error"];
  std::string line =
      "selftune: " + OneLine(error["code"].Text()) + ": " + OneLine(error["message"].Text());
  const std::string suggestion = OneLine(error["suggestion"].Text());
  if (!suggestion.empty()) line += " (" + suggestion + ")";
  const std::string next = OneLine(envelope["next"]["command"].Text());
  if (!next.empty()) line += "; next: " + next;
  return line + "\n";
}

int ExitCodeOf(const Json& envelope, const Args& args) {
  if (envelope["ok"].Bool()) return 0;
  const int code = static_cast<int>(envelope["error"]["exit_code"].Int());
  const bool answered = envelope["data"].is_object();
  if (answered && args.Has("exit-zero") && (code == kNegative || code == kNoEvidence)) return 0;
  return code == 0 ? kFailed : code;
}

std::string JsonOf(const Invocation& invocation, const std::string& text, const Json& envelope) {
  std::string fields;
  for (const std::string& each : invocation.args.All("fields")) fields += each + ",";
  return fields.empty() ? text : KeepFields(envelope, fields).Dump();
}

std::string TextOf(const Invocation& invocation, const Json& envelope, RenderFn render) {
  if (!envelope["data"].is_object()) return "";
  const Screen screen = ScreenOf(invocation.args);
  const Reply reply{envelope};
  std::string text = render != nullptr ? render(reply, screen) : RenderFields(reply, screen);
  if (!invocation.args.Has("quiet")) text += RenderTail(reply, screen);
  const bool verbatim = invocation.command != nullptr && invocation.command->verbatim;
  return screen.folds && !verbatim ? Fold(text, screen.width) : text;
}

int Finish(const Invocation& invocation, const std::string& envelope, RenderFn render) {
  // Passed on as it is, nothing else of it has to be looked at.
  const OutputMode mode = ModeOf(invocation.args);
  if (mode != OutputMode::kText && !invocation.args.Has("fields") && SaysOk(envelope)) {
    return WriteOut(envelope + "\n") ? 0 : NotWritten();
  }
  const std::optional<Json> parsed = Json::Parse(envelope);
  if (!parsed.has_value()) {
    WriteErr("selftune: INTERNAL: the library's reply is not JSON\n");
    return 70;
  }
  const bool written =
      WriteOut(mode == OutputMode::kText ? TextOf(invocation, *parsed, render)
                                         : JsonOf(invocation, envelope, *parsed) + "\n");
  if (!(*parsed)["ok"].Bool()) WriteErr(Explained(*parsed));
  return written ? ExitCodeOf(*parsed, invocation.args) : NotWritten();
}

int FinishFailure(const Invocation& invocation, std::string_view command, std::string_view schema,
                  const Failure& failure) {
  return Finish(invocation,
                FailureEnvelope(command, schema, failure, invocation.args.Has("dry-run")), nullptr);
}

}  // namespace selftune::cli
