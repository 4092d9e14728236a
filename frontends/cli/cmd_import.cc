// import upstream: from the TypeScript selftune to this one.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderTables(const Json& data, const Screen& screen) {
  Table table({{"table"},
               {"there", Table::Align::kRight},
               {"imported", Table::Align::kRight},
               {"merged", Table::Align::kRight},
               {"kept", Table::Align::kRight},
               {"rejected", Table::Align::kRight}});
  int64_t empty = 0;
  for (const Json& row : data["tables"].items()) {
    if (row["source"].Int() == 0) {
      ++empty;
      continue;
    }
    const int64_t rejected = row["rejected"].Int();
    table.Add({{OneLine(row["table"].Text())},
               {Count(row["source"].Int())},
               {Count(row["imported"].Int())},
               {Count(row["merged"].Int())},
               {Count(row["kept"].Int())},
               {Count(rejected), rejected > 0 ? Style::kWarn : Style::kPlain}});
  }
  std::string out = table.empty() ? "" : table.Draw(screen);
  if (empty > 0) out += screen.Paint(Style::kDim, Count(empty) + " tables are empty") + "\n";
  return out;
}

std::string RenderImport(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out;
  for (const std::string_view key : {"databases", "logs"}) {
    for (const Json& path : data[key].items()) out += "read " + OneLine(path.Text()) + "\n";
  }
  out += "\n" + RenderTables(data, screen);
  for (const Json& row : data["rejected"].items()) {
    out += screen.Paint(Style::kWarn, "rejected") + " " + OneLine(row["table"].Text()) + " " +
           OneLine(row["id"].Text()) + ": " + OneLine(row["reason"].Text()) + "\n";
  }
  if (!data["moved_aside"].is_null()) {
    out += "its database is now " + OneLine(data["moved_aside"].Text()) + "\n";
  }
  for (const Json& left : data["leftovers"].items()) {
    out += "left there: " + OneLine(left["kind"].Text()) + " " + OneLine(left["path"].Text()) +
           " (" + OneLine(left["detail"].Text()) + ")\n";
  }
  if (!data["reconciled"].Bool()) {
    return out + screen.Paint(Style::kBad, "Not every row is accounted for.") + "\n";
  }
  if (reply.dry_run()) return out + "Dry run: every row is accounted for.\n";
  return out + (data["receipt"].is_null() ? "Nothing new: every row was there already.\n"
                                          : "Every row is accounted for.\n");
}

constexpr Flag kFlags[] = {
    {"db", "its selftune.db, if it is not where it usually is", FlagType::kText, "path"},
    {"logs", "the folder of its JSON lines", FlagType::kText, "dir"},
};
constexpr Example kExamples[] = {
    {"selftune import upstream --dry-run", "what would be taken over?"},
    {"selftune import upstream", "wherever its database and logs are"},
    {"selftune import upstream --db ~/old/selftune.db", "a database from elsewhere"},
};

}  // namespace

extern const Command kImportUpstreamCommand = {
    .path = "import upstream",
    .summary = "Take over what the TypeScript selftune recorded",
    .group = "Data",
    .op = "store.import_reference",
    .flags = kFlags,
    .examples = kExamples,
    .render = RenderImport,
    .rare = true,
};

}  // namespace selftune::cli
