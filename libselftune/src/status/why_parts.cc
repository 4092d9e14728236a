#include "status/why_parts.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::status {

bool Installed::VisibleFrom(std::string_view cwd) const {
  return std::any_of(locations.begin(), locations.end(), [&](const store::SkillLocation& location) {
    const std::string& root = location.project_root;
    return root.empty() || cwd == root ||
           (cwd.size() > root.size() && cwd.starts_with(root) && cwd[root.size()] == '/');
  });
}

StatusOr<Installed> ReadInstalled(store::Db& db, store::SkillId skill) {
  Installed out;
  ST_ASSIGN_OR_RETURN(out.locations, store::ReadSkillLocations(db, skill));
  out.explicit_only = out.any() && std::all_of(out.locations.begin(), out.locations.end(),
                                               [](const store::SkillLocation& location) {
                                                 return location.implicit_allowed.has_value() &&
                                                        !*location.implicit_allowed;
                                               });
  return out;
}

void AddInstalled(const Installed& installed, WhyAnswer& answer) {
  if (!installed.any()) {
    answer.evidence.push_back({"installed", "no SKILL.md of this name was found by the last sync"});
    return;
  }
  for (const store::SkillLocation& location : installed.locations) {
    std::string text = location.scope + " skill";
    if (!location.project_root.empty()) text += ", seen only inside " + location.project_root;
    answer.evidence.push_back({"installed", std::move(text), location.path});
    if (location.implicit_allowed.has_value() && !*location.implicit_allowed) {
      answer.evidence.push_back(
          {"policy", "its file says that the model may not load it by itself", location.path});
    }
    if (!location.has_description) {
      answer.evidence.push_back({"description", "the file has none", location.path});
    }
  }
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
void ExplainDisabled(const Installed& installed, const WhyScene& scene, const std::string& path,
                     WhyAnswer& answer) {
  if (scene.state == ExposureState::kDisabled) {
    answer.explanation = "The host's settings switch it off: the model did not know of it.";
    answer.fix = "allow it in the settings of the host, or start it by its command";
  } else if (installed.explicit_only || scene.state == ExposureState::kExplicitOnly) {
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

std::string ShellQuoted(std::string_view word) {
  std::string text = base::JoinCommand({std::string(word)});
  return text == word ? "'" + text + "'" : text;
}

void Explain(std::string_view cause, const Installed& installed, const WhyScene& scene,
             WhyAnswer& answer) {
  const std::string& name = answer.skill;
  const std::string path = installed.any() ? installed.locations.front().path : "its SKILL.md";
  if (cause == "description") {
    answer.explanation = "The model saw name and description and did not choose it.";
    answer.fix = "a description that says when it is needed";
    answer.fix_command = "selftune evolve --skill " + ShellQuoted(name);
  } else if (cause == "not_installed") {
    answer.explanation = "It was not installed where this session ran.";
    answer.fix = "put its folder where the host looks for skills, then selftune sync";
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
    ExplainDisabled(installed, scene, path, answer);
  } else {
    answer.explanation = "The host does not record what it offered, so the cause is not known.";
    answer.fix = "look at what was typed and what the description says";
    answer.fix_command = "selftune skills show " + ShellQuoted(name);
  }
}

std::string OneLine(std::string_view text, size_t n) {
  const std::string line = base::CollapseSpace(text);
  const std::string_view shown = base::FirstCodePoints(line, n);
  return shown.size() < line.size() ? std::string(shown) + "…" : line;
}

}  // namespace selftune::status
