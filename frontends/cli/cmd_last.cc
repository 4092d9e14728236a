// last: the latest session.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kNameColumns = 64;

std::string SkillsLine(const Json& skills) {
  std::string out;
  for (const Json& skill : skills.items()) {
    out += (out.empty() ? "" : ", ") + Shorten(OneLine(skill["name"].Text()), kNameColumns);
    if (skill["count"].Int() > 1) out += " ×" + Count(skill["count"].Int());
    const std::string& outcome = skill["outcome"].Text();
    if (outcome != "triggered") out += " (" + OneLine(outcome) + ")";
  }
  return out.empty() ? "none" : out;
}

std::string TokensLine(const Json& tokens) {
  if (tokens["input"].is_null() && tokens["output"].is_null()) return "";
  return Count(tokens["input"].Int()) + " in, " + Count(tokens["output"].Int()) + " out";
}

std::string RenderSession(const Json& session, const Reply& reply, const Screen& screen) {
  std::string out = Heading(screen, "Session " + OneLine(session["session_id"].Text()));
  Fields fields;
  std::string host = OneLine(session["platform"].Text());
  if (!session["model"].Text().empty()) host += ", " + OneLine(session["model"].Text());
  fields.Add("host", host);
  fields.AddText("folder", session["workspace"]);
  std::string when =
      Ago(session["ended"].is_null() ? session["started"].Text() : session["ended"].Text(),
          reply.now());
  if (session["duration_ms"].is_number()) when += ", " + Duration(session["duration_ms"].Int());
  fields.Add("ended", when + ", " + OneLine(session["outcome"].Text()));
  fields.Add("prompts", Count(static_cast<int64_t>(session["prompts"].items().size())));
  fields.Add("skills", SkillsLine(session["skills"]));
  fields.AddCount("tool calls", session["tool_calls"]);
  fields.AddCount("errors", session["errors"]);
  const std::string tokens = TokensLine(session["tokens"]);
  if (!tokens.empty()) fields.Add("tokens", tokens);
  const Json& grade = session["grade"];
  if (grade.is_object()) fields.Add("grade", RateOf(grade["passed"].Int(), grade["total"].Int()));
  out += fields.Draw(screen);
  for (const Json& miss : session["unmatched"].items()) {
    out += "  " + screen.Paint(Style::kWarn, "missed") + " " + OneLine(miss["skill"].Text()) +
           ": " + Shorten(OneLine(miss["text"].Text()), screen.width / 2) + " " +
           screen.Paint(Style::kDim, OneLine(miss["reason"].Text())) + "\n";
  }
  const std::string advice = OneLine(session["recommendation"].Text());
  return advice.empty() ? out : out + "\n→ " + advice + "\n";
}

std::string RenderLast(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& session : reply.data()["sessions"].items()) {
    out += (out.empty() ? "" : "\n") + RenderSession(session, reply, screen);
  }
  return out.empty() ? "No sessions yet.\n" : out;
}

constexpr Flag kFlags[] = {
    {"n", "the latest n sessions", FlagType::kInt},
    {"session", "show this session instead", FlagType::kText, "id"},
    kSkillFlag,
    kSkillPathFlag,
    kPlatformFlag,
    {"raw", "with the whole texts of prompts", FlagType::kSwitch},
};
constexpr Example kExamples[] = {
    {"selftune last", "what the latest session did"},
    {"selftune last --n 5 --skill pdf", "the latest five that used a skill"},
};

}  // namespace

extern const Command kLastCommand = {
    .path = "last",
    .summary = "Show what happened in the latest session",
    .group = "See",
    .op = "session.last",
    .flags = kFlags,
    .examples = kExamples,
    .render = RenderLast,
};

}  // namespace selftune::cli
