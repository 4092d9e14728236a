// Copies of one skill that a changed description has to reach together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "skillfs/discovery.h"

namespace selftune::skillfs {

enum class ReplicaState {
  kDeploys,     // has the description in question and may be written
  kDiverged,    // another description: listed, never touched
  kPlugin,      // a plugin, a package manager or a read-only folder manages it
  kProtected,   // of the administrator or the host itself: never written
  kUnreadable,  // its frontmatter has errors
  kHeld,        // its host has a change of it waiting for a person
  kSingleFile,  // no SKILL.md in a folder of its own
  kHardLinked,  // the file has further names; a swap would separate them
};
[[nodiscard]] std::string_view Name(ReplicaState state);  // "deploys", "diverged", ...

struct Replica {
  const InstalledSkill* skill = nullptr;  // in the Discovery
  ReplicaState state = ReplicaState::kDeploys;
  bool same_description = false;
  std::string reason;  // for people; "" when it deploys
};

// Every real file that some host calls `name` (ASCII case is ignored).
// `description` is the one a proposal was made from. Order: of the discovery.
// Points into `discovery`, which must outlive the result.
[[nodiscard]] std::vector<Replica> FindReplicas(const Discovery& discovery, std::string_view name,
                                                std::string_view description);

// A path below a plugin cache, a plugin marketplace or node_modules: the next
// update of the package would overwrite a change.
[[nodiscard]] bool IsPackagePath(std::string_view path);

}  // namespace selftune::skillfs
