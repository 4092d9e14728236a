// why, evidence: where figures and misses come from.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderWhy(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out =
      Heading(screen, OneLine(data["skill"].Text()) + ": " + OneLine(data["cause"].Text()));
  const std::string explanation = OneLine(data["explanation"].Text());
  if (!explanation.empty()) out += explanation + "\n";
  // Whole lines: what was found is the answer, and must not be cut.
  if (!data["evidence"].items().empty()) out += "\n";
  for (const Json& row : data["evidence"].items()) {
    out += "  " + PadRight(OneLine(row["check"].Text()), 15) + " " + OneLine(row["result"].Text()) +
           "\n";
    const std::string source = OneLine(row["source"].Text());
    if (!source.empty()) out += std::string(18, ' ') + screen.Paint(Style::kDim, source) + "\n";
  }
  const Json& fix = data["what_would_fix"];
  const std::string text = OneLine(fix["text"].Text());
  const std::string command = OneLine(fix["command"].Text());
  if (!text.empty() || !command.empty()) {
    out +=
        "\n→ " + text + (command.empty() ? "" : "  " + screen.Paint(Style::kBold, command)) + "\n";
  }
  return out;
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
  std::string out = table.Draw(screen);
  const std::string& next = reply.data()["next_cursor"].Text();
  if (!next.empty()) out += screen.Paint(Style::kDim, "more: --cursor " + OneLine(next)) + "\n";
  return out;
}

std::string RenderSources(const Reply& reply, const Screen& screen) {
  Table table({{"id", Table::Align::kRight},
               {"host"},
               {"state"},
               {"size", Table::Align::kRight},
               {"records", Table::Align::kRight},
               {"bad", Table::Align::kRight},
               {"read"},
               {"path", Table::Align::kLeft, true}});
  for (const Json& source : reply.data()["sources"].items()) {
    const int64_t bad = source["bad_lines"].Int();
    const bool failed = !source["last_error"].is_null();
    table.Add({{source["source_id"].Dump()},
               {OneLine(source["platform"].Text())},
               {OneLine(source["state"].Text()), failed ? Style::kBad : Style::kPlain},
               {Bytes(source["size_bytes"].Int())},
               {Count(source["records"].Int())},
               {Count(bad), bad > 0 ? Style::kWarn : Style::kPlain},
               {Ago(source["last_read"].Text(), reply.now())},
               {OneLine(source["path"].Text()), Style::kDim}});
  }
  return table.empty() ? "No sources.\n" : table.Draw(screen);
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
  return table.empty() ? "No bad lines.\n" : table.Draw(screen);
}

constexpr Flag kWhyFlags[] = {
    {"prompt", "a text to ask about", FlagType::kText},
    {"session", "a session", FlagType::kText, "id"},
    {"prompt-index", "its prompt, from 0", FlagType::kInt},
    kPlatformFlag,
    kSkillPathFlag,
};
constexpr Positional kWhyPositionals[] = {{"skill", "name of the skill"}};
constexpr Example kWhyExamples[] = {
    {"selftune why pdf --session 3f2a --prompt-index 2", "why it was not used there"},
    {"selftune why pdf --prompt 'merge these files'", "would it be used for this?"},
};

constexpr std::string_view kOutcomes[] = {"triggered", "refused", "requested", "read_only",
                                          "missed"};
constexpr Flag kEvidenceFlags[] = {
    {"sources", "what evidence is read from", FlagType::kSwitch, {}, 0, {}, "-"},
    {"bad-lines", "lines that could not be read", FlagType::kSwitch, {}, 0, {}, "-"},
    {"source-id", "with --bad-lines: only of this source", FlagType::kInt, "id"},
    {"session", "only this session", FlagType::kText, "id"},
    {"outcome", "only these", FlagType::kText, {}, 0, kOutcomes},
    {"level", "how it was seen", FlagType::kText},
    {"mode", "explicit, implicit or inferred", FlagType::kText},
    {"query", "part of the prompt", FlagType::kText, {}, 0, {}, "q"},
    kPlatformFlag,
    kSkillPathFlag,
    kSinceFlag,
    kUntilFlag,
    kLimitFlag,
    kCursorFlag,
};
constexpr Variant kEvidenceVariants[] = {
    {"sources", "source.list", RenderSources},
    {"bad-lines", "source.bad_lines", RenderBadLines},
};
constexpr Positional kEvidencePositionals[] = {{"skill", "name of the skill", /*required=*/false}};
constexpr Example kEvidenceExamples[] = {
    {"selftune evidence pdf --outcome missed", "the rows behind a figure"},
    {"selftune evidence --session 3f2a", "what one session shows"},
};

}  // namespace

extern const Command kWhyCommand = {
    .path = "why",
    .summary = "Say why a skill was not used",
    .group = "See",
    .op = "skill.why",
    .flags = kWhyFlags,
    .positionals = kWhyPositionals,
    .examples = kWhyExamples,
    .render = RenderWhy,
};

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
