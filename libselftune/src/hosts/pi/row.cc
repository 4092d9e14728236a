#include "hosts/pi/skill_entries.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;
using Single = skillfs::SingleFiles;

// The first one found wins, the project's before the person's. Settings name more, and take
// some out: skill_entries.h, skill_words.h.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectHere,
     .path = ".pi/skills",
     .scope = "project",
     .precedence = 2,
     .nested = true,
     .root_too = true,
     .single_files = Single::kInRoot},
    {.base = Base::kProjectUp,
     .path = ".agents/skills",
     .scope = "project",
     .precedence = 3,
     .nested = true,
     .root_too = true,
     .single_files = Single::kBelowRoot,
     .outside = skillfs::Outside::kTop},
    {.base = Base::kConfigDir,
     .path = "skills",
     .scope = "global",
     .precedence = 5,
     .nested = true,
     .root_too = true,
     .single_files = Single::kInRoot},
    {.base = Base::kHome,
     .path = ".agents/skills",
     .scope = "global",
     .precedence = 6,
     .nested = true,
     .root_too = true,
     .single_files = Single::kBelowRoot},
};

}  // namespace

constinit const HostRow kPiRow = {
    .platform = "pi",
    .title = "Pi",
    .command = "pi",
    .config_env = "PI_CODING_AGENT_DIR",
    .config_default = ".pi/agent",
    .skill_roots = kRoots,
    .equal_names_shadow = true,
    .explicit_only_key = "disable-model-invocation",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .skill_ends_search = true,
    .ignore_files = true,
    .named_roots = pi::NamedSkillRoots,
};

}  // namespace selftune::hosts
