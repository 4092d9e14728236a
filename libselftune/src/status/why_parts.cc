#include "status/why_parts.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hosts/registry.h"
#include "status/off_switches.h"

namespace selftune::status {

namespace {

using skillfs::SkillPlacement;

// Does the host look for skills in that folder?
bool IsRootOf(const hosts::HostRow& host, std::string_view folder) {
  return std::any_of(
      host.skill_roots.begin(), host.skill_roots.end(), [&](const hosts::SkillRoot& root) {
        if (root.base == hosts::SkillRoot::Base::kAbsolute) return folder == root.path;
        const bool config = root.base == hosts::SkillRoot::Base::kConfigDir;
        const std::string end = "/" + (config ? base::JoinPath(host.config_default, root.path)
                                              : std::string(root.path));
        return folder.ends_with(end);
      });
}

// What the last sync wrote down, of all hosts together.
Bar StoredBar(const std::vector<store::SkillLocation>& locations, std::string_view cwd) {
  const store::SkillLocation* barred = nullptr;
  for (const store::SkillLocation& one : locations) {
    if (!cwd.empty() && !IsVisible(one.project_root, cwd)) continue;
    if (one.implicit_allowed.value_or(true)) return {};
    if (barred == nullptr) barred = &one;
  }
  return barred == nullptr ? Bar() : Bar{Bar::Kind::kExplicitOnly, barred->path};
}

std::string TitleOf(std::string_view platform) {
  const hosts::HostRow* const row = hosts::FindRow(platform);
  return std::string(row == nullptr ? platform : row->title);
}

}  // namespace

void Installed::KeepFor(std::string_view platform) {
  const hosts::HostRow* const host = hosts::FindRow(platform);
  if (host == nullptr || hosts::TakesSingleFiles(*host)) return;
  const auto is_single = [](std::string_view path) { return base::BaseName(path) != "SKILL.md"; };
  std::erase_if(locations, [&](const auto& one) { return is_single(one.path); });
  std::erase_if(placements, [&](const auto* one) { return is_single(one->path); });
}

std::vector<std::string> Installed::RootsOf(const store::SkillLocation& location) const {
  std::vector<std::string> out;
  for (const SkillPlacement* one : placements) {
    if (one->path != location.path) continue;
    if (one->project_root.empty()) return {""};
    if (std::find(out.begin(), out.end(), one->project_root) == out.end()) {
      out.emplace_back(one->project_root);
    }
  }
  if (out.empty()) out.emplace_back(location.project_root);
  return out;
}

bool Installed::Sees(std::string_view cwd, const store::SkillLocation& location) const {
  const std::vector<std::string> roots = RootsOf(location);
  return std::any_of(roots.begin(), roots.end(),
                     [&](std::string_view root) { return IsVisible(root, cwd); });
}

bool Installed::VisibleFrom(std::string_view cwd) const {
  return std::any_of(locations.begin(), locations.end(),
                     [&](const store::SkillLocation& one) { return Sees(cwd, one); });
}

bool Installed::OutOfSight(std::string_view cwd) const {
  if (cwd.empty() || (locations.empty() && placements.empty()) || VisibleFrom(cwd)) return false;
  // Copies that the last sync did not see.
  return std::none_of(placements.begin(), placements.end(),
                      [&](const SkillPlacement* one) { return IsVisible(one->project_root, cwd); });
}

const store::SkillLocation* Installed::HiddenBy(const store::ExposureAt& exposure,
                                                std::string_view platform,
                                                std::string_view cwd) const {
  const hosts::HostRow* const host = hosts::FindRow(platform);
  if (host == nullptr || !host->equal_names_shadow || !exposure.description.has_value()) {
    return nullptr;
  }
  const store::SkillLocation* hidden = nullptr;
  bool offered = false;
  for (const store::SkillLocation& one : locations) {
    if (!Sees(cwd, one) || !IsRootOf(*host, one.registry_dir)) continue;
    const bool named = one.path == exposure.skill_path || one.real_path == exposure.skill_path;
    const bool same = one.description == *exposure.description;
    offered = offered || named || same;
    if (!named && !same && hidden == nullptr) hidden = &one;
  }
  return offered ? hidden : nullptr;
}

Bar Installed::BarFor(std::string_view platform, std::string_view cwd,
                      std::string_view skill_path) const {
  std::vector<const SkillPlacement*> asked;
  for (const SkillPlacement* one : placements) {
    if (!platform.empty() && one->platform != platform) continue;
    if (!cwd.empty() && !IsVisible(one->project_root, cwd)) continue;
    if (skill_path.empty() || one->path == skill_path) asked.push_back(one);
  }
  if (asked.empty()) return StoredBar(locations, cwd);
  const auto off = [&](const SkillPlacement& one) { return SettingsAgainst(one, cwd); };
  std::vector<const SkillPlacement*> taken;
  for (const SkillPlacement* one : asked) {
    if (one->shadowed_by.empty()) taken.push_back(one);
  }
  if (taken.empty()) {
    return skill_path.empty() ? Bar() : Bar{Bar::Kind::kHidden, asked.front()->shadowed_by};
  }
  // A file that forbids it outlasts the settings, so it is told first.
  const SkillPlacement* by_file = nullptr;
  std::string unknown;
  for (const SkillPlacement* one : taken) {
    if (!off(*one).empty()) continue;
    std::string may_be_off = SettingsUnknown(*one, cwd);
    if (!one->explicit_only && may_be_off.empty()) return {};
    if (one->explicit_only && by_file == nullptr) by_file = one;
    if (!one->explicit_only && unknown.empty()) unknown = std::move(may_be_off);
  }
  if (!unknown.empty()) return {Bar::Kind::kUnknown, std::move(unknown)};
  if (by_file != nullptr) return {Bar::Kind::kExplicitOnly, by_file->path};
  return {Bar::Kind::kDisabled, off(*taken.front())};
}

StatusOr<Installed> ReadInstalled(store::Db& db, const store::SkillRef& skill,
                                  const skillfs::Discovery* found) {
  Installed out;
  ST_ASSIGN_OR_RETURN(out.locations, store::ReadSkillLocations(db, skill.id));
  if (found == nullptr) return out;
  for (const skillfs::InstalledSkill& file : found->skills) {
    for (const SkillPlacement& placement : file.placements) {
      if (!base::EqualsIgnoreCase(placement.name, skill.name)) continue;
      out.placements.push_back(&placement);
    }
  }
  return out;
}

void AddInstalled(const Installed& installed, std::string_view cwd, WhyAnswer& answer) {
  if (!installed.any()) {
    answer.evidence.push_back({"installed", "no SKILL.md of this name was found by the last sync"});
    return;
  }
  for (const store::SkillLocation& location : installed.locations) {
    std::string text = location.scope + " skill";
    const std::string roots = base::Join(installed.RootsOf(location), " and ");
    if (!roots.empty()) text += ", seen only inside " + roots;
    answer.evidence.push_back({"installed", std::move(text), location.path});
    if (installed.placements.empty() && !location.implicit_allowed.value_or(true)) {
      answer.evidence.push_back(
          {"policy", "its file says that the model may not load it by itself", location.path});
    }
    if (!location.has_description) {
      answer.evidence.push_back({"description", "the file has none", location.path});
    }
  }
  for (const SkillPlacement* one : installed.placements) {
    const std::string title = TitleOf(one->platform);
    if (one->explicit_only) {
      answer.evidence.push_back({"policy",
                                 title + ": its file says that the model may not load it by itself",
                                 one->path});
    }
    const skillfs::Switches& switches = one->switches;
    if (!switches.disabled_by.empty()) {
      answer.evidence.push_back(
          {"policy", title + ": these settings switch it off", switches.disabled_by});
    } else if (!switches.unknown_by.empty()) {
      answer.evidence.push_back(
          {"policy", title + ": these settings are not understood, and may switch it off",
           switches.unknown_by});
    }
    if (const skillfs::ProjectSwitch* const on = switches.OnAgain(cwd)) {
      answer.evidence.push_back(
          {"policy",
           fmt::format("{}: these switch it on for sessions in {}", title, on->project_root),
           on->settings});
    }
    if (!one->shadowed_by.empty()) {
      answer.evidence.push_back({"shadowed", title + ": hidden by " + one->shadowed_by, one->path});
    }
  }
}

void AddHere(const Installed& installed, std::string_view cwd, WhyAnswer& answer) {
  if (cwd.empty()) return;
  const std::string_view sees = installed.OutOfSight(cwd) ? "no copy"
                                : installed.any() || !installed.placements.empty()
                                    ? "a copy"
                                    : "nothing, it is not installed";
  answer.evidence.push_back(
      {"here", fmt::format("asked from {}: a session there sees {}", cwd, sees)});
}

void AddStoredCause(WhyAnswer& answer) {
  if (!answer.missed_cause.has_value() || *answer.missed_cause == answer.cause) return;
  answer.evidence.push_back(
      {"missed_cause",
       fmt::format("{}: told by what was recorded at the time, and stored; {} is what files and "
                   "settings say now, and no evidence of then",
                   *answer.missed_cause, answer.cause)});
  answer.explanation +=
      fmt::format(" That is so now; what was recorded at the time says {}.", *answer.missed_cause);
}

StatusOr<std::vector<ListedNow>> ReadListedNow(store::Db& db, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(std::vector<store::ListingSession> sessions, store::NewestListings(db));
  std::vector<ListedNow> out;
  for (store::ListingSession& session : sessions) {
    ST_ASSIGN_OR_RETURN(store::ExposureSnapshot seen,
                        store::ReadExposure(db, session.session, std::nullopt));
    ListedNow& now = out.emplace_back();
    now.session = std::move(session);
    now.all = std::move(seen.skills);
  }
  for (ListedNow& now : out) {  // only now: pointers into vectors that stay
    for (const store::ExposureItem& item : now.all) {
      if (base::EqualsIgnoreCase(item.skill, skill)) now.item = &item;
    }
  }
  return out;
}

void AddListedNow(const std::vector<ListedNow>& listed, WhyAnswer& answer) {
  if (listed.empty()) {
    answer.evidence.push_back({"listing", "no host here records which skills it offers"});
  }
  for (const ListedNow& now : listed) {
    std::string text = now.session.platform + ": ";
    if (now.item == nullptr) {
      text += fmt::format("not among the {} skills its newest session was offered", now.all.size());
    } else {
      text += fmt::format("{} in its newest session, one of {}", now.item->state, now.all.size());
      if (now.item->state == "explicit_only") text += "; only a command loads it";
    }
    answer.evidence.push_back(
        {"listing", std::move(text), now.item == nullptr ? std::string() : now.item->skill_path});
  }
}

namespace {

// Which of the ways the model cannot choose a skill by itself this one is.
void ExplainDisabled(const WhyScene& scene, const std::string& path, WhyAnswer& answer) {
  if (scene.state == ExposureState::kDisabled) {
    answer.explanation = "The host's settings switch it off: the model did not know of it.";
    answer.fix = "allow it in the settings of the host, or start it by its command";
  } else if (scene.bar.kind == Bar::Kind::kDisabled) {
    answer.explanation = "The host's settings switch it off: the model does not know of it.";
    answer.fix = "allow it in " + scene.bar.path;
  } else if (scene.bar.kind == Bar::Kind::kExplicitOnly) {
    answer.explanation = "It is explicit only: the model may not load it by itself.";
    answer.fix = "allow it in " + scene.bar.path + ", or start it by its command";
  } else if (scene.state == ExposureState::kExplicitOnly) {
    answer.explanation = "It is explicit only: the model may not load it by itself.";
    answer.fix = "allow it in " + path + ", or start it by its command";
  } else {
    answer.explanation = "Its file or the host's settings say that the model may not load it.";
    answer.fix = "allow it in " + path + ", or start it by its command";
  }
}

void ExplainTruncated(const WhyScene& scene, WhyAnswer& answer) {
  answer.explanation = scene.state == ExposureState::kNameOnly
                           ? "The list of skills was too long: the model saw its name only."
                           : "The list of skills was too long: the model saw it shortened.";
  answer.fix = "see who takes the room, and put the decisive words of its description first";
  std::vector<std::string> argv = {"selftune", "budget", answer.skill};
  if (!scene.platform.empty()) {
    argv.emplace_back("--platform");
    argv.emplace_back(scene.platform);
  }
  answer.fix_command = base::JoinCommand(argv);
}

}  // namespace

void Explain(std::string_view cause, const Installed& installed, const WhyScene& scene,
             WhyAnswer& answer) {
  const std::string& name = answer.skill;
  const std::string path = installed.any() ? installed.locations.front().path : "its SKILL.md";
  if (cause == "description") {
    answer.explanation = "The model saw name and description and did not choose it.";
    answer.fix = "a description that says when it is needed";
    answer.fix_command = base::JoinCommand(base::WithFlag({"selftune", "evolve"}, "--skill", name));
  } else if (cause == "not_installed") {
    const bool elsewhere = !scene.here.empty() && installed.OutOfSight(scene.here);
    answer.explanation = elsewhere
                             ? fmt::format("It is not installed for sessions in {}.", scene.here)
                         : scene.here.empty() ? "It was not installed where this session ran."
                                              : "It is not installed.";
    answer.fix = elsewhere
                     ? "work in the project that has it, or put its folder where the host looks "
                       "for skills of the person, then selftune sync"
                     : "put its folder where the host looks for skills, then selftune sync";
  } else if (cause == "not_listed") {
    answer.explanation = "The host offered other skills, and not this one.";
    answer.fix = "look whether the host sees " + path + " and whether its frontmatter is valid";
    answer.fix_command = "selftune doctor --only 'skills.*'";
  } else if (cause == "truncated") {
    ExplainTruncated(scene, answer);
  } else if (cause == "compacted") {
    answer.explanation = "A compaction dropped the listing: the model no longer knew of it.";
    answer.fix = "begin a new session, or name the skill in the prompt; no description can help";
  } else if (cause == "shadowed") {
    answer.explanation = "Another skill of the same name was offered in its place.";
    answer.fix = "rename one of the two";
    answer.fix_command = "selftune doctor --only skills.shadowed";
  } else if (cause == "disabled") {
    ExplainDisabled(scene, path, answer);
  } else if (scene.bar.kind == Bar::Kind::kUnknown) {
    answer.explanation = fmt::format(
        "The host's settings in {} are not understood: whether they switch it off is not known.",
        scene.bar.path);
    answer.fix = "correct " + scene.bar.path + "; see what is wrong there";
    answer.fix_command = "selftune doctor --only skills.parse";
  } else {
    answer.explanation = "The host does not record what it offered, so the cause is not known.";
    answer.fix = "look at what was typed and what the description says";
    answer.fix_command = base::JoinCommand({"selftune", "skills", "show", name});
  }
}

std::string OneLine(std::string_view text, size_t n) {
  const std::string line = base::CollapseSpace(text);
  const std::string_view shown = base::FirstCodePoints(line, n);
  return shown.size() < line.size() ? std::string(shown) + "…" : line;
}

}  // namespace selftune::status
