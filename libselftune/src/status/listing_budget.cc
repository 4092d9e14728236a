#include "status/listing_budget.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "skillfs/packages.h"
#include "status/off_switches.h"

namespace selftune::status {
namespace {

using hosts::HostRow;
using hosts::ListingBudget;
using Lines = std::vector<ListedLine>;

constexpr int64_t kCharsPerToken = 4;  // how both hosts with a known budget count
constexpr uint64_t kMaxSettings = 4U << 20;
constexpr int64_t kMaxLimit = 1'000'000'000;

base::JsonValue ReadSettings(const HostRow& row, const base::Environment& env) {
  if (row.listing.settings_file.empty()) return {};
  const std::string dir = hosts::ConfigDir(row, env);
  if (dir.empty()) return {};
  const auto bytes = base::ReadFile(base::JoinPath(dir, row.listing.settings_file), kMaxSettings);
  if (!bytes.ok()) return {};
  auto value = base::JsonValue::Parse(*bytes);
  return value.ok() ? *std::move(value) : base::JsonValue();
}

// A positive whole number of characters; empty for anything else.
std::optional<int64_t> Chars(const base::JsonValue& value) {
  const std::optional<int64_t> number =
      value.is_int() ? std::optional(value.AsInt()) : base::ParseInt(value.AsString());
  if (!number.has_value() || *number < 1 || *number > kMaxLimit) return std::nullopt;
  return number;
}

std::string Percent(double share) { return fmt::format("{:g} %", share * 100); }

void UseShare(const ListingBudget& budget, double share, std::string_view whose,
              std::optional<int64_t> context_tokens, ListingLimit& out) {
  if (context_tokens.has_value()) {
    out.chars = std::llround(share * static_cast<double>(*context_tokens * kCharsPerToken));
    out.basis = fmt::format("{}{} of a context window of {} tokens, {} characters a token", whose,
                            Percent(share), *context_tokens, kCharsPerToken);
    return;
  }
  out.chars = std::llround(static_cast<double>(budget.usual_chars) * share / budget.window_share);
  out.basis =
      fmt::format("{}{} of the context window, taken as the usual one", whose, Percent(share));
}

// Cuts the descriptions of the least used until the rest fits.
void DropLeastUsed(const HostRow& row, int64_t limit, Lines& lines,
                   const std::vector<size_t>& listed) {
  std::vector<size_t> order = listed;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(lines[a].uses, lines[b].name, lines[b].path) <
           std::tie(lines[b].uses, lines[a].name, lines[a].path);
  });
  int64_t total = TotalChars(lines);
  for (const size_t i : order) {
    if (total <= limit) return;
    ListedLine& line = lines[i];
    const int64_t bare = LineChars(row, line, 0);
    if (line.chars == bare) continue;
    total -= line.chars - bare;
    line.shown = bare;
    line.state = "name_only";
  }
}

// No description is longer than the longest length at which all fit; what is
// left over goes to the first ones, a character each.
void Shorten(const HostRow& row, int64_t limit, Lines& lines, const std::vector<size_t>& listed,
             const std::vector<int64_t>& lengths) {
  int64_t room = limit;
  for (const size_t i : listed) room -= LineChars(row, lines[i], 1) - 1;
  std::vector<size_t> order = listed;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return std::tie(lengths[a], a) < std::tie(lengths[b], b); });
  for (size_t n = 0; n < order.size(); ++n) {
    const size_t i = order[n];
    const auto rest = static_cast<int64_t>(order.size() - n);
    // Those that come later are at least as long: each may have a fair part.
    const int64_t given = std::min(lengths[i], (room + rest - 1) / rest);
    room -= given;
    if (given == lengths[i]) continue;
    lines[i].shown = LineChars(row, lines[i], given);
    lines[i].state = given == 0 ? "name_only" : "truncated";
  }
}

// Not even the names fit: as many of them as do, in the order of the scopes.
void LeaveOut(const HostRow& row, int64_t limit, Lines& lines, const std::vector<size_t>& listed) {
  const auto rank = [](const std::string& scope) {
    return scope == "system" ? 0 : scope == "admin" ? 1 : scope == "project" ? 2 : 3;
  };
  std::vector<size_t> order = listed;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rank(lines[a].scope) < rank(lines[b].scope); });
  int64_t room = limit;
  for (const size_t i : order) {
    const int64_t bare = LineChars(row, lines[i], 0);
    const bool fits = bare <= room;
    if (fits) room -= bare;
    lines[i].shown = fits ? bare : 0;
    lines[i].state = fits ? "name_only" : "absent";
  }
}

void ShortenOrLeaveOut(const HostRow& row, int64_t limit, Lines& lines,
                       const std::vector<size_t>& listed, const std::vector<int64_t>& lengths) {
  int64_t with_room = 0;
  for (const size_t i : listed) with_room += LineChars(row, lines[i], 1) - 1;
  if (with_room <= limit) {
    Shorten(row, limit, lines, listed, lengths);
  } else {
    LeaveOut(row, limit, lines, listed);
  }
}

int64_t DescriptionChars(const HostRow& row, const skillfs::Frontmatter& frontmatter) {
  auto chars = static_cast<int64_t>(base::CountCodePoints(frontmatter.description.value_or("")));
  if (row.listing.also_listed.empty()) return chars;
  const auto also = frontmatter.Field(row.listing.also_listed);
  if (!also.has_value() || also->empty()) return chars;
  return chars +
         static_cast<int64_t>(std::string_view(" - ").size() + base::CountCodePoints(*also));
}

}  // namespace

ListingLimit ReadListingLimit(const HostRow& row, const base::Environment& env,
                              std::optional<int64_t> context_tokens) {
  const ListingBudget& budget = row.listing;
  ListingLimit out{.chars = std::nullopt,
                   .basis = fmt::format("the budget of {} is not known", row.title),
                   .max_description = budget.max_description};
  if (budget.window_share <= 0) return out;
  const base::JsonValue settings = ReadSettings(row, env);
  if (const auto most = Chars(settings[budget.description_key])) out.max_description = *most;
  if (const auto fixed = Chars(settings["env"][budget.chars_key])) {
    out.chars = fixed;
    out.basis = fmt::format("{} of {}", budget.chars_key, budget.settings_file);
    return out;
  }
  const double set = settings[budget.share_key].AsDouble();
  if (set > 0 && set <= 1) {
    UseShare(budget, set, fmt::format("{} of {}: ", budget.share_key, budget.settings_file),
             context_tokens, out);
  } else {
    UseShare(budget, budget.window_share, "", context_tokens, out);
  }
  return out;
}

std::optional<double> ListedLine::Value() const {
  if (chars <= 0) return std::nullopt;
  return static_cast<double>(uses) / static_cast<double>(chars);
}

std::vector<ListedLine> LinesOf(const HostRow& row, const skillfs::Discovery& discovery,
                                std::string_view cwd) {
  Lines lines;
  for (const skillfs::InstalledSkill& skill : discovery.skills) {
    for (const skillfs::SkillPlacement& placement : skill.placements) {
      if (placement.platform != row.platform) continue;
      if (!placement.shadowed_by.empty() || !SettingsAgainst(placement, cwd).empty()) continue;
      ListedLine& line = lines.emplace_back();
      line.name = placement.name;
      line.path = placement.path;
      line.scope = placement.scope;
      line.managed =
          skillfs::IsManaged(placement.scope, skill.real_path, !placement.plugin.empty());
      line.explicit_only = placement.explicit_only;
      line.unknown_by = SettingsUnknown(placement, cwd);
      line.description_chars = DescriptionChars(row, skill.frontmatter);
      break;  // one real file is listed once
    }
  }
  std::sort(lines.begin(), lines.end(), [](const ListedLine& a, const ListedLine& b) {
    return std::tie(a.name, a.path) < std::tie(b.name, b.path);
  });
  return lines;
}

int64_t LineChars(const HostRow& row, const ListedLine& line, int64_t description_chars) {
  // "- NAME: DESCRIPTION (file: PATH)" and the end of the line.
  auto chars =
      static_cast<int64_t>(std::string_view("- \n").size() + base::CountCodePoints(line.name));
  if (description_chars > 0) chars += 2 + description_chars;
  if (row.listing.names_file) {
    chars += static_cast<int64_t>(std::string_view(" (file: )").size() +
                                  base::CountCodePoints(line.path));
  }
  return chars;
}

int64_t TotalChars(const Lines& lines) {
  return std::accumulate(lines.begin(), lines.end(), int64_t{0},
                         [](int64_t sum, const ListedLine& line) { return sum + line.chars; });
}

void CutListing(const HostRow& row, const ListingLimit& limit, Lines& lines) {
  std::vector<size_t> listed;
  std::vector<int64_t> lengths(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    ListedLine& line = lines[i];
    if (line.explicit_only) {
      line.chars = 0;
      line.shown = 0;
      line.state = "explicit_only";
      continue;
    }
    const bool capped = limit.max_description > 0 && line.description_chars > limit.max_description;
    lengths[i] = capped ? limit.max_description : line.description_chars;
    line.chars = LineChars(row, line, lengths[i]);
    line.state = "unknown";
    line.shown = std::nullopt;
    if (!limit.chars.has_value()) continue;
    line.shown = line.chars;
    line.state = capped ? "truncated" : lengths[i] == 0 ? "name_only" : "full";
    listed.push_back(i);
  }
  if (!limit.chars.has_value() || TotalChars(lines) <= *limit.chars) return;
  if (row.listing.cut == ListingBudget::Cut::kLeastUsed) {
    DropLeastUsed(row, *limit.chars, lines, listed);
  } else if (row.listing.cut == ListingBudget::Cut::kShortened) {
    ShortenOrLeaveOut(row, *limit.chars, lines, listed, lengths);
  }
}

void SortByValue(Lines& lines) {
  std::stable_sort(lines.begin(), lines.end(), [](const ListedLine& a, const ListedLine& b) {
    if (a.explicit_only != b.explicit_only) return b.explicit_only;
    const double va = a.Value().value_or(0), vb = b.Value().value_or(0);
    if (va != vb) return va < vb;
    return std::tie(b.chars, a.name) < std::tie(a.chars, b.name);
  });
}

}  // namespace selftune::status
