// evidence: where figures come from.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

// "more: --cursor ..." below a page that is not the last.
std::string More(const Reply& reply, const Screen& screen) {
  const std::string next = OneLine(reply.data()["next_cursor"].Text());
  return next.empty() ? "" : screen.Paint(Style::kDim, "more: --cursor " + next) + "\n";
}

std::string Source(const Json& source) {
  if (source["path"].is_null()) return "-";
  std::string out = OneLine(source["path"].Text());
  if (source["line"].is_number()) out += ":" + source["line"].Dump();
  return out;
}

std::string RenderEvidence(const Reply& reply, const Screen& screen) {
  Table table({{"when"},
               {"skill", Table::Align::kLeft, true},
               {"outcome"},
               {"level"},
               {"by"},
               {"prompt", Table::Align::kLeft, true},
               {"source", Table::Align::kLeft, true}});
  for (const Json& row : reply.data()["items"].items()) {
    table.Add({{Ago(row["at"].Text(), reply.now())},
               {OneLine(row["skill"].Text())},
               {OneLine(row["outcome"].Text())},
               {OneLine(row["level"].Text())},
               {OneLine(row["requested_by"].Text())},
               {OneLine(row["prompt"].Text())},
               {Source(row["source"]), Style::kDim}});
  }
  if (table.empty()) return "No evidence of that.\n";
  return table.Draw(screen) + More(reply, screen);
}

std::string RenderSources(const Reply& reply, const Screen& screen) {
  Table table({{"id", Table::Align::kRight},
               {"host"},
               {"state"},
               {"size", Table::Align::kRight},
               {"records", Table::Align::kRight},
               {"understood", Table::Align::kRight},
               {"skipped", Table::Align::kRight},
               {"bad", Table::Align::kRight},
               {"read"},
               {"schema"},
               {"path", Table::Align::kLeft, true}});
  for (const Json& source : reply.data()["sources"].items()) {
    const int64_t bad = source["bad_lines"].Int();
    const bool failed = !source["last_error"].is_null();
    table.Add({{source["source_id"].Dump()},
               {OneLine(source["platform"].Text())},
               {OneLine(source["state"].Text()), failed ? Style::kBad : Style::kPlain},
               {Bytes(source["size_bytes"].Int())},
               {Count(source["records"].Int())},
               {Count(source["understood"].Int())},
               {Count(source["skipped"].Int())},
               {Count(bad), bad > 0 ? Style::kWarn : Style::kPlain},
               {Ago(source["last_read"].Text(), reply.now())},
               {OneLine(source["schema"].Text())},
               {OneLine(source["path"].Text()), Style::kDim}});
  }
  if (table.empty()) return "No sources.\n";
  std::string out = table.Draw(screen);
  for (const Json& source : reply.data()["sources"].items()) {
    if (source["last_error"].is_null()) continue;
    out += screen.Paint(Style::kBad, "  " + source["source_id"].Dump()) + "  " +
           OneLine(source["last_error"].Text()) + "\n";
  }
  return out;
}

std::string RenderBadLines(const Reply& reply, const Screen& screen) {
  Table table({{"reason", Table::Align::kLeft, true},
               {"where", Table::Align::kLeft, true},
               {"excerpt", Table::Align::kLeft, true}});
  for (const Json& line : reply.data()["items"].items()) {
    const std::string at =
        line["line"].is_number() ? line["line"].Dump() : "@" + line["offset"].Dump();
    table.Add({{OneLine(line["reason"].Text())},
               {OneLine(line["path"].Text()) + ":" + at},
               {OneLine(line["excerpt"].Text()), Style::kDim}});
  }
  return table.empty() ? "No bad lines.\n" : table.Draw(screen) + More(reply, screen);
}

std::string RenderSessions(const Reply& reply, const Screen& screen) {
  Table table({{"session"},
               {"host"},
               {"kind"},
               {"started"},
               {"ended as"},
               {"prompts", Table::Align::kRight},
               {"calls", Table::Align::kRight},
               {"errors", Table::Align::kRight},
               {"skills", Table::Align::kLeft, true}});
  for (const Json& session : reply.data()["items"].items()) {
    table.Add({{OneLine(session["session_id"].Text())},
               {OneLine(session["platform"].Text())},
               {OneLine(session["kind"].Text())},
               {Ago(session["started"].Text(), reply.now())},
               {OneLine(session["outcome"].Text())},
               {Count(session["prompts"].Int())},
               {Count(session["tool_calls"].Int())},
               {Count(session["errors"].Int())},
               {JoinTexts(session["skills"])}});
  }
  return table.empty() ? "No sessions.\n" : table.Draw(screen) + More(reply, screen);
}

std::string RenderSignals(const Reply& reply, const Screen& screen) {
  Table table({{"id", Table::Align::kRight},
               {"when"},
               {"kind"},
               {"skill", Table::Align::kLeft, true},
               {"state"},
               {"prompt", Table::Align::kLeft, true}});
  for (const Json& signal : reply.data()["items"].items()) {
    const bool resolved = signal["resolved"].Bool();
    table.Add({{signal["signal_id"].Dump()},
               {Ago(signal["at"].Text(), reply.now())},
               {OneLine(signal["kind"].Text())},
               {OneLine(signal["skill"].Text()) + (resolved ? "" : " (not installed)")},
               {OneLine(signal["state"].Text())},
               {OneLine(signal["query"].Text())}});
  }
  return table.empty() ? "No signals.\n" : table.Draw(screen) + More(reply, screen);
}

// One line of a timeline; what it says depends on the kind.
std::string EntryText(const Json& entry) {
  const Json& detail = entry["detail"];
  const std::string& kind = entry["kind"].Text();
  if (kind == "prompt") return OneLine(detail["text"].Text());
  if (kind == "event") return OneLine(detail["event"].Text() + ": " + detail["detail"].Text());
  std::string out;
  for (const auto& [key, value] : detail.members()) {
    if (!value.is_string() || value.Text().empty()) continue;
    out += (out.empty() ? "" : ", ") + OneLine(value.Text());
  }
  return out;
}

std::string RenderTimeline(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = Heading(screen, "Session " + OneLine(data["session_id"].Text()) + ", " +
                                        OneLine(data["platform"].Text()) + ", " +
                                        OneLine(data["outcome"].Text()));
  Table table(
      {{"time"}, {"kind"}, {"what", Table::Align::kLeft, true}, {"line", Table::Align::kRight}});
  for (const Json& entry : data["entries"].items()) {
    const std::string& at = entry["at"].Text();
    const bool has_time = at.size() >= 19;  // 2026-01-02T03:04:05
    table.Add({{has_time ? OneLine(at.substr(11, 8)) : "-"},
               {OneLine(entry["kind"].Text())},
               {EntryText(entry)},
               {entry["source"]["line"].is_number() ? entry["source"]["line"].Dump() : "-"}});
  }
  if (!table.empty()) out += table.Draw(screen);
  std::string tools;
  for (const Json& tool : data["tools"].items()) {
    tools += (tools.empty() ? "" : ", ") + OneLine(tool["name"].Text()) + " " +
             Count(tool["calls"].Int());
    if (tool["errors"].Int() > 0) tools += " (" + Plural(tool["errors"].Int(), "error") + ")";
  }
  return tools.empty() ? out : out + screen.Paint(Style::kDim, "tools") + "  " + tools + "\n";
}

constexpr std::string_view kOutcomes[] = {"triggered", "refused", "requested", "read_only",
                                          "missed"};
constexpr Flag kEvidenceFlags[] = {
    {"sources", "what evidence is read from", FlagType::kSwitch, {}, 0, {}, "-"},
    {"bad-lines", "lines that could not be read", FlagType::kSwitch, {}, 0, {}, "-"},
    {"sessions", "sessions, newest first", FlagType::kSwitch, {}, 0, {}, "-"},
    {"signals", "what prompts say about skills", FlagType::kSwitch, {}, 0, {}, "-"},
    {"state", "with --signals, --sources: only in this state", FlagType::kText},
    {"source-id", "with --bad-lines: only of this source", FlagType::kInt, "id"},
    {"session", "this session, in order; with a skill or an outcome: its rows", FlagType::kText,
     "id"},
    {"outcome", "only these", FlagType::kText, {}, 0, kOutcomes},
    {"level", "how it was seen", FlagType::kText},
    {"mode", "explicit, implicit or inferred", FlagType::kText},
    {"query", "part of the prompt", FlagType::kText, {}, 0, {}, "q"},
    {"raw", "whole prompts, as they are", FlagType::kSwitch},
    kPlatformFlag,
    kSkillPathFlag,
    kSinceFlag,
    kUntilFlag,
    kLimitFlag,
    kCursorFlag,
};
constexpr Variant kEvidenceVariants[] = {
    {"sessions", "session.list", RenderSessions},      {"signals", "signals.list", RenderSignals},
    {"session", "session.timeline", RenderTimeline},   {"sources", "source.list", RenderSources},
    {"bad-lines", "source.bad_lines", RenderBadLines},
};
constexpr Positional kEvidencePositionals[] = {{"skill", "name of the skill", /*required=*/false}};
constexpr Example kEvidenceExamples[] = {
    {"selftune evidence pdf --outcome missed", "the rows behind a figure"},
    {"selftune evidence --session 3f2a", "one session in order"},
    {"selftune evidence --signals --state pending", "what people asked for"},
};

}  // namespace

extern const Command kEvidenceCommand = {
    .path = "evidence",
    .summary = "Show the rows behind a figure",
    .group = "Evidence",
    .op = "skill.observations",
    .flags = kEvidenceFlags,
    .positionals = kEvidencePositionals,
    .examples = kEvidenceExamples,
    .render = RenderEvidence,
    .variants = kEvidenceVariants,
};

}  // namespace selftune::cli
