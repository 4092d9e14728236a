#include "capi/own_skill.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/free_path.h"
#include "base/status_macros.h"
#include "capi/skill_folder.h"
#include "config/config.h"
#include "install/file_change.h"
#include "install/ours.h"
#include "install/skill.h"
#include "upstream/reference_skill.h"

namespace selftune::capi {
namespace {

using Base = skillfs::SkillRoot::Base;

constexpr std::string_view kSkill = "skill";
constexpr std::string_view kAgent = "agent";
constexpr std::string_view kForms = "forms/";  // in what is installed: for agents' folders alone
constexpr std::string_view kShared = ".agents/skills";
constexpr std::string_view kMainFile = "SKILL.md";

bool IsOfProject(const skillfs::SkillRoot& root) {
  return root.base == Base::kProjectUp || root.base == Base::kProjectOnly ||
         root.base == Base::kProjectHere;
}

// Where the host looks: the folder that many share if it does, else its first one of its own.
const skillfs::SkillRoot* RootOf(const hosts::HostRow& row, bool of_project) {
  const skillfs::SkillRoot* own = nullptr;
  for (const skillfs::SkillRoot& root : row.skill_roots) {
    if (of_project ? !IsOfProject(root) : root.base != Base::kHome && root.base != Base::kConfigDir)
      continue;
    if (root.path == kShared && root.base != Base::kConfigDir) return &root;
    if (own == nullptr && (of_project || root.base == Base::kConfigDir)) own = &root;
  }
  return own;
}

// Many people link the folder of one agent to that of another: one place for both, by a
// name that is no link if there is one.
void AddPlace(std::vector<SkillPlace>& places, SkillPlace place) {
  const std::string real = RealFolder(place.folder);
  for (SkillPlace& known : places) {
    if (known.kind != place.kind || RealFolder(known.folder) != real) continue;
    if (IsLink(known.folder) && !IsLink(place.folder)) known.folder = place.folder;
    known.platforms.insert(known.platforms.end(), place.platforms.begin(), place.platforms.end());
    return;
  }
  places.push_back(std::move(place));
}

// A skill has the specialists as files to read, for hosts that have no agents of that kind.
std::vector<install::OwnFile> FilesOf(const SkillPlace& place) {
  const std::string form = place.kind == kAgent ? std::string(place.form) + "/" : "";
  std::vector<install::OwnFile> out;
  for (const install::SkillFile& file : install::SkillFiles()) {
    if (form.empty() ? file.path.starts_with(kForms) : !file.path.starts_with(form)) continue;
    const std::string_view name = file.path.substr(form.size());
    out.push_back({.path = base::JoinPath(place.folder, name), .bytes = std::string(file.text)});
  }
  return out;
}

// How specialists are written in a folder that a row tells of. Before there were several
// forms rows named no host.
std::string_view FormOf(const store::InstallRow& row) {
  const hosts::HostRow* const host = hosts::FindRow(row.platform);
  return host == nullptr || host->specialists.dir.empty() ? SkillPlace().form
                                                          : host->specialists.form;
}

bool IsIn(const store::InstallRow& row, const SkillPlace& place) {
  return row.kind == place.kind && row.path.starts_with(place.folder + "/");
}

// The folder of a row's place; "" for a row of another kind.
std::string FolderOf(const store::InstallRow& row) {
  if (row.kind == kAgent) return std::string(base::DirName(row.path));
  const std::string ours = "/skills/" + std::string(config::kOwnSkill);
  const size_t at = row.path.rfind(ours + "/");
  return row.kind != kSkill || at == row.path.npos ? "" : row.path.substr(0, at + ours.size());
}

// What the row of a specialist names, so that its form is known wherever it is; a skill is
// of no host.
std::string PlatformOf(const std::vector<store::InstallRow>& rows, const SkillPlace& place,
                       const std::string& path) {
  if (const auto* const row = install::FindRow(rows, path, place.kind)) return row->platform;
  return place.kind == kAgent && !place.platforms.empty() ? place.platforms.front() : "";
}

// "" for a file that is as it is to be, and where nothing of ours is to be: `expected`.
std::string_view StateOf(const install::OwnFile& own, const StatusOr<install::FileText>& file,
                         const store::InstallRow* row, bool expected) {
  if (!file.ok()) return "unreadable";
  if (!file->exists) return expected ? "missing" : "";
  if (file->bytes == own.bytes) return "";
  if (row == nullptr) return "foreign";
  return row->sha256 == file->sha256 ? "outdated" : "edited";
}

// Nothing of ours is there, and the TypeScript selftune's skill is. Behind a link lies
// somebody's own folder, as a checkout.
bool HasReference(const SkillPlace& place, const std::vector<store::InstallRow>& rows) {
  if (place.kind != kSkill || HasRows(rows, place) || IsLink(place.folder)) return false;
  const auto main = install::ReadFileText(base::JoinPath(place.folder, kMainFile));
  return main.ok() && main->exists && upstream::IsReferenceSkill(main->bytes, place.folder);
}

}  // namespace

void UseKnownNames(const std::vector<store::InstallRow>& rows, std::vector<SkillPlace>& places) {
  for (SkillPlace& place : places) {
    if (HasRows(rows, place)) continue;
    const std::string real = RealFolder(place.folder);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const store::InstallRow& one) {
      return one.kind == place.kind && RealFolder(FolderOf(one)) == real;
    });
    if (row != rows.end()) place.folder = FolderOf(*row);
  }
}

bool HasRows(const std::vector<store::InstallRow>& rows, const SkillPlace& place) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return IsIn(row, place); });
}

bool IsThere(const std::vector<store::InstallRow>& rows, const SkillPlace& place) {
  if (place.kind == kSkill) return base::Exists(base::JoinPath(place.folder, kMainFile));
  return std::any_of(rows.begin(), rows.end(),
                     [&](const auto& row) { return IsIn(row, place) && base::Exists(row.path); });
}

bool IsGone(const SkillPlace& place) {
  // ".claude" of ".claude/skills/selftune" and of ".claude/agents".
  const std::string_view above = base::DirName(place.folder);
  return !base::Exists(std::string(place.kind == kSkill ? base::DirName(above) : above));
}

std::vector<SkillPlace> UserSkillPlaces(const std::vector<HostHere>& hosts) {
  std::vector<SkillPlace> out;
  for (const HostHere& host : hosts) {
    const std::string platform(host.row->platform);
    const skillfs::SkillRoot* const root = RootOf(*host.row, /*of_project=*/false);
    if (root == nullptr) continue;
    const std::string& dir = root->base == Base::kHome ? host.place.home : host.place.config_dir;
    AddPlace(out, {.folder = base::JoinPath(base::JoinPath(dir, root->path), config::kOwnSkill),
                   .kind = kSkill,
                   .platforms = {platform}});
    const hosts::Specialists& specialists = host.row->specialists;
    if (specialists.dir.empty()) continue;
    AddPlace(out, {.folder = base::JoinPath(host.place.config_dir, specialists.dir),
                   .kind = kAgent,
                   .form = specialists.form,
                   .platforms = {platform}});
  }
  return out;
}

StatusOr<std::vector<SkillPlace>> ProjectSkillPlaces(const std::vector<HostHere>& hosts,
                                                     const std::string& project, bool named) {
  std::vector<SkillPlace> out;
  for (const HostHere& host : hosts) {
    const std::string platform(host.row->platform);
    const skillfs::SkillRoot* const root = RootOf(*host.row, /*of_project=*/true);
    if (root == nullptr && named) {
      return WithSuggestion(Fail(kUnsupportedType,
                                 "installing the skill: {} reads no skills of "
                                 "a project",
                                 host.row->title),
                            "install it for yourself",
                            fmt::format("selftune skill install --agent {}", host.row->command));
    }
    if (root == nullptr) continue;
    AddPlace(out, {.folder = base::JoinPath(base::JoinPath(project, root->path), config::kOwnSkill),
                   .kind = kSkill,
                   .scope = "project",
                   .platforms = {platform}});
    const hosts::Specialists& specialists = host.row->specialists;
    if (specialists.dir.empty()) continue;
    AddPlace(out, {.folder = base::JoinPath(project, specialists.project_dir),
                   .kind = kAgent,
                   .scope = "project",
                   .form = specialists.form,
                   .platforms = {platform}});
  }
  return out;
}

std::vector<SkillPlace> OtherSkillPlaces(const std::vector<store::InstallRow>& rows,
                                         const std::vector<SkillPlace>& known) {
  std::vector<SkillPlace> out;
  for (const store::InstallRow& row : rows) {
    const std::string folder = FolderOf(row);
    const std::string_view kind = row.kind == kAgent ? kAgent : kSkill;
    const auto same = [&](const SkillPlace& place) {
      return place.folder == folder && place.kind == kind;
    };
    if (folder.empty() || std::any_of(known.begin(), known.end(), same) ||
        std::any_of(out.begin(), out.end(), same)) {
      continue;
    }
    out.push_back(
        {.folder = folder, .kind = kind, .scope = "project", .form = FormOf(row), .platforms = {}});
  }
  return out;
}

SkillDone InstallSkillAt(install::World& world, const SkillPlace& place, install::Edits edits) {
  SkillDone out;
  if (std::string way = install::InTheWay(place.folder); !way.empty()) {
    out.status = Fail(kFileExists, "installing {}: {} is no folder", place.folder, way);
    out.foreign = true;
    out.kept = {std::move(way)};
    return out;
  }
  const std::vector<install::OwnFile> wanted = FilesOf(place);
  const bool reference = HasReference(place, world.rows);
  for (const install::OwnFile& own : wanted) {
    auto file = install::InstallFile(world, place.kind, PlatformOf(world.rows, place, own.path),
                                     own, reference ? install::Edits::kReplace : edits);
    if (!file.ok()) {
      const std::string_view code = CodeOf(file.status()).name;
      const bool foreign = code == kFileExists.name || code == kFileChanged.name;
      if (out.status.ok() || !foreign) out.foreign = foreign;
      if (out.status.ok() || !foreign) out.status = file.status();
      if (!foreign) return out;
      out.kept.push_back(own.path);
      if (base::BaseName(own.path) == kMainFile && code == kFileExists.name) return out;
      continue;
    }
    if (file->did == install::Did::kNothing) {
      ++out.there;
      continue;
    }
    out.took_over = out.took_over || (reference && file->replaced);
    out.files.did = std::max(out.files.did, file->did);
    out.files.files.push_back(*std::move(file));
  }
  auto stale = install::RemoveStale(world, place.kind, place.folder, wanted, edits);
  if (!stale.ok()) {
    out.status = stale.status();
    out.foreign = false;
    return out;
  }
  out.stale = static_cast<int64_t>(stale->files.size());
  out.files.did = std::max(out.files.did, stale->did);
  out.files.afterwards = std::move(stale->afterwards);
  std::move(stale->files.begin(), stale->files.end(), std::back_inserter(out.files.files));
  return out;
}

std::vector<std::string> InstallArgv(const SkillPlace& place) {
  std::vector<std::string> out = {"selftune", "skill", "install"};
  if (!place.platforms.empty()) out.insert(out.end(), {"--agent", place.platforms.front()});
  if (place.scope != "user") out.insert(out.end(), {"--scope", std::string(place.scope)});
  return out;
}

std::vector<std::string> ReplaceArgv(const SkillPlace& place, const std::string& path,
                                     const Status& status) {
  const std::string_view code = CodeOf(status).name;
  if (code == kFileChanged.name) return {"selftune", "skill", "update"};
  if (IsLink(place.folder) && place.kind == kSkill) {  // beside it agents would still read it
    const std::string above(base::DirName(base::DirName(place.folder)));
    return {"mv", "-n", place.folder, base::FreePath(base::JoinPath(above, "selftune-skill.kept"))};
  }
  const auto file = install::ReadFileText(path);
  const bool in_the_way = path == install::InTheWay(place.folder);
  // What a link leads to is somebody's, and what is no file has no bytes to keep.
  if (in_the_way || !file.ok() || file->is_link)
    return {"mv", "-n", path, base::FreePath(path + ".kept")};
  std::vector<std::string> out = InstallArgv(place);
  out.emplace_back("--replace");
  return out;
}

std::string Said(const SkillPlace& place, const SkillDone& done) {
  std::string out;
  for (const std::string& path : done.kept) out += path + " is yours and was kept; ";
  const auto written = static_cast<int64_t>(done.files.files.size()) - done.stale;
  out += fmt::format("{}: {} files installed, {} were there", place.folder, written, done.there);
  if (done.took_over) {
    out += ", instead of the TypeScript selftune's skill, which comes back when ours is taken out";
  }
  if (done.stale > 0) out += fmt::format(", {} of an older version taken out", done.stale);
  for (const std::string& what : done.files.afterwards) out += "; " + what;
  return out;
}

SkillLook LookAtSkill(const std::vector<store::InstallRow>& rows, const SkillPlace& place) {
  SkillLook out;
  const std::vector<install::OwnFile> wanted = FilesOf(place);
  const bool expected = HasRows(rows, place);
  for (const install::OwnFile& own : wanted) {
    const store::InstallRow* const row = install::FindRow(rows, own.path, place.kind);
    const auto file = install::ReadFileText(own.path);
    const std::string_view state = StateOf(own, file, row, expected);
    if (row != nullptr && out.version.empty()) out.version = row->version;
    const bool there = state.empty() && base::Exists(own.path);
    out.unmodified += there ? 1 : 0;
    if (!state.empty()) out.drift.push_back({own.path, state, file.ok() && file->is_link});
    if (row != nullptr || there || !state.empty()) {
      out.absent = false;
      ++out.files;
    }
    // The rest of a person's own skill is theirs as well.
    if (state == "foreign" && base::BaseName(own.path) == kMainFile) return out;
  }
  for (const store::InstallRow& row : rows) {
    if (!IsIn(row, place)) continue;
    const bool needed = std::any_of(wanted.begin(), wanted.end(),
                                    [&](const auto& own) { return own.path == row.path; });
    if (needed || install::DriftOf(row) == "missing") continue;
    out.absent = false;
    ++out.files;
    if (out.version.empty()) out.version = row.version;
    out.drift.push_back({row.path, "dropped"});
  }
  return out;
}

}  // namespace selftune::capi
