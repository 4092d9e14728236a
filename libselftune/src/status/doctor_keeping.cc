// Checks of what is lost unless something is done in time: transcripts that a host
// deletes, skills cut from a listing, the skill that agents operate selftune by.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "hosts/registry.h"
#include "install/file_change.h"
#include "install/ours.h"
#include "status/doctor_checks.h"
#include "status/freshness.h"
#include "status/listing_budget.h"
#include "store/install_rows.h"
#include "store/queries/host_uses.h"

namespace selftune::status {
namespace {

using hosts::HostRow;

constexpr uint64_t kMaxSettings = 4U << 20;
constexpr int64_t kUsesDays = 30;
constexpr int64_t kWarnDaysBefore = 7;  // less where a host deletes sooner

// 30, "30", "30d", "36h": in days, the last one rounded up.
std::optional<int64_t> Days(const base::JsonValue& value) {
  if (value.is_int() && value.AsInt() >= 0) return value.AsInt();
  std::string_view text = value.AsString();
  const bool hours = text.ends_with('h');
  if (hours || text.ends_with('d')) text.remove_suffix(1);
  const std::optional<int64_t> number = base::ParseInt(text);
  if (!number.has_value() || *number < 0) return std::nullopt;
  constexpr int64_t kHours = 24;
  return hours ? (*number + kHours - 1) / kHours : *number;
}

// After how many days the host deletes a transcript; empty when it does not.
std::optional<int64_t> DeletedAfter(const HostRow& row, const base::Environment& env) {
  std::optional<int64_t> usual;
  if (row.retention.usual_days > 0) usual = row.retention.usual_days;
  if (row.retention.key.empty()) return usual;
  const auto bytes = base::ReadFile(
      base::JoinPath(hosts::ConfigDir(row, env), row.retention.settings_file), kMaxSettings);
  const auto settings = base::JsonValue::Parse(bytes.ok() ? *bytes : "{}");
  if (!settings.ok()) return usual;
  const base::JsonValue* value = &*settings;
  for (const std::string_view part : base::Split(row.retention.key, '.')) value = &(*value)[part];
  const std::optional<int64_t> set = Days(*value);
  return set.has_value() ? set : usual;
}

bool IsHere(const HostRow& row, const base::Environment& env) {
  const std::string folder = hosts::ConfigDir(row, env);
  return !folder.empty() && base::Exists(folder);
}

Check ListingOf(const HostRow& row, const ListingLimit& limit,
                const std::vector<ListedLine>& lines) {
  Check check{.name = fmt::format("listing.{}", row.platform)};
  std::vector<std::string> cut;
  for (const ListedLine& line : lines) {
    if (line.cut()) cut.push_back(line.name);
  }
  check.message = fmt::format("{} skills take {} of {} characters", lines.size(), TotalChars(lines),
                              *limit.chars);
  if (cut.empty()) return check;
  constexpr size_t kShown = 5;
  const size_t more = cut.size() > kShown ? cut.size() - kShown : 0;
  cut.resize(cut.size() - more);
  check.status = CheckStatus::kWarn;
  check.message += fmt::format("; the model does not see all of {}{}", base::Join(cut, ", "),
                               more > 0 ? fmt::format(" and {} more", more) : "");
  check.text = "shorten a description, or take out a skill that nobody uses";
  check.command = fmt::format("selftune budget --platform {}", row.platform);
  return check;
}

struct OwnFiles {
  int64_t files = 0, missing = 0, changed = 0, older = 0, unreadable = 0;
  std::string problem, path;  // of the first that cannot be read
};

// Of a project or an agent that is no more: ".claude" is gone from ".claude/skills/...".
bool IsGone(std::string_view path) {
  const size_t at = path.rfind("/skills/");
  return at != path.npos && !base::Exists(std::string(path.substr(0, at)));
}

OwnFiles Look(const std::vector<store::InstallRow>& rows, std::string_view version) {
  OwnFiles out;
  for (const store::InstallRow& row : rows) {
    if (row.kind != "skill" || IsGone(row.path)) continue;
    ++out.files;
    const auto file = install::ReadFileText(row.path);
    if (!file.ok()) {
      if (++out.unreadable > 1) continue;
      out.problem = Message(file.status());
      out.path = row.path;
    } else if (!file->exists) {
      ++out.missing;
    } else if (!row.sha256.empty() && !install::IsAsLeft(row, file->sha256)) {
      ++out.changed;  // kept as it is, also by a newer version
    } else if ((!version.empty() && row.version != version) ||
               (!row.sha256.empty() && row.sha256 != file->sha256)) {
      ++out.older;
    }
  }
  return out;
}

}  // namespace

Status CheckRetention(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const Freshness freshness, ReadFreshness(**world.db, world.now));
  for (const HostRow& row : hosts::Rows()) {
    if (!IsHere(row, *world.env)) continue;
    const std::optional<int64_t> days = DeletedAfter(row, *world.env);
    if (!days.has_value()) continue;
    Check check{.name = fmt::format("retention.{}", row.platform)};
    check.message = fmt::format("{} deletes a transcript after {} days; what was read stays here",
                                row.title, *days);
    const int64_t unread = freshness.lag_ms.value_or(*days * kDayMs) / kDayMs;
    if (unread >= *days - std::min(kWarnDaysBefore, *days / 2)) {
      check.status = CheckStatus::kWarn;
      check.message = fmt::format("{} deletes a transcript after {} days, and {}", row.title, *days,
                                  freshness.last_sync.has_value()
                                      ? fmt::format("the last sync was {} days ago", unread)
                                      : std::string("no sync has run to its end yet"));
      check.text = "read it before it is gone; a schedule does so by itself";
      check.command = "selftune sync";
    }
    out.push_back(std::move(check));
  }
  return absl::OkStatus();
}

Status CheckListings(const DoctorWorld& world, const skillfs::Discovery& found, Checks& out) {
  const store::TimeWindow window{.from = UtcMillis{world.now.value - kUsesDays * kDayMs}};
  ST_ASSIGN_OR_RETURN(const auto rows, store::ReadHostUses(**world.db, window));
  std::map<std::pair<std::string, std::string>, int64_t> uses;
  for (const auto& row : rows) uses[{row.platform, base::AsciiLower(row.skill)}] += row.triggered;
  for (const HostRow& row : hosts::Rows()) {
    if (!IsHere(row, *world.env)) continue;
    std::vector<ListedLine> lines = LinesOf(row, found);
    const ListingLimit limit = ReadListingLimit(row, *world.env, std::nullopt);
    if (lines.empty() || !limit.chars.has_value()) continue;
    for (ListedLine& line : lines) {
      const auto use = uses.find({std::string(row.platform), base::AsciiLower(line.name)});
      if (use != uses.end()) line.uses = use->second;
    }
    CutListing(row, limit, lines);
    out.push_back(ListingOf(row, limit, lines));
  }
  return absl::OkStatus();
}

Status CheckOwnSkill(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const auto rows, store::ReadInstalls(**world.db));
  const OwnFiles own = Look(rows, world.version);
  Check check{.name = "skill.selftune",
              .message = fmt::format("{} files, as installed", own.files)};
  check.command = "selftune skill install";
  if (own.files == 0) {
    check.status = CheckStatus::kInfo;
    check.message = "not installed";
    check.text = "with it an agent can operate selftune";
  } else if (own.unreadable > 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("{} of its {} files cannot be read: {}", own.unreadable, own.files,
                                own.problem);
    check.path = own.path;
    check.text = "nobody else can read it either; see what it is, and move it away";
    check.command = base::JoinCommand({"ls", "-ld", own.path});
  } else if (own.missing > 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("{} of its {} files are gone", own.missing, own.files);
    check.text = "put them back";
  } else if (own.older > 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("{} of its {} files are of another version than {}", own.older,
                                own.files, world.version);
    check.text = "renew them; a text that somebody edited stays as .orig";
    check.command = "selftune skill update";
  } else if (own.changed > 0) {
    check.status = CheckStatus::kInfo;
    check.message =
        fmt::format("{} of its {} files were edited since; they are kept", own.changed, own.files);
    check.text = "nothing needs to be done; see which they are";
    check.command = "selftune skill status";
  } else {
    check.command.clear();
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

void CheckPrivacy(const DoctorWorld& world, Checks& out) {
  if (!world.config.ok()) return;
  const config::Config& config = **world.config;
  const bool api = config.document["llm_mode"].AsString() == config::Word(config::LlmMode::kApi);
  const bool no_emails = config.Get("privacy.redact_emails").AsBool(api);
  out.push_back({.name = "privacy",
                 .message = fmt::format("nothing is uploaded; questions to a model go {}, without "
                                        "secrets{}",
                                        api ? "to the server of api.base_url" : "to your agent",
                                        no_emails ? " and e-mail addresses" : "")});
}

}  // namespace selftune::status
