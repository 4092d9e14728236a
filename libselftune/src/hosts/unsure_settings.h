// Settings that nobody understands, and which folders of skills they may name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "hosts/registry.h"
#include "skillfs/skill_root.h"

namespace selftune::hosts {

// The folders where a host looks for skills whatever its settings say, told from their paths
// alone.
class FixedFolders {
 public:
  FixedFolders(const HostRow& row, const base::Environment& env);
  [[nodiscard]] bool Hold(std::string_view folder) const;

 private:
  std::vector<std::string> folders_;  // absolute
  std::vector<std::string> endings_;  // of project folders, "/.claude/skills"
};

class UnsureSettings {
 public:
  explicit UnsureSettings(const base::Environment& env);

  // A file that is not understood.
  struct File {
    std::string_view platform;
    std::string path;
    std::string config_dir;  // it is the person's, and lies in there; "" = it lies elsewhere
  };

  // What was wrong with the files of a host that is here in which it names folders; also where
  // nothing was, for then it is known what it names.
  void Add(std::string_view platform, std::string_view config_dir,
           std::span<const skillfs::DiscoveryProblem> problems);

  [[nodiscard]] bool empty() const { return files_.empty(); }

  // What may name this folder for sessions in a project, "" = for all; null: nothing. Settings
  // of the person may name any but the fixed ones and those in the configuration folder of a
  // host that is understood; others those of their project, or beside them. `platform`: of
  // this host alone, "" = of all.
  [[nodiscard]] const File* MayName(std::string_view folder, std::string_view project_root,
                                    std::string_view platform = "") const;

 private:
  std::vector<FixedFolders> fixed_;      // of all hosts
  std::vector<std::string> understood_;  // configuration folders
  std::vector<File> files_;
};

}  // namespace selftune::hosts
