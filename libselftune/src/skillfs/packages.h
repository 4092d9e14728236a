// Who looks after a skill's file: the plugin, extension or package that it is a part of.
#pragma once

#include <span>
#include <string_view>

#include "base/string_map.h"
#include "skillfs/discovery.h"
#include "skillfs/discovery_roots.h"

namespace selftune::skillfs {

// The one rule, for all hosts: a file belongs to a package when it really lies in the
// package's real folder, whoever names it and by whatever path. What a manifest or a link
// of the package leads to elsewhere is not the package's: a cloned repository could take a
// person's skills away with it. And what lies in a package is nobody's own, whatever the
// settings call it.
class Packages {
 public:
  // Of all named roots of the hosts, which outlive this.
  Packages(std::span<const HostSkillRules> hosts, DiskCache& disk);
  Packages() = default;

  // What brought this root along, if anything did; outlives this.
  void Add(const NamedRoot& root, DiskCache& disk);
  // The innermost package around a file, as a root of it; null: there is none.
  [[nodiscard]] const NamedRoot* Around(std::string_view real_path) const;

 private:
  base::StringMap<const NamedRoot*> by_folder_;  // real paths
};

// Whether a copy is not the person's to change: a package, the host or an administrator looks
// after it. `in_package`: see Around.
[[nodiscard]] bool IsManaged(std::string_view scope, std::string_view real_path, bool in_package);

}  // namespace selftune::skillfs
